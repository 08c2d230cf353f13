"""Signs that trust was lost: `unsubscribes`, `complaints`, `refunds`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar, Literal, Self

import msgspec

from opportune.core.history.plan import Plan
from opportune.core.history.timeline import TimelineEvent
from opportune.core.language.phrases.wording import squeezed
from opportune.core.metrics.base import Metric, MetricUnit, Value, Words, all_names, within
from opportune.core.moment import DAY

Sign = Literal["unsubscribes", "complaints", "refunds"]
SIGNS: Mapping[Sign, tuple[str, ...]] = {
    "unsubscribes": ("Unsubscribed",),
    "complaints": ("Email Marked as Spam",),
    "refunds": ("Order Refunded", "Refund Requested"),
}
_DID: Mapping[Sign, str] = {
    "unsubscribes": "unsubscribed",
    "complaints": "complained",
    "refunds": "got or asked for a refund",
}


class Trust(Metric, frozen=True, kw_only=True, omit_defaults=True, tag="trust"):
    """The share of visitors who left the newsletter, complained, or wanted their money back."""

    sign: Sign
    names: tuple[str, ...] = ()

    meaning: ClassVar[str] = (
        "The share of visitors who unsubscribed, marked an e-mail as spam, or got or asked for a refund. Fewer is "
        "better."
    )
    examples: ClassVar[tuple[str, ...]] = (
        "unsubscribes within 30 days",
        "complaints within 30 days",
        "refunds within 30 days",
    )
    synonyms: ClassVar[tuple[str, ...]] = ("unsubscribes", "refunds in 2 weeks")
    unit: ClassVar[MetricUnit] = "share"
    usual_ms: ClassVar[int] = 30 * DAY

    @classmethod
    def read(cls, phrase: str, window_ms: int | None, words: Words) -> Metric | None:
        sign = next((sign for sign in SIGNS if sign == squeezed(phrase)), None)
        return None if sign is None else cls(sign=sign, window_ms=window_ms or cls.usual_ms).bound(words.plan)

    @classmethod
    def phrases(cls, words: Words) -> Iterator[str]:  # noqa: ARG003 - no word of the plan is in them
        yield from SIGNS

    @property
    def phrase(self) -> str:
        return self.sign

    @property
    def did(self) -> str:
        return _DID[self.sign]

    @property
    def more_is_better(self) -> bool:
        return False

    def stored(self) -> tuple[str, ...]:
        return self.names or SIGNS[self.sign]

    def bound(self, plan: Plan, margins: Mapping[str, int] | None = None) -> Self:  # noqa: ARG002 - no product in it
        names = tuple(dict.fromkeys(name for event in SIGNS[self.sign] for name in all_names(plan, event)))
        return msgspec.structs.replace(self, names=names)

    def between(self, happened: Sequence[TimelineEvent], since_at: int, until_at: int) -> Value:
        return int(any(within(happened, self.stored(), since_at, until_at))), 1
