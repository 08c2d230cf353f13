"""What visitors pay: `revenue a visitor within 7 days`, net of refunds in the window."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from opportune.core.history.timeline import TimelineEvent
from opportune.core.language.phrases.wording import squeezed
from opportune.core.metrics.base import Metric, Value, Words
from opportune.core.metrics.order import Sold
from opportune.core.metrics.wording import A_VISITOR, without_end


class Revenue(Sold, frozen=True, kw_only=True, omit_defaults=True, tag="revenue"):
    """The value of a visitor's orders inside the window, less what was refunded or cancelled of them in it."""

    meaning: ClassVar[str] = (
        "What a visitor's orders are worth, on average over all visitors; refunds and cancellations of these orders "
        "inside the window are taken off."
    )
    examples: ClassVar[tuple[str, ...]] = ("revenue a visitor within 7 days",)
    synonyms: ClassVar[tuple[str, ...]] = ("revenue per visitor", "sales a visitor within 2 weeks")

    @classmethod
    def read(cls, phrase: str, window_ms: int | None, words: Words) -> Metric | None:
        if squeezed(without_end(phrase, A_VISITOR)) not in {"revenue", "sales", "turnover"}:
            return None
        return cls(window_ms=window_ms or cls.usual_ms).bound(words.plan)

    @classmethod
    def phrases(cls, words: Words) -> Iterator[str]:  # noqa: ARG003 - no word of the plan is in it
        yield "revenue a visitor"

    @property
    def phrase(self) -> str:
        return "revenue a visitor"

    def between(self, happened: Sequence[TimelineEvent], since_at: int, until_at: int) -> Value:
        return sum(order.net for order in self.sold(happened, since_at, until_at)), 1
