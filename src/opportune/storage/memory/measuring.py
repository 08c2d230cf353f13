"""Reading for tests and backtests, lane by lane, and the sums that tests come to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from opportune.core.experiments.measured import NO_SUMS, Cell, CellSums, Measured
from opportune.core.history.key import lane_of
from opportune.core.history.plan import KEY_EVENT
from opportune.storage.base import FIRST_ASKED, FIRST_OF_LANE, AskedPlace, LaneEvent, LanePlace, Opportunity
from opportune.storage.measurements import Exposed, ExposedGroup, ExposedQuery, ExposedUnit, LanesAsked
from opportune.storage.memory.tables import ExposedRow, MemoryReads, MemoryWrites


class MemoryMeasuringReads(MemoryReads):
    """Reading for measuring."""

    def list_lane(
        self,
        lane: int,
        names: Sequence[str],
        since_at: int,
        after: LanePlace = FIRST_OF_LANE,
        limit: int = 1_000,
    ) -> list[LaneEvent]:
        with self._lock:
            found = [
                (key, int(row.event.event_class), row.seen)
                for key, rows in self._tables.events.items()
                if lane_of(key) == lane
                for row in rows.values()
                if row.until_seq is None
                and row.event.name in names
                and (row.event.event_class == 0 or row.event.occurred_at >= since_at)
            ]
        places = sorted(((key, kind, *event.order), event) for key, kind, event in found)
        return [(place[0], place[1], event) for place, event in places if place > after][:limit]

    def list_lane_opportunities(
        self,
        lane: int,
        slots: Sequence[str],
        since_at: int,
        after: AskedPlace = FIRST_ASKED,
        limit: int = 1_000,
    ) -> list[Opportunity]:
        with self._lock:
            found = [
                asked
                for key, items in self._tables.opportunities.items()
                if lane_of(key) == lane
                for _, asked in items.values()
                if asked.slot in slots and asked.at >= since_at
            ]
        places = sorted(((asked.key, asked.session, asked.slot), asked) for asked in found)
        return [asked for place, asked in places if place > after][:limit]

    def list_exposed(self, query: ExposedQuery, lanes: LanesAsked, apart: Collection[int] | None) -> Exposed:
        with self._lock:
            found = [
                unit
                for key, given in self._tables.exposures.items()
                if lanes[0] <= lane_of(key) < lanes[1] and (unit := self._exposed(query, key, given.values()))
            ]
        counted: Counter[tuple[int, str, int, bool]] = Counter()
        units = []
        for unit in found:
            if (
                unit.phase is None
                or unit.arm is None
                or {unit.first_arm, unit.last_arm} != {unit.arm}
                or apart is None
                or unit.key in apart
            ):
                units.append(unit)
            else:
                counted[unit.phase, unit.arm, unit.first_at // query.stretch_ms, unit.is_shown] += 1
        return Exposed([ExposedGroup(*alike, count) for alike, count in counted.items()], units)

    def _exposed(self, query: ExposedQuery, key: int, given: Iterable[ExposedRow]) -> ExposedUnit | None:
        theirs = [
            item
            for item in given
            if item.exposure.rule == query.rule and query.since_at <= item.exposure.at < query.until_at
        ]
        if not theirs:
            return None
        assigned = self._tables.assignments.get(key, {})
        phase = min((phase for experiment, phase in assigned if experiment == query.experiment), default=None)
        arms = sorted(item.exposure.arm for item in theirs)
        return ExposedUnit(
            key,
            phase,
            None if phase is None else assigned[query.experiment, phase][1].arm,
            arms[0],
            arms[-1],
            min(item.exposure.at for item in theirs),
            min(item.seq for item in theirs),
            any(item.exposure.shown_at is not None for item in theirs),
        )

    def list_key_facts(
        self, name: str, *, after: tuple[int, int], until_at: int, limit: int
    ) -> list[LaneEvent]:
        with self._lock:
            found = [
                (row.seen.order, key, row.seen)
                for key, rows in self._tables.events.items()
                for row in rows.values()
                if row.until_seq is None and row.event.event_class == KEY_EVENT and row.event.name == name
            ]
        found.sort(key=lambda each: each[0])
        return [
            (key, int(KEY_EVENT), seen) for order, key, seen in found if after < order and order[0] < until_at
        ][:limit]

    def list_facts_of(self, keys: Collection[int], names: Collection[str]) -> list[LaneEvent]:
        with self._lock:
            found = [
                (key, int(row.event.event_class), row.seen)
                for key in keys
                for row in self._tables.events.get(key, {}).values()
                if row.until_seq is None and row.event.name in names
            ]
        return sorted(found, key=lambda each: (each[0], each[1], each[2].order))

    def list_first_contexts(self, keys: Collection[int], since_at: int) -> dict[int, bytes]:
        with self._lock:
            asked = {
                key: [
                    each
                    for _, each in self._tables.opportunities.get(key, {}).values()
                    if each.at >= since_at
                ]
                for key in keys
            }
        return {
            key: min(found, key=lambda each: (each.session, each.slot)).context
            for key, found in asked.items()
            if found
        }

    def find_measured(self, experiment: str) -> Measured | None:
        return self._tables.measured.get(experiment)

    def find_erased_sums(self, experiment: str) -> dict[Cell, CellSums]:
        with self._lock:
            kept = self._tables.erased_days.items()
            return {cell: sums for (known, cell), sums in kept if known == experiment}


class MemoryMeasuringWrites(MemoryWrites):
    """The sums one job keeps."""

    def put_measured(self, measured: Measured) -> None:
        self._tables.put(self._tables.measured, measured.experiment, measured)

    def add_erased_sums(self, experiment: str, cells: Mapping[Cell, CellSums]) -> None:
        kept = self._tables.erased_days
        for cell, sums in cells.items():
            self._tables.put(kept, (experiment, cell), kept.get((experiment, cell), NO_SUMS) + sums)
