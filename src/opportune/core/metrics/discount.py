"""What coupons and reductions cost: `discount a visitor within 7 days`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from opportune.core.history.facts import MOST_VALUE
from opportune.core.history.timeline import TimelineEvent
from opportune.core.language.phrases.wording import squeezed
from opportune.core.metrics.base import Metric, Value, Words
from opportune.core.metrics.order import Sold
from opportune.core.metrics.wording import A_VISITOR, without_end


class Discount(Sold, frozen=True, kw_only=True, omit_defaults=True, tag="discount"):
    """What a visitor's orders were reduced by, as far as the orders stand."""

    meaning: ClassVar[str] = (
        "What was taken off a visitor's orders (`discount` of an order), on average over all visitors. Of an order "
        "that was refunded the same part of its discount is not counted. A coupon must earn more than this costs."
    )
    examples: ClassVar[tuple[str, ...]] = ("discount a visitor within 7 days",)
    synonyms: ClassVar[tuple[str, ...]] = ("discount per visitor", "discount cost a visitor within a week")

    @classmethod
    def read(cls, phrase: str, window_ms: int | None, words: Words) -> Metric | None:
        if squeezed(without_end(phrase, A_VISITOR)) not in {"discount", "discounts", "discount cost"}:
            return None
        return cls(window_ms=window_ms or cls.usual_ms).bound(words.plan)

    @classmethod
    def phrases(cls, words: Words) -> Iterator[str]:  # noqa: ARG003 - no word of the plan is in it
        yield "discount a visitor"

    @property
    def phrase(self) -> str:
        return "discount a visitor"

    @property
    def more_is_better(self) -> bool:
        return False

    def between(self, happened: Sequence[TimelineEvent], since_at: int, until_at: int) -> Value:
        sold = self.sold(happened, since_at, until_at)
        return sum(order.kept(discount_of(order.event)) for order in sold), 1


def discount_of(order: TimelineEvent) -> int:
    """Minor units taken off an order, never less than none."""
    stated = order.facts.get("discount")
    return max(0, min(stated, MOST_VALUE)) if isinstance(stated, int) and not isinstance(stated, bool) else 0
