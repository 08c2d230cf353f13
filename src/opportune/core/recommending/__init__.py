"""Recommending: every recommender there is, and the one way from a wish to a list of products with reasons."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from opportune.core.history.plan import Plan
from opportune.core.product import Product
from opportune.core.recommending.also_viewed import AlsoViewed
from opportune.core.recommending.base import Pick, Reason, Recommender
from opportune.core.recommending.best_sellers import BestSellers
from opportune.core.recommending.goes_with import GoesWith
from opportune.core.recommending.recently_viewed import RecentlyViewed
from opportune.core.recommending.refill_due import RefillDue
from opportune.core.recommending.shelf import Shelf
from opportune.core.recommending.wish import USUAL_COUNT, Wish
from opportune.core.signals.base import texts_of

if TYPE_CHECKING:
    from opportune.core.situation import Situation

RECOMMENDERS: tuple[type[Recommender], ...] = (BestSellers, AlsoViewed, GoesWith, RecentlyViewed, RefillDue)
BY_NAME: Mapping[str, type[Recommender]] = {member.name: member for member in RECOMMENDERS}
SHOWN = "products shown"
"""What a request may say of the page: ids of products that stand on it already."""

Chosen = tuple[Product, Reason]


def choose(
    wish: Wish, recommender: Recommender, about: Sequence[str], situation: Situation, shelf: Shelf
) -> Iterator[Chosen]:
    """The products of a wish, at most as many as it asks for; fewer when there are no more.

    Never one that the catalogue cannot name, and never the page's own or the one that the list is about.
    """
    find = shelf.catalogue.find
    known = {product.id for each in about if (product := find(each)) is not None}
    known |= {_canonical(each, find) for each in _unwanted(wish, situation, recommender.plan)}
    left = wish.count or USUAL_COUNT
    for pick in recommender.recommend(about, situation, shelf):
        product = find(pick.product)
        if product is None or product.id in known or not may_show(product):
            continue
        if wish.is_in_stock and not is_in_stock(product):
            continue
        known.add(product.id)
        yield product, pick.reason
        left -= 1
        if not left:
            return


def may_show(product: Product) -> bool:
    """Without a name and an address there is nothing to show."""
    return bool(product.name and product.url)


def is_in_stock(product: Product) -> bool:
    return product.in_stock and product.stock != 0


def _unwanted(wish: Wish, situation: Situation, plan: Plan) -> Iterator[str]:
    if situation.context.page_product:
        yield situation.context.page_product
    if wish.is_not_bought:
        yield from situation.value("products bought") or ()
    if wish.is_not_viewed:
        for event in situation.timeline.named(plan.names_of("Product Viewed")):
            yield from texts_of(event.facts.get("product"))
    if wish.is_not_shown:
        yield from situation.shown
        said = situation.value(SHOWN)
        yield from said if isinstance(said, list) else ()


def _canonical(identifier: str, find: Callable[[str], Product | None]) -> str:
    product = find(identifier)
    return product.id if product is not None else identifier


__all__ = [
    "BY_NAME",
    "RECOMMENDERS",
    "SHOWN",
    "Chosen",
    "Pick",
    "Recommender",
    "choose",
    "is_in_stock",
    "may_show",
]
