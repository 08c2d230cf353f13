"""Safety limits: `bounces a visit up by at most 5%, orders a visitor down by at most 10%`."""

from __future__ import annotations

import re

from opportune.core.experiments.experiment import Limit
from opportune.core.language.phrases.wording import misread, nearest, squeezed
from opportune.core.metrics import AnyMetric
from opportune.core.metrics.base import Words
from opportune.core.metrics.reading import parse_metric
from opportune.errors import SentenceError

NO_LIMIT = frozenset({"", "none", "no limit", "no limits", "no"})
MOST_PERCENT = 90
_PART = re.compile(r"(?:\"[^\"]*\"|[^,;\"])+")
_LIMIT = re.compile(
    r"(?s)(.+?)\s+(up|down)\s+by\s+(?:(?:at\s+most|no\s+more\s+than|not\s+more\s+than)\s+)?"
    r"(\d+(?:\.\d+)?)\s*(?:%|percent|per\s+cent)",
    re.IGNORECASE,
)
_EXAMPLES = ("bounces a visit up by at most 5%", "orders a visitor down by at most 10%", "none")


def parse_safety(text: str, words: Words) -> tuple[Limit, ...]:
    """The limits, none for `none`; raises SentenceError."""
    if squeezed(text) in NO_LIMIT:
        return ()
    parts = [(part.start(), part[0]) for part in _PART.finditer(text) if part[0].strip()]
    return tuple(_limit(text, at + len(part) - len(part.lstrip()), part.strip(), words) for at, part in parts)


def _limit(text: str, at: int, part: str, words: Words) -> Limit:
    found = _LIMIT.fullmatch(part.removesuffix("."))
    if found is None:
        wrong = f"“{part}” is not a safety limit; say a metric, up or down, and by how much at most"
        raise misread(text, at, wrong, nearest(part, _EXAMPLES) or _EXAMPLES)
    metric = _metric(text, at, found[1], words)
    harm = "down" if metric.more_is_better else "up"
    percent = float(found[3])
    if found[2].casefold() != harm:
        right = f"{metric.phrase} {harm} by at most {percent:g}%"
        raise misread(text, at, f"“{part}”: that would be no harm", (right,))
    if not 0 < percent <= MOST_PERCENT:
        wrong = f"“{part}”: a limit lies above 0% and up to {MOST_PERCENT}%"
        raise misread(text, at, wrong, (f"{metric.phrase} {harm} by at most 5%",))
    return Limit(metric=metric, margin=percent / 100)


def _metric(text: str, at: int, phrase: str, words: Words) -> AnyMetric:
    try:
        return parse_metric(phrase, words)
    except SentenceError as error:
        raise misread(text, at + error.at, str(error), error.suggestions) from None
