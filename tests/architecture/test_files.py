"""How files are kept: names, docstrings, sizes, and nothing of one machine in the repository."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HOUSE = ROOT / "src" / "opportune"
TESTS = ROOT / "tests"
MODULES = sorted(HOUSE.rglob("*.py"))
TEST_FILES = sorted(TESTS.rglob("test_*.py"))

WEAK_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "stuff", "base_utils"}
LONGEST_FUNCTION = 60
SOMEBODYS_FOLDER = r"/(?:root|Users|home|work|tmp)/[A-Za-z_-]+/"
A_REGISTRY = r"(?:pypi|npmjs|pythonhosted|yarnpkg|artifactory|nexus)\.(?:org|com|net|io)"
THIS_MACHINE = re.compile(f"{SOMEBODYS_FOLDER}|{A_REGISTRY}")
LOCK_FILES = {"uv.lock", "package-lock.json", "poetry.lock"}
BINARY = {".png", ".jpg", ".gif", ".ico", ".woff2", ".webp", ".gz"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(HOUSE)))
def test_every_module_says_what_it_answers_for(path: Path) -> None:
    text = path.read_text()
    assert not text.strip() or ast.get_docstring(ast.parse(text)), f"{path} has no docstring"


def test_no_file_has_a_name_that_says_nothing() -> None:
    for path in [*MODULES, *TESTS.rglob("*.py")]:
        assert path.stem not in WEAK_NAMES, path
        assert path.parent.name not in WEAK_NAMES, path


@pytest.mark.parametrize("path", TEST_FILES, ids=lambda path: str(path.relative_to(TESTS)))
def test_every_test_file_checks_something(path: Path) -> None:
    tree = ast.parse(path.read_text())
    checks = any(
        isinstance(node, ast.Assert) or (isinstance(node, ast.With) and "pytest.raises" in ast.unparse(node))
        for node in ast.walk(tree)
    )
    assert checks, f"{path} asserts nothing"


def functions_of(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_functions_stay_small() -> None:
    long = [
        f"{path.relative_to(HOUSE)}:{node.lineno} {node.name} has {node.end_lineno - node.lineno + 1} lines"
        for path in MODULES
        for node in functions_of(path)
        if node.end_lineno is not None and node.end_lineno - node.lineno >= LONGEST_FUNCTION
    ]
    assert not long, "\n".join(long)


def test_test_files_have_unique_names() -> None:
    names = [path.name for path in TEST_FILES]
    assert sorted(names) == sorted(set(names)), "two test files share a name; name them by what they test"


def test_nothing_of_one_machine_is_in_the_repository(tracked_files: list[Path]) -> None:
    found = []
    for path in tracked_files:
        if path.suffix in BINARY or path == Path(__file__):
            continue
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
            if THIS_MACHINE.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:120]}")
    assert not found, "\n".join(found)


def test_no_lock_file_with_addresses_is_kept(tracked_files: list[Path]) -> None:
    assert not [
        path for path in tracked_files if path.name in {"uv.lock", "package-lock.json", "poetry.lock"}
    ]
