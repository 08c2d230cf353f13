"""On-site limits: `at most 3 times in 7 days`, `once in 7 days, not after dismissed for 30 days`."""

from __future__ import annotations

import re

import msgspec

from opportune.core.language.phrases.duration import PATTERN as DURATION
from opportune.core.language.phrases.duration import UNIT_PATTERN, describe_duration, parse_duration, unit_ms
from opportune.core.language.phrases.wording import NUMBER_WORDS, misread, nearest, number_of
from opportune.core.moment import DAY
from opportune.core.rule import Limits

_COUNT = rf"(?P<count>once|twice|(?:\d+|{'|'.join(NUMBER_WORDS)})(?:\s+times?)?)"
_SPAN = rf"(?:(?P<span>{DURATION})|(?P<unit>{UNIT_PATTERN}))"
_WITHIN = rf"\s+(?:(?:in|within|every|per)\s+(?:the\s+(?:last|past)\s+)?|a\s+){_SPAN}"
_AT_MOST = re.compile(
    rf"(?:(?:at\s+most|no\s+more\s+than|not\s+more\s+than)\s+)?{_COUNT}(?:{_WITHIN}|\s+ever)?", re.IGNORECASE
)
_DISMISSED = re.compile(
    rf"(?:not|never)\s+(?:again\s+)?after\s+(?:(?:it\s+was\s+|being\s+)?dismissed|dismissal)(?:\s+for\s+(?P<span>{DURATION}))?",
    re.IGNORECASE,
)
_EXAMPLES = (
    "at most 3 times in 7 days",
    "once in 7 days",
    "not after dismissed",
    "not after dismissed for 30 days",
    "no limit",
)
_PART = re.compile(
    r"(?:\s*(?:,\s*(?:and\b)?|;|\band\b)\s*|^\s*)((?:(?!,|;|\band\b).)+)", re.IGNORECASE | re.DOTALL
)


def parse_limits(text: str) -> Limits:
    """Limits joined by commas or "and"; raises SentenceError."""
    if text.strip().casefold() in {"no limit", "no limits", "none"}:
        return Limits()
    limits = Limits()
    at = 0
    while at < len(text.rstrip()) or at == 0:
        part = _PART.match(text, at)
        if part is None:
            raise misread(text, at, f"no limit stands at “{text[at:].strip()}”", _EXAMPLES)
        limits = _with(limits, text, part[1].rstrip(), part.start(1))
        at = part.end()
    return limits


def _with(limits: Limits, text: str, words: str, at: int) -> Limits:
    if match := _AT_MOST.fullmatch(words):
        if limits.at_most is not None:
            raise misread(text, at, f"“{words}”: a number of times was already given", _EXAMPLES)
        return msgspec.structs.replace(
            limits, at_most=_times(match["count"]), at_most_days=_days(match["span"], match["unit"])
        )
    if match := _DISMISSED.fullmatch(words):
        days = _days(match["span"], None)
        return msgspec.structs.replace(limits, not_after_dismissed_days=0 if days is None else days)
    raise misread(text, at, f"“{words}” is not a limit", nearest(words, _EXAMPLES) or _EXAMPLES)


def _times(words: str) -> int:
    first = words.casefold().split()[0]
    return {"once": 1, "twice": 2}.get(first) or int(number_of(first) or 0)


def _days(span: str | None, unit: str | None) -> float | None:
    if span is None and unit is None:
        return None
    return (parse_duration(span) if span else unit_ms(unit or "")) / DAY


def describe_limits(limits: Limits) -> str:
    """The canonical words; `no limit` when there is none."""
    parts = []
    if limits.at_most is not None:
        times = "once" if limits.at_most == 1 else f"{limits.at_most} times"
        within = "" if limits.at_most_days is None else f" in {_span(limits.at_most_days)}"
        parts.append(f"at most {times}{within}")
    if limits.not_after_dismissed_days is not None:
        days = limits.not_after_dismissed_days
        parts.append("not after dismissed" + (f" for {_span(days)}" if days else ""))
    return ", ".join(parts) or "no limit"


def _span(days: float) -> str:
    return describe_duration(round(days * DAY))
