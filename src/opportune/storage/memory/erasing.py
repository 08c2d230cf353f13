"""All that is one person's, taken out of the dictionaries, and the record of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

import msgspec

from opportune.core.history.link import FOREVER, Link
from opportune.core.moment import DAY
from opportune.storage.base import Belongings
from opportune.storage.days import day_of
from opportune.storage.memory.tables import MemoryReads, MemoryWrites, Row, Tables, kept_traits
from opportune.storage.personal import ErasedUnits, Erasure, KeptAssignment, KeptEvent, Share

K = TypeVar("K")
V = TypeVar("V")


class MemoryErasureReads(MemoryReads):
    """Reading what is somebody's, and who was erased."""

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

    def find_newest_erasure(self) -> int:
        return self._tables.numbers["newest erasure"]

    def list_erasures(self, after: tuple[int, str] = (-1, ""), limit: int = 1_000) -> list[Erasure]:
        with self._lock:
            known = sorted(place for place in self._tables.erasures if place > after)
            return [self._tables.erasures[place] for place in known[:limit]]

    def list_erased_units(self) -> list[ErasedUnits]:
        with self._lock:
            return [ErasedUnits(*arm, count) for arm, count in sorted(self._tables.erased_units.items())]


class MemoryErasureWrites(MemoryWrites):
    """What one job erases."""

    @property
    def newest_erasure_at(self) -> int:
        return self._tables.numbers["newest erasure"]

    def find_erasures(self, marks: Iterable[tuple[int, str]]) -> dict[str, Erasure]:
        known = self._tables.erasures
        return {mark[1]: known[mark] for mark in marks if mark in known}

    def put_erasures(self, erasures: Sequence[Erasure]) -> None:
        tables = self._tables
        for each in erasures:
            known = tables.erasures.get((each.lane, each.mark), each)
            merged = msgspec.structs.replace(
                known,
                erased_at=max(known.erased_at, each.erased_at),
                is_unsubscribed=known.is_unsubscribed or each.is_unsubscribed,
            )
            tables.put(tables.erasures, (each.lane, each.mark), merged)
            newest = max(tables.numbers["newest erasure"], each.erased_at)
            tables.put(tables.numbers, "newest erasure", newest)

    def count_dropped(self, erasure: Erasure) -> None:
        place = (erasure.lane, erasure.mark)
        known = self._tables.erasures[place]
        counted = msgspec.structs.replace(known, dropped=known.dropped + 1)
        self._tables.put(self._tables.erasures, place, counted)

    def erase_records(self, share: Share, most: int) -> dict[str, int]:
        tables, key = self._tables, share.key
        in_force = _traits_in_force(tables, key)
        return {
            "events": self._erase_events(share, most),
            "past_traits": self._take(
                tables.traits, share, most, lambda seq, _: share.holds(seq) and seq not in in_force
            ),
            "opportunities": self._take(
                tables.opportunities, share, most, lambda _, kept: share.holds(kept[0])
            ),
            "exposures": self._take(tables.exposures, share, most, lambda _, kept: share.holds(kept.seq)),
            "assignments": self._erase_assignments(share, most),
            "business_keys": self._erase_business_keys(share, most),
        }

    def _take(
        self,
        table: Mapping[int, dict[K, V]],
        share: Share,
        most: int,
        leaves: Callable[[K, V], bool],
    ) -> int:
        """How many rows of the share's key left."""
        rows = table.get(share.key, {})
        gone = [place for place, row in rows.items() if leaves(place, row)][:most]
        for place in gone:
            self._tables.remove(rows, place)
        return len(gone)

    def _erase_events(self, share: Share, most: int) -> int:
        tables = self._tables
        rows = tables.events.get(share.key, {})
        gone = [seq for seq in rows if share.holds(seq)][:most]
        for seq in gone:
            row = rows[seq]
            if row.until_seq is None:
                place = (day_of(row.event.occurred_at // DAY), row.event.name)
                count, value = tables.erased_totals.get(place, (0, 0))
                tables.put(tables.erased_totals, place, (count + 1, value + row.event.value))
            tables.remove(rows, seq)
            tables.remove(tables.owners, seq)
        return len(gone)

    def _erase_assignments(self, share: Share, most: int) -> int:
        tables = self._tables
        given = tables.assignments.get(share.key, {})
        gone = [place for place, (seq, _) in given.items() if share.holds(seq)][:most]
        for place in gone:
            arm = (*place, given[place][1].arm)
            tables.put(tables.erased_units, arm, tables.erased_units.get(arm, 0) + 1)
            tables.remove(given, place)
        return len(gone)

    def _erase_business_keys(self, share: Share, most: int) -> int:
        known = self._tables.business_keys
        gone = [place for place, one in known.items() if one.key == share.key and share.holds(one.seq)][:most]
        for place in gone:
            self._tables.remove(known, place)
        return len(gone)

    def erase_assignments(self, share: Share) -> int:
        return self._erase_assignments(share, FOREVER)

    def erase_traits(self, share: Share) -> int:
        return self._take(self._tables.traits, share, FOREVER, lambda seq, _: share.holds(seq))

    def remove_link(self, link: Link) -> None:
        tables = self._tables
        tables.remove(tables.links[link.key], (link.person, link.from_seq, link.since_seq))
        if not any(other.person == link.person for other in tables.links_of(link.key)):
            tables.remove(tables.person_keys[link.person], link.key)

    def remove_key(self, key: int) -> None:
        tables = self._tables
        tables.remove(tables.keys, key)
        for by_key in tables.by_key:
            if key in by_key and not by_key[key]:
                tables.remove(by_key, key)

    def remove_set_aside(self, identifiers: Iterable[int]) -> int:
        known = [identifier for identifier in identifiers if identifier in self._tables.set_aside]
        for identifier in known:
            self._tables.remove(self._tables.set_aside, identifier)
        return len(known)

    def erase_audit(self, act: str, has_name: Callable[[str], bool], instead: str) -> int:
        named = [
            (number, entry)
            for number, entry in self._tables.audit.items()
            if entry.act == act and has_name(entry.what)
        ]
        for number, entry in named:
            self._tables.put(self._tables.audit, number, msgspec.structs.replace(entry, what=instead))
        return len(named)


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


def _traits_in_force(tables: Tables, key: int) -> set[int]:
    return {kept.seq for kept in kept_traits(tables, key) if kept.until_seq is None}
