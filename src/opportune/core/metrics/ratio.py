"""What lies in a visit or an order: `revenue a visit`, `bounces a visit`, `pages a visit`, `refunds an order`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar, Literal, Self

import msgspec

from opportune.core.history.plan import Plan
from opportune.core.history.timeline import TimelineEvent
from opportune.core.history.visit import IDLE_MS, Visit, visits
from opportune.core.language.phrases.wording import squeezed
from opportune.core.metrics.base import Metric, Value, Words, all_names, within
from opportune.core.metrics.order import Sold
from opportune.core.metrics.wording import A_VISIT, AN_ORDER, without_end
from opportune.core.moment import DAY

_REFUNDED_MS = 30 * DAY
VIEWS = ("Page Viewed", "Screen Viewed")
Top = Literal["revenue", "orders", "bounces", "pages", "refunds"]
_TOPS: Mapping[str, Top] = {
    "revenue": "revenue",
    "sales": "revenue",
    "orders": "orders",
    "purchases": "orders",
    "bounces": "bounces",
    "bounce rate": "bounces",
    "pages": "pages",
    "page views": "pages",
}
_SAID: Mapping[str, str] = {
    "pages": "page views a visit",
    "bounces": "visits bounced",
    "refunds": "orders refunded",
}


class Ratio(Sold, frozen=True, kw_only=True, omit_defaults=True, tag="ratio"):
    """Something over a visitor's visits or orders. The visitor stays the unit, so both are summed by visitor."""

    of: Top
    views: tuple[str, ...] = VIEWS

    meaning: ClassVar[str] = (
        "All of it, divided by all visits (or orders). A visit ends after half an hour without a page; a bounce is a "
        "visit of one page. The page on which somebody was first exposed is the first one that counts."
    )
    examples: ClassVar[tuple[str, ...]] = (
        "revenue a visit within 7 days",
        "orders a visit within 7 days",
        "bounces a visit within 7 days",
        "pages a visit within 7 days",
        "refunds an order within 30 days",
    )
    synonyms: ClassVar[tuple[str, ...]] = ("bounce rate", "revenue per session", "page views per visit")
    lead_ms: ClassVar[int] = IDLE_MS

    @classmethod
    def read(cls, phrase: str, window_ms: int | None, words: Words) -> Metric | None:
        if squeezed(without_end(phrase, AN_ORDER)) in {"refunds", "returns"}:
            return cls(of="refunds", window_ms=window_ms or _REFUNDED_MS).bound(words.plan)
        top = _TOPS.get(squeezed(without_end(phrase, A_VISIT)))
        if squeezed(phrase) == "bounce rate":
            top = "bounces"
        return None if top is None else cls(of=top, window_ms=window_ms or cls.usual_ms).bound(words.plan)

    @classmethod
    def phrases(cls, words: Words) -> Iterator[str]:  # noqa: ARG003 - no word of the plan is in them
        yield from (f"{top} a visit" for top in ("revenue", "orders", "bounces", "pages"))
        yield "refunds an order"

    @property
    def phrase(self) -> str:
        return f"{self.of} an order" if self.of == "refunds" else f"{self.of} a visit"

    @property
    def did(self) -> str:
        return _SAID.get(self.of, self.phrase)

    @property
    def unit(self) -> Literal["share", "money", "number"]:  # type: ignore[override]  # by what is divided
        return {"revenue": "money", "bounces": "share", "refunds": "share"}.get(self.of, "number")  # type: ignore[return-value]  # all are units

    @property
    def more_is_better(self) -> bool:
        return self.of not in ("bounces", "refunds")

    @property
    def is_ratio(self) -> bool:
        return True

    def stored(self) -> tuple[str, ...]:
        if self.of in ("bounces", "pages"):
            return self.views
        return super().stored() if self.of == "refunds" else (*super().stored(), *self.views)

    def bound(self, plan: Plan, margins: Mapping[str, int] | None = None) -> Self:
        views = tuple(dict.fromkeys(name for view in VIEWS for name in all_names(plan, view)))
        return msgspec.structs.replace(super().bound(plan, margins), views=views)

    def between(self, happened: Sequence[TimelineEvent], since_at: int, until_at: int) -> Value:
        if self.of == "refunds":
            sold = self.sold(happened, since_at, until_at)
            return sum(1 for order in sold if order.back), len(sold)
        made = self._visits(happened, since_at, until_at)
        if self.of in ("revenue", "orders"):
            sold = self.sold(happened, since_at, until_at)
            return (sum(order.net for order in sold) if self.of == "revenue" else len(sold)), len(made)
        pages = [len(visit.events) for visit in made]
        return (sum(pages) if self.of == "pages" else pages.count(1)), len(made)

    def _visits(self, happened: Sequence[TimelineEvent], since_at: int, until_at: int) -> list[Visit]:
        """From the page on which it began: the last one that was open then."""
        views = sorted(
            within(happened, self.views, since_at - IDLE_MS, until_at),
            key=lambda view: (view.occurred_at, view.seq),
            reverse=True,
        )
        earlier = sum(1 for view in views if view.occurred_at < since_at)
        return visits(views[: len(views) - earlier + 1] if earlier else views)
