"""Orders as money counts them: net of what was refunded or cancelled of them inside the same stretch of time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import ClassVar, NamedTuple, Self

import msgspec

from opportune.core.history.facts import value_of
from opportune.core.history.plan import Plan
from opportune.core.history.timeline import TimelineEvent
from opportune.core.metrics.base import Metric, MetricUnit, all_names, within

ORDER, REFUND, CANCELLATION = "Order Completed", "Order Refunded", "Order Cancelled"
_moment = attrgetter("occurred_at", "seq")


class Order(NamedTuple):
    """An order, and what came back of its value."""

    event: TimelineEvent
    value: int
    back: int

    @property
    def net(self) -> int:
        return self.value - self.back

    def kept(self, amount: int) -> int:
        """Of an amount the part that stays when that part of the order's value stays."""
        return amount * self.net // self.value if self.back and self.value > 0 else amount


class Sold(Metric, frozen=True, kw_only=True, omit_defaults=True):
    """A metric of orders; the names are those their rows may have."""

    orders: tuple[str, ...] = (ORDER,)
    refunds: tuple[str, ...] = (REFUND,)
    cancellations: tuple[str, ...] = (CANCELLATION,)

    unit: ClassVar[MetricUnit] = "money"

    def stored(self) -> tuple[str, ...]:
        return (*self.orders, *self.refunds, *self.cancellations)

    def bound(self, plan: Plan, margins: Mapping[str, int] | None = None) -> Self:  # noqa: ARG002 - margin alone needs them
        return msgspec.structs.replace(
            self,
            orders=all_names(plan, ORDER),
            refunds=all_names(plan, REFUND),
            cancellations=all_names(plan, CANCELLATION),
        )

    def sold(self, happened: Sequence[TimelineEvent], since_at: int, until_at: int) -> list[Order]:
        """The orders of a stretch, oldest first.

        A refund that names an order is of that one alone, and not counted when the order was before; one that names
        none is of the newest order before it. Nothing comes back twice.
        """
        events = sorted(within(happened, self.orders, since_at, until_at), key=_moment)
        values = [value_of(event.facts) for event in events]
        back = [0] * len(events)
        returns = within(happened, (*self.refunds, *self.cancellations), since_at, until_at) if events else ()
        for event in sorted(returns, key=_moment):
            place = _place(events, event)
            if place is not None:
                is_whole = event.name in self.cancellations or "value" not in event.facts
                amount = values[place] if is_whole else abs(value_of(event.facts))
                back[place] = max(0, min(values[place], back[place] + amount))
        return [Order(*each) for each in zip(events, values, back, strict=True)]


def _place(orders: Sequence[TimelineEvent], event: TimelineEvent) -> int | None:
    """Which of the orders is given back."""
    order = event.facts.get("order_id")
    if order is None:
        return max((at for at, each in enumerate(orders) if _moment(each) <= _moment(event)), default=None)
    return next((at for at, each in enumerate(orders) if each.facts.get("order_id") == order), None)
