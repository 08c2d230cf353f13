"""Scaled counts: exact when all were counted, and an interval that holds the truth as often as it says."""

from __future__ import annotations

from random import Random

import pytest

from opportune.core.traffic.scaled import scale


def test_what_was_counted_whole_has_no_interval() -> None:
    found = scale(12, 20, 1.0)
    assert (found.value, found.low, found.high) == (12, 12, 12)


def test_nobody_in_a_sample_does_not_mean_nobody() -> None:
    found = scale(0, 0, 0.1)
    assert (found.value, found.low) == (0, 0)
    assert 30 < found.high < 45


def test_the_interval_of_a_poisson_count_is_the_score_interval() -> None:
    """n = 10: 5.43 to 18.4 (Barker 2002, table 1); so small a part narrows it by nothing."""
    found = scale(10, 10, 1e-12)
    assert found.low * 1e-12 == pytest.approx(5.43, abs=0.01)
    assert found.high * 1e-12 == pytest.approx(18.41, abs=0.01)


@pytest.mark.parametrize("fraction", [0.05, 0.3, 0.8])
@pytest.mark.parametrize("most", [1, 4])
def test_of_a_hundred_samples_about_ninety_five_hold_the_truth(fraction: float, most: int) -> None:
    random = Random(7)
    visitors = [random.randint(1, most) if random.random() < 0.2 else 0 for _ in range(1_500)]
    truth, held, rounds = sum(visitors), 0, 400
    for _ in range(rounds):
        sample = [value for value in visitors if random.random() < fraction]
        found = scale(sum(sample), sum(value * value for value in sample), fraction)
        held += found.low <= truth <= found.high
    assert 0.92 <= held / rounds <= 0.98


def test_an_average_a_day_is_the_whole_divided() -> None:
    assert scale(28, 28, 1.0).per(28).value == 1.0
