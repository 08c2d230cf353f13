"""A metric from its words: `orders within 3 days`, `revenue a visit`, `bounces a visit up by at most 5%`."""

from __future__ import annotations

import re
from typing import cast

from opportune.core.language.phrases.duration import parse_duration
from opportune.core.language.phrases.wording import misread, nearest
from opportune.core.metrics import METRICS, AnyMetric
from opportune.core.metrics.base import Words
from opportune.core.moment import DAY, HOUR
from opportune.errors import SentenceError

_WINDOW = re.compile(r"(?s)(.+)\s+(?:within|in|during)\s+(?:the\s+(?:first|next)\s+)?(.+)")
SHORTEST_MS, LONGEST_MS = HOUR, 365 * DAY
USUAL = ("orders within 3 days", "added to cart", "revenue a visitor")


def parse_metric(text: str, words: Words) -> AnyMetric:
    """The metric; raises SentenceError with the nearest known ones."""
    phrase = " ".join(text.split()).removesuffix(".")
    whole = _read(phrase, None, words)
    if whole is not None:
        return whole
    split = _WINDOW.fullmatch(phrase)
    if split is None or _read(split[1], None, words) is None:
        known = [phrase for member in METRICS for phrase in member.phrases(words)]
        wrong = f"“{split[1] if split else phrase}” is nothing that is measured"
        raise misread(text, 0, wrong, nearest(split[1] if split else phrase, known) or USUAL)
    found = _read(split[1], _window(text, split[2]), words)
    if found is None:
        raise misread(text, 0, f"“{split[1]}” is nothing that is measured", USUAL)
    return found


def _read(phrase: str, window_ms: int | None, words: Words) -> AnyMetric | None:
    found = (member.read(phrase, window_ms, words) for member in METRICS)
    return cast("AnyMetric | None", next((metric for metric in found if metric is not None), None))


def _window(text: str, span: str) -> int:
    at = text.find(span)
    try:
        window_ms = parse_duration(span)
    except SentenceError as error:
        raise misread(text, at, str(error), error.suggestions) from None
    if not SHORTEST_MS <= window_ms <= LONGEST_MS:
        raise misread(text, at, f"“{span}”: outcomes are counted for 1 hour to 365 days", ("within 7 days",))
    return window_ms
