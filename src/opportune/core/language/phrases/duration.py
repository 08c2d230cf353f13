"""Durations: `7 days`, `1 hour`, `half an hour`, `1 day 12 hours`."""

from __future__ import annotations

import re

from opportune.core.language.phrases.wording import NUMBER_WORDS, misread, nearest, number_of, plain_number
from opportune.core.moment import DAY, HOUR, MINUTE, SECOND

WEEK = 7 * DAY
UNITS: dict[str, int] = {
    "millisecond": 1,
    "second": SECOND,
    "minute": MINUTE,
    "hour": HOUR,
    "day": DAY,
    "week": WEEK,
    "month": 30 * DAY,
    "year": 365 * DAY,
}
"""A month counts 30 days and a year 365; both are read back in days."""

_SPOKEN = (("day", DAY), ("hour", HOUR), ("minute", MINUTE), ("second", SECOND), ("millisecond", 1))
_SHORT = {
    "ms": "millisecond",
    "s": "second",
    "sec": "second",
    "min": "minute",
    "h": "hour",
    "hr": "hour",
    "d": "day",
}

UNIT_PATTERN = (
    "(?:" + "|".join([f"{unit}s?" for unit in UNITS] + [f"{short}s?(?!\\w)" for short in _SHORT]) + ")(?!\\w)"
)
_FIGURES = r"\d+(?:\.\d+)?"
_IN_WORDS = rf"half\s+an?|an?|{'|'.join(NUMBER_WORDS)}"
_PART = rf"(?:{_FIGURES}\s*|(?:{_IN_WORDS})\s+){UNIT_PATTERN}"
PATTERN = rf"{_PART}(?:\s*{_PART})*"
"""A duration anywhere in a sentence (to be matched without regard to case); standing alone it may have "and" inside."""

_ONE_PART = re.compile(rf"({_FIGURES}|(?:{_IN_WORDS})(?=\s))\s*({UNIT_PATTERN})", re.IGNORECASE)
_WHOLE = re.compile(rf"{_PART}(?:\s*(?:,|and)?\s*{_PART})*", re.IGNORECASE)
_EXAMPLES = ("7 days", "48 hours", "30 minutes", "7 weeks")
LONGEST_MS = 100 * 365 * DAY


def parse_duration(text: str) -> int:
    """Milliseconds of `7 days`; raises SentenceError."""
    stripped = text.strip()
    if not _WHOLE.fullmatch(stripped):
        raise misread(
            text,
            0,
            f"“{stripped}” is not a duration; write a number and a unit",
            nearest(stripped, _EXAMPLES) or _EXAMPLES,
        )
    span = sum(_part_ms(number, unit) for number, unit in _ONE_PART.findall(stripped))
    if span > LONGEST_MS:
        raise misread(text, 0, f"“{stripped}” is longer than 100 years", _EXAMPLES)
    return round(span)


def _part_ms(number: str, unit: str) -> float:
    word = number.casefold().split()[0]
    amount = 0.5 if word == "half" else number_of(word) or 0
    return amount * unit_ms(unit)


def unit_ms(unit: str) -> int:
    """Milliseconds of one unit, by any of its names."""
    unit = unit.casefold()
    one = unit.removesuffix("s")
    return UNITS.get(_SHORT.get(unit, unit)) or UNITS[_SHORT.get(one, one)]


def describe_duration(span_ms: int, *, in_weeks: bool = False) -> str:
    """`7 days`, in the largest unit that needs no fraction; whole weeks as weeks on request."""
    if in_weeks and span_ms and span_ms % WEEK == 0:
        return _spoken(span_ms // WEEK, "week")
    for unit, length in _SPOKEN:
        if span_ms % length == 0 and (span_ms or unit == "second"):
            return _spoken(span_ms // length, unit)
    return _spoken(span_ms, "millisecond")


def _spoken(number: float, unit: str) -> str:
    return f"{plain_number(number)} {unit}{'' if number == 1 else 's'}"
