"""Capping: a value above which one unit counts no more, fixed from history before a test so that sums still add."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from opportune.core.statistics.moments import Number

CAP_SHARE = 0.99
FEWEST_VALUES = 100
"""Fewer make no cap: the p99 of 30 orders is the largest one."""


def cap_from(history: Sequence[Number], *, share: float = CAP_SHARE) -> Number | None:
    """The cap: the smallest value of history that this share of its positive values does not exceed.

    A value that occurred (Hyndman and Fan's definition 1), so integers stay integers. Among those who bought
    anything: with 2 buyers in 100 the p99 of all visitors would cap half of the orders. None with too few values.
    """
    if not 0 < share <= 1:
        raise ValueError("a cap is asked for a share above 0, at most 1")
    ordered = sorted(value for value in history if value > 0)
    if len(ordered) < FEWEST_VALUES:
        return None
    return ordered[min(len(ordered), ceil(share * len(ordered))) - 1]


def capped(value: Number, cap: Number | None) -> Number:
    """Winsorized: at most the cap, which None leaves out."""
    return value if cap is None else min(value, cap)
