"""People in dictionaries: ids, links and customer details by key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from opportune.core.history.key import lane_of
from opportune.core.history.link import Link
from opportune.core.situation import Trait
from opportune.storage.base import TRAITS_BOUND
from opportune.storage.measurements import LanesAsked
from opportune.storage.memory.tables import Asserted, MemoryReads, MemoryWrites, kept_traits
from opportune.storage.person import person_of


class MemoryPeopleReads(MemoryReads):
    """Reading who is who."""

    def find_key_id(self, key: int) -> tuple[str, str] | None:
        return self._tables.keys.get(key)

    def list_person_keys(self, key: int, as_of: int | None = None) -> tuple[int, tuple[int, ...]]:
        with self._lock:
            seq = self._tables.head if as_of is None else as_of
            person = person_of(key, self._tables.links_of(key), seq)
            return person, self._tables.keys_of(person, seq)

    def list_links_of(self, keys: Sequence[int]) -> list[Link]:
        with self._lock:
            return [link for key in dict.fromkeys(keys) for link in self._tables.links_of(key)]

    def list_links_in_force(self, lanes: LanesAsked) -> list[Link]:
        with self._lock:
            found = [
                link
                for key, links in self._tables.links.items()
                if lanes[0] <= lane_of(key) < lanes[1]
                for link in links.values()
                if link.is_in_force
            ]
        return sorted(found, key=lambda link: (link.key, link.from_seq, link.since_seq))

    def list_keys_of_lane(self, lane: int) -> list[int]:
        with self._lock:
            tables = self._tables
            known = {key for table in tables.by_key for key, rows in table.items() if rows}
            return sorted(key for key in known.union(tables.keys) if lane_of(key) == lane)

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


class MemoryPeopleWrites(MemoryWrites):
    """What one job learns of people."""

    def put_key(self, key: int, namespace: str, identifier: str) -> None:
        known = self._tables.keys.get(key)
        if known is None:
            self._tables.put(self._tables.keys, key, (namespace, identifier))
        elif known != (namespace, identifier):
            raise ValueError(f"key {key} already stands for another id")

    def list_links(self, key: int) -> list[Link]:
        return sorted(self._tables.links_of(key), key=_link_order)

    def list_person_links(self, person: int) -> list[Link]:
        keys = sorted(self._tables.person_keys.get(person, {}))
        return [link for key in keys for link in self.list_links(key) if link.person == person]

    def add_link(self, link: Link) -> None:
        tables = self._tables
        tables.put(tables.links[link.key], (link.person, link.from_seq, link.since_seq), link)
        if link.key not in tables.person_keys[link.person]:
            tables.put(tables.person_keys[link.person], link.key, None)

    def close_link(self, link: Link, until_seq: int) -> None:
        links, identity = self._tables.links[link.key], (link.person, link.from_seq, link.since_seq)
        if identity in links:
            closed = msgspec.structs.replace(links[identity], until_seq=until_seq)
            self._tables.put(links, identity, closed)

    def put_traits(self, key: int, traits: Mapping[str, Trait]) -> None:
        tables = self._tables
        for name, trait in traits.items():
            current = _trait_in_force(tables.traits[key].values(), name)
            if current is not None and (trait.at < current.at or trait == current):
                continue
            if current is None and len({item.name for item in tables.traits[key].values()}) >= TRAITS_BOUND:
                continue
            seq = tables.next("seq")
            tables.put(tables.traits[key], seq, Asserted(seq, name, trait))


def _link_order(link: Link) -> tuple[int, int, int]:
    return link.since_seq, link.from_seq, link.person


def _trait_in_force(asserted: Iterable[Asserted], name: str) -> Trait | None:
    """Only what beat its forerunner was kept, so the newest is the one in force."""
    return next((item.trait for item in reversed(list(asserted)) if item.name == name), None)
