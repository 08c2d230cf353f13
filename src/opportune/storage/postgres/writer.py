"""The database's writer: one thread of this process, a group of jobs to a transaction.

A group is run as a whole and without savepoints, since a job hardly ever raises; if one does, nothing of the
group is kept and each of its jobs is run again by itself. So is a job in whose way others stood. When the
connection is lost during a commit, nobody can say whether it happened: the senders are told to send again, and
what was stored already is a duplicate. Nobody is kept waiting while there is no database, nor for long behind
somebody else's lock.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import monotonic
from typing import Any

import psycopg

from opportune.errors import StorageBusyError
from opportune.storage.database.writing import MOST_JOBS_TOGETHER, MOST_JOBS_WAITING, Waiting, Writer
from opportune.storage.postgres.connection import (
    WATCHDOG,
    Connection,
    connect,
    hang_up,
    is_hung_up,
    is_locked_out,
    is_worth_another_try,
    reason_of,
)
from opportune.storage.postgres.statements import ROWS_TOGETHER
from opportune.storage.postgres.transaction import PostgresTransaction

GROUP_SECONDS = 8.0
"""Longer than the database's own limits, which say more about what is wrong."""
TRIES = 5
PATIENCE_SECONDS = 4.0
"""How long a group may take before those of its jobs that were not tried alone yet are refused."""


class PostgresWriter(Writer):
    """Opens its connection with the first job, and anew whenever that is lost."""

    def __init__(
        self, url: str, *, most_jobs_waiting: int = MOST_JOBS_WAITING, together: int = ROWS_TOGETHER[0]
    ) -> None:
        self._url = url
        self._together = together
        self._connection: Connection | None = None
        super().__init__(most_jobs_waiting=most_jobs_waiting)

    def end(self) -> None:
        if self._connection is not None:
            self._forget(self._connection)

    def write_group(self, first: Waiting, find_next: Callable[[], Waiting | None]) -> None:
        group = [first]
        while len(group) < MOST_JOBS_TOGETHER and (waiting := find_next()) is not None:
            group.append(waiting)
        until = monotonic() + PATIENCE_SECONDS
        if (error := self._connect()) is not None:
            while (waiting := find_next()) is not None:
                group.append(waiting)
        else:
            error = self._try(group)
        if error is None:
            return
        if self._connection is not None and (len(group) > 1 or is_worth_another_try(error)):
            self._write_each(group, until)
        else:
            self._refuse(group, error)

    def _write_each(self, group: Sequence[Waiting], until: float) -> None:
        """Each by itself; but nobody stands in line for a lock that was not to be had, nor for too long."""
        locked: set[int] = set()
        for waiting in group:
            if locked.isdisjoint(waiting.about) and monotonic() < until:
                found = self._write_alone(waiting)
                if found is not None and is_locked_out(found):
                    locked |= waiting.about
            else:
                self._refuse([waiting], StorageBusyError())

    def _write_alone(self, waiting: Waiting) -> BaseException | None:
        """What went wrong in the end."""
        error: BaseException | None = None
        for _ in range(TRIES):
            error = self._try([waiting])
            if error is None or not is_worth_another_try(error):
                break
        if error is not None:
            self._refuse([waiting], error)
        return error

    def _connect(self) -> BaseException | None:
        """Connects where there is no connection, or none any more; what went wrong."""
        try:
            if self._connection is not None and is_hung_up(self._connection):
                self._forget(self._connection)
            self._connection = self._connection or connect(self._url, "writer")
        except Exception as error:  # noqa: BLE001 - as in _try
            return error
        return None

    @staticmethod
    def _refuse(group: Sequence[Waiting], error: BaseException) -> None:
        reason = reason_of(error)
        for waiting in group:
            waiting.future.set_exception(reason)

    def _try(self, group: Sequence[Waiting]) -> BaseException | None:
        """Runs and commits all of them and tells their futures; or keeps nothing and gives what went wrong."""
        try:
            connection = self._connection = self._connection or connect(self._url, "writer")
            with WATCHDOG.guard(connection, GROUP_SECONDS):
                results = _commit(connection, group, self._together)
        except BaseException as error:  # noqa: BLE001 - this thread must outlive whatever happens to the database
            self._clean_up()
            if isinstance(error, psycopg.errors.ReadOnlySqlTransaction) and self._connection is not None:
                self._forget(self._connection)  # the next one may find a server that can be written
            return error
        for waiting, result in zip(group, results, strict=True):
            waiting.future.set_result(result)
        return None

    def _clean_up(self) -> None:
        """The connection is as new, or gone."""
        connection = self._connection
        if connection is None:
            return
        try:
            with WATCHDOG.guard(connection, 1.0):
                connection.rollback()
        except psycopg.Error:
            self._forget(connection)
        else:
            if connection.closed or connection.broken:
                self._forget(connection)

    def _forget(self, connection: Connection) -> None:
        self._connection = None
        hang_up(connection)


def _commit(connection: Connection, group: Sequence[Waiting], together: int) -> list[Any]:
    with connection.pipeline():
        connection.execute("BEGIN ISOLATION LEVEL READ COMMITTED")
        transaction = PostgresTransaction(connection, together)
        transaction.hold(frozenset().union(*(waiting.about for waiting in group)))
        results = [waiting.job(transaction) for waiting in group]
        transaction.finish()
        connection.execute("COMMIT")
    return results
