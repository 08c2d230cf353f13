"""Imports point one way, as `docs/` draws the house; the core stays pure."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[2] / "src" / "opportune"
MODULES = sorted(path for path in HOUSE.rglob("*.py"))

HOUSE_PARTS = {"services", "recipes", "storage", "delivery", "core", "errors"}
MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "core": {"core", "errors"},
    "storage": {"storage", "core", "errors"},
    "delivery": {"delivery", "core", "errors"},
    "platforms": {"errors"},  # files to paste, filled
    "recipes": set(),  # playbook files, and a list of them
    "services": {"services", "recipes", "storage", "delivery", "core", "errors"},
    "http": {"http", *HOUSE_PARTS},
    "console": {"console", *HOUSE_PARTS},
    # Around the house: settings, what a process is made of (folder, lock, socket, commands, reading
    # process), putting it all together, and a server's life.
    "settings": {"errors"},
    "process": {"process", *HOUSE_PARTS},
    "app": {"app", "settings", "process", "http", "console", "platforms", *HOUSE_PARTS},
    "server": {"app", "process", "settings", *HOUSE_PARTS},
    "cli": {"cli", "app", "server", "process", "settings", "platforms", "demo", *HOUSE_PARTS},
    # The ways in for a site's own server know only the HTTP surface; the demo shop uses one, as any shop would.
    "web": {"web"},
    "demo": {"demo", "web"},
    "__main__": {"cli"},
    "__init__": set(),
}
PORTS_ONLY = {"services", "http", "console"}
ADAPTERS = ("opportune.storage.memory", "opportune.storage.sqlite")
IMPURE = {"time", "random", "os", "io", "logging", "asyncio", "socket", "sqlite3", "threading", "subprocess"}
CLOCKS = {"now", "utcnow", "today", "uuid4", "token_hex", "token_urlsafe"}


def part_of(path: Path) -> str:
    return path.relative_to(HOUSE).parts[0].removesuffix(".py")


def is_for_types_only(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def imports_of(path: Path) -> list[str]:
    """Every module a file imports at run time, as a dotted name."""
    found: list[str] = []
    waiting: list[ast.AST] = [ast.parse(path.read_text())]
    while waiting:
        node = waiting.pop()
        if is_for_types_only(node):
            continue
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno} imports relatively; name the module whole"
            module = node.module or ""
            found += [f"{module}.{alias.name}" for alias in node.names] if module == "opportune" else [module]
        waiting += ast.iter_child_nodes(node)
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(HOUSE)))
def test_a_module_imports_only_from_the_parts_below_it(path: Path) -> None:
    part = part_of(path)
    assert part in MAY_IMPORT, f"{part} is a new part of the house: say here what it may import"
    for name in imports_of(path):
        pieces = name.split(".")
        if pieces[0] != "opportune" or len(pieces) == 1 or pieces[1].startswith("__"):
            continue  # somebody else's package, or the version
        assert pieces[1] in MAY_IMPORT[part], f"{path} imports {name}; {part} may import {MAY_IMPORT[part]}"


@pytest.mark.parametrize("part", sorted(PORTS_ONLY))
def test_only_the_composition_root_and_the_command_line_name_a_store(part: str) -> None:
    for path in (HOUSE / part).rglob("*.py"):
        for name in imports_of(path):
            assert not name.startswith(ADAPTERS), f"{path} names the adapter {name}; take the port instead"


def test_the_core_reads_no_clock_and_does_no_io() -> None:
    for path in (HOUSE / "core").rglob("*.py"):
        for name in imports_of(path):
            assert name.split(".")[0] not in IMPURE, f"{path} imports {name}: the core is pure"


def test_the_core_calls_no_clock_and_opens_no_file() -> None:
    for path in (HOUSE / "core").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call):
                continue
            where = f"{path}:{node.lineno}"
            if isinstance(node.func, ast.Name):
                assert node.func.id not in {"open", "print", "input"}, f"{where} does I/O"
            if isinstance(node.func, ast.Attribute):
                assert node.func.attr not in CLOCKS, f"{where} reads a clock or chance"


def test_the_core_needs_no_server_packages() -> None:
    for path in (HOUSE / "core").rglob("*.py"):
        for name in imports_of(path):
            assert name.split(".")[0] not in {"starlette", "uvicorn", "click"}, f"{path}: {name}"


def test_storage_and_delivery_are_strangers() -> None:
    for path in (HOUSE / "storage").rglob("*.py"):
        assert not any(name.startswith("opportune.delivery") for name in imports_of(path)), path


def test_the_test_reads_real_modules() -> None:
    assert len(MODULES) > 20
    assert "opportune" not in sys.stdlib_module_names
