"""A count taken of a part of all visitors, scaled up to all of them, with the interval of that.

Visitors fall into the part by a hash of their id, each by itself, so what is counted of them is close to Poisson. The
interval of a Poisson count n is the score interval n + z^2/2 +- z sqrt(n + z^2/4) (Barker, A Comparison of Nine
Confidence Intervals for a Poisson Parameter, The American Statistician 56, 2002). Visitors who count several times
widen it by the design effect (Kish, Survey Sampling, 1965); how much of all was looked at narrows it.
"""

from __future__ import annotations

from math import sqrt

import msgspec

Z = 1.959963984540054
"""Of a normal distribution, 95% lie within so many deviations."""


class Scaled(msgspec.Struct, frozen=True):
    """A number for all visitors; between `low` and `high` in 95 of 100 such samples, equal where all were counted."""

    value: float
    low: float
    high: float

    def per(self, divisor: float) -> Scaled:
        return Scaled(self.value / divisor, self.low / divisor, self.high / divisor)


def people_a_day_words(number: Scaled) -> str:
    """`about 46 people a day (40 to 52)`: alike wherever it is told."""
    if number.high < 1:
        return "fewer than 1 person a day"
    if number.low == number.high:
        return f"{figure_words(number.value)} {'person' if number.value == 1 else 'people'} a day"
    return (
        f"about {figure_words(number.value)} people a day "
        f"({figure_words(number.low)} to {figure_words(number.high)})"
    )


def figure_words(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}".removesuffix(".0")


def scale(total: float, squares: float, fraction: float) -> Scaled:
    """The sum over visitors and the sum of their squares, counted in that fraction (0 to 1] of all."""
    if fraction >= 1:
        return Scaled(total, total, total)
    design = max(1.0, squares / total) if total else 1.0
    counted = total / design
    centre, half = counted + Z * Z / 2, Z * sqrt(counted + Z * Z / 4)
    rest = sqrt(1 - fraction)
    low = counted - (counted - (centre - half)) * rest
    high = counted + (centre + half - counted) * rest
    return Scaled(total / fraction, max(0.0, low) * design / fraction, high * design / fraction)
