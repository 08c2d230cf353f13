"""The file's writer: each job in a savepoint, a durable commit for the group.

Whatever happens to the disk, it tries again with the next group.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from opportune.errors import StorageBusyError, StorageFullError
from opportune.storage.database.writing import MOST_JOBS_TOGETHER, MOST_JOBS_WAITING, Waiting, Writer
from opportune.storage.sqlite.checkpoints import Checkpointer, checkpoint
from opportune.storage.sqlite.connection import LONGEST_WAIT_SECONDS, open_connection
from opportune.storage.sqlite.statements import SQL
from opportune.storage.sqlite.tally import Tally
from opportune.storage.sqlite.transaction import SqliteTransaction

LONGEST_GROUP_SECONDS = 0.05
WRITER_CACHE_KIB = 32 * 1024

PRIMARY_CODE = 0xFF
DISK_CODES = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN}
BUSY_CODES = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


class _Group:
    """The jobs of one commit: what they gave, what they add to the counters."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        connection.execute("BEGIN IMMEDIATE")
        self.connection = connection
        self.head_before: int = connection.execute(SQL["find_head"]).fetchone()[0]
        self.tally = Tally(self.head_before)
        self.taken: list[tuple[Future[Any], Any]] = []
        self.failed: list[tuple[Future[Any], BaseException]] = []
        self.ends_at = monotonic() + LONGEST_GROUP_SECONDS

    @property
    def is_open(self) -> bool:
        return len(self.taken) < MOST_JOBS_TOGETHER and monotonic() < self.ends_at

    def run(self, waiting: Waiting) -> None:
        """Runs one job in a savepoint of its own; raises only what ends the whole group."""
        connection = self.connection
        connection.execute("SAVEPOINT job")
        transaction = SqliteTransaction(connection, self.tally.head)
        try:
            result = waiting.job(transaction)
        except BaseException as error:
            if not connection.in_transaction or _is_of_the_disk(error):
                raise
            connection.execute("ROLLBACK TO job")
            connection.execute("RELEASE job")
            self.failed.append((waiting.future, error))
        else:
            connection.execute("RELEASE job")
            self.tally.add(transaction.tally)
            self.taken.append((waiting.future, result))

    def commit(self) -> None:
        self.tally.write(self.connection, self.head_before)
        self.connection.execute("COMMIT")

    def tell(self) -> None:
        for future, result in self.taken:
            future.set_result(result)
        for future, error in self.failed:
            future.set_exception(error)


class SqliteWriter(Writer):
    """Owns the only connection that writes."""

    def __init__(self, path: Path, *, most_jobs_waiting: int = MOST_JOBS_WAITING) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._checkpointer = Checkpointer(path)
        super().__init__(most_jobs_waiting=most_jobs_waiting)

    def end(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._checkpointer.close()

    def write_group(self, first: Waiting, find_next: Callable[[], Waiting | None]) -> None:
        running: list[Future[Any]] = []
        waiting: Waiting | None = first
        try:
            group: _Group | None = None
            while waiting is not None:
                running.append(waiting.future)
                group = group or _Group(self._connected())
                group.run(waiting)
                waiting = find_next() if group.is_open else None
            if group is not None:
                group.commit()
        except BaseException as error:  # noqa: BLE001 - this thread must outlive whatever happens to the disk
            self._give_up(error, running)
        else:
            if group is not None:
                group.tell()
                self._check_points()

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = open_writing_connection(self._path)
        return self._connection

    def _give_up(self, error: BaseException, futures: list[Future[Any]]) -> None:
        """Nothing of the group is kept. After a failed write (not a full disk) the file is opened anew."""
        connection = self._connection
        if connection is not None:
            try:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
            except sqlite3.Error:
                self._forget(connection)
            else:
                if _is_of_the_disk(error) and _code_of(error) != sqlite3.SQLITE_FULL:
                    self._forget(connection)
        reason = _reason_of(error)
        for future in futures:
            future.set_exception(reason)

    def _forget(self, connection: sqlite3.Connection) -> None:
        self._connection = None
        try:
            connection.close()
        except sqlite3.Error:
            return

    def _check_points(self) -> None:
        """Usually the other thread's work; the writer helps when that cannot keep up, as nobody appends meanwhile."""
        self._checkpointer.notice_commit()
        if self._checkpointer.is_behind and self._connection is not None:
            self._checkpointer.is_behind = False
            checkpoint(self._connection)


def open_writing_connection(path: Path) -> sqlite3.Connection:
    """Durable at every commit. Checkpoints are made elsewhere, so that no commit waits for one."""
    connection = open_connection(path, cache_kib=WRITER_CACHE_KIB)
    _keep_a_log(connection)
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA secure_delete = ON")  # free room keeps nothing of whoever was erased
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    connection.execute("PRAGMA journal_size_limit = 67108864")
    return connection


def _keep_a_log(connection: sqlite3.Connection) -> None:
    """Of several that make a new file at once, one gets its way; SQLite lets the others fail instead of wait."""
    until = monotonic() + LONGEST_WAIT_SECONDS
    while not _can_keep_a_log(connection, is_last=monotonic() > until):
        sleep(0.005)


def _can_keep_a_log(connection: sqlite3.Connection, *, is_last: bool) -> bool:
    try:
        connection.execute("PRAGMA journal_mode = WAL")
    except sqlite3.OperationalError as error:
        if is_last or _code_of(error) not in BUSY_CODES:
            raise
        return False
    return True


def _code_of(error: BaseException) -> int | None:
    code = getattr(error, "sqlite_errorcode", None)
    return code & PRIMARY_CODE if isinstance(code, int) else None


def _is_of_the_disk(error: BaseException) -> bool:
    return _code_of(error) in DISK_CODES


def _reason_of(error: BaseException) -> BaseException:
    if _is_of_the_disk(error):
        return StorageFullError()
    return StorageBusyError() if _code_of(error) in BUSY_CODES else error
