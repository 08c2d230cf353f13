"""Goes with: what is bought together; where too little was, carted, then viewed together, then of its category."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from opportune.core.recommending.base import Pick, Recommender
from opportune.core.recommending.best_sellers import reason_of
from opportune.core.recommending.counting import Basis
from opportune.core.recommending.shelf import Shelf

if TYPE_CHECKING:
    from opportune.core.situation import Situation

BASES: tuple[Basis, ...] = ("bought", "carted", "viewed")


class GoesWith(Recommender):
    name = "goes with"
    lead = "goes with"
    is_about_needed = True
    meaning = "What is bought with it; where that is too little, what is carted and viewed with it, then its category."
    examples = ("goes with {product}, 3, in stock", "goes with {cart items}, 2, in stock, not bought yet")

    def recommend(self, about: Sequence[str], situation: Situation, shelf: Shelf) -> Iterator[Pick]:  # noqa: ARG002 - alike for everybody
        for basis in BASES:
            yield from _together(about, basis, shelf)
        for product in about:
            known = shelf.catalogue.find(product)
            if known is not None and known.category:
                for other in shelf.best_in(known.category):
                    yield Pick(other, reason_of(other, shelf))


def _together(about: Sequence[str], basis: Basis, shelf: Shelf) -> Iterator[Pick]:
    scores: dict[str, float] = {}
    reasons: dict[str, tuple[str | int, ...]] = {}
    for product in about:
        for other, weight in shelf.counters.near(product, basis):
            scores[other] = scores.get(other, 0.0) + weight
            if other not in reasons:
                times = shelf.counters.times_together(product, basis, other)
                reasons[other] = (f"{basis} with", product, times)
    for other in sorted(scores, key=lambda each: (-scores[each], each)):
        yield Pick(other, reasons[other])
