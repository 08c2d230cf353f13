"""Recently viewed: the visitor's own products, newest first, without the one on the page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from opportune.core.history.plan import Plan
from opportune.core.recommending.base import Pick, Recommender
from opportune.core.recommending.counting import LAST_ITEMS
from opportune.core.recommending.shelf import Shelf
from opportune.core.signals.base import texts_of, visit_start

if TYPE_CHECKING:
    from opportune.core.situation import Situation


class RecentlyViewed(Recommender):
    name = "recently viewed"
    meaning = "The products they looked at themselves, newest first, without the one on this page."
    examples = ("recently viewed, 6", "recently viewed, 4, in stock, not bought yet")

    def recommend(self, about: Sequence[str], situation: Situation, shelf: Shelf) -> Iterator[Pick]:  # noqa: ARG002 - the history tells
        found = dict.fromkeys(_viewed(situation, self.plan, since=0))
        return (Pick(product, ("viewed before", "", 1)) for product in found)


def viewed_in_visit(situation: Situation, plan: Plan) -> list[str]:
    """The last products of the visit that goes on, newest first, each once."""
    found: dict[str, None] = {}
    for product in _viewed(situation, plan, since=visit_start(situation)):
        found[product] = None
        if len(found) >= LAST_ITEMS:
            break
    return list(found)


def _viewed(situation: Situation, plan: Plan, *, since: int) -> Iterator[str]:
    for event in situation.timeline.named(plan.names_of("Product Viewed")):
        if event.occurred_at < since:
            return
        yield from texts_of(event.facts.get("product"))
