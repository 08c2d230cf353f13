"""What the visitor bought. Cancelled orders do not count; refunds lower the value, not the number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from opportune.core.history.plan import Plan
from opportune.core.history.timeline import TimelineEvent
from opportune.core.moment import DAY
from opportune.core.signals.base import (
    NOTHING,
    Confidence,
    Reading,
    Signal,
    Source,
    money_of,
    next_whole_day,
    text_of,
    texts_of,
)

if TYPE_CHECKING:
    from opportune.core.situation import Situation


class PurchaseSignal(Signal):
    """One fact of the orders. An order is certain however long ago it was."""

    source: ClassVar[Source] = "event"
    confidence: ClassVar[Confidence] = "high"
    events: ClassVar[tuple[str, ...]] = ("Order Completed",)

    def __init__(self, plan: Plan | None = None) -> None:
        super().__init__(plan)
        self.completed = self.named("Order Completed")
        self.cancelled = self.named("Order Cancelled")
        self.refunded = self.named("Order Refunded")

    def orders(self, situation: Situation) -> Sequence[TimelineEvent]:
        """Orders that stand, newest first."""
        timeline = situation.timeline
        orders = timeline.named(self.completed)
        if not orders or not (cancelled := timeline.named(self.cancelled)):
            return orders
        gone = {order for event in cancelled if (order := text_of(event.facts.get("order_id")))}
        return [event for event in orders if text_of(event.facts.get("order_id")) not in gone]

    def _reading(self, orders: Sequence[TimelineEvent], value: int | list[str]) -> Reading:
        return Reading(value, "event", "high", orders[0].occurred_at if orders else None)


class Purchases(PurchaseSignal):
    name = "purchases"
    type = "number"
    meaning = "How many orders they completed."

    def read(self, situation: Situation) -> Reading:
        orders = self.orders(situation)
        return self._reading(orders, len(orders))


class PurchaseValue(PurchaseSignal):
    name = "purchase value"
    type = "money"
    meaning = "What all their orders were worth together, less refunds."

    def read(self, situation: Situation) -> Reading:
        orders = self.orders(situation)
        value = sum(money_of(event.facts.get("value")) for event in orders)
        if orders and (refunds := situation.timeline.named(self.refunded)):
            value -= sum(_refund(event, orders) for event in refunds)
        return self._reading(orders, max(value, 0))


def _refund(refund: TimelineEvent, orders: Sequence[TimelineEvent]) -> int:
    """What a refund gave back of an order that stands; without a value of its own it gave back the whole order."""
    order_id = text_of(refund.facts.get("order_id"))
    order = next((order for order in orders if text_of(order.facts.get("order_id")) == order_id), None)
    if order is None:
        return 0
    worth = money_of(order.facts.get("value"))
    given = refund.facts.get("value")
    return min(money_of(given), worth) if given is not None else worth


class LastPurchaseValue(PurchaseSignal):
    name = "last purchase value"
    type = "money"
    meaning = "What their last order was worth."

    def read(self, situation: Situation) -> Reading:
        orders = self.orders(situation)
        return self._reading(orders, money_of(orders[0].facts.get("value"))) if orders else NOTHING


class LastProductBought(PurchaseSignal):
    name = "last product bought"
    type = "text"
    meaning = "The (first) product of their last order."

    def read(self, situation: Situation) -> Reading:
        for order in self.orders(situation):
            product = text_of(order.facts.get("product"))
            if product:
                return Reading(product, "event", "high", order.occurred_at)
        return NOTHING


class ProductsBought(PurchaseSignal):
    name = "products bought"
    type = "list"
    meaning = "Every product they bought, newest order first."

    def read(self, situation: Situation) -> Reading:
        orders = self.orders(situation)
        products = dict.fromkeys(
            product for order in orders for product in texts_of(order.facts.get("product"))
        )
        return self._reading(orders, list(products))


class DaysSincePurchase(PurchaseSignal):
    name = "days since purchase"
    aliases = ("days since last purchase",)
    type = "number"
    meaning = "Whole days since their last order; not known when they never bought."

    def read(self, situation: Situation) -> Reading:
        orders = self.orders(situation)
        return self._reading(orders, (situation.now - orders[0].occurred_at) // DAY) if orders else NOTHING

    def changes_at(self, reading: Reading, now: int) -> int | None:
        return next_whole_day(reading, now)


PURCHASE = (
    Purchases(), PurchaseValue(), LastPurchaseValue(), LastProductBought(), ProductsBought(), DaysSincePurchase(),
)  # fmt: skip
