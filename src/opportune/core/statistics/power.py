"""Power: how many units a test needs, what it can see with those it gets, and how long a limit takes to act.

Normal approximation, two-sided. Both arms together have N units, a share s of them in treatment:
N = lambda^2 (var_c / (1 - s) + var_t / s) / gain^2, with lambda the shift at which P(|Z| > z) reaches the power.
Fleiss, Levin, Paik, Statistical Methods for Rates and Proportions, 3rd ed., 2003, chapter 4, without its continuity
correction; the form that Kohavi, Tang and Xu, Trustworthy Online Controlled Experiments, 2020, chapter 17, use.
"""

from __future__ import annotations

from functools import lru_cache
from math import ceil, isfinite, log1p, sqrt

import msgspec

from opportune.core.statistics.always_valid import rho_squared
from opportune.core.statistics.comparing import ALPHA
from opportune.core.statistics.normal import quantile, upper_tail

POWER = 0.8
LIFT = 0.2
"""The change a small shop plans for: a fifth more of what it counts."""
DAYS_A_WEEK = 7
MOST_UNITS = 10**15
"""More is never reached: the answer is then None."""


class Spread(msgspec.Struct, frozen=True):
    """What planning needs of a metric: its value a unit in control and the variance of one unit.

    `is_share` says that units are 0 or 1, so that treatment's variance follows from its share.
    """

    value: float
    variance: float
    is_share: bool = False

    def treated(self, gain: float) -> float:
        """The variance in treatment when it gains this much; that of a mean or ratio is taken to stay."""
        if not self.is_share:
            return self.variance
        share = min(max(self.value + gain, 1e-9), 1 - 1e-9)
        return share * (1 - share)


def spread_of_share(baseline: float) -> Spread:
    """A proportion of this baseline; ValueError unless it lies between 0 and 1."""
    if not 0 < baseline < 1:
        raise ValueError("a baseline lies between 0 and 1")
    return Spread(baseline, baseline * (1 - baseline), is_share=True)


@lru_cache(maxsize=64)
def shift_needed(alpha: float, power: float) -> float:
    """Lambda: standard errors the truth must lie from 0 so that a two-sided test finds it with this power."""
    if not 0 < alpha < power < 1:
        raise ValueError("the power lies between alpha and 1")
    bar = quantile(1 - alpha / 2)
    low, high = 0.0, bar + quantile(power) + 10
    for _ in range(200):
        middle = (low + high) / 2
        if upper_tail(bar - middle) + upper_tail(bar + middle) < power:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def power_of(
    spread: Spread, units: float, gain: float, *, treated_share: float = 0.5, alpha: float = ALPHA
) -> float:
    """The chance (0 to 1) that `units` of both arms find an absolute gain; alpha where there are none."""
    _check_share(treated_share)
    if units <= 0:
        return alpha
    error = sqrt(_variance(spread, gain, treated_share) / units)
    if error == 0:
        return 1.0 if gain else alpha
    bar, shift = quantile(1 - alpha / 2), abs(gain) / error
    return upper_tail(bar - shift) + upper_tail(bar + shift)


def units_needed(
    spread: Spread, gain: float, *, treated_share: float = 0.5, alpha: float = ALPHA, power: float = POWER
) -> int | None:
    """Units of both arms that find an absolute gain (in the metric's unit; negative for a loss); None if never."""
    _check_share(treated_share)
    if gain == 0 or not isfinite(gain):
        return None
    wanted = (shift_needed(alpha, power) / gain) ** 2 * _variance(spread, gain, treated_share)
    return max(4, ceil(wanted)) if wanted < MOST_UNITS else None


def smallest_gain(
    spread: Spread, units: float, *, treated_share: float = 0.5, alpha: float = ALPHA, power: float = POWER
) -> float | None:
    """The smallest absolute gain that `units` of both arms show; None if they show none (a share ends at 1).

    For a share p + g, g solves (K + 1/s) g^2 - (1 - 2p)/s g - p (1 - p) (1/s + 1/(1 - s)) = 0, K = N / lambda^2.
    """
    _check_share(treated_share)
    if units <= 0:
        return None
    shift = shift_needed(alpha, power)
    if not spread.is_share:
        return shift * sqrt(_variance(spread, 0.0, treated_share) / units) or None
    square = units / shift**2 + 1 / treated_share
    linear = (1 - 2 * spread.value) / treated_share
    constant = spread.variance * (1 / treated_share + 1 / (1 - treated_share))
    gain = (linear + sqrt(linear**2 + 4 * square * constant)) / (2 * square)
    return gain if 0 < gain < 1 - spread.value else None


def days_needed(units: int | None, units_a_day: float) -> int | None:
    """Days until so many units came; None where they never do."""
    if units is None or not 0 < units_a_day < float("inf"):
        return None
    days = units / units_a_day
    return ceil(days) if days < MOST_UNITS else None


def weeks_needed(units: int | None, units_a_day: float, *, window_days: float = 0) -> int | None:
    """Whole weeks until so many new units a day have come and the last one's window has closed; None if never."""
    days = days_needed(units, units_a_day)
    return None if days is None else ceil((days + window_days) / DAYS_A_WEEK)


def people_per_arm(baseline: float, *, lift: float = LIFT, alpha: float = ALPHA, power: float = POWER) -> int:
    """People in each of two equal arms that find a relative lift over a baseline (shares between 0 and 1)."""
    spread = spread_of_share(baseline)
    both = units_needed(spread, min(baseline * lift, 1 - 1e-9 - baseline), alpha=alpha, power=power)
    return ceil((both or MOST_UNITS) / 2)


def days_to_an_answer(people_a_day: float, baseline: float, *, lift: float = LIFT) -> int | None:
    """Days until two arms of equal size are full; None where nobody comes or nothing is ever counted."""
    if not 0 < baseline < 1:
        return None
    return days_needed(2 * people_per_arm(baseline, lift=lift), people_a_day)


def units_to_catch_harm(
    spread: Spread,
    harm: float,
    *,
    planned: int,
    margin: float = 0.0,
    limits: int = 1,
    more_is_better: bool = True,
    treated_share: float = 0.5,
    alpha: float = ALPHA,
) -> int | None:
    """Units of both arms after which a limit looked at all the time has caught a relative harm, about.

    Approximate: where the bound's reach has shrunk to what is lost beyond the margin, (harm - margin) of control;
    the median of simulated runs is within a quarter of it. Ramps and waiting for the first counted events make it
    later. None if never: a harm within the margin, or a metric that is 0.
    """
    _check_share(treated_share)
    lost = (harm - margin) * abs(spread.value)
    if lost <= 0 or planned < 1:
        return None
    each = alpha / max(1, limits)
    sign = 1 if more_is_better else -1
    factor = 1 - sign * margin
    variance = (
        factor**2 * spread.variance / (1 - treated_share)
        + spread.treated(-sign * harm * spread.value) / treated_share
    )
    rho2 = rho_squared(planned, alpha=min(2 * each, 0.99))

    def reach(units: float) -> float:
        k = units * rho2 + 1
        return sqrt(variance / units) * sqrt(2 * k * log1p(sqrt(k) / (2 * each)) / (units * rho2))

    low, high = 1.0, 2.0
    while reach(high) > lost:
        low, high = high, high * 2
        if high > MOST_UNITS:
            return None
    while high - low > 0.5:
        middle = (low + high) / 2
        low, high = (middle, high) if reach(middle) > lost else (low, middle)
    return ceil(high)


def _variance(spread: Spread, gain: float, treated_share: float) -> float:
    return spread.variance / (1 - treated_share) + spread.treated(gain) / treated_share


def _check_share(treated_share: float) -> None:
    if not 0 < treated_share < 1:
        raise ValueError("the share in treatment lies between 0 and 1")
