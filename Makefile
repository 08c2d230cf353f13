# Everything a developer does here, by name. `make` alone lists it.
# The first run prepares .venv (a minute); later runs only when pyproject.toml changed.

.DEFAULT_GOAL := help
SHELL := /bin/sh

PYTHON := $(shell sh tools/find-python.sh)
BIN := .venv/bin
RUN := .venv/.installed
DEV := .venv/.installed-dev
CLIENTS := .venv/.installed-clients

.PHONY: help demo test check bench soak clean

help: ## List these commands
	@echo "make demo    the shop and its personalization, in your browser (ARGS='--reset' starts over)"
	@echo "make test    everything: lint, types, and all tests with real clients and a real browser"
	@echo "make check   lint and types only"
	@echo "make bench   measurements, as ratios of one run"
	@echo "make soak    the property tests with many more examples, and simulated tests"
	@echo "make clean   remove what these commands made (.data/ stays)"

demo: $(RUN) ## Start the demo shop
	@$(BIN)/python -m opportune demo $(ARGS)

check: $(DEV) ## Lint and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check src tests tools bench
	$(BIN)/mypy

test: $(DEV) $(CLIENTS) check ## Everything
	$(BIN)/python tools/run_tests.py $(ARGS)

bench: $(DEV) ## Measurements
	@$(BIN)/python tools/prepare.py bench
	$(BIN)/python -m bench $(ARGS)

soak: $(DEV) ## Property tests, long
	$(BIN)/python -m pytest --hypothesis-profile=soak $(ARGS) tests/core tests/contract tests/storage
	$(BIN)/python -m bench.simulations

clean: ## Remove what the commands above made
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist tests/acceptance/node/node_modules
	find src tests tools bench -name __pycache__ -type d -prune -exec rm -rf {} +

$(RUN): pyproject.toml tools/prepare.py
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed, as python3 on the PATH; none was found." >&2; exit 1; }
	@$(PYTHON) tools/prepare.py run

$(DEV): pyproject.toml tools/prepare.py
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed, as python3 on the PATH; none was found." >&2; exit 1; }
	@$(PYTHON) tools/prepare.py dev

$(CLIENTS): $(DEV) tests/acceptance/node/package.json tools/find.py
	@$(BIN)/python tools/prepare.py clients
