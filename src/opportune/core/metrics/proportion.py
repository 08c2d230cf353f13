"""How many visitors did something at all: `orders within 3 days`, `added to cart within 7 days`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from opportune.core.history.timeline import TimelineEvent
from opportune.core.metrics.base import Metric, MetricUnit, Value, Words, within
from opportune.core.metrics.happening import Happening, called


class Proportion(Happening, frozen=True, kw_only=True, omit_defaults=True, tag="proportion"):
    """The share of visitors with at least one such event inside the window."""

    meaning: ClassVar[str] = (
        "The share of visitors who did it at least once. Any event of the plan will do: by its noun (`orders`, "
        "`sign-ups`), by what somebody did (`added to cart`), or by its name in quotes."
    )
    examples: ClassVar[tuple[str, ...]] = (
        "orders within 3 days",
        "added to cart within 7 days",
        "sign-ups within 7 days",
        '"Quiz Finished" within 7 days',
    )
    synonyms: ClassVar[tuple[str, ...]] = ("orders", "bought within a week", "leads", "signed up in 2 days")
    unit: ClassVar[MetricUnit] = "share"

    @classmethod
    def read(cls, phrase: str, window_ms: int | None, words: Words) -> Metric | None:
        return cls.of(phrase, window_ms, words)

    @classmethod
    def phrases(cls, words: Words) -> Iterator[str]:
        return (called(event, words.plan) for event in words.plan.events.values() if event.says)

    @property
    def phrase(self) -> str:
        return self.said

    @property
    def did(self) -> str:
        return self.deed

    def between(self, happened: Sequence[TimelineEvent], since_at: int, until_at: int) -> Value:
        return int(any(within(happened, self.stored(), since_at, until_at))), 1
