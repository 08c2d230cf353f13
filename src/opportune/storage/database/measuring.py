"""Reading for tests, as both databases do it."""

from __future__ import annotations

from opportune.core.experiments.measured import Cell, CellSums, Measured
from opportune.storage.base import LaneEvent
from opportune.storage.database.asking import DatabaseReads
from opportune.storage.database.lines import read_event
from opportune.storage.measurements import cells_of, measured_of


class DatabaseMeasuringReads(DatabaseReads):
    """Reading for measuring."""

    def list_key_facts(
        self, name: str, *, after: tuple[int, int], until_at: int, limit: int
    ) -> list[LaneEvent]:
        rows = self._all("list_key_facts", (name, *after, until_at, limit))
        return [(key, kind, read_event(line)) for key, kind, line in rows]

    def find_measured(self, experiment: str) -> Measured | None:
        row = self._one("find_measured", (experiment,))
        if row is None:
            return None
        return measured_of(row, self._all("list_measured_days", (experiment,)))

    def find_erased_sums(self, experiment: str) -> dict[Cell, CellSums]:
        return cells_of(self._all("list_erased_days", (experiment,)))
