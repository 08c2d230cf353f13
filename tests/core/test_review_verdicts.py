"""What a review says of a rule, and lifts that are read together."""

from __future__ import annotations

from typing import Any

import pytest

from opportune.core.learnings.review import RuleFacts, Verdict, judged, review_of, shrunken_lifts


def facts(name: str = "Returner", **other: Any) -> RuleFacts:
    return RuleFacts(
        **{
            "rule": name,
            "sentence": "A returning visitor: home hero shows Shoes",
            "run_state": "live",
            "is_acting": True,
            "live_days": 60.0,
            "people": 900,
            "signals": ("returning",),
            "places": ("home hero",),
            **other,
        }
    )


@pytest.mark.parametrize(
    ("of", "verdict", "reason"),
    [
        (facts(state="keep"), "keep", "its test showed a gain"),
        (
            facts(state="collecting", state_words="the answer comes on 3 March"),
            "keep",
            "its test runs: the answer",
        ),
        (facts(), "keep", "nobody measures it"),
        (facts(state="do not trust this"), "keep", "cannot be trusted"),
        (facts(run_state="draft", is_acting=False, people=0), "keep", "it is a draft"),
        (facts(people=0, live_days=5), "keep", "too new"),
        (facts(people=0), "retire", "has not acted once"),
        (facts(is_past_end=True, state="keep"), "retire", "its end has passed"),
        (
            facts(run_state="rolled back", reason="sold out", state="rolled back"),
            "retire",
            "itself off: sold out",
        ),
        (facts(state="not proven"), "retire", "ended without showing that it helps"),
        (
            facts(same_people=(("A", 0.5), ("B", 0.93))),
            "merge",
            "93 of 100 people it reaches are also those of “B”",
        ),
        (facts(same_people=(("A", 0.79),)), "keep", "nobody measures it"),
        (facts(is_always=True, people=0), "keep", "for decency's sake"),
        (facts(state="not proven", same_people=(("A", 1.0),)), "retire", "without showing"),
    ],
)
def test_a_rule_is_kept_merged_or_retired_for_a_reason(of: RuleFacts, verdict: Verdict, reason: str) -> None:
    found, reasons, _ = judged(of)
    assert found == verdict
    assert any(reason in each for each in reasons)


def test_a_lucky_small_test_is_pulled_towards_the_others() -> None:
    tests = [
        facts("Sure", change=0.05, low=0.03, high=0.07),
        facts("Sure too", change=0.06, low=0.04, high=0.08),
        facts("Lucky", change=0.6, low=-0.2, high=1.4),
    ]
    lifts = shrunken_lifts(tests)
    assert 0.04 < lifts["Lucky"] < 0.2
    assert lifts["Sure"] == pytest.approx(0.05, abs=0.01)
    assert shrunken_lifts(tests[:2]) == {}
    assert shrunken_lifts([*tests, facts("One", change=0.1, low=0.1, high=0.1)]).keys() == lifts.keys()


def test_signals_and_places_are_told_with_what_their_tests_gained() -> None:
    found = review_of(
        [
            facts("A", change=0.1, low=0.0, high=0.2),
            facts("B", change=0.2, low=0.1, high=0.3, places=("offer bar",)),
            facts("C", signals=("page type",)),
        ],
        since="24 August 2026",
        team="Shop",
    )
    assert [each.words for each in found.signals] == [
        "returning: 2 rules, +15% on average in 2 tests",
        "page type: 1 rule, not tested",
    ]
    assert [each.name for each in found.places] == ["offer bar", "home hero"]
    assert found.words == "3 rules: 3 to keep, 0 to merge, 0 to retire."


def test_of_tests_that_differ_by_chance_only_none_is_called_the_better_one() -> None:
    lifts = ((0.3, 0.1, 0.5), (0.1, -0.9, 1.1), (0.35, 0.05, 0.65))
    found = review_of(
        [
            facts(name, change=mean, low=low, high=high)
            for name, (mean, low, high) in zip("ABC", lifts, strict=True)
        ],
        since="24 August 2026",
        team="Shop",
    )
    assert "no more than chance alone" in found.lift_words
    assert {each.rule: each.lift_words for each in found.rules} == {
        "A": "+30% in its test", "B": "+10% in its test", "C": "+35% in its test"
    }  # fmt: skip
    assert [each.words for each in found.signals] == ["returning: 3 rules, 3 tests"]


def test_a_review_of_nothing_says_so() -> None:
    assert review_of([], since="24 August 2026", team="Shop").words == "No rule is published yet."
