"""Measuring in the file: reading many visitors at once, and keeping an experiment's sums."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Mapping, Sequence

import msgspec

from opportune.core.experiments.measured import Cell, CellSums, Measured
from opportune.core.history.link import Link
from opportune.storage.base import LaneEvent, Storage, Transaction
from opportune.storage.bodies import unpack
from opportune.storage.lines import json_of, read_event
from opportune.storage.measurements import (
    Exposed,
    ExposedGroup,
    ExposedQuery,
    ExposedUnit,
    LanesAsked,
    cells_of,
    measured_of,
    row_of,
    rows_of,
)
from opportune.storage.sqlite.connection import Readers
from opportune.storage.sqlite.statements import SQL


class SqliteMeasuring(Storage):
    """The part of the store that reads for measuring."""

    _readers: Readers

    def find_seq(self) -> int:
        return int(self._readers.one(SQL["find_head"])[0])

    def find_whole_since(self) -> int:
        return int(self._readers.one(SQL["find_whole_since"])[0])

    def list_exposed(self, query: ExposedQuery, lanes: LanesAsked, apart: Collection[int] | None) -> Exposed:
        asked = {**msgspec.structs.asdict(query), "first": lanes[0], "end": lanes[1]}
        with self._readers.snapshot():
            if apart is None:
                keys = [key for (key,) in self._readers.all(SQL["list_exposed_keys"], asked)]
                return Exposed([], self._list_units(asked, keys))
            counted = self._readers.counted(SQL["list_exposed"], asked)
            odd = {number for arm, number in counted if arm is None}
            units = self._list_units(asked, sorted(odd.union(apart)))
        counted.subtract(_alike(unit, query.stretch_ms) for unit in units if unit.key not in odd)
        groups = [
            _group(arm, number, units)
            for (arm, number), units in counted.items()
            if arm is not None and units
        ]
        return Exposed(groups, units)

    def _list_units(self, asked: Mapping[str, object], keys: Sequence[int]) -> list[ExposedUnit]:
        rows = self._readers.all(SQL["list_exposed_units"], {**asked, "units": json_of(keys)})
        return [
            ExposedUnit(key, phase, arm, first_arm, last_arm, first_at, seq, bool(is_shown))
            for key, phase, arm, first_arm, last_arm, first_at, seq, is_shown in rows
        ]

    def list_key_facts(
        self, name: str, *, after: tuple[int, int], until_at: int, limit: int
    ) -> list[LaneEvent]:
        rows = self._readers.all(SQL["list_key_facts"], (name, *after, until_at, limit))
        return [(key, kind, read_event(line)) for key, kind, line in rows]

    def list_facts_of(self, keys: Collection[int], names: Collection[str]) -> list[LaneEvent]:
        rows = self._readers.all(SQL["list_facts_of"], (json_of(list(keys)), json_of(list(names))))
        return [(key, kind, read_event(line)) for key, kind, line in rows]

    def list_first_contexts(self, keys: Collection[int], since_at: int) -> dict[int, bytes]:
        rows = self._readers.all(SQL["list_first_contexts"], (json_of(list(keys)), since_at))
        return {key: unpack(context) for key, context in rows if context is not None}

    def list_links_in_force(self, lanes: LanesAsked) -> list[Link]:
        return [Link(*row) for row in self._readers.all(SQL["list_links_in_force"], lanes)]

    def find_measured(self, experiment: str) -> Measured | None:
        row = self._readers.one(SQL["find_measured"], (experiment,))
        if row is None:
            return None
        return measured_of(row, self._readers.all(SQL["list_measured_days"], (experiment,)))

    def find_erased_sums(self, experiment: str) -> dict[Cell, CellSums]:
        return cells_of(self._readers.all(SQL["list_erased_days"], (experiment,)))


class SqliteKeepingSums(Transaction):
    """The part of a transaction that keeps them."""

    connection: sqlite3.Connection

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


PHASES = 65_536
"""More than an experiment ever has; `list_exposed` puts a stretch, a phase and whether it was shown into one number."""


def _alike(unit: ExposedUnit, stretch_ms: int) -> tuple[str | None, int]:
    stretch = unit.first_at // stretch_ms
    return unit.arm, (stretch * PHASES + (unit.phase or 0)) * 2 + unit.is_shown


def _group(arm: str, number: int, units: int) -> ExposedGroup:
    stretch, phase = divmod(number // 2, PHASES)
    return ExposedGroup(phase, arm, stretch, bool(number % 2), units)
