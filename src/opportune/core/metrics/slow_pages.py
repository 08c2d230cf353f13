"""How many pages are slow to show what matters: `slow pages a page`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar, Self

import msgspec

from opportune.core.history.plan import Plan
from opportune.core.history.timeline import TimelineEvent
from opportune.core.language.phrases.wording import squeezed
from opportune.core.metrics.base import Metric, MetricUnit, Value, Words, all_names, within
from opportune.core.metrics.wording import A_PAGE, without_end

VITALS = "Web Vitals"
SLOW_MS = 2_500
"""What is beyond it needs improvement, as web.dev/articles/lcp has it."""


class SlowPages(Metric, frozen=True, kw_only=True, omit_defaults=True, tag="slow_pages"):
    """The share of pages whose largest part (LCP) took more than 2.5 seconds to show."""

    names: tuple[str, ...] = (VITALS,)

    meaning: ClassVar[str] = (
        "The share of page views whose largest picture or text took more than 2.5 seconds to show. The page script "
        "measures it where the browser can tell (not in Safari)."
    )
    examples: ClassVar[tuple[str, ...]] = ("slow pages a page within 7 days",)
    synonyms: ClassVar[tuple[str, ...]] = ("slow pages", "slow page views per page view")
    unit: ClassVar[MetricUnit] = "share"

    @classmethod
    def read(cls, phrase: str, window_ms: int | None, words: Words) -> Metric | None:
        said = squeezed(without_end(phrase, A_PAGE) or phrase)
        if said not in {"slow pages", "slow page views"}:
            return None
        return cls(window_ms=window_ms or cls.usual_ms).bound(words.plan)

    @classmethod
    def phrases(cls, words: Words) -> Iterator[str]:  # noqa: ARG003 - no word of the plan is in it
        yield "slow pages a page"

    @property
    def phrase(self) -> str:
        return "slow pages a page"

    @property
    def did(self) -> str:
        return "page views were slow"

    @property
    def more_is_better(self) -> bool:
        return False

    @property
    def is_ratio(self) -> bool:
        return True

    def stored(self) -> tuple[str, ...]:
        return self.names

    def bound(self, plan: Plan, margins: Mapping[str, int] | None = None) -> Self:  # noqa: ARG002 - no product in it
        return msgspec.structs.replace(self, names=all_names(plan, VITALS))

    def between(self, happened: Sequence[TimelineEvent], since_at: int, until_at: int) -> Value:
        told = [event.facts.get("lcp") for event in within(happened, self.names, since_at, until_at)]
        times = [time for time in told if isinstance(time, int | float) and not isinstance(time, bool)]
        return sum(1 for time in times if time > SLOW_MS), len(times)
