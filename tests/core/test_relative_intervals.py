"""Relative intervals: whatever harm is done, nothing falls by more than all there was."""

from __future__ import annotations

import pytest

from opportune.core.statistics.always_valid import AlwaysValid, always_valid
from opportune.core.statistics.comparing import Comparison, compare
from opportune.core.statistics.estimate import estimate_mean
from opportune.core.statistics.moments import moments_of_share, moments_of_units
from opportune.core.statistics.relative import relative_always, relative_once


def shares(control: tuple[int, int], treatment: tuple[int, int]) -> Comparison:
    found = compare(*(estimate_mean(moments_of_share(*arm)) for arm in (control, treatment)))
    assert isinstance(found, Comparison)
    return found


def at_any_time(found: Comparison) -> AlwaysValid:
    return always_valid(found, planned=5_000)


@pytest.mark.parametrize("sold", [0, 1, 5, 20, 60])
def test_nothing_falls_by_more_than_all_there_was(sold: int) -> None:
    found = shares((1_000, 60), (1_000, sold))
    once, always = relative_once(found), relative_always(found, at_any_time(found))
    assert once is not None
    assert always is not None
    assert -1 <= always.low <= once.low < once.high <= always.high
    assert found.relative is not None
    assert once.holds(found.relative)
    assert always.holds(found.relative)


@pytest.mark.parametrize("sold", [20, 50, 60, 70, 120])
def test_a_relative_interval_agrees_with_that_of_the_difference(sold: int) -> None:
    found = shares((1_000, 60), (1_000, sold))
    valid = at_any_time(found)
    once, always = relative_once(found), relative_always(found, valid)
    assert once is not None
    assert always is not None
    assert once.holds(0) == found.interval.holds(0)
    assert always.holds(0) == valid.interval.holds(0)


def test_at_any_time_is_as_many_times_wider_on_the_logarithm() -> None:
    found = shares((10_000, 600), (10_000, 640))
    valid = at_any_time(found)
    once, always = relative_once(found), relative_always(found, valid)
    assert once is not None
    assert always is not None
    assert found.relative is not None
    ratio = 1 + found.relative
    assert (1 + always.low) * (1 + always.high) == pytest.approx(ratio**2)
    wider = (valid.interval.high - found.difference) / (found.interval.high - found.difference)
    assert (1 + always.high) / ratio == pytest.approx(((1 + once.high) / ratio) ** wider)


def test_what_refunds_may_take_below_zero_may_fall_by_more() -> None:
    earned = moments_of_units([100] * 40 + [0] * 960)
    refunded = moments_of_units([-200] * 40 + [0] * 960)
    found = compare(estimate_mean(earned), estimate_mean(refunded))
    assert isinstance(found, Comparison)
    once, always = relative_once(found), relative_always(found, at_any_time(found))
    assert once is not None
    assert always is not None
    assert found.relative is not None
    assert always.low < once.low < found.relative < -1


def test_of_nothing_there_is_no_percentage() -> None:
    found = shares((1_000, 0), (1_000, 30))
    assert relative_once(found) is None
    assert relative_always(found, at_any_time(found)) is None
