"""The reference page says what the family says. After a change: `python -m tests.core.test_condition_reference`."""

from __future__ import annotations

from pathlib import Path

from opportune.core.conditions import CONDITIONS
from opportune.core.conditions.reference import write_reference
from opportune.core.signals import SIGNALS
from opportune.core.standard_plan import STANDARD_PLAN
from opportune.core.vocabulary import Vocabulary

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "conditions.md"
SHOP = Vocabulary(
    plan=STANDARD_PLAN,
    signals={signal.name: signal for signal in SIGNALS},
    attributes=("loyalty tier",),
    stages=("loyal", "at risk"),
)


def test_the_reference_page_of_conditions_is_current() -> None:
    assert PAGE.read_text() == write_reference(SHOP)


def test_the_reference_page_holds_every_member_and_example() -> None:
    page = PAGE.read_text()
    for member in CONDITIONS:
        assert f"## {member.__struct_config__.tag}\n" in page
        assert all(example in page for example in member.examples)


if __name__ == "__main__":
    PAGE.write_text(write_reference(SHOP))
