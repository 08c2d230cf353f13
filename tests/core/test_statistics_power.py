"""The sample size a test is planned with, against published numbers."""

from __future__ import annotations

import pytest

from opportune.core.statistics.power import days_to_an_answer, people_per_arm


@pytest.mark.parametrize(
    ("baseline", "lift", "both_arms"), [(0.03, 0.1, 106_400), (0.03, 0.2, 27_800), (0.03, 0.5, 5_040)]
)
def test_people_needed_grow_with_the_square_of_what_is_looked_for(
    baseline: float, lift: float, both_arms: int
) -> None:
    assert 2 * people_per_arm(baseline, lift=lift) == pytest.approx(both_arms, rel=0.01)


@pytest.mark.parametrize(
    ("people_a_day", "baseline", "lift", "days"),
    [(1_000, 0.02, 0.2, 43), (1_000, 0.02, 0.3, 20), (60, 0.04, 0.2, 344)],
)
def test_a_small_shop_is_told_how_long_it_takes(
    people_a_day: int, baseline: float, lift: float, days: int
) -> None:
    assert days_to_an_answer(people_a_day, baseline, lift=lift) == days


def test_nobody_a_day_gives_no_answer_ever() -> None:
    assert days_to_an_answer(0, 0.02) is None
    assert days_to_an_answer(10, 0) is None


def test_a_baseline_that_is_no_share_is_refused() -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        people_per_arm(2.0)
