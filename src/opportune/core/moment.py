"""Moments and spans of time.

Inside the house a moment is an integer: milliseconds since 1970-01-01 UTC, named `..._at`.
It becomes ISO-8601 text, or words in the installation's time zone, only at the edges.
"""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def from_iso(text: str) -> int:
    """Milliseconds for an ISO-8601 text; without an offset it is read as UTC. Raises ValueError."""
    when = datetime.fromisoformat(text.strip())
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return round(when.timestamp() * SECOND)


def to_iso(at: int) -> str:
    """`2026-11-22T14:02:05.123Z` for a moment."""
    return datetime.fromtimestamp(at / SECOND, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def to_day(at: int, zone: ZoneInfo) -> str:
    """The day of a moment by the clock of a zone: `2026-11-22`."""
    return datetime.fromtimestamp(at / SECOND, zone).date().isoformat()


def to_clock(at: int, now: int, zone: ZoneInfo) -> str:
    """A past moment as a marketer says it: `14:02` today, else `12 Nov 14:02`, else `12 Nov 2025 14:02`."""
    then, today = (datetime.fromtimestamp(value / SECOND, zone) for value in (at, now))
    if then.date() == today.date():
        return f"{then:%H:%M}"
    if then.year == today.year:
        return f"{then.day} {then:%b %H:%M}"
    return f"{then.day} {then:%b %Y %H:%M}"
