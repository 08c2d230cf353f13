"""What cannot be answered is said, never raised and never a NaN; sums add up to what a recount gives."""

from __future__ import annotations

import random
from math import isfinite
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opportune.core.statistics.adjusting import benjamini_hochberg, bonferroni, share_alpha
from opportune.core.statistics.always_valid import always_valid, bound_harm
from opportune.core.statistics.capping import cap_from, capped
from opportune.core.statistics.comparing import (
    Comparison,
    Contrast,
    compare,
    contrast_with_limit,
    odds_above,
    safety_p,
)
from opportune.core.statistics.estimate import (
    Adjusted,
    Estimate,
    Unanswerable,
    adjust_means,
    adjust_ratios,
    estimate_mean,
    estimate_ratio,
    helps,
)
from opportune.core.statistics.moments import NO_UNITS, Moments, moments_of_share, moments_of_units, total
from opportune.core.statistics.placebo import matched_changes, placebo_band
from opportune.core.statistics.power import (
    Spread,
    smallest_gain,
    spread_of_share,
    units_needed,
    units_to_catch_harm,
    weeks_needed,
)
from opportune.core.statistics.sample_ratio import NOTHING_COUNTED, combine_phases, sample_ratio
from opportune.core.statistics.shrinking import Lift, shrink

NUMBERS = st.one_of(
    st.integers(min_value=-(10**30), max_value=10**30),
    st.sampled_from([0, 0, 0, 1, 1, 10**200, -(10**200)]),
    st.floats(allow_nan=False, allow_infinity=False),
)
UNITS = st.lists(st.tuples(NUMBERS, st.integers(0, 5), NUMBERS, st.integers(0, 3)), max_size=12)
WHOLE = st.lists(st.tuples(*[st.integers(-(10**12), 10**12)] * 4), max_size=30)


def moments(units: list[tuple[Any, ...]]) -> Moments:
    y, d, x, w = zip(*units, strict=True) if units else ((), (), (), ())
    return moments_of_units(y, per=d, before=x, before_per=w)


def numbers_in(found: object) -> list[float]:
    if isinstance(found, msgspec.Struct):
        found = msgspec.structs.astuple(found)
    if isinstance(found, (tuple, list)):
        return [number for part in found for number in numbers_in(part)]
    return [float(found)] if isinstance(found, float) else []


@given(WHOLE, st.integers(0, 30))
def test_days_added_one_by_one_equal_a_recount_exactly(units: list[tuple[Any, ...]], cut: int) -> None:
    whole = moments(units)
    assert moments(units[:cut]) + moments(units[cut:]) == whole
    assert total(moments([unit]) for unit in units) == whole
    assert whole - moments(units[cut:]) == moments(units[:cut])
    assert whole - whole == NO_UNITS


@given(UNITS, UNITS, st.booleans())
def test_any_arms_give_numbers_or_a_reason(
    ours: list[tuple[Any, ...]], others: list[tuple[Any, ...]], flag: bool
) -> None:
    try:
        control, treatment = moments(ours), moments(others)
    except OverflowError:
        return
    found: list[Any] = [
        compare(estimate_mean(control), estimate_mean(treatment)),
        compare(estimate_ratio(control), estimate_ratio(treatment)),
    ]
    for adjusted in (adjust_means(control, treatment), adjust_ratios(control, treatment)):
        found.append(adjusted)
        if isinstance(adjusted, Adjusted):
            assert 0 <= adjusted.removed <= 1
            found.append(compare(adjusted.control, adjusted.treatment))
    limit = contrast_with_limit(
        estimate_mean(control), estimate_mean(treatment), margin=0.1, more_is_better=flag
    )
    if isinstance(limit, Contrast):
        found += [bound_harm(limit, planned=100, alpha=0.01), safety_p(limit)]
    for comparison in list(found):
        if isinstance(comparison, Comparison):
            assert 0 <= comparison.p <= 1
            found += [always_valid(comparison, planned=100), odds_above(comparison)]
    for one in found:
        assert all(map(isfinite, numbers_in(one))), one


@pytest.mark.parametrize(
    ("control", "treatment", "reason"),
    [
        (NO_UNITS, NO_UNITS, "too_few_units"),
        (moments_of_share(1_000, 20), moments_of_share(1, 1), "too_few_units"),
        (moments_of_share(1_000, 0), moments_of_share(1_000, 0), "no_spread"),
        (moments_of_share(1_000, 1_000), moments_of_share(900, 900), "no_spread"),
        (moments_of_units([10**400, 1]), moments_of_units([1, 2]), "out_of_range"),
    ],
)
def test_what_cannot_be_compared_says_why(control: Moments, treatment: Moments, reason: str) -> None:
    assert compare(estimate_mean(control), estimate_mean(treatment)) == Unanswerable(reason)  # type: ignore[arg-type]  # as drawn


def test_a_ratio_of_nothing_says_so() -> None:
    arm = moments_of_units([1, 2, 3], per=[0, 0, 0])
    assert estimate_ratio(arm) == Unanswerable("nothing_to_divide_by")
    assert adjust_ratios(arm, arm) == Unanswerable("nothing_to_divide_by")


def test_without_any_in_control_there_is_a_difference_but_no_relative_one() -> None:
    found = compare(estimate_mean(moments_of_share(500, 0)), estimate_mean(moments_of_share(500, 12)))
    assert isinstance(found, Comparison)
    assert found.difference == pytest.approx(0.024)
    assert found.relative is None
    assert found.relative_interval is None


def test_a_covariate_that_tells_nothing_is_not_adjusted_by() -> None:
    rng = random.Random(1)
    values = [rng.gauss(0, 1) for _ in range(400)]
    told = moments_of_units(values, before=[value + rng.gauss(0, 1) for value in values])
    noise = moments_of_units(values, before=[rng.gauss(0, 1) for _ in values])
    constant = moments_of_units(values, before=[1] * len(values))
    assert helps(adjust_means(told, told))
    assert not helps(adjust_means(noise, noise))
    assert adjust_means(constant, constant) == Unanswerable("no_spread")


def test_money_far_from_zero_keeps_its_variance() -> None:
    """Squares of ten-digit amounts cancel in floating point; integers do not."""
    cents = [10**10 + step for step in (0, 1, 2)] * 100
    found = estimate_mean(moments_of_units(cents))
    assert isinstance(found, Estimate)
    assert found.variance == pytest.approx(200 / 299, rel=1e-12)


def test_a_split_is_judged_per_phase_and_over_all_phases() -> None:
    first, second = sample_ratio([5_050, 4_950], [1, 1]), sample_ratio([900, 100], [9, 1])
    both = combine_phases([first, second])
    assert (both.degrees, both.chi_square) == (2, first.chi_square)
    assert not both.is_off
    assert sample_ratio([5_400, 4_600], [0.5, 0.5]).is_off
    assert sample_ratio([0, 0], [1, 1]) == NOTHING_COUNTED
    assert combine_phases([]) == NOTHING_COUNTED
    assert sample_ratio([0, 500], [1, 1]).is_off
    with pytest.raises(ValueError, match="positive share"):
        sample_ratio([1, 2], [1, 0])


def test_questions_without_an_answer_do_not_count() -> None:
    assert bonferroni([0.01, None, 0.5]) == [0.02, None, 1.0]
    assert benjamini_hochberg([None, 0.04, 0.01]) == [None, 0.04, 0.02]
    assert benjamini_hochberg([]) == []
    assert share_alpha(0.05, 0) == 0.05


def test_planning_says_weeks_or_never() -> None:
    shop = spread_of_share(0.03)
    needed = units_needed(shop, 0.03 * 0.2)
    assert needed == pytest.approx(27_800, rel=0.01)
    assert weeks_needed(needed, 1_000) == 4
    assert weeks_needed(needed, 1_000, window_days=7) == 5
    assert weeks_needed(needed, 0) is None
    assert units_needed(shop, 0.0) is None
    assert smallest_gain(shop, needed or 0) == pytest.approx(0.006, rel=1e-3)
    assert smallest_gain(shop, 0) is None
    assert smallest_gain(spread_of_share(0.9), 20) is None
    uneven = units_needed(shop, 0.006, treated_share=0.1)
    assert uneven is not None
    assert needed is not None
    assert 2.5 * needed < uneven < 3.2 * needed
    assert units_needed(Spread(0.0, 0.0), 1e-12) == 4


def test_a_small_history_makes_no_cap_and_no_band() -> None:
    assert cap_from([100] * 99) is None
    assert cap_from([0] * 10_000 + list(range(1, 101))) == 99
    assert capped(250, 99) == 99
    assert capped(250, None) == 250
    assert placebo_band([0.1] * 7) is None


def test_a_change_is_held_against_what_moved_when_nothing_happened() -> None:
    weeks = [100, 110, 95, 105, 100, 120, 90, 100, 104, None, 100, 98]
    changes = matched_changes(weeks, before=1, after=1)
    assert len(changes) == 9
    assert changes[0] == pytest.approx(0.1)
    band = placebo_band(changes)
    assert band is not None
    assert band.holds(0.08)
    assert not band.holds(0.4)
    assert matched_changes([0, 5], before=1, after=1) == []


def test_uncertain_lifts_are_pulled_furthest() -> None:
    told = shrink([Lift(0.30, 0.20), Lift(0.05, 0.02), Lift(-0.06, 0.02), Lift(0.10, 0.03)])
    assert told is not None
    assert told.lifts[0].value < 0.10
    assert told.lifts[1].value == pytest.approx(0.05, abs=0.01)
    assert all(lift.standard_error <= 0.2 for lift in told.lifts)
    alike = shrink([Lift(0.1, 0.1), Lift(0.11, 0.1), Lift(0.09, 0.1)])
    assert alike is not None
    assert {lift.value for lift in alike.lifts} == {alike.centre}
    assert shrink([Lift(0.1, 0.1)] * 2) is None


def test_shrunken_lifts_are_nearer_to_the_truth() -> None:
    rng = random.Random(4)
    ours = raw = 0.0
    for _ in range(200):
        truths = [rng.gauss(0.05, 0.05) for _ in range(12)]
        errors = [rng.uniform(0.03, 0.15) for _ in truths]
        seen = [Lift(rng.gauss(truth, error), error) for truth, error in zip(truths, errors, strict=True)]
        shrunken = shrink(seen)
        assert shrunken is not None
        ours += sum((lift.value - truth) ** 2 for lift, truth in zip(shrunken.lifts, truths, strict=True))
        raw += sum((lift.value - truth) ** 2 for lift, truth in zip(seen, truths, strict=True))
    assert ours < raw / 2


def harm_is_caught_at(rng: random.Random, harm: float, planned: int, *, looks: int) -> int | None:
    """Units of both arms, at most twice those planned, at which a limit without margin broke."""
    step = planned // looks
    sold = [0.0, 0.0]
    for look in range(1, looks + 1):
        for arm, share in enumerate((0.03, 0.03 * (1 - harm))):
            sold[arm] += rng.gauss(step * share, (step * share * (1 - share)) ** 0.5)
        n = look * step
        arms = [Estimate(n, count / n, max(1e-9, count / n * (1 - count / n))) for count in sold]
        limit = contrast_with_limit(arms[0], arms[1], margin=0.0)
        if min(sold) < 25 or not isinstance(limit, Contrast):
            continue
        if bound_harm(limit, planned=planned, alpha=0.05).upper < 0:
            return 2 * n
    return None


@pytest.mark.parametrize("harm", [0.2, 0.5])
def test_the_time_to_catch_a_harm_is_about_what_simulations_take(harm: float) -> None:
    rng = random.Random(5)
    told = units_to_catch_harm(spread_of_share(0.03), harm, planned=28_000)
    assert told is not None
    caught = sorted(harm_is_caught_at(rng, harm, 28_000, looks=600) or 10**9 for _ in range(200))
    assert caught[100] == pytest.approx(told, rel=0.25)


def test_a_limit_that_is_kept_breaks_in_few_of_many_looks() -> None:
    rng = random.Random(6)
    broken = sum(harm_is_caught_at(rng, 0.0, 28_000, looks=200) is not None for _ in range(300))
    assert broken / 300 <= 0.05


def test_a_harm_within_the_margin_is_never_caught() -> None:
    shop = spread_of_share(0.03)
    assert units_to_catch_harm(shop, 0.05, planned=10_000, margin=0.1) is None
    assert units_to_catch_harm(Spread(0.0, 0.0), 0.5, planned=10_000) is None
