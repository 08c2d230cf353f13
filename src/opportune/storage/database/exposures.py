"""What visitors were given, as both databases read it."""

from __future__ import annotations

from opportune.core.rule import CONTROL
from opportune.storage.database.asking import DatabaseReads


class DatabaseExposureReads(DatabaseReads):
    """Reading what was given to whom."""

    def list_hidden(self, since_at: int) -> list[tuple[str, str, int, int]]:
        return sorted(self._all("list_hidden", {"control": CONTROL, "since": since_at}))

    def list_decided(self, lane: int, since_at: int) -> list[tuple[str, int]]:
        return sorted(self._all("list_decided", (lane, since_at)))
