"""Allocation is portable, even, and never moves anybody when a share grows."""

from __future__ import annotations

import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from opportune.core.allocation import BUCKETS, arm_of, bucket_of, is_covered

CASES = json.loads((Path(__file__).parents[2] / "docs" / "cases" / "allocation.json").read_text())["cases"]
HALVES = [("control", 5_000), ("treatment", 5_000)]


def test_published_cases_hold() -> None:
    for case in CASES:
        seed, unit = case["seed"], case["unit"]
        assert bucket_of(seed, unit) == case["bucket"]
        assert arm_of(seed, unit, HALVES) == case["half_and_half"]
        assert arm_of(seed, unit, [("control", 1_000), ("treatment", 9_000)]) == case["one_in_ten"]
        assert is_covered(seed, unit, 2_000) == case["in_20_percent"]


@given(st.text(), st.text(), st.integers(0, BUCKETS), st.integers(0, BUCKETS))
def test_a_growing_share_only_adds_visitors(seed: str, unit: str, one: int, other: int) -> None:
    smaller, larger = sorted((one, other))
    assert is_covered(seed, unit, larger) or not is_covered(seed, unit, smaller)


def test_halves_are_even_within_chance() -> None:
    control = sum(arm_of("seed/1", f"u-{number}", HALVES) == "control" for number in range(20_000))
    assert abs(control - 10_000) < 4 * (20_000 * 0.25) ** 0.5


def test_two_tests_split_the_same_visitors_independently() -> None:
    both = sum(
        bucket_of("one/1", f"u-{number}") < 5_000 and bucket_of("two/1", f"u-{number}") < 5_000
        for number in range(20_000)
    )
    assert abs(both - 5_000) < 4 * (20_000 * 0.25 * 0.75) ** 0.5


@given(st.text(), st.text())
def test_the_arm_is_the_one_whose_range_holds_the_bucket(seed: str, unit: str) -> None:
    is_in_control = bucket_of(seed, unit) < HALVES[0][1]
    assert arm_of(seed, unit, HALVES) == ("control" if is_in_control else "treatment")
