"""Estimates: the value of a metric in one arm with its variance, or why there is none."""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt
from typing import Literal, TypeVar

import msgspec

from opportune.core.statistics.moments import Moments, floored

Reason = Literal["too_few_units", "no_spread", "nothing_to_divide_by", "out_of_range"]


class Unanswerable(msgspec.Struct, frozen=True, tag=True):
    """There is no answer to give, for this reason; never a NaN, an infinity or an exception.

    too_few_units: fewer than two units in an arm. no_spread: every unit of both arms has the same value.
    nothing_to_divide_by: a ratio whose denominator is 0. out_of_range: numbers beyond 1e150.
    """

    reason: Reason


class Estimate(msgspec.Struct, frozen=True, tag=True):
    """The value of a metric (a mean, share or ratio) and the variance of one unit about it.

    Unit of `value`: that of the metric; of `variance`: its square. The value's own variance is variance / n.
    """

    n: int
    value: float
    variance: float

    @property
    def standard_error(self) -> float:
        return sqrt(self.variance / self.n)


class Adjusted(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Two arms after CUPED, with what it did: `removed` is the share of the variance it took away (0 to 1)."""

    control: Estimate
    treatment: Estimate
    theta: float
    correlation: float
    removed: float


SMALLEST_CORRELATION = 0.2
"""Below it CUPED removes less than 4% of the variance: not worth a number that nobody can add up by hand."""


LARGEST_NUMBER = 1e150
"""Its square is still a number."""


def estimate_mean(arm: Moments) -> Estimate | Unanswerable:
    """Mean of y and its sample variance (n - 1). A proportion is the mean of 0s and 1s, with the same variance.

    Textbook; tea-tasting's `Mean` and `Proportion` as a mean do the same.
    """
    if arm.n < 2:
        return Unanswerable("too_few_units")
    return _within_range(lambda: Estimate(arm.n, arm.mean(), arm.variance()))


def estimate_ratio(arm: Moments) -> Estimate | Unanswerable:
    """Sum of y over sum of d, its variance by the delta method; the unit stays the one that was assigned.

    Deng, Knoblich, Lu, "Applying the Delta Method in Metric Analytics", KDD 2018, section 3.1:
    var = (var y - 2 R cov(y, d) + R^2 var d) / mean(d)^2 with R = sum y / sum d. The residuals y - R d sum to 0,
    so their sum of squares is (yy d^2 - 2 y d yd + y^2 dd) / d^2, which integers give without cancelling.
    """
    if arm.n < 2:
        return Unanswerable("too_few_units")
    if arm.d == 0:
        return Unanswerable("nothing_to_divide_by")

    def ratio() -> Estimate:
        squares = arm.yy * arm.d**2 - 2 * arm.y * arm.d * arm.yd + arm.y**2 * arm.dd
        variance = squares * arm.n**2 / ((arm.n - 1) * arm.d**4)
        return Estimate(arm.n, arm.y / arm.d, floored(variance))

    return _within_range(ratio)


def adjust_means(control: Moments, treatment: Moments) -> Adjusted | Unanswerable:
    """CUPED for means: each arm's mean of y, moved by theta times how far its covariate x is off.

    Deng, Xu, Kohavi, Walker, "Improving the Sensitivity of Online Controlled Experiments by Utilizing
    Pre-Experiment Data", WSDM 2013: theta = cov(y, x) / var(x) over both arms together; y' = y - theta (x - mean x).
    `no_spread` where the covariate is the same for everybody.
    """
    return _adjust(control, treatment, denominators=("", ""))


def adjust_ratios(
    control: Moments, treatment: Moments, *, covariate_is_a_ratio: bool = True
) -> Adjusted | Unanswerable:
    """CUPED for y/d with the covariate x/w (or x a unit); covariances of ratios by the delta method.

    Deng, Knoblich, Lu 2018 (as above), with theta over both arms together, as tea-tasting's `RatioOfMeans`.
    """
    return _adjust(control, treatment, denominators=("d", "w" if covariate_is_a_ratio else ""))


def helps(adjusted: Adjusted | Unanswerable) -> bool:
    """Whether the covariate tells enough to adjust by. Judged over all arms together, so blind to the result."""
    return isinstance(adjusted, Adjusted) and abs(adjusted.correlation) >= SMALLEST_CORRELATION


def _adjust(
    control: Moments, treatment: Moments, *, denominators: tuple[str, str]
) -> Adjusted | Unanswerable:
    if control.n < 2 or treatment.n < 2:
        return Unanswerable("too_few_units")
    for arm in (control, treatment):
        if any(letter and getattr(arm, letter) == 0 for letter in denominators):
            return Unanswerable("nothing_to_divide_by")
    value, covariate = ("y", denominators[0]), ("x", denominators[1])

    def adjusted() -> Adjusted | Unanswerable:
        together = control + treatment
        spread = _covariance(together, covariate, covariate)
        of_value = _covariance(together, value, value)
        if spread <= 0 or of_value <= 0:
            return Unanswerable("no_spread")
        shared = _covariance(together, value, covariate)
        theta = shared / spread
        centre = _ratio(together, covariate)

        def arm_of(arm: Moments) -> Estimate:
            moved = _ratio(arm, value) - theta * (_ratio(arm, covariate) - centre)
            variance = (
                _covariance(arm, value, value)
                + theta**2 * _covariance(arm, covariate, covariate)
                - 2 * theta * _covariance(arm, value, covariate)
            )
            return Estimate(arm.n, moved, floored(variance))

        correlation = max(-1.0, min(1.0, shared / sqrt(of_value) / sqrt(spread)))
        return Adjusted(
            control=arm_of(control),
            treatment=arm_of(treatment),
            theta=theta,
            correlation=correlation,
            removed=correlation**2,
        )

    return _within_range(adjusted)


def _ratio(arm: Moments, pair: tuple[str, str]) -> float:
    above, below = pair
    return arm.mean(above) / arm.mean(below) if below else arm.mean(above)


def _covariance(arm: Moments, left: tuple[str, str], right: tuple[str, str]) -> float:
    """Of two ratios of means a unit, by the delta method; an empty denominator is the constant 1."""

    def between(one: str, other: str) -> float:
        return arm.covariance(one, other) if one and other else 0.0

    of_left, of_right = _ratio(arm, left), _ratio(arm, right)
    products = (
        between(left[0], right[0])
        - between(left[0], right[1]) * of_right
        - between(left[1], right[0]) * of_left
        + between(left[1], right[1]) * of_left * of_right
    )
    return products / (arm.mean(left[1]) if left[1] else 1.0) / (arm.mean(right[1]) if right[1] else 1.0)


Found = TypeVar("Found", Estimate, "Adjusted | Unanswerable")


def _within_range(work: Callable[[], Found]) -> Found | Unanswerable:
    """What the work finds, unless its numbers leave the range of arithmetic."""
    try:
        found = work()
    except (OverflowError, ZeroDivisionError):
        return Unanswerable("out_of_range")
    return found if is_within_range(found) else Unanswerable("out_of_range")


def is_within_range(found: msgspec.Struct) -> bool:
    """Whether every number in it, and in what it holds, is one that can be calculated with."""
    for value in msgspec.structs.astuple(found):
        if isinstance(value, float) and not abs(value) <= LARGEST_NUMBER:
            return False
        if isinstance(value, msgspec.Struct) and not is_within_range(value):
            return False
    return True
