"""Words for marketers: what reports, mails and commands say names no formula; those have a page of their own."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

HOUSE = Path(__file__).parents[2] / "src" / "opportune"
SPOKEN = ("cli", "core/conclusion", "core/learnings", "core/report", "core/signs", "core/traffic", "services")
FORMULAS = re.compile(
    r"\bp (?:=|<|below)|\(p\b|p-value|CUPED|sample ratio|non-inferior|Bonferroni|delta method|covariate|"
    r"standard error|confidence interval|significan|false discovery|holdout",
    re.IGNORECASE,
)


def said_in(file: Path) -> Iterator[tuple[int, str]]:
    """Texts of more than a word that are no docstring, and not of the reference, which is for programmers."""
    tree = ast.parse(file.read_text())
    silent = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr)
        or (
            isinstance(node, ast.AnnAssign)
            and isinstance(node.target, ast.Name)
            and node.target.id == "meaning"
        )
    }
    for node in ast.walk(tree):
        is_text = isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value
        if is_text and id(node) not in silent:
            yield node.lineno, node.value


def test_nothing_said_to_a_marketer_names_a_formula() -> None:
    files = [
        file
        for part in SPOKEN
        for file in sorted((HOUSE / part).rglob("*.py"))
        if file.name != "reference.py"
    ]
    said = [(file, line, text) for file in files for line, text in said_in(file)]
    assert len(said) > 1_000
    found = [
        f"{file.relative_to(HOUSE)}:{line}: {text}" for file, line, text in said if FORMULAS.search(text)
    ]
    assert found == []


def test_no_page_of_the_console_names_a_formula() -> None:
    pages = sorted((HOUSE / "console").rglob("*.html"))
    assert pages
    shown = {page.name: re.sub(r"\{[%{#].*?[%}#]\}", "", page.read_text(), flags=re.DOTALL) for page in pages}
    assert [name for name, text in shown.items() if FORMULAS.search(text)] == []
