"""The reference page says what the family says."""

from __future__ import annotations

from pathlib import Path

from opportune.core.conditions import CONDITIONS
from opportune.core.conditions.reference import conditions_page

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "conditions.md"


def test_the_reference_page_of_conditions_is_current() -> None:
    assert PAGE.read_text() == conditions_page(), "the page is stale: run `python tools/write_reference.py`"


def test_the_reference_page_holds_every_member_and_example() -> None:
    page = PAGE.read_text()
    for member in CONDITIONS:
        assert f"## {member.__struct_config__.tag}\n" in page
        assert all(example in page for example in (*member.examples, *member.synonyms))
