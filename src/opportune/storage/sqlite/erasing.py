"""Erasing in the file: what of a share leaves, the list of who was erased, and the same list beside the file.

The list beside it outlives a file that is restored from an older copy, which does not know who was erased since.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from opportune.core.history.key import lane_of
from opportune.core.history.link import Link
from opportune.core.moment import DAY
from opportune.errors import StorageFullError
from opportune.storage.base import Belongings
from opportune.storage.database.erasing import DatabaseErasureReads, DatabaseErasureWrites, belongings_of
from opportune.storage.database.rows import erasure_of
from opportune.storage.days import day_of
from opportune.storage.personal import Erasure, Share, read_list, write_list
from opportune.storage.sqlite.asking import SqliteReads, SqliteWrites
from opportune.storage.sqlite.statements import SQL

WITHOUT_LANE = "list_share_business_keys"
LIST = "erased.jsonl"
"""Beside the file: a line of JSON for each mark, ever appended to."""
BY_KEY = {"past_traits": "erase_past_traits", "opportunities": "erase_opportunities"}


class SqliteErasureReads(DatabaseErasureReads, SqliteReads):
    """Reading what is somebody's, and who was erased."""

    def list_belongings(self, share: Share) -> Belongings:
        def ask(statement: str, stretch: tuple[int, int]) -> Sequence[object]:
            lane = () if statement == WITHOUT_LANE else (lane_of(share.key),)
            return self._all(statement, (*lane, share.key, *stretch))

        return belongings_of(share, ask)


class SqliteErasureWrites(DatabaseErasureWrites, SqliteWrites):
    """What one job erases."""

    @property
    def newest_erasure_at(self) -> int:
        return int(self._one("find_newest_erasure")[0])

    def find_erasures(self, marks: Iterable[tuple[int, str]]) -> dict[str, Erasure]:
        rows = [row for mark in marks for row in self._execute("find_erasure", mark)]
        return {row[1]: erasure_of(row) for row in rows}

    def put_erasures(self, erasures: Sequence[Erasure]) -> None:
        for each in erasures:
            row = (each.lane, each.mark, each.erased_at, each.is_unsubscribed)
            self._execute("put_erasure", row)
            self._execute("note_newest_erasure", (each.erased_at,))
        self._keep_beside(erasures)

    def _keep_beside(self, erasures: Sequence[Erasure]) -> None:
        """Before the commit: a list that knows of one too many does less harm than one that lacks somebody."""
        path = self.connection.execute("PRAGMA database_list").fetchone()[2]
        try:
            with open(list_beside(path), "ab", opener=_for_its_owner) as file:
                file.write(write_list(erasures))
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            raise StorageFullError from None

    def erase_records(self, share: Share, most: int) -> dict[str, int]:
        left = dict.fromkeys(
            ("events", *BY_KEY, "exposures", "assignments", "business_keys"),
            0,
        )
        for stretch in share.stretches:
            asked = (lane_of(share.key), share.key, *stretch, most)
            left["events"] += self._erase_events(asked)
            for table, statement in BY_KEY.items():
                left[table] += self._execute(statement, asked).rowcount
            left["exposures"] += self._erase_exposures(asked)
            left["assignments"] += self._erase_assignments(asked)
            left["business_keys"] += self._execute("erase_business_keys", asked[1:]).rowcount
        return left

    def _erase_events(self, asked: Sequence[int]) -> int:
        gone = self._execute("erase_events", asked).fetchall()
        self.connection.executemany(SQL["erase_body"], [(seq,) for _, _, seq, *_ in gone])
        for _, at, _, name, value, until_seq in gone:
            if until_seq is None:
                self._execute("add_erased_total", (day_of(at // DAY), name, value))
        return len(gone)

    def _erase_exposures(self, asked: Sequence[int]) -> int:
        gone = self._execute("erase_exposures", asked).fetchall()
        self.connection.executemany(SQL["erase_receipt"], gone)
        return len(gone)

    def _erase_assignments(self, asked: Sequence[int]) -> int:
        gone = self._execute("erase_assignments", asked).fetchall()
        self.connection.executemany(SQL["add_erased_unit"], gone)
        return len(gone)

    def erase_assignments(self, share: Share) -> int:
        place = (lane_of(share.key), share.key)
        return sum(self._erase_assignments((*place, *stretch, -1)) for stretch in share.stretches)

    def erase_traits(self, share: Share) -> int:
        lane = lane_of(share.key)
        return sum(
            self._execute("erase_traits", (lane, share.key, *stretch)).rowcount for stretch in share.stretches
        )

    def remove_link(self, link: Link) -> None:
        key, person = link.key, link.person
        self._execute("remove_link", (lane_of(key), key, person, link.from_seq, link.since_seq))
        if not any(other.person == person for other in self.list_links(key)):
            self._execute("remove_person_key", (lane_of(person), person, key))

    def remove_key(self, key: int) -> None:
        self._execute("remove_key", (lane_of(key), key))
        self._execute("remove_person", (lane_of(key), key))

    def remove_set_aside(self, identifiers: Iterable[int]) -> int:
        return sum(self._execute("remove_set_aside", (identifier,)).rowcount for identifier in identifiers)

    def erase_audit(self, act: str, has_name: Callable[[str], bool], instead: str) -> int:
        named = [
            number for number, what in self._execute("list_audit_of", (act,)).fetchall() if has_name(what)
        ]
        self.connection.executemany(SQL["erase_audit"], [(instead, number) for number in named])
        return len(named)


def list_beside(store: Path | str) -> Path:
    return Path(store).with_name(LIST)


def read_beside(store: Path) -> list[Erasure]:
    """The list that lies beside a file. A line that was not written to its end is passed over."""
    path = list_beside(store)
    return read_list(path.read_bytes()) if path.exists() else []


def _for_its_owner(path: str, flags: int) -> int:
    return os.open(path, flags, mode=0o600)
