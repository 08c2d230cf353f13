"""People in the file: ids, links and customer details, a statement for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from opportune.core.history.key import lane_of
from opportune.core.history.link import Link
from opportune.core.situation import Trait
from opportune.storage.base import TRAITS_BOUND
from opportune.storage.database.lines import json_of, read_trait
from opportune.storage.database.people import DatabasePeopleReads
from opportune.storage.person import keys_of, person_of
from opportune.storage.sqlite.asking import SqliteReads, SqliteWrites


class SqlitePeopleReads(DatabasePeopleReads, SqliteReads):
    """Reading who is who."""

    def list_person_keys(self, key: int, as_of: int | None = None) -> tuple[int, tuple[int, ...]]:
        seq = self._one("find_head")[0] if as_of is None else as_of
        person = person_of(key, self._links("list_links", key), seq)
        return person, keys_of(person, self._links("list_person_links", person), seq)

    def _links(self, statement: str, of: int) -> list[Link]:
        return [Link(*row) for row in self._all(statement, (lane_of(of), of))]

    def list_links_of(self, keys: Sequence[int]) -> list[Link]:
        return [
            Link(*row) for key in dict.fromkeys(keys) for row in self._all("list_links", (lane_of(key), key))
        ]


class SqlitePeopleWrites(SqliteWrites):
    """What one job learns of people."""

    def put_key(self, key: int, namespace: str, identifier: str) -> None:
        known = self._one("find_key_id", (lane_of(key), key))
        if known is None:
            self._execute("put_key", (lane_of(key), key, namespace, identifier))
        elif known != (namespace, identifier):
            raise ValueError(f"key {key} already stands for another id")

    def list_links(self, key: int) -> list[Link]:
        return [Link(*row) for row in self._execute("list_links", (lane_of(key), key))]

    def list_person_links(self, person: int) -> list[Link]:
        return [Link(*row) for row in self._execute("list_person_links", (lane_of(person), person))]

    def add_link(self, link: Link) -> None:
        lane = lane_of(link.person)
        self._execute("add_link", (lane_of(link.key), *msgspec.structs.astuple(link)))
        self._execute("add_person", (lane, link.person, link.since_seq))
        self._execute("add_person_key", (lane, link.person, link.key))

    def close_link(self, link: Link, until_seq: int) -> None:
        identity = (lane_of(link.key), link.key, link.person, link.from_seq, link.since_seq)
        self._execute("close_link", (until_seq, *identity))

    def put_traits(self, key: int, traits: Mapping[str, Trait]) -> None:
        lane = lane_of(key)
        for name, trait in traits.items():
            known = self._one("find_trait", (lane, key, name))
            if known is not None:
                current = read_trait(known[1])[2]
                if trait.at < current.at or trait == current:
                    continue
            elif self._one("count_traits", (lane, key))[0] >= TRAITS_BOUND:
                continue
            seq = self.tally.next_seq()
            if known is not None:
                self._execute("add_past_trait", (lane, key, name, known[0], seq, known[1]))
            self._execute("put_trait", (lane, key, name, seq, json_of((seq, name, trait))))
