"""What the shop earns with visitors: `margin a visitor within 7 days`, after discounts and refunds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import ClassVar, Self

import msgspec

from opportune.core.history.facts import MOST_VALUE
from opportune.core.history.plan import Plan
from opportune.core.history.timeline import TimelineEvent
from opportune.core.history.values import to_number
from opportune.core.language.phrases.wording import squeezed
from opportune.core.metrics.base import Metric, Value, Words
from opportune.core.metrics.discount import discount_of
from opportune.core.metrics.order import Sold
from opportune.core.metrics.wording import A_VISITOR, without_end
from opportune.core.product import Product

MOST_PIECES = 10_000


class Margin(Sold, frozen=True, kw_only=True, omit_defaults=True, tag="margin"):
    """What a visitor's orders earn: as the order says it, else its lines times what the catalogue says of a piece."""

    margins: Mapping[str, int] = {}
    """By product, minor units; only while measuring."""

    meaning: ClassVar[str] = (
        "What the shop earns with a visitor's orders. An order that brings `margin` says it itself; otherwise every "
        "line earns its product's margin in the catalogue, as it is today, less the order's discount. What was "
        "refunded takes its part away. A product whose margin nobody knows earns nothing here."
    )
    examples: ClassVar[tuple[str, ...]] = ("margin a visitor within 7 days",)
    synonyms: ClassVar[tuple[str, ...]] = ("margin per visitor", "profit a visitor within 2 weeks")

    @classmethod
    def read(cls, phrase: str, window_ms: int | None, words: Words) -> Metric | None:
        if squeezed(without_end(phrase, A_VISITOR)) not in {"margin", "profit"}:
            return None
        return cls(window_ms=window_ms or cls.usual_ms).bound(words.plan)

    @classmethod
    def phrases(cls, words: Words) -> Iterator[str]:  # noqa: ARG003 - no word of the plan is in it
        yield "margin a visitor"

    @property
    def phrase(self) -> str:
        return "margin a visitor"

    def bound(self, plan: Plan, margins: Mapping[str, int] | None = None) -> Self:
        return msgspec.structs.replace(super().bound(plan), margins=margins or {})

    def between(self, happened: Sequence[TimelineEvent], since_at: int, until_at: int) -> Value:
        sold = self.sold(happened, since_at, until_at)
        return sum(order.kept(self._earned(order.event)) for order in sold), 1

    def _earned(self, order: TimelineEvent) -> int:
        stated = order.facts.get("margin")
        if isinstance(stated, int) and not isinstance(stated, bool):
            return max(min(stated, MOST_VALUE), -MOST_VALUE)
        products = _texts(order.facts.get("product"))
        pieces = [_pieces(text) for text in _texts(order.facts.get("quantity"))]
        if len(pieces) != len(products):
            pieces = [1] * len(products)
        lines = (
            self.margins.get(product, 0) * number for product, number in zip(products, pieces, strict=True)
        )
        return sum(lines) - discount_of(order)


def margins_of(products: Iterable[Product]) -> dict[str, int]:
    """What a piece earns, by every name orders may have for a product; without those of which nobody knows."""
    found: dict[str, int] = {}
    for product in products:
        for name in (product.id, *product.codes) if product.margin is not None else ():
            found.setdefault(name, product.margin or 0)
    return found


def _texts(fact: object) -> list[str]:
    listed = fact if isinstance(fact, list) else [fact]
    return [text for text in listed if isinstance(text, str)]


def _pieces(text: str) -> int:
    number = to_number(text)
    return int(max(0, min(number, MOST_PIECES))) if number is not None else 1
