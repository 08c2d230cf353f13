"""UTC days, as totals are kept by."""

from __future__ import annotations

from datetime import date

from opportune.core.moment import DAY

EPOCH = date(1970, 1, 1).toordinal()


def day_of(day: int) -> str:
    """`2026-11-22` for a number of days since 1970."""
    return date.fromordinal(EPOCH + day).isoformat()


def day_after(at: int) -> int:
    """The first day, as a number of days since 1970, no moment of which is before this one."""
    return -(-at // DAY)
