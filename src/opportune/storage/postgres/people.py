"""People in the database: links and ids are known from holding whom they are about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from opportune.core.history.key import lane_of
from opportune.core.history.link import FOREVER, Link
from opportune.core.situation import Trait
from opportune.storage.base import TRAITS_BOUND
from opportune.storage.database.lines import json_of, read_trait
from opportune.storage.database.people import DatabasePeopleReads
from opportune.storage.person import keys_of, person_of
from opportune.storage.postgres.asking import PostgresReads, PostgresWrites


class PostgresPeopleReads(DatabasePeopleReads, PostgresReads):
    """Reading who is who."""

    def list_person_keys(self, key: int, as_of: int | None = None) -> tuple[int, tuple[int, ...]]:
        seq = FOREVER - 1 if as_of is None else as_of
        person = person_of(key, self._links([key]), seq)
        keys = [row[0] for row in self._all("list_person_keys", (lane_of(person), person))]
        links = [link for link in self._links(keys) if link.person == person] if keys else []
        links.sort(key=lambda link: (link.key, link.since_seq, link.from_seq))
        return person, keys_of(person, links, seq)

    def _links(self, keys: Sequence[int]) -> list[Link]:
        return [Link(*row) for row in self._of_rows("find_links", [(lane_of(key), key) for key in keys])]

    def list_links_of(self, keys: Sequence[int]) -> list[Link]:
        asked = [(lane_of(key), key) for key in dict.fromkeys(keys)]
        return [Link(*row) for row in self._of_rows("find_links", asked)]


class PostgresPeopleWrites(PostgresWrites):
    """What one job learns of people."""

    def put_key(self, key: int, namespace: str, identifier: str) -> None:
        if key not in self._heads:
            self.hold((key,))
        known = self._ids.get(key)
        if known is None:
            self._ids[key] = (namespace, identifier)
            self._put("put_key", (lane_of(key), key, namespace, identifier))
        elif known != (namespace, identifier):
            raise ValueError(f"key {key} already stands for another id")

    def list_links(self, key: int) -> list[Link]:
        self.hold((key,))
        return self._links[key]

    def list_person_links(self, person: int) -> list[Link]:
        keys = [row[0] for row in self._execute("list_person_keys", (lane_of(person), person)).fetchall()]
        return [link for key in keys for link in self.list_links(key) if link.person == person]

    def add_link(self, link: Link) -> None:
        self.hold((link.key, link.person))
        self._send()
        self._put("add_link", (lane_of(link.key), *msgspec.structs.astuple(link)))
        self._put("add_person_key", (lane_of(link.person), link.person, link.key))
        self._note_links(link.key, link.person, link.since_seq)

    def _note_links(self, key: int, person: int, seq: int) -> None:
        """They are read again, and are known to whoever has seen this number."""
        for each in (key, person):
            self._heads[each] = max(self._heads[each], seq)
        self._links.update(self._find_links((key,)))

    def close_link(self, link: Link, until_seq: int) -> None:
        self.hold((link.key, link.person))
        identity = (lane_of(link.key), link.key, link.person, link.from_seq, link.since_seq)
        self._execute("close_link", (until_seq, *identity))
        self._note_links(link.key, link.person, until_seq)

    def put_traits(self, key: int, traits: Mapping[str, Trait]) -> None:
        self.hold((key,))
        lane = lane_of(key)
        known = {
            name: (seq, line) for name, seq, line in self._execute("find_traits", (lane, key)).fetchall()
        }
        for name, trait in traits.items():
            if name in known:
                current = read_trait(known[name][1])[2]
                if trait.at < current.at or trait == current:
                    continue
            elif len(known) >= TRAITS_BOUND:
                continue
            seq = self._next_seq()
            if name in known:
                self._put("add_past_trait", (lane, key, name, known[name][0], seq, known[name][1]))
            line = json_of((seq, name, trait))
            self._put("put_trait", (lane, key, name, seq, line))
            known[name] = (seq, line)

    def meet(self, key: int, at: int) -> None:
        self._met.setdefault(key, at)
