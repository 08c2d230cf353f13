"""Sums that name nobody: totals by day, events seen, visits by consent, and what became of rules' answers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable

import msgspec


class ConsentCount(msgspec.Struct, frozen=True):
    """How many visits of a day, which nobody can be found by.

    `answer` is how they began, `yes` or `no` to being measured, or what they changed to, `later yes` or `later no`.
    `banner` is one that the page script knows, `none` or `unknown`.
    """

    day: str
    banner: str
    has_gpc: bool
    answer: str
    visits: int


class RuleCount(msgspec.Struct, frozen=True, order=True):
    """How often something became of a rule's answers in a place, within an hour that begins at a moment (ms).

    `rule` is the seed of its run, and empty for what is said of the place alone.
    """

    hour: int
    rule: str
    slot: str
    what: str
    count: int


class CountReads(ABC):
    """Reading sums, and folding what waits to be added to them."""

    @abstractmethod
    def list_seen_events(self) -> dict[str, tuple[int, int, int]]:
        """By name: the earliest and the latest moment of one that was taken, and how many were."""

    @abstractmethod
    def fold_totals(self) -> int:
        """Folds a bounded step of the change feed into totals; how many rows it took."""

    @abstractmethod
    def list_totals(self, since_day: str, until_day: str) -> list[tuple[str, str, int, int]]:
        """(day, event name, count, value in minor units), days in UTC, both ends included, ordered.

        What waits in the change feed is counted too, so the answer does not depend on when it is folded.
        """

    @abstractmethod
    def rebuild_totals(self) -> None:
        """From the events alone; gives the same numbers as folding.

        Days of which events have left, by `retire_events`, keep the totals they have.
        """

    @abstractmethod
    def list_consents(self, since_day: str, until_day: str) -> list[ConsentCount]:
        """Of these days, both ends included, ordered."""

    @abstractmethod
    def list_rule_counts(self, since_hour: int, until_hour: int) -> list[tuple[str, str, str, int]]:
        """(rule, slot, what, count) over the hours that begin from one moment to before another, ordered."""

    @abstractmethod
    def list_hours(self, slot: str, what: str, since_hour: int, until_hour: int) -> list[tuple[int, int]]:
        """(hour, count) of what is said of a place or an event alone; no `what`: of everything counted, in order."""


class CountWrites(ABC):
    """What one job adds to sums."""

    @abstractmethod
    def add_consents(self, counts: Iterable[ConsentCount]) -> None:
        """Visits added to those of their day; of each day, banner and answer at most one."""

    @abstractmethod
    def retire_consents(self, before_day: str) -> None:
        """Those of earlier days leave."""

    @abstractmethod
    def add_rule_counts(self, counts: Iterable[RuleCount]) -> None:
        """Added to those of their hour; of each hour, rule, place and kind at most one."""

    @abstractmethod
    def retire_rule_counts(self, before_hour: int) -> None:
        """Those of earlier hours leave."""
