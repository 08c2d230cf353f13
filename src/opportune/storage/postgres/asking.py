"""How every family asks the database: by a statement's name, over a reading connection or in a group's transaction.

Whom a group is about is locked first, rows are collected and sent together, nothing waits. Reads see what the
transaction wrote before them. Numbers are drawn after the locks, so that of one person's records the later commit
always has the higher ones, whichever process wrote it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import psycopg

from opportune.core.history.key import lane_of
from opportune.core.history.link import Link
from opportune.errors import SlowReadError, StorageBusyError
from opportune.storage.database.asking import DatabaseReads, DatabaseWrites
from opportune.storage.days import day_of
from opportune.storage.postgres.connection import WATCHDOG, Connection, connect, raw, reason_of
from opportune.storage.postgres.readers import Readers
from opportune.storage.postgres.statements import ROWS_TOGETHER, SQL, Row, in_pieces

T = TypeVar("T")
BLOCK = 1_000
"""As many numbers as the sequence gives at once."""


class PostgresReads(DatabaseReads):
    """Reading by a statement's name, over one of the process's connections."""

    url: str
    _readers: Readers
    _longest_read_seconds: float
    _is_closed: bool

    def _connect(self) -> Connection:
        return connect(self.url, "reads", statement_ms=round(self._longest_read_seconds * 1_000))

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        if self._is_closed:
            raise StorageBusyError
        try:
            with (
                self._readers.connection() as connection,
                WATCHDOG.guard(connection, self._longest_read_seconds + 1),
            ):
                yield connection
        except psycopg.errors.QueryCanceled:
            raise SlowReadError(seconds=self._longest_read_seconds) from None
        except psycopg.Error as error:
            raise reason_of(error) from error

    def _all(self, statement: str, parameters: Sequence[object] | Mapping[str, object] = ()) -> list[Any]:
        with self._reading() as connection:
            return connection.execute(SQL[statement], parameters).fetchall()

    def _of_rows(self, statement: str, rows: Sequence[Row]) -> list[Any]:
        """Every row of a statement over a list of rows."""
        with self._reading() as connection:
            return [
                row
                for piece in in_pieces(statement, rows)
                for row in raw(connection).execute(*piece).fetchall()
            ]

    def _alone(self, work: Callable[[Connection], T]) -> T:
        """In a transaction of its own, beside the writer."""
        with self._reading() as connection, connection.transaction():
            return work(connection)


class PostgresWrites(DatabaseWrites):
    """Inside `BEGIN` and a pipeline; `finish` sends what was collected, and what belongs to every commit."""

    def __init__(self, connection: Connection, together: int = ROWS_TOGETHER[0]) -> None:
        self._connection = connection
        self._together = together
        """Rows that are asked about in one statement."""
        self._rows: dict[str, list[Row]] = {}
        self._heads: dict[int, int] = {}
        """Everybody held, with the newest number of a record about them."""
        self._links: dict[int, list[Link]] = {}
        self._ids: dict[int, tuple[str, str]] = {}
        self._next = 0
        self._end = 0
        self._newest = 0
        self._changes: dict[tuple[int, str], tuple[int, int]] = {}
        self._seen: dict[str, tuple[int, int, int]] = {}
        self._met: dict[int, int] = {}
        self._newest_erasure_at: int | None = None
        self._operator_changes = 0

    def hold(self, keys: Iterable[int]) -> None:
        """Nobody else changes these keys' persons until the commit; in key order, so that no two wait in a circle."""
        missing = set(keys) - self._heads.keys()
        if not missing:
            return
        self._send()
        missing |= {link.person for links in self._find_links(missing).values() for link in links}
        while missing := missing - self._heads.keys():
            ordered = sorted(missing, key=lambda key: (lane_of(key), key))
            for piece in in_pieces("hold_persons", [(lane_of(key), key, 0) for key in ordered]):
                raw(self._connection).execute(*piece)
            self._heads.update(dict.fromkeys(ordered, 0))
            self._end = 0  # numbers drawn before are lower than what somebody else may have written meanwhile
            self._links.update(self._find_links(ordered))
            for key, namespace, identifier in self._fetch(
                "find_known", [(lane_of(key), key) for key in ordered]
            ):
                self._ids[key] = (namespace, identifier)
            missing = {link.person for key in ordered for link in self._links[key]}
        self._newest_erasure_at = None  # somebody may have erased them before they were held

    def finish(self) -> None:
        """Sends everything that is to be part of the commit."""
        newest = self._newest
        heads = [
            (lane_of(key), key, max(head, newest)) for key, head in sorted(self._heads.items(), key=_by_lane)
        ]
        if any(head for _, _, head in heads):
            self._rows["hold_persons"] = list(heads)
        lane = lane_of(next(iter(self._heads), 0))
        for (day, name), (count, value) in self._changes.items():
            first_at, last_at, seen = self._seen.pop(name, (0, 0, 0))
            self._put("add_change", (lane, newest, day_of(day), name, count, value, seen, first_at, last_at))
        self._changes.clear()
        for key, at in sorted(self._met.items(), key=_by_lane):  # as with persons, nobody waits in a circle
            self._put("meet", (lane_of(key), key, at))
        if self._operator_changes:
            self._execute("count_change", (self._operator_changes,))
            self._execute("tell_changed")
            self._operator_changes = 0
        self._send()

    def _next_seq(self) -> int:
        if self._next >= self._end:
            row = self._one("next_block")
            self._next, self._end = row[0], row[0] + BLOCK
        self._newest = self._next
        self._next += 1
        return self._newest

    def _put(self, statement: str, row: Row) -> None:
        self._rows.setdefault(statement, []).append(row)

    def _send(self) -> None:
        """Hands the collected rows over; the answers are read with the next question, or at the end."""
        rows, self._rows = self._rows, {}
        for statement, waiting in rows.items():
            for piece in in_pieces(statement, waiting):
                raw(self._connection).execute(*piece)

    def _execute(
        self, statement: str, parameters: Sequence[object] | Mapping[str, object] = ()
    ) -> psycopg.Cursor[tuple[Any, ...]]:
        self._send()
        return self._connection.execute(SQL[statement], parameters)

    def _fetch(self, statement: str, rows: Sequence[Row]) -> list[Any]:
        """Of every piece; they are asked together and answered together."""
        self._send()
        asked = [
            raw(self._connection).execute(*piece) for piece in in_pieces(statement, rows, self._together)
        ]
        return [row for cursor in asked for row in cursor.fetchall()]

    def _find_links(self, keys: Iterable[int]) -> dict[int, list[Link]]:
        found: dict[int, list[Link]] = {key: [] for key in keys}
        for row in self._fetch("find_links", [(lane_of(key), key) for key in found]):
            found[row[0]].append(Link(*row))
        return found

    def _operate(self, statement: str, parameters: Sequence[object]) -> None:
        self._execute(statement, parameters)
        self._operator_changes += 1


def _by_lane(item: tuple[int, int]) -> tuple[int, int]:
    return lane_of(item[0]), item[0]
