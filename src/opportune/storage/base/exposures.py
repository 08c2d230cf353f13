"""What visitors were given: places asked for, what was decided and shown there, and arms of tests."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence

import msgspec

from opportune.core.situation import Assignment
from opportune.storage.measurements import LanesAsked


class Exposure(msgspec.Struct, frozen=True, kw_only=True):
    """A new exposure to record; `receipt` is the receipt's JSON."""

    subject: str
    unit: int
    slot: str
    rule: str
    rule_hash: str
    arm: str
    session: int
    at: int
    receipt: bytes = b""


class StoredExposure(Exposure, frozen=True, kw_only=True):
    """An exposure with what became of it."""

    shown_at: int | None = None
    count: int = 0


class Opportunity(msgspec.Struct, frozen=True, kw_only=True):
    """First time a slot was asked for in a session, its outcome, and what is needed to derive it again."""

    key: int
    slot: str
    session: int
    seq: int
    at: int
    outcome: str
    context: bytes
    revision: str


class ExposureReads(ABC):
    """Reading what was given to whom."""

    @abstractmethod
    def list_exposures(self, keys: Sequence[int], limit: int = 100) -> list[StoredExposure]:
        """Newest first, with receipts."""

    @abstractmethod
    def list_opportunities(self, keys: Sequence[int], limit: int = 100) -> list[Opportunity]: ...

    @abstractmethod
    def list_hidden(self, since_at: int) -> list[tuple[str, str, int, int]]:
        """(rule, slot, visitors, visits) of what rules hid since a moment, ordered; costs a walk through all exposures.

        A visitor of a control group, from whom nothing was hidden, does not count.
        """

    @abstractmethod
    def list_decided(self, lane: int, since_at: int) -> list[tuple[str, int]]:
        """(rule, unit) of one lane that rules, hiding ones too, were decided for since a moment, ordered.

        Control groups are among them: they would have been reached.
        """

    @abstractmethod
    def list_acted(
        self, rules: Sequence[str], since_at: int, lanes: LanesAsked
    ) -> list[tuple[str, int, int]]:
        """(rule, unit, first moment) of every visit of some lanes since a moment in which rules acted, ordered.

        What a control group did not get is not among them.
        """


class ExposureWrites(ABC):
    """What one job gave."""

    @abstractmethod
    def add_opportunities(self, opportunities: Iterable[Opportunity]) -> None:
        """Duplicates by (key, slot, session) are ignored."""

    @abstractmethod
    def add_exposures(self, exposures: Iterable[Exposure]) -> None:
        """Duplicates by (subject, unit, slot, rule, rule_hash, arm, session) are ignored."""

    @abstractmethod
    def mark_shown(self, exposure: Exposure, at: int) -> None:
        """Counts one verified view; `shown_at` keeps the first. Nothing happens to one never recorded."""

    @abstractmethod
    def add_assignments(self, unit: int, assignments: Iterable[Assignment]) -> None:
        """The first one for (unit, experiment, phase) stands."""
