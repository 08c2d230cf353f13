"""What visitors were given, in dictionaries by key."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from opportune.core.history.key import lane_of
from opportune.core.rule import CONTROL
from opportune.core.situation import Assignment
from opportune.storage.base import Exposure, Opportunity, StoredExposure
from opportune.storage.measurements import LanesAsked
from opportune.storage.memory.tables import ExposedRow, MemoryReads, MemoryWrites, identity_of


class MemoryExposureReads(MemoryReads):
    """Reading what was given to whom."""

    def list_exposures(self, keys: Sequence[int], limit: int = 100) -> list[StoredExposure]:
        with self._lock:
            given = [item for key in set(keys) for item in self._tables.exposures.get(key, {}).values()]
            given.sort(key=lambda item: item.seq, reverse=True)
            return [item.exposure for item in given[:limit]]

    def list_opportunities(self, keys: Sequence[int], limit: int = 100) -> list[Opportunity]:
        with self._lock:
            asked = [item for key in set(keys) for item in self._tables.opportunities.get(key, {}).values()]
            asked.sort(key=lambda item: item[0], reverse=True)
            return [opportunity for _, opportunity in asked[:limit]]

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


class MemoryExposureWrites(MemoryWrites):
    """What one job gave."""

    def add_opportunities(self, opportunities: Iterable[Opportunity]) -> None:
        for opportunity in opportunities:
            asked = self._tables.opportunities[opportunity.key]
            identity = (opportunity.session, opportunity.slot)
            if identity not in asked:
                self._tables.put(asked, identity, (self._tables.next("seq"), opportunity))

    def add_exposures(self, exposures: Iterable[Exposure]) -> None:
        for exposure in exposures:
            given, identity = self._tables.exposures[exposure.unit], identity_of(exposure)
            if identity not in given:
                kept = StoredExposure(
                    **{name: getattr(exposure, name) for name in Exposure.__struct_fields__}
                )
                self._tables.put(given, identity, ExposedRow(self._tables.next("seq"), kept))

    def mark_shown(self, exposure: Exposure, at: int) -> None:
        tables = self._tables
        given, identity = tables.exposures[exposure.unit], identity_of(exposure)
        exposed = given.get(identity)
        if exposed is None:
            return
        kept, shown_seq = exposed.exposure, exposed.shown_seq
        if kept.shown_at is None:
            kept, shown_seq = msgspec.structs.replace(kept, shown_at=at), tables.next("seq")
        kept = msgspec.structs.replace(kept, count=kept.count + 1)
        tables.put(given, identity, ExposedRow(exposed.seq, kept, shown_seq))

    def add_assignments(self, unit: int, assignments: Iterable[Assignment]) -> None:
        for assignment in assignments:
            given, identity = self._tables.assignments[unit], (assignment.experiment, assignment.phase)
            if identity not in given:
                kept = msgspec.structs.replace(assignment, unit=unit)
                self._tables.put(given, identity, (self._tables.next("seq"), kept))
