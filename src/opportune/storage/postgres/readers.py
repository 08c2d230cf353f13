"""The connections of a process's threads for reading: a few, opened when they are needed, kept while they are good.

One that the server hung up is found out without asking it, so that a restart costs nobody a failed read; while
there is no server, whoever asks is told at once and nothing is tried in the background. `psycopg_pool` answers
neither: it waits out its whole time limit, and tries again after ever longer pauses.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from threading import BoundedSemaphore

import psycopg
from psycopg.pq import TransactionStatus

from opportune.errors import StorageBusyError
from opportune.storage.postgres.connection import Connection, hang_up, is_hung_up


class Readers:
    """`connect` makes one more, of `most`. Whoever waits longer than `seconds` for one gets StorageBusyError."""

    def __init__(self, connect: Callable[[], Connection], *, most: int, seconds: float) -> None:
        self._connect = connect
        self._seconds = seconds
        self._places = BoundedSemaphore(most)
        self._idle: list[Connection] = []
        self._is_closed = False

    @contextlib.contextmanager
    def connection(self) -> Iterator[Connection]:
        """For this thread alone, until the end of the block."""
        if not self._places.acquire(timeout=self._seconds):
            raise StorageBusyError
        try:
            connection = self._take()
            try:
                yield connection
            except psycopg.errors.ReadOnlySqlTransaction:
                hang_up(connection)  # the next one may find a server that can be written
                raise
            finally:
                self._give_back(connection)
        finally:
            self._places.release()

    def close(self) -> None:
        """Those in use are closed when they come back."""
        self._is_closed = True
        self._close_idle()

    def _take(self) -> Connection:
        """The one used last, which is the likeliest to be good."""
        with contextlib.suppress(IndexError):
            while True:
                connection = self._idle.pop()
                if not is_hung_up(connection):
                    return connection
                hang_up(connection)
        return self._connect()

    def _give_back(self, connection: Connection) -> None:
        if connection.info.transaction_status != TransactionStatus.IDLE:
            hang_up(connection)
            return
        self._idle.append(connection)
        if self._is_closed:
            self._close_idle()

    def _close_idle(self) -> None:
        with contextlib.suppress(IndexError):
            while True:
                hang_up(self._idle.pop())
