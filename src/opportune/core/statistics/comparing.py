"""Comparing: the difference between two arms, its interval and p values, and whether a limit is kept."""

from __future__ import annotations

from math import exp, sqrt

import msgspec

from opportune.core.statistics.estimate import Estimate, Unanswerable, is_within_range
from opportune.core.statistics.normal import quantile, two_tails, upper_tail

ALPHA = 0.05
"""The share of tests without any effect that are called one, at the planned end."""
EARLY_ALPHA = 0.001
"""The bar before the planned end, looked at once a day.

Haybittle 1971, Peto et al. 1976: with it the test at the end stays a 5% one, within half a point.
"""


class Interval(msgspec.Struct, frozen=True):
    """From low to high, in the unit of what it is of."""

    low: float
    high: float

    def holds(self, value: float) -> bool:
        return self.low <= value <= self.high


class Comparison(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Treatment against control. Relative numbers are shares of control (0.2 is 20% more), None where it is <= 0.

    `p_gain` is against "no better", `p_harm` against "no worse"; `p` is two-sided.
    """

    n: int
    """Units of both arms."""
    control: float
    treatment: float
    difference: float
    standard_error: float
    interval: Interval
    p: float
    p_gain: float
    p_harm: float
    relative: float | None = None
    relative_interval: Interval | None = None


class Contrast(msgspec.Struct, frozen=True, tag=True):
    """A difference that is 0 exactly at a limit and below 0 beyond it, with its standard error."""

    n: int
    value: float
    standard_error: float


def compare(
    control: Estimate | Unanswerable, treatment: Estimate | Unanswerable, *, alpha: float = ALPHA
) -> Comparison | Unanswerable:
    """Difference of two means, shares or ratios: Welch's standard error, normal quantiles.

    Normal, not t: arms have hundreds of units. se^2 = var_c / n_c + var_t / n_t, each arm's own variance.
    tea-tasting with `use_t=False, equal_var=False`. `no_spread` where neither arm varies.
    """
    arms = _answerable(control, treatment)
    if isinstance(arms, Unanswerable):
        return arms
    control, treatment = arms
    try:
        error = sqrt(control.variance / control.n + treatment.variance / treatment.n)
        if error == 0:
            return Unanswerable("no_spread")
        difference = treatment.value - control.value
        z, half = difference / error, quantile(1 - alpha / 2) * error
        relative, relative_interval = _relative(control, treatment, alpha)
    except (OverflowError, ZeroDivisionError):
        return Unanswerable("out_of_range")
    found = Comparison(
        n=control.n + treatment.n,
        control=control.value,
        treatment=treatment.value,
        difference=difference,
        standard_error=error,
        interval=Interval(difference - half, difference + half),
        p=two_tails(z),
        p_gain=upper_tail(z),
        p_harm=upper_tail(-z),
        relative=relative,
        relative_interval=relative_interval,
    )
    return found if is_within_range(found) else Unanswerable("out_of_range")


def _relative(control: Estimate, treatment: Estimate, alpha: float) -> tuple[float | None, Interval | None]:
    """The ratio of two means less 1, and its interval by the delta method on the logarithm.

    log(t / c) has variance var_t / (n_t t^2) + var_c / (n_c c^2) (tea-tasting's relative interval). A treatment
    of 0 or less has no logarithm: then the delta method on t / c itself, var_t / (n_t c^2) + var_c t^2 / (n_c c^4)
    (gbstats'). A control of 0 or less has no relative numbers at all.
    """
    if control.value <= 0:
        return None, None
    ratio = treatment.value / control.value
    z = quantile(1 - alpha / 2)
    of_control = control.variance / control.n / control.value / control.value
    of_treatment = treatment.variance / treatment.n
    if treatment.value > 0:
        half = z * sqrt(of_treatment / treatment.value / treatment.value + of_control)
        return ratio - 1, Interval(ratio * exp(-half) - 1, ratio * exp(half) - 1)
    half = z * sqrt(of_treatment / control.value / control.value + of_control * ratio**2)
    return ratio - 1, Interval(ratio - 1 - half, ratio - 1 + half)


def contrast_with_limit(
    control: Estimate | Unanswerable,
    treatment: Estimate | Unanswerable,
    *,
    margin: float,
    more_is_better: bool = True,
) -> Contrast | Unanswerable:
    """How far treatment is from losing more than a margin of control: t - (1 - margin) c, or (1 + margin) c - t.

    Margin is a share of control, 0 or more; linear in both arms, so that no quotient of two uncertain numbers
    is needed (Hauschke, Kieser, Diletti, Burke, "Sample size determination for proving equivalence based on the
    ratio of two means", Statistics in Medicine 18, 1999). se^2 = var_t / n_t + (1 -+ margin)^2 var_c / n_c.
    """
    if margin < 0:
        raise ValueError("a margin is a share of control, 0 or more")
    arms = _answerable(control, treatment)
    if isinstance(arms, Unanswerable):
        return arms
    control, treatment = arms
    sign = 1 if more_is_better else -1
    factor = 1 - sign * margin
    try:
        value = sign * (treatment.value - factor * control.value)
        error = sqrt(treatment.variance / treatment.n + factor**2 * control.variance / control.n)
    except OverflowError:
        return Unanswerable("out_of_range")
    if error == 0:
        return Unanswerable("no_spread")
    found = Contrast(control.n + treatment.n, value, error)
    return found if is_within_range(found) else Unanswerable("out_of_range")


def safety_p(contrast: Contrast) -> float:
    """Non-inferiority: one-sided p against "worse than control by the margin or more". Small means safe."""
    return upper_tail(contrast.value / contrast.standard_error)


def odds_above(comparison: Comparison, threshold: float = 0.0) -> float:
    """The stated odds that the true difference is above a threshold (in the metric's unit): 0 to 1.

    Phi((difference - threshold) / se): what a flat prior makes of the same normal approximation, which is 1 minus
    the one-sided p against the threshold. It is a way to say how the data lean where nothing was proven. It is not
    a test, not controlled against looking often, and as hopeful as its prior: most ideas gain less than shown.
    """
    return upper_tail((threshold - comparison.difference) / comparison.standard_error)


def _answerable(
    control: Estimate | Unanswerable, treatment: Estimate | Unanswerable
) -> tuple[Estimate, Estimate] | Unanswerable:
    if isinstance(control, Unanswerable):
        return control
    if isinstance(treatment, Unanswerable):
        return treatment
    if min(control.n, treatment.n) < 2:
        return Unanswerable("too_few_units")
    return control, treatment
