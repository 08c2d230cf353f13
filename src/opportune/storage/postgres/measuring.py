"""Measuring in the database: reading many visitors at once, and keeping an experiment's sums."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import msgspec

from opportune.core.experiments.measured import Cell, CellSums, Measured
from opportune.core.history.key import lane_of
from opportune.storage.base import FIRST_ASKED, FIRST_OF_LANE, AskedPlace, LaneEvent, LanePlace, Opportunity
from opportune.storage.database.bodies import unpack
from opportune.storage.database.lines import json_of, read_event
from opportune.storage.database.measuring import DatabaseMeasuringReads
from opportune.storage.database.rows import opportunity_of
from opportune.storage.measurements import (
    Exposed,
    ExposedQuery,
    LanesAsked,
    exposed_of,
    read_sums,
    row_of,
    rows_of,
    write_sums,
)
from opportune.storage.postgres.asking import PostgresReads, PostgresWrites


class PostgresMeasuringReads(DatabaseMeasuringReads, PostgresReads):
    """Reading for measuring."""

    def list_lane(
        self,
        lane: int,
        names: Sequence[str],
        since_at: int,
        after: LanePlace = FIRST_OF_LANE,
        limit: int = 1_000,
    ) -> list[LaneEvent]:
        rows = self._all("list_lane", (lane, list(names), since_at, *after, limit))
        return [(key, kind, read_event(line)) for key, kind, line in rows]

    def list_lane_opportunities(
        self,
        lane: int,
        slots: Sequence[str],
        since_at: int,
        after: AskedPlace = FIRST_ASKED,
        limit: int = 1_000,
    ) -> list[Opportunity]:
        rows = self._all("list_lane_opportunities", (lane, list(slots), since_at, *after, limit))
        return [opportunity_of(row) for row in rows]

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


class PostgresMeasuringWrites(PostgresWrites):
    """The sums one job keeps."""

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
