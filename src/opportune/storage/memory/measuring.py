"""Reading for experiments and backtests: who was exposed to what, and what came after, lane by lane."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from opportune.core.experiments.measured import Cell, CellSums, Measured
from opportune.core.history.key import lane_of
from opportune.core.history.link import Link
from opportune.core.history.plan import KEY_EVENT
from opportune.core.moment import DAY
from opportune.core.rule import CONTROL
from opportune.storage.base import FIRST_ASKED, FIRST_OF_LANE, AskedPlace, LaneEvent, LanePlace, Opportunity
from opportune.storage.measurements import Exposed, ExposedGroup, ExposedQuery, ExposedUnit, LanesAsked
from opportune.storage.memory.tables import ExposedRow, OnTables


class MemoryMeasuring(OnTables):
    """What tests, reviews and backtests are made of."""

    def list_hidden(self, since_at: int) -> list[tuple[str, str, int, int]]:
        with self._lock:
            hidden = [
                (item.exposure.rule, item.exposure.slot, unit)
                for unit, given in self._tables.exposures.items()
                for item in given.values()
                if item.exposure.subject == "hide"
                and item.exposure.arm != CONTROL
                and item.exposure.at >= since_at
            ]
        visits = Counter((rule, slot) for rule, slot, _ in hidden)
        people = Counter((rule, slot) for rule, slot, _ in set(hidden))
        return [(rule, slot, people[rule, slot], count) for (rule, slot), count in sorted(visits.items())]

    def list_decided(self, lane: int, since_at: int) -> list[tuple[str, int]]:
        with self._lock:
            found = {
                (item.exposure.rule, unit)
                for unit, given in self._tables.exposures.items()
                if lane_of(unit) == lane
                for item in given.values()
                if item.exposure.subject in {"rule", "hide"} and item.exposure.at >= since_at
            }
        return sorted(found)

    def list_acted(
        self, rules: Sequence[str], since_at: int, lanes: LanesAsked
    ) -> list[tuple[str, int, int]]:
        with self._lock:
            given = [
                item.exposure
                for unit, items in self._tables.exposures.items()
                if lane_of(unit) in range(*lanes)
                for item in items.values()
            ]
        first: dict[tuple[str, int, int], int] = {}
        for each in given:
            is_theirs = each.rule in rules and each.subject in {"rule", "hide"} and each.arm != CONTROL
            if is_theirs and each.at >= since_at:
                visit = (each.rule, each.unit, each.session)
                first[visit] = min(each.at, first.get(visit, each.at))
        return sorted((rule, unit, at) for (rule, unit, _), at in first.items())

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

    def find_seq(self) -> int:
        return self._tables.head

    def find_whole_since(self) -> int:
        return self._tables.numbers["whole since day"] * DAY

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

    def list_links_in_force(self, lanes: LanesAsked) -> list[Link]:
        with self._lock:
            found = [
                link
                for key, links in self._tables.links.items()
                if lanes[0] <= lane_of(key) < lanes[1]
                for link in links.values()
                if link.is_in_force
            ]
        return sorted(found, key=lambda link: (link.key, link.from_seq, link.since_seq))

    def find_measured(self, experiment: str) -> Measured | None:
        return self._tables.measured.get(experiment)

    def find_erased_sums(self, experiment: str) -> dict[Cell, CellSums]:
        with self._lock:
            kept = self._tables.erased_days.items()
            return {cell: sums for (known, cell), sums in kept if known == experiment}

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
