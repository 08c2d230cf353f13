"""Best sellers, of the whole shop or of a category: orders first, then carts and views, the older the less."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from opportune.core.recommending.base import Pick, Reason, Recommender
from opportune.core.recommending.shelf import Shelf

if TYPE_CHECKING:
    from opportune.core.situation import Situation


class BestSellers(Recommender):
    name = "best sellers"
    lead = "best sellers in"
    meaning = (
        "What is bought most, of late above all; before there are orders, what is carted and viewed most."
    )
    examples = ("best sellers", "best sellers in {category}, 4, in stock, not bought yet")

    def recommend(self, about: Sequence[str], situation: Situation, shelf: Shelf) -> Iterator[Pick]:  # noqa: ARG002 - alike for everybody
        ranked = (
            shelf.counters.best() if not about else (id_ for name in about for id_ in shelf.best_in(name))
        )
        return (Pick(product, reason_of(product, shelf)) for product in ranked)


def reason_of(product: str, shelf: Shelf) -> Reason:
    """What all visitors did with it, the strongest first."""
    for basis in ("bought", "carted", "viewed"):
        times = shelf.counters.times(product, basis)
        if times:
            return (basis, "", times)
    return ()
