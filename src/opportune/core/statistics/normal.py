"""The normal and the chi-square distribution, to the last digits of their tails, on the standard library."""

from __future__ import annotations

from functools import lru_cache
from math import erfc, exp, lgamma, log, sqrt
from statistics import NormalDist

_NORMAL = NormalDist()
MOST_TERMS = 100_000
SMALLEST = 1e-300


def upper_tail(z: float) -> float:
    """P(Z > z) of the standard normal; exact in far tails, where 1 - cdf would be 0."""
    return 0.5 * erfc(z / sqrt(2))


def two_tails(z: float) -> float:
    """P(|Z| > |z|)."""
    return erfc(abs(z) / sqrt(2))


@lru_cache(maxsize=256)
def quantile(share: float) -> float:
    """The z below which a share (0 < share < 1) of the standard normal lies; ValueError outside."""
    if not 0 < share < 1:
        raise ValueError("a quantile is asked for a share between 0 and 1")
    return _NORMAL.inv_cdf(share)


def chi_square_tail(statistic: float, degrees: int) -> float:
    """P(X > statistic) of chi-square with whole degrees of freedom: the regularized upper incomplete gamma Q(k/2, x/2).

    Series below the mean, Lentz's continued fraction above it: Press, Teukolsky, Vetterling, Flannery,
    Numerical Recipes, 3rd ed., 2007, section 6.2.
    """
    if degrees < 1:
        raise ValueError("degrees of freedom are 1 or more")
    if statistic <= 0:
        return 1.0
    shape, x = degrees / 2, statistic / 2
    factor = exp(max(-745.0, shape * log(x) - x - lgamma(shape)))
    if x < shape + 1:
        return max(0.0, 1.0 - factor * _gamma_series(shape, x))
    return min(1.0, factor * _gamma_fraction(shape, x))


def _gamma_series(shape: float, x: float) -> float:
    term = total = 1 / shape
    for step in range(1, MOST_TERMS):
        term *= x / (shape + step)
        total += term
        if term < total * 1e-17:
            break
    return total


def _gamma_fraction(shape: float, x: float) -> float:
    b = x + 1 - shape
    c = 1 / SMALLEST
    d = 1 / b
    fraction = d
    for step in range(1, MOST_TERMS):
        a = -step * (step - shape)
        b += 2
        d = a * d + b
        d = 1 / (d if abs(d) > SMALLEST else SMALLEST)
        c = b + a / c
        c = c if abs(c) > SMALLEST else SMALLEST
        change = d * c
        fraction *= change
        if abs(change - 1) < 1e-16:
            break
    return fraction
