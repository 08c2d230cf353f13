"""Who was erased, as both databases know it."""

from __future__ import annotations

from opportune.storage.belongings import erasure_of
from opportune.storage.database.asking import DatabaseReads, DatabaseWrites
from opportune.storage.personal import ErasedUnits, Erasure


class DatabaseErasureReads(DatabaseReads):
    """Reading what is somebody's, and who was erased."""

    def find_newest_erasure(self) -> int:
        return int(self._one("find_newest_erasure")[0])

    def list_erasures(self, after: tuple[int, str] = (-1, ""), limit: int = 1_000) -> list[Erasure]:
        return [erasure_of(row) for row in self._all("list_erasures", (*after, limit))]

    def list_erased_units(self) -> list[ErasedUnits]:
        return [ErasedUnits(*row) for row in self._all("list_erased_units")]


class DatabaseErasureWrites(DatabaseWrites):
    """What one job erases."""

    def count_dropped(self, erasure: Erasure) -> None:
        self._execute("count_dropped", (1, erasure.lane, erasure.mark))
