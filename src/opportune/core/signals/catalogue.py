"""True facts about the product of the page, from the catalogue: each with its age, and unknown once it is stale."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from opportune.core.signals.base import NOTHING, Reading, Signal, SignalValue, text_of

if TYPE_CHECKING:
    from opportune.core.product import Product
    from opportune.core.situation import Situation
    from opportune.core.team import Team


ANY_PAGE = frozenset({"*"})
"""Another page is about another product."""


class OfTheProduct(Signal):
    """What the catalogue says of the product that the page is about."""

    source = "catalogue"
    confidence = "high"
    page_types = ANY_PAGE

    def read(self, situation: Situation) -> Reading:
        product = find_product(situation)
        if product is None or (self.type == "money" and not is_ours(product, situation.team)):
            return NOTHING
        return fresh(situation, self.value_of(product), situation.catalogue.known_at(product))

    @abstractmethod
    def value_of(self, product: Product) -> SignalValue: ...

    def changes_at(self, reading: Reading, now: int) -> int | None:
        """It may grow stale at any moment, so nobody keeps an answer that rests on it for long."""
        return None if reading.at is None else now + KEPT_MS


def is_ours(product: Product, team: Team) -> bool:
    """Whether its prices are in the reporting currency; they are not for a while after a team changed it."""
    return product.currency in ("", team.currency)


def knows_price(situation: Situation, product: Product) -> bool:
    """Whether what it costs may be told: in the currency that is reported now, and not too old where it has an age."""
    at = situation.catalogue.known_at(product)
    return is_ours(product, situation.team) and (not at or situation.now - at <= situation.team.facts_last)


KEPT_MS = 60_000


def fresh(situation: Situation, value: SignalValue, at: int) -> Reading:
    """The value, unless nobody has looked for longer than the team lets facts last."""
    if value is None or situation.now - at > situation.team.facts_last:
        return NOTHING
    return Reading(value, "catalogue", "high", at)


def find_product(situation: Situation) -> Product | None:
    """The one the request names, else the one whose page has this address."""
    context, catalogue = situation.context, situation.catalogue
    if context.page_product:
        return catalogue.find(context.page_product)
    return catalogue.find_on_page(context.page_path or context.page_url)


class ProductName(OfTheProduct):
    name = "product name"
    type = "text"
    meaning = "What the product of this page is called."

    def value_of(self, product: Product) -> SignalValue:
        return product.name or None


class Price(OfTheProduct):
    name = "price"
    type = "money"
    meaning = "The usual price of the product of this page."

    def value_of(self, product: Product) -> SignalValue:
        return product.price


class SalePrice(OfTheProduct):
    name = "sale price"
    is_spoken = False  # "the campaign is sale" must go on meaning the campaign
    type = "money"
    meaning = "The lower price it is sold at now; not known when it is not reduced."

    def value_of(self, product: Product) -> SignalValue:
        return product.sale_price


class Stock(OfTheProduct):
    name = "stock"
    type = "number"
    meaning = "How many pieces of the product of this page are left; not known when the feed has no numbers."

    def value_of(self, product: Product) -> SignalValue:
        return product.stock if product.in_stock else 0


class Rating(OfTheProduct):
    name = "rating"
    type = "number"
    meaning = "What buyers think of the product of this page, out of 5; not known when nobody rated it."

    def value_of(self, product: Product) -> SignalValue:
        return None if product.ratings == 0 else product.rating


class Ratings(OfTheProduct):
    name = "ratings"
    type = "number"
    meaning = "How many buyers rated the product of this page."

    def value_of(self, product: Product) -> SignalValue:
        return product.ratings or None


class SoldThisWeek(Signal):
    name = "sold this week"
    page_types = ANY_PAGE
    type = "number"
    source = "catalogue"
    confidence = "high"
    meaning = (
        "How many pieces of the product of this page were sold in 7 days and not given back since; "
        "not known when there were none."
    )

    def read(self, situation: Situation) -> Reading:
        product, sales = find_product(situation), situation.catalogue.sales
        pieces = sales.pieces.get(product.id, 0) if product is not None else 0
        return fresh(situation, pieces or None, sales.counted_at)


class DeliveryDays(Signal):
    name = "delivery days"
    type = "text"
    source = "catalogue"
    confidence = "high"
    meaning = "How many days delivery to their country takes, as `team.yaml` says: `2`, or `1 to 2`."

    def read(self, situation: Situation) -> Reading:
        days = situation.team.delivery_days
        if not days:
            return NOTHING
        country = text_of(situation.value("country")).lower()
        found = days.get(country) or days.get(ELSEWHERE, "")
        return Reading(found, "catalogue", "high", situation.now) if found and country else NOTHING


ELSEWHERE = "elsewhere"

CATALOGUE = (
    ProductName(),
    Price(),
    SalePrice(),
    Stock(),
    Rating(),
    Ratings(),
    SoldThisWeek(),
    DeliveryDays(),
)
