"""Reading many visitors, lane by lane, for tests and backtests, and the sums that tests come to."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence

from opportune.core.experiments.measured import Cell, CellSums, Measured
from opportune.core.history.timeline import TimelineEvent
from opportune.storage.base.exposures import Opportunity
from opportune.storage.measurements import Exposed, ExposedQuery, LanesAsked

LanePlace = tuple[int, int, int, int]
"""key, class, moment and `seq` of an event."""
FIRST_OF_LANE: LanePlace = (-(2**62), -1, -(2**62), -1)
LaneEvent = tuple[int, int, TimelineEvent]
"""An event with its key and class."""
AskedPlace = tuple[int, int, str]
"""key, session and slot of an opportunity."""
FIRST_ASKED: AskedPlace = (-1, -1, "")


class MeasuringReads(ABC):
    """Reading for measuring."""

    @abstractmethod
    def list_lane(
        self,
        lane: int,
        names: Sequence[str],
        since_at: int,
        after: LanePlace = FIRST_OF_LANE,
        limit: int = 1_000,
    ) -> list[LaneEvent]:
        """Events of one lane (key % 256) by key, class and time, without superseded versions.

        Key events of all times, others since a moment.
        """

    @abstractmethod
    def list_lane_opportunities(
        self,
        lane: int,
        slots: Sequence[str],
        since_at: int,
        after: AskedPlace = FIRST_ASKED,
        limit: int = 1_000,
    ) -> list[Opportunity]:
        """Those of one lane (key % 256) for some slots, asked since a moment, by key, session and slot."""

    @abstractmethod
    def list_exposed(self, query: ExposedQuery, lanes: LanesAsked, apart: Collection[int] | None) -> Exposed:
        """Units exposed to a rule, of some lanes, as of one commit: those of `apart` and odd ones one by one.

        None: everybody one by one. Odd is who has no assignment, or was exposed to another arm than the one
        assigned in the first phase.
        """

    @abstractmethod
    def list_key_facts(
        self, name: str, *, after: tuple[int, int], until_at: int, limit: int
    ) -> list[LaneEvent]:
        """Key events (class 0) of a name with their facts, as they happened, after (moment, seq), before a moment."""

    @abstractmethod
    def list_facts_of(self, keys: Collection[int], names: Collection[str]) -> list[LaneEvent]:
        """Events of some names of a few keys, by key, class and time, without superseded versions."""

    @abstractmethod
    def list_first_contexts(self, keys: Collection[int], since_at: int) -> dict[int, bytes]:
        """By key the context of the first opportunity since a moment, where there is one."""

    @abstractmethod
    def find_measured(self, experiment: str) -> Measured | None:
        """What an experiment came to when it was measured last."""

    @abstractmethod
    def find_erased_sums(self, experiment: str) -> dict[Cell, CellSums]:
        """What visitors had added to it who were erased while it was open."""


class MeasuringWrites(ABC):
    """The sums one job keeps."""

    @abstractmethod
    def put_measured(self, measured: Measured) -> None:
        """An experiment's sums, instead of those that were there."""

    @abstractmethod
    def add_erased_sums(self, experiment: str, cells: Mapping[Cell, CellSums]) -> None:
        """What visitors had added to an experiment who are being erased; sums that name nobody."""
