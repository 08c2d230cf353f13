"""Allocation is portable, even, and never moves anybody when a share grows."""

from __future__ import annotations

import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from opportune.core.allocation import BUCKETS, arm_at, bucket_of, is_covered

CASES = json.loads((Path(__file__).parents[2] / "docs" / "cases" / "allocation.json").read_text())["cases"]
HALVES = [("control", 5_000), ("treatment", 5_000)]


def test_published_cases_hold() -> None:
    for case in CASES:
        bucket = bucket_of(case["seed"], case["unit"])
        assert bucket == case["bucket"]
        assert arm_at(bucket, HALVES) == case["half_and_half"]
        assert arm_at(bucket, [("control", 1_000), ("treatment", 9_000)]) == case["one_in_ten"]
        assert is_covered(case["seed"], case["unit"], 2_000) == case["in_20_percent"]


@given(st.text(), st.text(), st.integers(0, BUCKETS), st.integers(0, BUCKETS))
def test_a_growing_share_only_adds_visitors(seed: str, unit: str, one: int, other: int) -> None:
    smaller, larger = sorted((one, other))
    assert is_covered(seed, unit, larger) or not is_covered(seed, unit, smaller)


def test_halves_are_even_within_chance() -> None:
    control = sum(arm_at(bucket_of("seed/1", f"u-{number}"), HALVES) == "control" for number in range(20_000))
    assert abs(control - 10_000) < 4 * (20_000 * 0.25) ** 0.5


def test_two_tests_split_the_same_visitors_independently() -> None:
    both = sum(
        bucket_of("one/1", f"u-{number}") < 5_000 and bucket_of("two/1", f"u-{number}") < 5_000
        for number in range(20_000)
    )
    assert abs(both - 5_000) < 4 * (20_000 * 0.25 * 0.75) ** 0.5


def test_every_bucket_has_an_arm() -> None:
    assert {arm_at(bucket, HALVES) for bucket in (0, 4_999)} == {"control"}
    assert {arm_at(bucket, HALVES) for bucket in (5_000, 9_999)} == {"treatment"}
