"""What becomes of leads: `leads that bought within 30 days`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar, Self

import msgspec

from opportune.core.history.plan import Plan
from opportune.core.history.timeline import TimelineEvent
from opportune.core.metrics.base import Metric, MetricUnit, Value, Words, all_names, within
from opportune.core.metrics.happening import Happening
from opportune.core.moment import DAY

LEAD = "Lead Generated"
_LEADS = re.compile(r"leads?\s+(?:that|who|which)\s+(?:have\s+|has\s+)?(.+)", re.IGNORECASE)


class LeadQuality(Happening, frozen=True, kw_only=True, omit_defaults=True, tag="lead_quality"):
    """Of the visitors who became a lead inside the window, who went on to do something in it."""

    leads: tuple[str, ...] = (LEAD,)

    meaning: ClassVar[str] = (
        "Of the visitors who became leads, the share who then did what makes a lead a good one: `became qualified` "
        "(sent by your CRM as `Lead Qualified`), `bought`, or any other event."
    )
    examples: ClassVar[tuple[str, ...]] = (
        "leads that became qualified within 30 days",
        "leads that bought within 90 days",
        'leads that did "Offer Signed" within 60 days',
    )
    synonyms: ClassVar[tuple[str, ...]] = ("leads who ordered", "leads that were qualified within 2 weeks")
    unit: ClassVar[MetricUnit] = "share"
    usual_ms: ClassVar[int] = 30 * DAY

    @classmethod
    def read(cls, phrase: str, window_ms: int | None, words: Words) -> Metric | None:
        found = _LEADS.fullmatch(phrase.strip())
        if found is None:
            return None
        said = re.sub(r"^were\b", "was", found[1]).removeprefix("did ")
        metric = cls.of(said, window_ms, words)
        return None if metric is None else metric.bound(words.plan)

    @classmethod
    def phrases(cls, words: Words) -> Iterator[str]:  # noqa: ARG003 - the usual two are enough
        yield from ("leads that became qualified", "leads that bought")

    @property
    def phrase(self) -> str:
        return f"leads that {self.deed}"

    @property
    def did(self) -> str:
        return f"leads {self.deed}"

    @property
    def more_is_better(self) -> bool:
        return True

    @property
    def is_ratio(self) -> bool:
        return True

    def stored(self) -> tuple[str, ...]:
        return (*super().stored(), *self.leads)

    def bound(self, plan: Plan, margins: Mapping[str, int] | None = None) -> Self:
        return msgspec.structs.replace(super().bound(plan, margins), leads=all_names(plan, LEAD))

    def between(self, happened: Sequence[TimelineEvent], since_at: int, until_at: int) -> Value:
        made = min(
            (lead.occurred_at for lead in within(happened, self.leads, since_at, until_at)), default=None
        )
        if made is None:
            return 0, 0
        return int(any(within(happened, super().stored(), made, until_at))), 1
