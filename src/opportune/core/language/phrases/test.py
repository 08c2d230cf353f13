"""A rule's test: `half and half, on added to cart, for 7 weeks`, `1 in 10 get nothing, on orders`, `no test`."""

from __future__ import annotations

import re

from opportune.core.language.phrases.duration import describe_duration, parse_duration
from opportune.core.language.phrases.share import WHOLE, describe_ratio, parse_share
from opportune.core.language.phrases.wording import misread, nearest, squeezed
from opportune.core.moment import DAY
from opportune.core.rule import CONTROL, TREATMENT, Test
from opportune.errors import SentenceError

_NOTHING = re.compile(
    r"(.+?)\s+(?:gets?|sees?|receives?)\s+(?:nothing|none|no\s+change)", re.IGNORECASE | re.DOTALL
)
_EXAMPLES = (
    "half and half, on added to cart, for 7 weeks",
    "1 in 10 get nothing, on orders within 3 days",
    "no test",
)
_PART_EXAMPLES = ("half and half", "1 in 10 get nothing", "on orders", "for 7 weeks")


def parse_test(text: str) -> Test | None:
    """How visitors are split, what decides, and how long; None for `no test`. Raises SentenceError."""
    if squeezed(text) in {"no test", "none", "no"}:
        return None
    control: int | None = None
    metric = ""
    days: int | None = None
    for part in re.finditer(r"[^,]+", text):
        words = part[0].strip()
        at = part.start() + len(part[0]) - len(part[0].lstrip())
        beginning, _, rest = words.partition(" ")
        if beginning.casefold() == "on" and rest and not metric:
            metric = " ".join(rest.split())
        elif beginning.casefold() == "for" and rest and days is None:
            days = _days(text, at + 4, rest)
        elif control is None:
            control = _control(text, at, words)
        else:
            raise misread(
                text, at, f"“{words}” is not part of a test", nearest(words, _PART_EXAMPLES) or _PART_EXAMPLES
            )
    if control is None:
        raise misread(text, 0, "a test says how visitors are split", _EXAMPLES)
    return Test(arms=((CONTROL, control), (TREATMENT, WHOLE - control)), metric=metric, days=days)


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
    share = _inside(text, at, nothing[1])
    if not 0 < share < WHOLE:
        raise misread(text, at, "a test needs some visitors on both sides", _PART_EXAMPLES[:2])
    return share


def _inside(text: str, at: int, words: str) -> int:
    try:
        return parse_share(words)
    except SentenceError as error:
        raise misread(text, at + error.at, str(error), error.suggestions) from None


def _days(text: str, at: int, words: str) -> int:
    try:
        span_ms = parse_duration(words)
    except SentenceError as error:
        raise misread(text, at + error.at, str(error), error.suggestions) from None
    if span_ms < DAY or span_ms % DAY:
        raise misread(text, at, f"“{words}”: a test lasts whole days", ("7 weeks", "14 days"))
    return span_ms // DAY


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
    return ", ".join(parts)
