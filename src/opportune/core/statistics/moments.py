"""Moments: the sums an arm is analysed from. They add up, so days, devices and re-counts give the same numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

Number = int | float
"""Integers stay integers (money is minor units): their sums are exact, whatever the order they are added in."""


class Moments(msgspec.Struct, frozen=True, kw_only=True):
    """Sums over the units of one arm, with the letters of the formulas; what a metric does not use stays 0.

    y: the unit's value (1 or 0 for a proportion); d: what it is divided by (the visits in revenue a visit);
    x: its covariate, known before exposure; w: what the covariate is divided by. Two letters are a sum of
    products. `a + b` holds the units of both; `a - b` takes units away again; with integers both are exact.
    """

    n: int = 0
    y: Number = 0
    yy: Number = 0
    d: Number = 0
    dd: Number = 0
    yd: Number = 0
    x: Number = 0
    xx: Number = 0
    yx: Number = 0
    dx: Number = 0
    w: Number = 0
    ww: Number = 0
    yw: Number = 0
    dw: Number = 0
    xw: Number = 0

    def __add__(self, other: Moments) -> Moments:
        return Moments(**{name: getattr(self, name) + getattr(other, name) for name in FIELDS})

    def __sub__(self, other: Moments) -> Moments:
        return Moments(**{name: getattr(self, name) - getattr(other, name) for name in FIELDS})

    def mean(self, letter: str = "y") -> float:
        """Of one letter. The caller has looked that there is a unit."""
        return float(getattr(self, letter) / self.n)

    def variance(self, letter: str = "y") -> float:
        """Of one letter among units, divided by n - 1. The caller has looked that there are two units."""
        return floored(self.covariance(letter, letter))

    def covariance(self, left: str, right: str) -> float:
        """(n sum(ab) - sum(a) sum(b)) / (n (n - 1)): on integers nothing cancels, there is one rounding."""
        products = getattr(self, product_of(left, right))
        spread = self.n * products - getattr(self, left) * getattr(self, right)
        return float(spread / (self.n * (self.n - 1)))


def floored(variance: float) -> float:
    """At least 0, where rounding took it below; a NaN stays one, to be found by whoever answers."""
    return 0.0 if variance < 0 else variance


FIELDS = Moments.__struct_fields__
NO_UNITS = Moments()
LETTERS = "ydxw"


def product_of(left: str, right: str) -> str:
    """The name of the sum of two letters' products, whichever comes first."""
    first, second = sorted((left, right), key=LETTERS.index)
    return first + second


def moments_of_units(
    values: Sequence[Number],
    *,
    per: Sequence[Number] | None = None,
    before: Sequence[Number] | None = None,
    before_per: Sequence[Number] | None = None,
) -> Moments:
    """The sums over units given one by one; the four sequences are equally long (ValueError when not)."""
    columns = {"y": values, "d": per, "x": before, "w": before_per}
    given = {letter: column for letter, column in columns.items() if column is not None}
    if any(len(column) != len(values) for column in given.values()):
        raise ValueError("every unit has one value of each kind")
    sums: dict[str, Number] = {letter: sum(column) for letter, column in given.items()}
    for place, left in enumerate(given):
        for right in list(given)[place:]:
            pairs = zip(given[left], given[right], strict=True)
            sums[left + right] = sum(one * other for one, other in pairs)
    return Moments(n=len(values), **sums)


def moments_of_share(units: int, successes: int) -> Moments:
    """A proportion: each unit is 1 or 0, so that its square is itself."""
    return Moments(n=units, y=successes, yy=successes)


def total(arms: Iterable[Moments]) -> Moments:
    """All units of several arms or days."""
    together = NO_UNITS
    for arm in arms:
        together += arm
    return together
