"""Always valid: an interval and p values that may be looked at any minute and still hold, for a length fixed before.

Asymptotic confidence sequences: Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas, "Time-uniform central limit theory
and asymptotic confidence sequences", arXiv 2103.06476. With N units of both arms so far, the standard error se
and k = N rho^2 + 1.
"""

from __future__ import annotations

from math import exp, expm1, log, log1p, sqrt

import msgspec

from opportune.core.statistics.comparing import ALPHA, Comparison, Contrast, Interval

FEWEST_EVENTS = 25
"""In each arm, of what is counted, before a bound is believed: below it the normal approximation is not yet one."""


class AlwaysValid(msgspec.Struct, frozen=True, tag=True):
    """The interval of a difference, in the metric's unit, and the two-sided p, both good at any time."""

    interval: Interval
    p: float


class HarmBound(msgspec.Struct, frozen=True, tag=True):
    """How a limit stands at any time: `upper` is the best the contrast may still be; below 0, the limit is broken.

    `p` is the smallest alpha at which it is.
    """

    upper: float
    p: float


def rho_squared(planned: int, *, alpha: float = ALPHA) -> float:
    """The tuning that makes the interval narrowest at `planned` units of both arms; fixed before the start.

    (-2 log alpha + log(-2 log alpha + 1)) / N*: the paper's rho for a chosen time, as gbstats uses it.
    ValueError when nothing is planned or alpha is no share.
    """
    if planned < 1:
        raise ValueError("an always-valid interval needs the planned number of units, 1 or more")
    if not 0 < alpha < 1:
        raise ValueError("alpha lies between 0 and 1")
    doubled = -2 * log(alpha)
    return (doubled + log(doubled + 1)) / planned


def always_valid(found: Comparison, *, planned: int, alpha: float = ALPHA) -> AlwaysValid:
    """Two-sided, for a difference.

    Half width se sqrt(2 k log(sqrt(k) / alpha) / (N rho^2)); p = min(1, sqrt(k) exp(-rho^2 N z^2 / (2 k))).
    """
    at_work = found.n * rho_squared(planned, alpha=alpha)
    k = at_work + 1
    half = found.standard_error * sqrt(2 * k * log(sqrt(k) / alpha) / at_work)
    z = found.difference / found.standard_error
    if abs(z) > FARTHEST:
        return AlwaysValid(Interval(found.difference - half, found.difference + half), 0.0)
    log_evidence = at_work * z**2 / (2 * k) - log(k) / 2
    return AlwaysValid(
        Interval(found.difference - half, found.difference + half), exp(-max(0.0, log_evidence))
    )


def bound_harm(contrast: Contrast, *, planned: int, alpha: float = ALPHA) -> HarmBound:
    """One-sided, for a safety limit: with what share of alpha it is asked is the caller's (alpha / limits).

    Upper bound value + se sqrt(2 k log(1 + sqrt(k) / (2 alpha)) / (N rho^2)): the paper's one-sided sequence, from
    the mixture over a half normal; narrowest at the planned end with rho^2 for 2 alpha.
    """
    at_work = contrast.n * rho_squared(planned, alpha=min(2 * alpha, 0.99))
    k = at_work + 1
    reach = contrast.standard_error * sqrt(2 * k * log1p(sqrt(k) / (2 * alpha)) / at_work)
    z = -contrast.value / contrast.standard_error
    return HarmBound(contrast.value + reach, _one_sided_p(z, at_work / k, sqrt(k)))


FARTHEST = 1e6
"""Standard errors from 0 beyond which a p value is 0 in any arithmetic."""


def _one_sided_p(z: float, share: float, root: float) -> float:
    """The alpha at which log(1 + root / (2 alpha)) = share z^2 / 2."""
    if z <= 0:
        return 1.0
    exponent = share * min(z, FARTHEST) ** 2 / 2
    if exponent > 700:
        return 0.0
    distance = expm1(exponent)
    return min(1.0, root / 2 / distance) if distance > 0 else 1.0
