"""Measuring in the database: reading many visitors at once, and keeping an experiment's sums."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec
import psycopg

from opportune.core.experiments.measured import Cell, CellSums, Measured
from opportune.core.history.key import lane_of
from opportune.core.history.link import Link
from opportune.storage.base import LaneEvent, Storage, Transaction
from opportune.storage.bodies import unpack
from opportune.storage.lines import json_of, read_event
from opportune.storage.measurements import (
    Exposed,
    ExposedQuery,
    LanesAsked,
    cells_of,
    exposed_of,
    measured_of,
    read_sums,
    row_of,
    rows_of,
    write_sums,
)
from opportune.storage.postgres.statements import Row


class PostgresMeasuring(Storage):
    """The part of the store that reads for measuring."""

    @abstractmethod
    def _all(self, name: str, parameters: Sequence[object] | Mapping[str, object] = ()) -> list[Any]: ...

    @abstractmethod
    def _of_rows(self, name: str, rows: Sequence[Row]) -> list[Any]: ...

    def find_seq(self) -> int:
        return int(self._all("find_head")[0][0])

    def find_whole_since(self) -> int:
        return int(self._all("find_whole_since")[0][0])

    def list_exposed(self, query: ExposedQuery, lanes: LanesAsked, apart: Collection[int] | None) -> Exposed:
        first, end = lanes
        asked = {
            **msgspec.structs.asdict(query),
            "first": first,
            "end": end,
            "apart": json_of(list(apart or ())),
            "everybody": apart is None,
        }
        return exposed_of(self._all("list_exposed", asked))

    def list_key_facts(
        self, name: str, *, after: tuple[int, int], until_at: int, limit: int
    ) -> list[LaneEvent]:
        rows = self._all("list_key_facts", (name, *after, until_at, limit))
        return [(key, kind, read_event(line)) for key, kind, line in rows]

    def list_facts_of(self, keys: Collection[int], names: Collection[str]) -> list[LaneEvent]:
        wanted = list(names)
        return [
            (found, kind, read_event(line))
            for key in sorted(keys)
            for found, kind, line in self._all("list_facts_of", (lane_of(key), key, wanted))
        ]

    def list_first_contexts(self, keys: Collection[int], since_at: int) -> dict[int, bytes]:
        rows = self._of_rows("list_first_contexts", [(lane_of(key), key, since_at) for key in sorted(keys)])
        return {key: unpack(context) for key, context in rows}

    def list_links_in_force(self, lanes: LanesAsked) -> list[Link]:
        return [Link(*row) for row in self._all("list_links_in_force", lanes)]

    def find_measured(self, experiment: str) -> Measured | None:
        rows = self._all("find_measured", (experiment,))
        return measured_of(rows[0], self._all("list_measured_days", (experiment,))) if rows else None

    def find_erased_sums(self, experiment: str) -> dict[Cell, CellSums]:
        return cells_of(self._all("list_erased_days", (experiment,)))


class PostgresKeepingSums(Transaction):
    """The part of a transaction that keeps them."""

    @abstractmethod
    def _execute(
        self, statement: str, parameters: Sequence[object] | Mapping[str, object]
    ) -> psycopg.Cursor[tuple[Any, ...]]: ...

    @abstractmethod
    def _put(self, statement: str, row: Row) -> None: ...

    def put_measured(self, measured: Measured) -> None:
        experiment = measured.experiment
        self._execute("put_measured", row_of(measured))
        wanted = rows_of(measured.cells)
        found = self._execute("list_measured_days", (experiment,)).fetchall()
        kept = {Cell(*row[:4]): tuple(row) for row in found}
        for cell in sorted(kept.keys() - wanted.keys()):
            self._execute("remove_measured_day", (experiment, *msgspec.structs.astuple(cell)))
        for cell, row in sorted(wanted.items()):
            if kept.get(cell) != row:
                self._put("put_measured_day", (experiment, *row))

    def add_erased_sums(self, experiment: str, cells: Mapping[Cell, CellSums]) -> None:
        for cell, sums in sorted(cells.items()):
            place = (experiment, *msgspec.structs.astuple(cell))
            [(*_, units, text)] = self._execute("hold_erased_day", place).fetchall()
            total = read_sums(units, text) + sums if text else sums
            self._execute("put_erased_day", (total.units, write_sums(total), *place))
