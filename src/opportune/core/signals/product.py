"""Products the visitor looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opportune.core.history.plan import Plan
from opportune.core.signals.base import NOTHING, Reading, Signal, from_request, sureness, text_of

if TYPE_CHECKING:
    from opportune.core.situation import Situation


class LastViewedProduct(Signal):
    name = "last viewed product"
    type = "text"
    source = "event"
    confidence = "high"
    meaning = "The product of this page, else the one they looked at last."
    events = ("Product Viewed",)

    def __init__(self, plan: Plan | None = None) -> None:
        super().__init__(plan)
        self.viewed = self.named("Product Viewed")

    def read(self, situation: Situation) -> Reading:
        if situation.context.page_product:
            return from_request(situation, situation.context.page_product)
        for event in situation.timeline.named(self.viewed):
            product = text_of(event.facts.get("product"))
            if product:
                return Reading(product, "event", sureness(situation, event.occurred_at), event.occurred_at)
        return NOTHING


PRODUCT = (LastViewedProduct(),)
