"""Behaviour and telemetry by quarters of a year (UTC): made ahead of time, and given up whole when they are past.

What lies in no quarter of its own is in a table for the rest. Whoever changes a partitioned table has to have it for
themselves: it is asked for so briefly that no decision misses its deadline, and left for later where others are at it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

import psycopg

from opportune.core.moment import SECOND
from opportune.errors import StorageBusyError
from opportune.storage.postgres.connection import Connection
from opportune.storage.postgres.migrating import LOCK
from opportune.storage.postgres.statements import SQL

TABLES = ("events", "bodies")
CLASSES = (1, 2)
QUARTERS_BEFORE = 6
"""Made in a new database, so that imported history lies where it leaves from."""
WAIT_MS = 20
"""For a table, when a change of it stands in everybody's way: less than a decision's deadline."""
MOST_LOOKED_THROUGH_BYTES = 32 * 1024 * 1024
"""PostgreSQL looks through the rest before it makes a quarter, and nobody reads meanwhile: some 10 ms."""

IN_THE_WAY = (
    psycopg.errors.LockNotAvailable,
    psycopg.errors.DeadlockDetected,
    psycopg.errors.QueryCanceled,
    psycopg.errors.CheckViolation,  # a row came into the rest meanwhile
)


class Quarter(NamedTuple):
    """`Quarter(2026, 4)`: October to December."""

    year: int
    number: int

    @property
    def since_at(self) -> int:
        return round(datetime(self.year, self.number * 3 - 2, 1, tzinfo=UTC).timestamp()) * SECOND

    @property
    def until_at(self) -> int:
        return self.plus(1).since_at

    def plus(self, quarters: int) -> Quarter:
        year, number = divmod(self.year * 4 + self.number - 1 + quarters, 4)
        return Quarter(year, number + 1)


class Part(NamedTuple):
    """One quarter of one class, of events or of their bodies, in a table of its own."""

    table: str
    event_class: int
    quarter: Quarter

    @property
    def name(self) -> str:
        """`events_1_2026_q4`."""
        return f"{self.table}_{self.event_class}_{self.quarter.year:04}_q{self.quarter.number}"


def quarter_at(at: int) -> Quarter:
    when = datetime.fromtimestamp(at // SECOND, UTC)
    return Quarter(when.year, (when.month + 2) // 3)


def list_parts(connection: Connection) -> dict[Part, bool]:
    """Those there are; whether they belong to the whole, as one that was detached may wait to be dropped."""
    return {
        _part_of(name): is_attached for name, is_attached in connection.execute(SQL["list_parts"]).fetchall()
    }


def _part_of(name: str) -> Part:
    table, event_class, year, number = name.split("_")
    return Part(table, int(event_class), Quarter(int(year), int(number[1:])))


def make_parts(connection: Connection, now: int) -> None:
    """For this quarter and the next one; in a new database for those before, too.

    Where events of a quarter lie among the rest already they stay there, and so do those that follow.
    """
    known = list_parts(connection)
    for part in _wanted(now, is_new=not known):
        if part not in known:
            _make(connection, part)


def _wanted(now: int, *, is_new: bool) -> Iterator[Part]:
    before = range(-1, -QUARTERS_BEFORE - 1, -1) if is_new else ()
    for quarters in (0, 1, *before):
        for table in TABLES:
            for event_class in CLASSES:
                yield Part(table, event_class, quarter_at(now).plus(quarters))


def _make(connection: Connection, part: Part) -> None:
    since_at, until_at = part.quarter.since_at, part.quarter.until_at
    asked = (MOST_LOOKED_THROUGH_BYTES, part.event_class, since_at, until_at)
    if connection.execute(of_table("may_make_part", part.table), asked).fetchone() != (True,):
        return
    bounds = {":class": part.event_class, ":since_at": since_at, ":until_at": until_at}
    statement = _of_part("make_part", part)
    for mark, bound in bounds.items():
        statement = statement.replace(mark, str(bound))
    with contextlib.suppress(*IN_THE_WAY):
        _change(connection, statement)


def drop_parts(connection: Connection, before_at: int) -> int:
    """Those that lie before a moment as a whole leave; how many events they had, about.

    Raises StorageBusyError when somebody reads or writes for so long that waiting would keep the others waiting.
    """
    left = 0
    for part, is_attached in list_parts(connection).items():
        if part.quarter.until_at > before_at:
            continue
        try:
            left += _drop(connection, part, is_attached=is_attached)
        except IN_THE_WAY:
            if left:  # to be told; the next call goes on
                break
            raise StorageBusyError from None
    return left


def _drop(connection: Connection, part: Part, *, is_attached: bool) -> int:
    """First out of the way of others, which takes no time, then away."""
    [(count,)] = connection.execute(_of_part("count_part", part)).fetchall()
    if is_attached:
        _change(connection, _of_part("detach_part", part))
    _change(connection, _of_part("drop_part", part))
    return int(count) if part.table == "events" else 0


def _change(connection: Connection, statement: str) -> None:
    with connection.transaction():
        connection.execute(SQL["hold_layout"], (LOCK,))
        connection.execute(SQL["wait_briefly"], (f"{WAIT_MS}ms",))
        connection.execute(statement)


def of_table(name: str, table: str) -> str:
    return SQL[name].replace(":table", table)


def _of_part(name: str, part: Part) -> str:
    return of_table(name, part.table).replace(":part", part.name)
