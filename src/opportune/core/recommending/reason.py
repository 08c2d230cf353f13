"""The words of a reason: why a product stands in a list, for receipts that are read aloud."""

from __future__ import annotations

from collections.abc import Mapping

WORDS: Mapping[str, str] = {
    "bought": "bought {times}",
    "carted": "put into carts {times}",
    "viewed": "viewed {times}",
    "bought with": "bought together with {about} {times}",
    "carted with": "put into carts together with {about} {times}",
    "viewed with": "viewed together with {about} {times}",
    "viewed before": "they viewed it before",
    "bought again after days": "bought again after {count} days as a rule",
}


def say_reason(reason: tuple[str | int, ...]) -> str:
    """Of a recommender's plain facts; empty where there are none."""
    if len(reason) != 3 or reason[0] not in WORDS:
        return "of the same category"
    kind, about, count = reason
    times = "once" if count == 1 else f"{count} times"
    return WORDS[str(kind)].format(about=about, times=times, count=count)
