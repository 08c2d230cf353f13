"""Varying: the first number of a condition, tried as other numbers; the rest stays as it is."""

from __future__ import annotations

import pytest

from opportune.core.history.standard_plan import STANDARD_PLAN
from opportune.core.language.sentence import describe, parse_condition
from opportune.core.language.vocabulary import Vocabulary
from opportune.core.signals import FAMILY
from opportune.core.traffic.varying import variations_of

VOCABULARY = Vocabulary(plan=STANDARD_PLAN, signals=FAMILY)


@pytest.mark.parametrize(
    ("sentence", "varied"),
    [
        (
            "a returning visitor viewed the same category at least 2 times in 7 days",
            [
                "a returning visitor viewed the same category in the last 7 days",
                "a returning visitor viewed the same category at least 3 times in 7 days",
            ],
        ),
        (
            "a visitor viewed at least 5 different products in 7 days",
            [
                "a visitor viewed at least 1 different products in 7 days",
                "a visitor viewed at least 4 different products in 7 days",
                "a visitor viewed at least 6 different products in 7 days",
            ],
        ),
        (
            "a visitor spent at least €200 in 90 days",
            ["a visitor spent at least €100 in 90 days", "a visitor spent at least €400 in 90 days"],
        ),
        ("a visitor bought in the last 30 days", []),
        ("a visitor has not bought in the last 30 days", []),
    ],
)
def test_other_numbers_are_tried_where_somebody_chose_one(sentence: str, varied: list[str]) -> None:
    condition = parse_condition(sentence, VOCABULARY)
    assert [describe(each.whole, VOCABULARY) for each in variations_of(condition)] == varied
