"""What a metric is: a frozen value that says a visitor's outcome in whole numbers, and reads itself aloud and back.

A visitor's value is a pair (numerator, denominator). The visitor stays the unit: a ratio's reading divides the
arm's sums, and its spread comes from the pairs (`core/statistics.py`). Money is minor units of the reporting currency.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import ClassVar, Literal, Self

import msgspec

from opportune.core.history.plan import Plan
from opportune.core.history.standard_plan import STANDARD_PLAN
from opportune.core.history.timeline import TimelineEvent
from opportune.core.language.phrases.duration import describe_duration
from opportune.core.moment import DAY

MetricUnit = Literal["share", "money", "number"]
Value = tuple[int, int]
"""Numerator and denominator of one visitor; the denominator is 1 where the visitor is what is divided by."""

USUAL_MS = 7 * DAY
"""The window of a metric that names none."""
BEFORE_MS = 30 * DAY
"""How far back before the first exposure `before` looks."""


class Words(msgspec.Struct, frozen=True):
    """What a metric's words are read against: the plan, the day's time zone, and the places of the rule it decides.

    `places` are names on the wire; `titles` are all places by what marketers call them.
    """

    plan: Plan = STANDARD_PLAN
    zone: str = "UTC"
    places: tuple[str, ...] = ()
    titles: Mapping[str, str] = msgspec.field(default_factory=dict)


class Metric(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", omit_defaults=True):
    """One member of the family, one file each; members are listed in `metrics/__init__.py`."""

    window_ms: int = USUAL_MS
    """Counted is what happens from the first exposure on, before this has passed."""

    meaning: ClassVar[str] = ""
    examples: ClassVar[tuple[str, ...]] = ()
    """Canonical words, each read back in the tests and shown in the reference."""
    synonyms: ClassVar[tuple[str, ...]] = ()
    unit: ClassVar[MetricUnit] = "number"
    usual_ms: ClassVar[int] = USUAL_MS
    """The window where the words name none."""
    lead_ms: ClassVar[int] = 0
    """How much before the first exposure it also wants to see: the page on which it happened."""

    @classmethod
    def read(cls, phrase: str, window_ms: int | None, words: Words) -> Metric | None:
        """The metric whose words these are, without their window; None when they are another's."""
        raise NotImplementedError

    @classmethod
    def phrases(cls, words: Words) -> Iterator[str]:
        """Some of its canonical phrases without a window, for "did you mean"."""
        raise NotImplementedError

    @property
    def phrase(self) -> str:
        """The canonical words without the window."""
        raise NotImplementedError

    def describe(self) -> str:
        """The canonical words; reading them gives this metric again."""
        return f"{self.phrase} within {describe_duration(self.window_ms)}"

    @property
    def name(self) -> str:
        return self.describe()

    @property
    def did(self) -> str:
        """What a report says behind the number: `2.1 of 100 bought`, `€1.93 revenue a visitor`."""
        return self.phrase

    @property
    def more_is_better(self) -> bool:
        return True

    @property
    def is_ratio(self) -> bool:
        """Whether visitors have denominators of their own."""
        return False

    @property
    def is_money(self) -> bool:
        return self.unit == "money"

    def stored(self) -> tuple[str, ...]:
        """The events it reads, by the names it was written with."""
        raise NotImplementedError

    def events(self, plan: Plan) -> frozenset[str]:
        """Every name under which what it reads may be stored."""
        return frozenset(name for event in self.stored() for name in all_names(plan, event))

    def bound(self, plan: Plan, margins: Mapping[str, int] | None = None) -> Self:  # noqa: ARG002 - some need it
        """The metric as it is asked today: events under every name they have had, products with what a piece earns."""
        return self

    @property
    def lacks_place(self) -> bool:
        """Whether it asks for a place, and nobody said which."""
        return False

    def in_places(self, places: tuple[str, ...]) -> Self:  # noqa: ARG002 - most have nothing to do with places
        """The metric for a rule that shows something in these places."""
        return self

    def value(self, first_at: int, happened: Sequence[TimelineEvent]) -> Value:
        """The outcome of a visitor first exposed then, of their events in any order; others do not count."""
        return self.between(happened, first_at, first_at + self.window_ms)

    def before(self, first_at: int, happened: Sequence[TimelineEvent]) -> Value:
        """The same over the 30 days before the first exposure."""
        return self.between(happened, first_at - BEFORE_MS, first_at)

    def between(self, happened: Sequence[TimelineEvent], since_at: int, until_at: int) -> Value:
        """The same over any stretch, open to the right."""
        raise NotImplementedError


def all_names(plan: Plan, event: str) -> tuple[str, ...]:
    """What rows may call an event: the name given, its current one, and every former one."""
    return tuple(dict.fromkeys((event, *plan.names_of(plan.current_name(event)))))


def within(
    happened: Iterable[TimelineEvent], names: Sequence[str], since_at: int, until_at: int
) -> Iterator[TimelineEvent]:
    """The events of these names in `[since_at, until_at)`, as they come."""
    for event in happened:
        if since_at <= event.occurred_at < until_at and event.name in names:
            yield event
