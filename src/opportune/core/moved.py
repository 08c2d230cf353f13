"""How a change is told, the same wherever a marketer reads: `12% more`, `between 3% fewer and 31% more`."""

from __future__ import annotations

from math import isfinite
from typing import Literal

NOT_KNOWN = "not known"
TIMES_FROM = 10.0
"""Ten times as many: from here a percentage says less than a factor."""

Sort = Literal["count", "amount"]
"""People, orders and clicks are more or fewer; money and what is divided by something is higher or lower."""

_UP: dict[Sort, str] = {"count": "more", "amount": "higher"}
_DOWN: dict[Sort, str] = {"count": "fewer", "amount": "lower"}
_TIMES: dict[Sort, str] = {"count": "many", "amount": "high"}


def percent_words(share: float) -> str:
    """A size without its sign: `31%`; below ten percent with a decimal where it tells something: `3.4%`."""
    if not isfinite(share):
        return NOT_KNOWN
    size = abs(share) * 100
    if size > 1_000:
        return "more than 1,000%"
    if 0 < size < 0.05:
        return "less than 0.1%"
    text = f"{size:.1f}".removesuffix(".0") if size < 9.95 else f"{size:,.0f}"
    return f"{text}%"


def change_words(relative: float, sort: Sort = "count") -> str:
    """`12% more`, `3% lower`, `no change`, `11 times as many`."""
    if not isfinite(relative):
        return NOT_KNOWN
    if relative == 0:
        return "no change"
    if relative >= TIMES_FROM:
        return f"{relative + 1:,.0f} times as {_TIMES[sort]}"
    return f"{percent_words(relative)} {_direction(relative, sort)}"


def _direction(relative: float, sort: Sort) -> str:
    return _UP[sort] if relative > 0 else _DOWN[sort]


def between_words(low: float, high: float, sort: Sort = "count") -> str:
    """`between 3% fewer and 31% more`; a side is named once where both are on it."""
    if not (isfinite(low) and isfinite(high)):
        return NOT_KNOWN
    if abs(low) < TIMES_FROM and abs(high) < TIMES_FROM and low * high > 0:
        near, far = sorted((low, high), key=abs)
        return f"between {percent_words(near)} and {percent_words(far)} {_direction(far, sort)}"
    return f"between {change_words(low, sort)} and {change_words(high, sort)}"
