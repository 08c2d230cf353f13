"""A rule's test: `half and half, on orders, for 7 weeks, to find 10%`, `1 in 10 get nothing, on orders`, `no test`."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

from opportune.core.language.phrases.duration import WEEK, describe_duration, parse_duration
from opportune.core.language.phrases.share import WHOLE, describe_ratio, parse_share
from opportune.core.language.phrases.wording import misread, nearest, plain_number, squeezed
from opportune.core.moment import DAY
from opportune.core.rule import CONTROL, TREATMENT, Test
from opportune.errors import SentenceError

_NOTHING = re.compile(
    r"(.+?)\s+(?:gets?|sees?|receives?)\s+(?:nothing|none|no\s+change)", re.IGNORECASE | re.DOTALL
)
_FIND = re.compile(r"to\s+find\s+(?:a\s+(?:gain|change)\s+of\s+)?", re.IGNORECASE)
_GAIN = re.compile(r"(\d+(?:\.\d+)?)\s*(?:%|percent|per\s+cent)(?:\s+more)?", re.IGNORECASE)
T = TypeVar("T")
LEAST_GAIN, MOST_GAIN = 0.01, 1.0
"""Less than the one takes millions of visitors, more than the other no single rule ever brought."""
MOST_WEEKS = 52
_EXAMPLES = (
    "half and half, on added to cart, for 7 weeks",
    "1 in 10 get nothing, on orders within 3 days",
    "no test",
)
_PART_EXAMPLES = ("half and half", "1 in 10 get nothing", "on orders", "for 7 weeks", "to find 10%")


def parse_test(text: str) -> Test | None:
    """How visitors are split, what decides, and how long; None for `no test`. Raises SentenceError."""
    if squeezed(text) in {"no test", "none", "no"}:
        return None
    control: int | None = None
    metric = ""
    days: int | None = None
    gain: float | None = None
    for part in re.finditer(r"[^,]+", text):
        words = part[0].strip()
        at = part.start() + len(part[0]) - len(part[0].lstrip())
        beginning, _, rest = words.partition(" ")
        if beginning.casefold() == "on" and rest and not metric:
            metric = " ".join(rest.split())
        elif beginning.casefold() == "for" and rest and days is None:
            days = _placed(text, at + 4, rest, parse_length)
        elif (sought := _FIND.match(words)) and gain is None:
            gain = _placed(text, at + sought.end(), words[sought.end() :], parse_gain)
        elif control is None:
            control = _control(text, at, words)
        else:
            raise misread(
                text, at, f"“{words}” is not part of a test", nearest(words, _PART_EXAMPLES) or _PART_EXAMPLES
            )
    if control is None:
        raise misread(text, 0, "a test says how visitors are split", _EXAMPLES)
    arms = ((CONTROL, control), (TREATMENT, WHOLE - control))
    return Test(arms=arms, metric=metric, days=days, smallest_gain=gain)


def _control(text: str, at: int, words: str) -> int:
    if squeezed(words) in {"half and half", "half / half", "50/50", "50 / 50", "fifty-fifty"}:
        return WHOLE // 2
    nothing = _NOTHING.fullmatch(words)
    if nothing is None:
        raise misread(
            text,
            at,
            f"“{words}” does not say how visitors are split",
            nearest(words, _PART_EXAMPLES[:2]) or _PART_EXAMPLES[:2],
        )
    share = _placed(text, at, nothing[1], parse_share)
    if not 0 < share < WHOLE:
        raise misread(text, at, "a test needs some visitors on both sides", _PART_EXAMPLES[:2])
    return share


def _placed(text: str, at: int, words: str, read: Callable[[str], T]) -> T:
    """What a part of the text says; an error points into the whole."""
    try:
        return read(words)
    except SentenceError as error:
        raise misread(text, at + error.at, str(error), error.suggestions) from None


def parse_length(text: str) -> int:
    """Days of a test's length, which is whole weeks; raises SentenceError with the nearest."""
    span_ms = parse_duration(text)
    if not is_whole_weeks(span_ms / DAY):
        right = (describe_duration(nearest_weeks(span_ms / DAY) * WEEK, in_weeks=True),)
        wrong = f"“{text.strip()}”: a test lasts 1 to {MOST_WEEKS} whole weeks, so that every weekday counts alike"
        raise misread(text, 0, wrong, right)
    return span_ms // DAY


def is_whole_weeks(days: float) -> bool:
    return 0 < days <= MOST_WEEKS * 7 and days % 7 == 0


def nearest_weeks(days: float) -> int:
    """The number of whole weeks nearest to so many days."""
    return max(1, min(round(days / 7), MOST_WEEKS))


def parse_gain(text: str) -> float:
    """The smallest gain worth finding, as a part of 1; raises SentenceError for one no test can be planned for."""
    found = _GAIN.fullmatch(text.strip())
    if found is None:
        raise misread(
            text, 0, f"“{text.strip()}” is not a gain; write a share of what there is now", ("20%", "10%")
        )
    gain = round(float(found[1]) / 100, 6)
    if not LEAST_GAIN <= gain <= MOST_GAIN:
        wrong = f"a gain of {found[1]}% is nothing to plan for; the smallest gain lies between 1% and 100%"
        raise misread(text, 0, wrong, ("20%", "10%"))
    return gain


def describe_test(test: Test | None) -> str:
    """The canonical words; raises ValueError for more than two arms, for which there are no words yet."""
    if test is None:
        return "no test"
    if [name for name, _ in test.arms] != [CONTROL, TREATMENT]:
        msg = f"no words for these arms: {test.arms}"
        raise ValueError(msg)
    control = test.arms[0][1]
    parts = ["half and half" if control == WHOLE // 2 else f"{describe_ratio(control)} get nothing"]
    if test.metric:
        parts.append(f"on {test.metric}")
    if test.days is not None:
        parts.append(f"for {describe_duration(test.days * DAY, in_weeks=True)}")
    if test.smallest_gain is not None:
        parts.append(f"to find {plain_number(round(test.smallest_gain * 100, 6))}%")
    return ", ".join(parts)
