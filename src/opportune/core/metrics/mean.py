"""How often a visitor did something: `orders a visitor within 7 days`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from opportune.core.history.plan import KEY_EVENT
from opportune.core.history.timeline import TimelineEvent
from opportune.core.metrics.base import Metric, MetricUnit, Value, Words, within
from opportune.core.metrics.happening import Happening, called
from opportune.core.metrics.wording import A_VISITOR, without_end


class Mean(Happening, frozen=True, kw_only=True, omit_defaults=True, tag="mean"):
    """The number of such events a visitor has inside the window."""

    meaning: ClassVar[str] = (
        "How often a visitor did it, on average over all visitors, also those who never did."
    )
    examples: ClassVar[tuple[str, ...]] = (
        "orders a visitor within 7 days",
        '"Quiz Finished" a visitor within 14 days',
    )
    synonyms: ClassVar[tuple[str, ...]] = ("orders per visitor", "orders each visitor within a week")
    unit: ClassVar[MetricUnit] = "number"

    @classmethod
    def read(cls, phrase: str, window_ms: int | None, words: Words) -> Metric | None:
        thing = without_end(phrase, A_VISITOR)
        return cls.of(thing, window_ms, words) if thing else None

    @classmethod
    def phrases(cls, words: Words) -> Iterator[str]:
        for event in words.plan.events.values():
            if event.says and event.event_class == KEY_EVENT:
                yield f"{called(event, words.plan)} a visitor"

    @property
    def phrase(self) -> str:
        return f"{self.said} a visitor"

    def between(self, happened: Sequence[TimelineEvent], since_at: int, until_at: int) -> Value:
        return sum(1 for _ in within(happened, self.stored(), since_at, until_at)), 1
