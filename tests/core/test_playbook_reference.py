"""The page about the playbook's files is made from the fields that are read."""

from __future__ import annotations

from pathlib import Path

from opportune.core.playbook_files.reference import playbook_page

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "playbook.md"


def test_the_page_about_the_playbook_is_current() -> None:
    assert PAGE.read_text() == playbook_page(), "run `python tools/write_reference.py`"
