"""What visitors were given, in the file: a record takes the next number only if it is new."""

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
from opportune.storage.sqlite.asking import SqliteReads, SqliteWrites, json_list


class SqliteExposureReads(DatabaseExposureReads, SqliteReads):
    """Reading what was given to whom."""

    def list_exposures(self, keys: Sequence[int], limit: int = 100) -> list[StoredExposure]:
        rows = self._all("list_exposures", (json_list(keys), limit))
        return [exposure_of(row) for row in rows]

    def list_opportunities(self, keys: Sequence[int], limit: int = 100) -> list[Opportunity]:
        rows = self._all("list_opportunities", (json_list(keys), limit))
        return [opportunity_of(row) for row in rows]

    def list_acted(
        self, rules: Sequence[str], since_at: int, lanes: LanesAsked
    ) -> list[tuple[str, int, int]]:
        asked = (*lanes, json_list(rules), CONTROL, since_at)
        return sorted(self._all("list_acted", asked))


class SqliteExposureWrites(SqliteWrites):
    """What one job gave."""

    def add_opportunities(self, opportunities: Iterable[Opportunity]) -> None:
        context, packed = b"", pack(b"")
        for asked in opportunities:
            if asked.context != context:  # that of one request's places is the same
                context, packed = asked.context, pack(asked.context)
            seq = self.tally.head + 1
            stored = (
                lane_of(asked.key),
                asked.key,
                asked.session,
                asked.slot,
                seq,
                json_of((asked.session, asked.slot, asked.at)),
                asked.seq,
                asked.at,
                asked.outcome,
                asked.revision,
                packed,
            )
            if self._execute("add_opportunity", stored).rowcount:
                self.tally.head = seq

    def add_exposures(self, exposures: Iterable[Exposure]) -> None:
        for exposure in exposures:
            seq = self.tally.head + 1
            line = exposure_line(exposure, exposure.at)
            if self._execute("add_exposure", (*exposure_place(exposure), seq, line, exposure.at)).rowcount:
                self.tally.head = seq
                if exposure.receipt:
                    self._execute("add_receipt", (seq, pack(exposure.receipt)))

    def mark_shown(self, exposure: Exposure, at: int) -> None:
        identity = exposure_place(exposure)
        found = self._one("find_exposure", identity)
        if found is None:
            return
        first_at, shown_at, shown_seq, count = found
        if shown_at is None:
            shown_at, shown_seq = at, self.tally.next_seq()
        line = exposure_line(exposure, first_at, shown_at, count + 1)
        self._execute("mark_shown", (shown_at, shown_seq, count + 1, line, *identity))

    def add_assignments(self, unit: int, assignments: Iterable[Assignment]) -> None:
        for given in assignments:
            seq = self.tally.head + 1
            line = json_of((seq, msgspec.structs.replace(given, unit=unit)))
            stored = (lane_of(unit), unit, given.experiment, given.phase, seq, given.arm, line)
            if self._execute("add_assignment", stored).rowcount:
                self.tally.head = seq
