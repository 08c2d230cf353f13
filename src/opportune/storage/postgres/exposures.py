"""What visitors were given, in the database: the statement itself passes over what is there already."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from opportune.core.history.key import lane_of
from opportune.core.rule import CONTROL
from opportune.core.situation import Assignment
from opportune.storage.base import Exposure, Opportunity, StoredExposure
from opportune.storage.database.bodies import pack
from opportune.storage.database.exposures import DatabaseExposureReads
from opportune.storage.database.lines import exposure_line, json_of
from opportune.storage.database.rows import exposure_of, exposure_place, opportunity_of
from opportune.storage.measurements import LanesAsked
from opportune.storage.postgres.asking import PostgresReads, PostgresWrites


class PostgresExposureReads(DatabaseExposureReads, PostgresReads):
    """Reading what was given to whom."""

    def list_exposures(self, keys: Sequence[int], limit: int = 100) -> list[StoredExposure]:
        rows = self._of_rows("list_exposures", [(lane_of(key), key) for key in dict.fromkeys(keys)])
        newest = sorted(rows, key=lambda row: row[-1], reverse=True)[:limit]
        return [exposure_of(row) for row in newest]

    def list_opportunities(self, keys: Sequence[int], limit: int = 100) -> list[Opportunity]:
        rows = self._of_rows("list_opportunities", [(lane_of(key), key) for key in dict.fromkeys(keys)])
        newest = sorted(rows, key=lambda row: row[-1], reverse=True)[:limit]
        return [opportunity_of(row) for row in newest]

    def list_acted(
        self, rules: Sequence[str], since_at: int, lanes: LanesAsked
    ) -> list[tuple[str, int, int]]:
        return sorted(self._all("list_acted", (*lanes, list(rules), CONTROL, since_at)))


class PostgresExposureWrites(PostgresWrites):
    """What one job gave."""

    def add_opportunities(self, opportunities: Iterable[Opportunity]) -> None:
        context, packed = b"", pack(b"")
        for asked in opportunities:
            self.hold((asked.key,))
            if asked.context != context:  # that of one request's places is the same
                context, packed = asked.context, pack(asked.context)
            line = json_of((asked.session, asked.slot, asked.at))
            place = (lane_of(asked.key), asked.key, asked.session, asked.slot, self._next_seq())
            self._put(
                "add_opportunity",
                (*place, asked.seq, asked.at, line, asked.outcome, asked.revision, packed),
            )

    def add_exposures(self, exposures: Iterable[Exposure]) -> None:
        for exposure in exposures:
            self.hold((exposure.unit,))
            receipt = pack(exposure.receipt) if exposure.receipt else b""
            line = exposure_line(exposure, exposure.at)
            self._put(
                "add_exposure", (*exposure_place(exposure), self._next_seq(), exposure.at, line, receipt)
            )

    def mark_shown(self, exposure: Exposure, at: int) -> None:
        self.hold((exposure.unit,))
        identity = exposure_place(exposure)
        found = self._one("find_exposure", identity)
        if found is None:
            return
        first_at, shown_at, shown_seq, count = found
        if shown_at is None:
            shown_at, shown_seq = at, self._next_seq()
        line = exposure_line(exposure, first_at, shown_at, count + 1)
        self._execute("mark_shown", (shown_at, shown_seq, count + 1, line, *identity))

    def add_assignments(self, unit: int, assignments: Iterable[Assignment]) -> None:
        self.hold((unit,))
        for given in assignments:
            seq = self._next_seq()
            line = json_of((seq, msgspec.structs.replace(given, unit=unit)))
            self._put(
                "add_assignment", (lane_of(unit), unit, given.experiment, given.phase, seq, given.arm, line)
            )
