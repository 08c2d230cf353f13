"""Who comes back to buy: `second purchases within 90 days`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import ClassVar
from zoneinfo import ZoneInfo

from opportune.core.history.timeline import TimelineEvent
from opportune.core.language.phrases.duration import describe_duration
from opportune.core.language.phrases.wording import squeezed
from opportune.core.metrics.base import USUAL_MS, Metric, MetricUnit, Value, Words
from opportune.core.metrics.order import Sold
from opportune.core.moment import DAY

_SAID = frozenset(
    {"second purchases", "second orders", "repeat purchases", "repeat orders", "purchases again"}
)


class Repeat(Sold, frozen=True, kw_only=True, omit_defaults=True, tag="repeat"):
    """Of those who buy within 7 days, who buys again on another day; all of them are followed equally long.

    `follow_ms` is how long each buyer is followed after the first order; `window_ms` is that and the 7 days.
    """

    follow_ms: int = 90 * DAY
    zone: str = "UTC"

    meaning: ClassVar[str] = (
        "Of the visitors who order within 7 days, the share who order once more on another day, within so long after "
        "the first order. Everybody is followed to the end, so the answer takes that long; cancelled orders and those "
        "that were given back whole do not count."
    )
    examples: ClassVar[tuple[str, ...]] = ("second purchases within 90 days",)
    synonyms: ClassVar[tuple[str, ...]] = ("repeat purchases", "second orders within 30 days")
    unit: ClassVar[MetricUnit] = "share"

    @classmethod
    def read(cls, phrase: str, window_ms: int | None, words: Words) -> Metric | None:
        if squeezed(phrase) not in _SAID:
            return None
        follow = window_ms or 90 * DAY
        return cls(follow_ms=follow, window_ms=USUAL_MS + follow, zone=words.zone).bound(words.plan)

    @classmethod
    def phrases(cls, words: Words) -> Iterator[str]:  # noqa: ARG003 - no word of the plan is in it
        yield "second purchases"

    @property
    def phrase(self) -> str:
        return "second purchases"

    def describe(self) -> str:
        return f"{self.phrase} within {describe_duration(self.follow_ms)}"

    @property
    def did(self) -> str:
        return "buyers bought again"

    @property
    def is_ratio(self) -> bool:
        return True

    def between(self, happened: Sequence[TimelineEvent], since_at: int, until_at: int) -> Value:
        sold = [
            order.event.occurred_at
            for order in self.sold(happened, since_at, until_at)
            if order.net > 0 or not order.back
        ]
        if not sold or sold[0] >= since_at + USUAL_MS:
            return 0, 0
        zone = ZoneInfo(self.zone)
        first = _day(sold[0], zone)
        return int(any(_day(at, zone) != first for at in sold if at - sold[0] < self.follow_ms)), 1


def _day(moment: int, zone: ZoneInfo) -> int:
    return datetime.fromtimestamp(moment / 1_000, zone).toordinal()
