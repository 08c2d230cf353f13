"""Dates: `31 March 2027`, with a time where it matters: `31 March 2027 14:00`."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from opportune.core.language.phrases.wording import misread
from opportune.core.moment import SECOND

MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_MONTH = "|".join(f"{month}|{month[:3]}\\.?" for month in MONTHS) + "|Sept\\.?"
_TIME = r"(?:,?\s*(?:at\s+)?\d{1,2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?)?"
_WORDS = rf"\d{{1,2}}(?:st|nd|rd|th)?(?:\s+of)?\s+(?:{_MONTH}),?\s+\d{{4}}{_TIME}"
_AMERICAN = rf"(?:{_MONTH})\s+\d{{1,2}}(?:st|nd|rd|th)?,?\s+\d{{4}}{_TIME}"
_ISO = r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?(?:Z|[+-]\d{2}:\d{2})?)?"
PATTERN = rf"(?:{_WORDS}|{_AMERICAN}|{_ISO})(?!\w)"
"""A date anywhere in a sentence (to be matched without regard to case)."""

_PARTS = re.compile(
    rf"(?:(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?:\s+of)?\s+(?P<month>{_MONTH})"
    rf"|(?P<month2>{_MONTH})\s+(?P<day2>\d{{1,2}})(?:st|nd|rd|th)?),?\s+(?P<year>\d{{4}})"
    r"(?:,?\s*(?:at\s+)?(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.(?P<fraction>\d{1,3}))?)?)?",
    re.IGNORECASE,
)
_EXAMPLES = ("31 March 2027", "2027-03-31", "31 March 2027 14:00")


def parse_date(text: str, zone: ZoneInfo) -> int:
    """The moment (ms) a date begins in a zone, or the exact moment when a time is given; raises SentenceError."""
    return round(_read(text, zone)[0].timestamp() * SECOND)


def parse_last_day(text: str, zone: ZoneInfo) -> int:
    """The moment (ms) after the last day meant by `until 31 March 2027`; a given time is exact."""
    when, has_time = _read(text, zone)
    if not has_time:
        when = datetime(when.year, when.month, when.day, tzinfo=zone) + timedelta(days=1)
    return round(when.timestamp() * SECOND)


def _read(text: str, zone: ZoneInfo) -> tuple[datetime, bool]:
    stripped = text.strip()
    try:
        if re.fullmatch(_ISO, stripped, re.IGNORECASE):
            when = datetime.fromisoformat(stripped.upper())
            return (when if when.tzinfo else when.replace(tzinfo=zone)), len(stripped) > 10
        parts = _PARTS.fullmatch(stripped)
        if parts:
            return _from_parts(parts, zone), parts["hour"] is not None
    except (ValueError, OverflowError):
        raise misread(text, 0, f"“{stripped}” is not a day of the calendar", _EXAMPLES) from None
    raise misread(text, 0, f"“{stripped}” is not a date", _EXAMPLES)


def _from_parts(parts: re.Match[str], zone: ZoneInfo) -> datetime:
    month = (parts["month"] or parts["month2"])[:3].casefold()
    number = next(index for index, name in enumerate(MONTHS, 1) if name[:3].casefold() == month)
    return datetime(
        int(parts["year"]),
        number,
        int(parts["day"] or parts["day2"]),
        int(parts["hour"] or 0),
        int(parts["minute"] or 0),
        int(parts["second"] or 0),
        int((parts["fraction"] or "0").ljust(3, "0")) * 1_000,
        tzinfo=zone,
    )


def describe_date(at: int, zone: ZoneInfo) -> str:
    """`31 March 2027`, with the time unless it is midnight; a wall time that occurs twice is told with its offset."""
    when = datetime.fromtimestamp(at // SECOND, zone).replace(microsecond=at % SECOND * 1_000)
    if round(when.replace(fold=0).timestamp() * SECOND) != at or when.year < 1000:
        return when.isoformat(timespec="milliseconds")
    words = f"{when.day} {MONTHS[when.month - 1]} {when.year}"
    if at % SECOND:
        return f"{words} {when:%H:%M:%S}.{at % SECOND:03}"
    if when.second:
        return f"{words} {when:%H:%M:%S}"
    return f"{words} {when:%H:%M}" if when.hour or when.minute else words


def describe_last_day(until_at: int, zone: ZoneInfo) -> str:
    """The inverse of `parse_last_day`."""
    day_before = datetime.fromtimestamp(until_at / SECOND, zone) - timedelta(days=1)
    words = describe_date(round(day_before.timestamp() * SECOND), zone)
    if re.fullmatch(r"\d+ \w+ \d{4}", words) and parse_last_day(words, zone) == until_at:
        return words
    words = describe_date(until_at, zone)
    return words if parse_last_day(words, zone) == until_at else f"{words} 00:00"
