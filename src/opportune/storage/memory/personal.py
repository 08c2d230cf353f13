"""Reading what is somebody's, and who was erased."""

from __future__ import annotations

from collections.abc import Sequence

from opportune.core.history.key import lane_of
from opportune.core.history.link import Link
from opportune.storage.base import Belongings
from opportune.storage.memory.tables import OnTables, Row, kept_traits
from opportune.storage.personal import ErasedUnits, Erasure, KeptAssignment, KeptEvent, Share


class MemoryPersonal(OnTables):
    """All that is one person's, and the record of erasures."""

    def list_links_of(self, keys: Sequence[int]) -> list[Link]:
        with self._lock:
            return [link for key in dict.fromkeys(keys) for link in self._tables.links_of(key)]

    def list_belongings(self, share: Share) -> Belongings:
        with self._lock:
            tables, key = self._tables, share.key
            exposed = sorted(tables.exposures.get(key, {}).values(), key=lambda item: item.seq)
            asked = sorted(tables.opportunities.get(key, {}).values(), key=lambda item: item[0])
            known = sorted(tables.business_keys.values(), key=lambda one: (one.seq, one.value))
            given = sorted(tables.assignments.get(key, {}).values(), key=lambda item: item[0])
            return Belongings(
                events=[
                    _kept(seq, row)
                    for seq, row in sorted(tables.events.get(key, {}).items())
                    if share.holds(seq)
                ],
                traits=[kept for kept in kept_traits(tables, key) if share.holds(kept.seq)],
                assignments=[KeptAssignment(seq, one) for seq, one in given if share.holds(seq)],
                exposures=[item.exposure for item in exposed if share.holds(item.seq)],
                opportunities=[one for seq, one in asked if share.holds(seq)],
                business_keys=[one for one in known if one.key == key and share.holds(one.seq)],
            )

    def has_trait(self, name: str) -> bool:
        with self._lock:
            kept = (each for key in self._tables.traits for each in kept_traits(self._tables, key))
            return any(each.name == name and each.until_seq is None for each in kept)

    def list_addressed(self, trait: str, address: str) -> list[tuple[int, int]]:
        with self._lock:
            sought = address.strip().casefold()
            return sorted(
                (kept.key, kept.seq)
                for key in self._tables.traits
                for kept in kept_traits(self._tables, key)
                if kept.name == trait
                and kept.until_seq is None
                and isinstance(kept.trait.value, str)
                and kept.trait.value.strip().casefold() == sought
            )

    def list_keys_of_lane(self, lane: int) -> list[int]:
        with self._lock:
            tables = self._tables
            known = {key for table in tables.by_key for key, rows in table.items() if rows}
            return sorted(key for key in known.union(tables.keys) if lane_of(key) == lane)

    def find_newest_erasure(self) -> int:
        return self._tables.numbers["newest erasure"]

    def list_erasures(self, after: tuple[int, str] = (-1, ""), limit: int = 1_000) -> list[Erasure]:
        with self._lock:
            known = sorted(place for place in self._tables.erasures if place > after)
            return [self._tables.erasures[place] for place in known[:limit]]

    def list_erased_units(self) -> list[ErasedUnits]:
        with self._lock:
            return [ErasedUnits(*arm, count) for arm, count in sorted(self._tables.erased_units.items())]


def _kept(seq: int, row: Row) -> KeptEvent:
    event = row.event
    return KeptEvent(
        seq=seq,
        key=event.key,
        event_class=event.event_class,
        name=event.name,
        source=event.source,
        occurred_at=event.occurred_at,
        until_seq=row.until_seq,
        body=event.body,
    )
