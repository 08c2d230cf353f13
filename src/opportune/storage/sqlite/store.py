"""The store in one SQLite file: one thread writes, every reading thread has a connection of its own."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import TypeVar

from opportune.errors import LogInUseError, NewerStoreError, NotFoundError, StorageBusyError
from opportune.storage.base import Recollection, Transaction
from opportune.storage.database.operators import DatabaseOperatorReads
from opportune.storage.database.writing import MOST_JOBS_WAITING
from opportune.storage.sqlite.checkpoints import empty_log
from opportune.storage.sqlite.connection import LONGEST_WAIT_SECONDS, Readers
from opportune.storage.sqlite.counting import SqliteCountReads
from opportune.storage.sqlite.erasing import SqliteErasureReads
from opportune.storage.sqlite.events import SqliteEventReads
from opportune.storage.sqlite.exposures import SqliteExposureReads
from opportune.storage.sqlite.measuring import SqliteMeasuringReads
from opportune.storage.sqlite.migrating import find_layout, list_migrations, migrate
from opportune.storage.sqlite.people import SqlitePeopleReads
from opportune.storage.sqlite.products import SqliteProductReads
from opportune.storage.sqlite.recalling import recall
from opportune.storage.sqlite.transaction import SqliteTransaction
from opportune.storage.sqlite.writer import SqliteWriter, open_writing_connection

T = TypeVar("T")
LONGEST_READ_SECONDS = 5.0
"""For a read-only store: a longer read would keep the log from being emptied."""


class SqliteStorage(
    SqliteEventReads,
    SqlitePeopleReads,
    SqliteExposureReads,
    SqliteMeasuringReads,
    SqliteCountReads,
    SqliteProductReads,
    DatabaseOperatorReads,
    SqliteErasureReads,
):
    """One file. `read_only` is for the process that reads beside the one that writes.

    Read-only, the file must exist, `write` is refused, and a single read that takes longer than
    `longest_read_seconds` ends in SlowReadError.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        read_only: bool = False,
        longest_read_seconds: float = LONGEST_READ_SECONDS,
        most_jobs_waiting: int = MOST_JOBS_WAITING,
    ) -> None:
        self.path = Path(path)
        if read_only and not self.path.exists():
            raise NotFoundError(what=f"The data file {self.path}")
        if not read_only:
            self._prepare()
        deadline_seconds = longest_read_seconds if read_only else None
        self._readers = Readers(self.path, read_only=read_only, deadline_seconds=deadline_seconds)
        self._readers.connection()  # held open, so that reading needs no new file when the disk is full
        self._writer = None if read_only else SqliteWriter(self.path, most_jobs_waiting=most_jobs_waiting)
        if read_only:
            self._check_layout()

    def _prepare(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        connection = open_writing_connection(self.path)
        try:
            migrate(connection)
        finally:
            connection.close()

    def _check_layout(self) -> None:
        found, known = find_layout(self._readers.connection()), len(list_migrations())
        if found > known:
            self.close()
            raise NewerStoreError(found=found, known=known)
        if found < known:
            self.close()
            raise NotFoundError(
                what=f"Layout {known} in {self.path} (it has {found}; the server brings it there)"
            )

    def write(self, job: Callable[[Transaction], T], about: Iterable[int] = ()) -> Future[T]:  # noqa: ARG002 - one writer
        return self._submit(job)

    def _submit(self, job: Callable[[SqliteTransaction], T]) -> Future[T]:
        if self._writer is None:
            refused: Future[T] = Future()
            refused.set_exception(StorageBusyError())
            return refused
        return self._writer.submit(job)

    def recall(self, keys: Sequence[int], *, now: int, as_of: int | None = None) -> Recollection:
        readers = self._readers
        connection = readers.hot_connection()
        readers.start()
        return recall(connection, keys, now=now, as_of=as_of)

    def count_waiting(self) -> int:
        return self._writer.count_waiting() if self._writer is not None else 0

    def rewrite(self) -> bool:
        """Over a connection of its own: writers wait for it up to five seconds, and are then told to come again.

        Raises LogInUseError where the log still holds what was there before.
        """
        connection = open_writing_connection(self.path)
        try:
            connection.execute("VACUUM")
            if not empty_log(connection, LONGEST_WAIT_SECONDS):
                raise LogInUseError
        finally:
            connection.close()
        return True

    def backup(self, path: Path | str) -> None:
        """A whole copy as of one commit, made while everything goes on."""
        target = sqlite3.connect(path)
        try:
            self._readers.connection().backup(target)
        finally:
            target.close()

    def close(self) -> None:
        """Commits what is waiting; further writes are refused."""
        if self._writer is not None:
            self._writer.close()
        self._readers.close()
