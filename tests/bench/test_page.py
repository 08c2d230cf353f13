"""A run that measures some sections leaves the others' figures on the page."""

from __future__ import annotations

from pathlib import Path

from bench.page import write_page
from bench.table import Section


def measured(name: str, figure: str) -> Section:
    section = Section(name, f"About {name}", ["figure"])
    section.add("speed", figure, target=">= 1", is_met=True)
    return section


def test_only_what_was_measured_changes(tmp_path: Path) -> None:
    page = tmp_path / "benchmarks.md"
    write_page([measured("reads", "10"), measured("writes", "20")], page)
    first = page.read_text()
    assert first.index("| speed | 10 |") < first.index("| speed | 20 |")
    write_page([measured("reads", "11"), measured("starts", "30")], page)
    then = page.read_text()
    assert "| speed | 10 |" not in then
    assert then.index("| speed | 11 |") < then.index("| speed | 20 |") < then.index("| speed | 30 |")
    assert then.count("# Benchmarks") == 1
