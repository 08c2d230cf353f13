"""The cart: what was added and not removed since the last order; a look into the cart replaces what was summed up."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, NamedTuple

from opportune.core.history.plan import Plan
from opportune.core.history.timeline import FactValue, TimelineEvent
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

if TYPE_CHECKING:
    from opportune.core.situation import Situation

MOST_UNITS = 1_000_000


class Cart(NamedTuple):
    """Units and worth by product, the whole value, and when it last changed; `at` is None without any history."""

    lines: dict[str, tuple[float, int]]
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
        events = timeline.named(self.all)
        if order is not None:
            events = [event for event in events if event.order > order.order]
        lines: dict[str, tuple[float, int]] = {}
        value, at = 0, order.occurred_at if order is not None else None
        for event in reversed(events):
            if event.name in self.viewed:
                seen, total = _as_viewed(event, lines, value)
                if at is None or total != value or seen.keys() != lines.keys():
                    at = event.occurred_at
                lines, value = seen, total
            else:
                value += _put(lines, event, is_added=event.name in self.added)
                at = event.occurred_at
        return Cart(lines, max(value, 0) if lines else 0, at)

    def _reading(self, situation: Situation, value: list[str] | int | None, at: int | None) -> Reading:
        return Reading(value, "event", "low" if at is None else sureness(situation, at), at)


def _put(lines: dict[str, tuple[float, int]], event: TimelineEvent, *, is_added: bool) -> int:
    """Adds or takes out one event's product; by how much the cart's value changes."""
    facts = event.facts
    product = text_of(facts.get("product"))
    units = _units_of(facts.get("quantity"))
    had, worth = lines.get(product, (0, 0))
    if is_added:
        more = round(money_of(facts.get("value")) * (units or 1))
        lines[product] = (had + (units or 1), worth + more)
        return more
    if not units or units >= had:
        lines.pop(product, None)
        return -worth
    less = round(worth * units / had)
    lines[product] = (had - units, worth - less)
    return -less


def _as_viewed(
    event: TimelineEvent, lines: dict[str, tuple[float, int]], value: int
) -> tuple[dict[str, tuple[float, int]], int]:
    """Lines and value as a look into the cart shows them; what it does not say stays as it was."""
    total = event.facts.get("value")
    if total is not None:
        value = money_of(total)
    if "product" in event.facts:
        products = texts_of(event.facts["product"])
        lines = {product: lines.get(product, (1, value // len(products))) for product in products}
    return lines, value


def _units_of(fact: FactValue) -> float:
    """A stated quantity from 0 to a million, else 0."""
    if isinstance(fact, bool) or not isinstance(fact, int | float):
        return 0
    return fact if 0 < fact <= MOST_UNITS else 0


class CartItems(CartSignal):
    name = "cart items"
    type = "list"
    meaning = "The products in the cart."

    def read(self, situation: Situation) -> Reading:
        cart = self.cart(situation)
        return self._reading(situation, [product for product in cart.lines if product], cart.at)


class CartCount(CartSignal):
    name = "cart count"
    type = "number"
    meaning = "How many pieces are in the cart."

    def read(self, situation: Situation) -> Reading:
        cart = self.cart(situation)
        return self._reading(situation, round(sum(units for units, _ in cart.lines.values())), cart.at)


class CartValue(CartSignal):
    name = "cart value"
    type = "money"
    meaning = "What the products in the cart cost together."

    def read(self, situation: Situation) -> Reading:
        cart = self.cart(situation)
        return self._reading(situation, cart.value, cart.at)


class CartChanged(CartSignal):
    name = "cart changed"
    type = "moment"
    meaning = "When something was last put into the cart, taken out of it, or bought."

    def read(self, situation: Situation) -> Reading:
        at = self.cart(situation).at
        return self._reading(situation, at, at)


CART = (CartItems(), CartCount(), CartValue(), CartChanged())
