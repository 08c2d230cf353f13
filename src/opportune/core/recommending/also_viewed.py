"""Also viewed: what was looked at in the same visits, by all products of this visit, the latest counting most."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import sqrt
from typing import TYPE_CHECKING

from opportune.core.recommending.base import Pick, Recommender
from opportune.core.recommending.counters import Counters
from opportune.core.recommending.counting import LAST_ITEMS
from opportune.core.recommending.recently_viewed import viewed_in_visit
from opportune.core.recommending.shelf import Shelf

if TYPE_CHECKING:
    from opportune.core.situation import Situation

FADING = 0.4
"""What a product counts less than the one looked at after it."""
AGAIN = 1.8
"""So much of the best of what is new, fading, is given to what was looked at before: people go back and forth."""


class AlsoViewed(Recommender):
    name = "also viewed"
    lead = "also viewed with"
    is_about_needed = True
    meaning = "What others looked at in the same visit, by everything this visit looked at, the latest first of all."
    examples = ("also viewed with {product}, 4", "also viewed with {product}, 6, in stock, not shown already")

    def recommend(self, about: Sequence[str], situation: Situation, shelf: Shelf) -> Iterator[Pick]:
        seen = list(dict.fromkeys([*about, *viewed_in_visit(situation, self.plan)]))[:LAST_ITEMS]
        scores = score(seen, shelf.counters)
        for product in about:
            scores.pop(product, None)
        for product in sorted(scores, key=lambda each: (-scores[each], each)):
            yield Pick(product, _reason(product, seen, shelf.counters))


def score(seen: Sequence[str], counters: Counters) -> dict[str, float]:
    """What goes with products looked at, the latest first, with how much; also those looked at, but the latest."""
    scores: dict[str, float] = {}
    share = 1.0
    for product in seen:
        near = counters.near(product, "viewed")
        if near:
            part = share / sqrt(counters.weight(product, "viewed"))
            for other, weight in near:
                scores[other] = scores.get(other, 0.0) + part * weight
        share *= FADING
    _remind(scores, seen)
    return scores


def _remind(scores: dict[str, float], seen: Sequence[str]) -> None:
    high = max(scores.values(), default=1.0) * AGAIN
    for product in seen[1:]:
        high *= FADING
        scores[product] = scores.get(product, 0.0) + high
    scores.pop(seen[0], None) if seen else None


def _reason(product: str, seen: Sequence[str], counters: Counters) -> tuple[str | int, ...]:
    for other in seen:
        times = counters.times_together(other, "viewed", product)
        if times:
            return ("viewed with", other, times)
    return ("viewed before", "", 1)
