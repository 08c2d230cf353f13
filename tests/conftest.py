"""What every test may ask for: Node, a browser, a free port, PostgreSQL, a store; how long properties search."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, settings
from tests.ports import find_free_port
from tests.postgres_server import Postgres, PostgresServer, copied_database, is_installed
from tests.stores import STORES, opened_store
from tools.find import find_chromium, find_nginx, find_node

from opportune.storage.base import Storage
from opportune.storage.postgres import PostgresStorage

settings.register_profile(
    "quick",
    deadline=None,
    max_examples=50,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=True,  # a change fails for what it does, not for what was drawn; the soak draws anew each time
)
settings.register_profile(
    "soak", deadline=None, max_examples=5_000, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("quick")

BYTECODE = Path(__file__).parents[1] / ".pytest_cache" / "bytecode"
if os.environ.pop("PYTHONDONTWRITEBYTECODE", ""):
    # Hundreds of processes are started here: each would compile every module again, and take twice as long.
    os.environ.setdefault("PYTHONPYCACHEPREFIX", str(BYTECODE))

POSTGRES_VARIABLE = "OPPORTUNE_TEST_POSTGRES"
READS_FOR_SOME_SECONDS = (
    *(f"traffic.{name}" for name in ("backtesting", "forewarning", "imagining", "planning", "surveying")),
    "guard.expecting",
)
"""Services that read as much as they can within a second or so, and answer from that."""
NODE_FOLDER = Path(__file__).parent / "acceptance" / "node"


@pytest.fixture(scope="session", autouse=True)
def unhurried() -> Iterator[None]:
    """Each look at their clock takes them a microsecond, so that a busy machine changes no answer of theirs."""
    looks = count()
    with pytest.MonkeyPatch.context() as patch:
        for name in READS_FOR_SOME_SECONDS:
            patch.setattr(f"opportune.services.{name}.perf_counter", lambda: next(looks) / 1e6)
        yield


@pytest.fixture(scope="session")
def node() -> Path:
    """Node with the test clients beside it (`make test` installs both)."""
    found = find_node()
    if found is None or not (NODE_FOLDER / "node_modules").is_dir():
        pytest.fail("Node or its test clients are missing: run `make test` once, it installs them.")
    return found


@pytest.fixture(scope="session")
def chromium() -> Path:
    """A Chromium for Playwright's `executable_path` (`make test` installs one)."""
    found = find_chromium()
    if found is None:
        pytest.fail("Chromium is missing: run `make test` once, it installs it.")
    return found


@pytest.fixture(scope="session")
def nginx() -> Path:
    """A real nginx (`make test` installs one when it is root)."""
    found = find_nginx()
    if found is None:
        pytest.skip("nginx is missing, so its examples are not tried: install nginx-light and run again")
    return found


@pytest.fixture
def free_port() -> int:
    """A port of 127.0.0.1 which nobody listens on, for what cannot look for one itself."""
    return find_free_port()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    """The server whose URL `OPPORTUNE_TEST_POSTGRES` gives, else one of this run (`make test` installs it)."""
    if url := os.environ.get(POSTGRES_VARIABLE):
        yield Postgres(url)
        return
    if not is_installed():
        pytest.fail(f"PostgreSQL is missing: run `make test` once, or give a URL as {POSTGRES_VARIABLE}.")
    with PostgresServer() as server:
        yield server


@pytest.fixture
def crashable_postgres(postgres_server: Postgres) -> Iterator[PostgresServer]:
    """The run's server, for a test that freezes, kills or restarts it; it answers again afterwards."""
    if not isinstance(postgres_server, PostgresServer):
        pytest.skip(f"only a server of the tests' own is frozen or killed, not that of {POSTGRES_VARIABLE}")
    yield postgres_server
    postgres_server.revive()


@pytest.fixture
def postgres_url(postgres_server: Postgres) -> Iterator[str]:
    """The URL of an empty database of this test's own."""
    name = f"opportune_test_{uuid4().hex}"
    yield postgres_server.make_database(name)
    if isinstance(postgres_server, PostgresServer):
        postgres_server.revive()
    postgres_server.drop_database(name)


@pytest.fixture(scope="session")
def postgres_layout(postgres_server: Postgres) -> Iterator[str]:
    """The name of a database with the house's tables and nothing in them, to be copied."""
    name = f"opportune_layout_{uuid4().hex}"
    PostgresStorage(postgres_server.make_database(name)).close()
    yield name
    postgres_server.drop_database(name)


@pytest.fixture
def postgres_store(postgres_server: Postgres, postgres_layout: str) -> Iterator[str]:
    """The URL of a database of this test's own that has its tables already."""
    with copied_database(postgres_server, postgres_layout) as url:
        yield url


@pytest.fixture(params=STORES)
def storage(request: pytest.FixtureRequest) -> Iterator[Storage]:
    """An empty store; the test runs on every kind there is."""
    with opened_store(request) as opened:
        yield opened


@pytest.fixture(scope="module", params=STORES)
def module_storage(request: pytest.FixtureRequest) -> Iterator[Storage]:
    """The same for all tests of a module together, which run on one kind after another."""
    with opened_store(request) as opened:
        yield opened


@pytest.fixture(scope="session")
def tracked_files() -> list[Path]:
    """Every file of the repository that git knows, or would take."""
    root = Path(__file__).parent.parent
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout
    return [root / line for line in listed.splitlines() if (root / line).is_file()]
