"""The cart: what was added and not removed since the last order; a look into the cart replaces what was summed up."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, NamedTuple

from opportune.core.plan import Plan
from opportune.core.signals.base import (
    Confidence,
    Reading,
    Signal,
    Source,
    money_of,
    sureness,
    text_of,
    texts_of,
)
from opportune.core.timeline import FactValue, TimelineEvent

if TYPE_CHECKING:
    from opportune.core.situation import Situation


class Line(NamedTuple):
    """One product in the cart and what its units cost together."""

    units: float
    value: int


class Cart(NamedTuple):
    """Products with their lines, the whole value, and when it last changed; `at` is None without any history."""

    lines: dict[str, Line]
    value: int
    at: int | None


class CartSignal(Signal):
    """One fact of the cart. An empty cart is known, not unknown."""

    source: ClassVar[Source] = "event"
    confidence: ClassVar[Confidence] = "high"
    events: ClassVar[tuple[str, ...]] = ("Product Added", "Cart Viewed")

    def __init__(self, plan: Plan | None = None) -> None:
        super().__init__(plan)
        self.added = self.named("Product Added")
        self.removed = self.named("Product Removed")
        self.viewed = self.named("Cart Viewed")
        self.ordered = self.named("Order Completed")
        self.all = (*self.added, *self.removed, *self.viewed)

    def cart(self, situation: Situation) -> Cart:
        """Walks the cart's events since the last order, oldest first."""
        timeline = situation.timeline
        order = timeline.last(self.ordered)
        since = order.order if order is not None else (0, 0)
        lines: dict[str, Line] = {}
        value, at = 0, order.occurred_at if order is not None else None
        for event in reversed(timeline.named(self.all)):
            if event.order <= since:
                continue
            if event.name in self.viewed:
                if "product" not in event.facts and "value" not in event.facts:
                    continue
                lines, value, was = _as_viewed(event, lines, value), _total_of(event, value), (lines, value)
                at = (
                    event.occurred_at
                    if (lines.keys(), value) != (was[0].keys(), was[1]) or at is None
                    else at
                )
                continue
            value += _put(lines, event, is_added=event.name in self.added)
            at = event.occurred_at
        return Cart(lines, max(value, 0) if lines else 0, at)

    def answer(self, situation: Situation, value: list[str] | int | None, at: int | None) -> Reading:
        return Reading(value, "event", "low" if at is None else sureness(situation, at), at)


def _put(lines: dict[str, Line], event: TimelineEvent, *, is_added: bool) -> int:
    """Adds or takes out one event's product; by how much the cart's value changes."""
    product = text_of(event.facts.get("product"))
    price = money_of(event.facts.get("value"))
    units = _units_of(event.facts.get("quantity"))
    line = lines.get(product, Line(0, 0))
    if is_added:
        worth = round(price * (units or 1))
        lines[product] = Line(line.units + (units or 1), line.value + worth)
        return worth
    if not units or units >= line.units:
        lines.pop(product, None)
        return -line.value
    worth = round(line.value * units / line.units)
    lines[product] = Line(line.units - units, line.value - worth)
    return -worth


def _as_viewed(event: TimelineEvent, lines: dict[str, Line], value: int) -> dict[str, Line]:
    """The lines a look into the cart shows; one that names no products but a value leaves them as they were."""
    if "product" not in event.facts:
        return lines
    products = texts_of(event.facts["product"])
    total = _total_of(event, value)
    return {product: lines.get(product, Line(1, total // len(products))) for product in products}


def _total_of(event: TimelineEvent, value: int) -> int:
    total = event.facts.get("value")
    return money_of(total) if total is not None else value


def _units_of(fact: FactValue) -> float:
    """A stated quantity from 0 to a million, else 0."""
    is_number = isinstance(fact, int | float) and not isinstance(fact, bool)
    return fact if is_number and 0 < fact <= 1_000_000 else 0  # type: ignore[operator, return-value]


class CartItems(CartSignal):
    name = "cart items"
    type = "list"
    meaning = "The products in the cart."

    def read(self, situation: Situation) -> Reading:
        cart = self.cart(situation)
        return self.answer(situation, [product for product in cart.lines if product], cart.at)


class CartCount(CartSignal):
    name = "cart count"
    type = "number"
    meaning = "How many pieces are in the cart."

    def read(self, situation: Situation) -> Reading:
        cart = self.cart(situation)
        return self.answer(situation, round(sum(line.units for line in cart.lines.values())), cart.at)


class CartValue(CartSignal):
    name = "cart value"
    type = "money"
    meaning = "What the products in the cart cost together."

    def read(self, situation: Situation) -> Reading:
        cart = self.cart(situation)
        return self.answer(situation, cart.value, cart.at)


class CartChanged(CartSignal):
    name = "cart changed"
    type = "moment"
    meaning = "When something was last put into the cart, taken out of it, or bought."

    def read(self, situation: Situation) -> Reading:
        at = self.cart(situation).at
        return self.answer(situation, at, at)


CART = (CartItems(), CartCount(), CartValue(), CartChanged())
