"""Measuring in the file: reading many visitors at once, and keeping an experiment's sums."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

import msgspec

from opportune.core.experiments.measured import Cell, CellSums, Measured
from opportune.storage.base import FIRST_ASKED, FIRST_OF_LANE, AskedPlace, LaneEvent, LanePlace, Opportunity
from opportune.storage.database.bodies import unpack
from opportune.storage.database.lines import json_of, read_event
from opportune.storage.database.measuring import DatabaseMeasuringReads
from opportune.storage.database.rows import opportunity_of
from opportune.storage.measurements import (
    Exposed,
    ExposedGroup,
    ExposedQuery,
    ExposedUnit,
    LanesAsked,
    cells_of,
    row_of,
    rows_of,
)
from opportune.storage.sqlite.asking import SqliteReads, SqliteWrites, json_list
from opportune.storage.sqlite.statements import SQL

PHASES = 65_536
"""More than an experiment ever has; `list_exposed` puts a stretch, a phase and whether it was shown into one number."""
BETWEEN = "\x1f"
"""Stands between what `list_exposed` tells of each; an arm may be called "10% off, today", but not with this in it."""


class SqliteMeasuringReads(DatabaseMeasuringReads, SqliteReads):
    """Reading for measuring."""

    def list_lane(
        self,
        lane: int,
        names: Sequence[str],
        since_at: int,
        after: LanePlace = FIRST_OF_LANE,
        limit: int = 1_000,
    ) -> list[LaneEvent]:
        asked = (lane, json_list(names), since_at, *after, limit)
        rows = self._all("list_lane", asked)
        return [(key, kind, read_event(line)) for key, kind, line in rows]

    def list_lane_opportunities(
        self,
        lane: int,
        slots: Sequence[str],
        since_at: int,
        after: AskedPlace = FIRST_ASKED,
        limit: int = 1_000,
    ) -> list[Opportunity]:
        asked = (lane, json_list(slots), since_at, *after, limit)
        rows = self._all("list_lane_opportunities", asked)
        return [opportunity_of(row) for row in rows]

    def list_exposed(self, query: ExposedQuery, lanes: LanesAsked, apart: Collection[int] | None) -> Exposed:
        asked = {**msgspec.structs.asdict(query), "first": lanes[0], "end": lanes[1]}
        with self._readers.snapshot():
            if apart is None:
                keys = [key for (key,) in self._all("list_exposed_keys", asked)]
                return Exposed([], self._list_units(asked, keys))
            counted = self._count_alike(asked, lanes)
            odd = {int(told) for told in counted if told.isdigit()}
            units = self._list_units(asked, sorted(odd.union(apart)))
        counted.subtract(_told(unit, query.stretch_ms) for unit in units if unit.key not in odd)
        groups = [_group(told, units) for told, units in counted.items() if units and not told.isdigit()]
        return Exposed(groups, units)

    def _count_alike(self, asked: Mapping[str, object], lanes: LanesAsked) -> Counter[str]:
        counted: Counter[str] = Counter()
        for lane in range(*lanes):
            [[told]] = self._all("list_exposed", {**asked, "lane": lane})
            counted.update(told.split(BETWEEN) if told else ())
        return counted

    def _list_units(self, asked: Mapping[str, object], keys: Sequence[int]) -> list[ExposedUnit]:
        rows = self._all("list_exposed_units", {**asked, "units": json_of(keys)})
        return [
            ExposedUnit(key, phase, arm, first_arm, last_arm, first_at, seq, bool(is_shown))
            for key, phase, arm, first_arm, last_arm, first_at, seq, is_shown in rows
        ]

    def list_facts_of(self, keys: Collection[int], names: Collection[str]) -> list[LaneEvent]:
        rows = self._all("list_facts_of", (json_of(list(keys)), json_of(list(names))))
        return [(key, kind, read_event(line)) for key, kind, line in rows]

    def list_first_contexts(self, keys: Collection[int], since_at: int) -> dict[int, bytes]:
        rows = self._all("list_first_contexts", (json_of(list(keys)), since_at))
        return {key: unpack(context) for key, context in rows if context is not None}


class SqliteMeasuringWrites(SqliteWrites):
    """The sums one job keeps."""

    def put_measured(self, measured: Measured) -> None:
        execute, experiment = self.connection.execute, measured.experiment
        execute(SQL["put_measured"], row_of(measured))
        wanted = rows_of(measured.cells)
        kept = {Cell(*row[:4]): row for row in execute(SQL["list_measured_days"], (experiment,))}
        gone = [(experiment, *msgspec.structs.astuple(cell)) for cell in kept if cell not in wanted]
        self.connection.executemany(SQL["remove_measured_day"], gone)
        changed = [(experiment, *row) for cell, row in wanted.items() if kept.get(cell) != row]
        self.connection.executemany(SQL["put_measured_day"], changed)

    def add_erased_sums(self, experiment: str, cells: Mapping[Cell, CellSums]) -> None:
        execute = self.connection.execute
        kept = cells_of(execute(SQL["list_erased_days"], (experiment,)).fetchall())
        together = {cell: kept[cell] + sums if cell in kept else sums for cell, sums in cells.items()}
        rows: Sequence[Sequence[object]] = [(experiment, *row) for row in rows_of(together).values()]
        self.connection.executemany(SQL["put_erased_day"], rows)


def _told(unit: ExposedUnit, stretch_ms: int) -> str:
    stretch = unit.first_at // stretch_ms
    return f"{unit.arm} {(stretch * PHASES + (unit.phase or 0)) * 2 + unit.is_shown}"


def _group(told: str, units: int) -> ExposedGroup:
    arm, number = told.rsplit(" ", 1)
    stretch, phase = divmod(int(number) // 2, PHASES)
    return ExposedGroup(phase, arm, stretch, bool(int(number) % 2), units)
