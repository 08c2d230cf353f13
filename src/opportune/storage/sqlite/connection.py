"""Connections to the file: how one is opened, one for every thread that reads, and a deadline for long reads."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Any

from opportune.errors import SlowReadError, StorageBusyError
from opportune.storage.database.bodies import body_holds

HOT_CACHE_KIB = 64 * 1024
"""For the thread that decides: with SQLite's own 2 MB a million people cost it seventeen times as much."""
COOL_CACHE_KIB = 4 * 1024
LONGEST_WAIT_SECONDS = 5.0
STEPS_BETWEEN_LOOKS = 20_000

Parameters = Sequence[object] | Mapping[str, object]


def open_connection(
    path: Path, *, read_only: bool = False, cache_kib: int = COOL_CACHE_KIB
) -> sqlite3.Connection:
    """A connection that leaves transactions to its user and may be closed by another thread."""
    mode = "ro" if read_only else "rwc"
    connection = sqlite3.connect(
        f"{path.resolve().as_uri()}?mode={mode}",
        uri=True,
        isolation_level=None,
        timeout=LONGEST_WAIT_SECONDS,
        check_same_thread=False,
        cached_statements=256,
    )
    connection.execute(f"PRAGMA cache_size = -{cache_kib}")
    connection.execute("PRAGMA temp_store = MEMORY")
    return connection


class _Held:
    """Closes a thread's connection when the thread is gone; servers let idle threads end and start new ones."""

    def __init__(self, connection: sqlite3.Connection, opened: set[sqlite3.Connection]) -> None:
        self._connection = connection
        self._opened = opened
        opened.add(connection)

    def __del__(self) -> None:
        self._opened.discard(self._connection)
        self._connection.close()


class _Local(threading.local):
    connection: sqlite3.Connection | None = None
    held: _Held | None = None
    is_hot: bool = False
    until: float = 0.0


class Readers:
    """A connection for every thread that reads, opened at its first read."""

    def __init__(self, path: Path, *, read_only: bool, deadline_seconds: float | None) -> None:
        self._path = path
        self._read_only = read_only
        self._deadline_seconds = deadline_seconds
        self._local = _Local()
        self._lock = threading.Lock()
        self._opened: set[sqlite3.Connection] = set()
        self._is_closed = False

    def connection(self) -> sqlite3.Connection:
        if self._is_closed:
            raise StorageBusyError
        return self._local.connection or self._open()

    def hot_connection(self) -> sqlite3.Connection:
        """The same, with room to keep what is read again and again."""
        connection = self.connection()
        local = self._local
        if not local.is_hot:
            connection.execute(f"PRAGMA cache_size = -{HOT_CACHE_KIB}")
            local.is_hot = True
        return connection

    def _open(self) -> sqlite3.Connection:
        with self._lock:
            if self._is_closed:
                raise StorageBusyError
            connection = open_connection(self._path, read_only=self._read_only)
            self._local.held = _Held(connection, self._opened)
        connection.execute("PRAGMA query_only = ON")
        connection.create_function("body_holds", 2, body_holds, deterministic=True)
        if self._deadline_seconds is not None:
            local = self._local
            connection.set_progress_handler(lambda: monotonic() > local.until, STEPS_BETWEEN_LOOKS)
        self._local.connection = connection
        return connection

    def all(self, sql: str, parameters: Parameters = ()) -> list[Any]:
        """Every row, or SlowReadError when it takes longer than this store allows."""
        connection = self.connection()
        self.start()
        try:
            return connection.execute(sql, parameters).fetchall()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
                raise SlowReadError(seconds=self._deadline_seconds) from None
            raise

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """What this thread reads meanwhile is as of one commit."""
        connection = self.connection()
        connection.execute("BEGIN")
        try:
            yield
        finally:
            connection.execute("COMMIT")

    def start(self) -> None:
        """A read begins now, for the deadline."""
        if self._deadline_seconds is not None:
            self._local.until = monotonic() + self._deadline_seconds

    def close(self) -> None:
        with self._lock:
            self._is_closed = True
            while self._opened:
                self._opened.pop().close()
