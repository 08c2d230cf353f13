"""The store in one PostgreSQL database: any number of processes write and read there, and keep nothing themselves."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import Future
from time import time_ns
from typing import TypeVar

from opportune.errors import NewerStoreError, NotFoundError, StorageBusyError
from opportune.storage.base import Recollection, Transaction
from opportune.storage.database.steps import list_steps
from opportune.storage.database.writing import MOST_JOBS_WAITING
from opportune.storage.postgres.changes import Changes
from opportune.storage.postgres.connection import STATEMENT_MS, WATCHDOG, connect_first, permitted, translated
from opportune.storage.postgres.counting import PostgresCountReads
from opportune.storage.postgres.distribution import has_citus
from opportune.storage.postgres.erasing import PostgresErasureReads
from opportune.storage.postgres.events import PostgresEventReads
from opportune.storage.postgres.exposures import PostgresExposureReads
from opportune.storage.postgres.measuring import PostgresMeasuringReads
from opportune.storage.postgres.migrating import FOLDER, find_layout, migrate
from opportune.storage.postgres.operators import PostgresOperatorReads
from opportune.storage.postgres.partitions import make_parts
from opportune.storage.postgres.people import PostgresPeopleReads
from opportune.storage.postgres.products import PostgresProductReads
from opportune.storage.postgres.readers import Readers
from opportune.storage.postgres.recalling import MOST_TOGETHER, Recalling, recall
from opportune.storage.postgres.statements import LANE_BY_LANE, ROWS_TOGETHER
from opportune.storage.postgres.writer import PostgresWriter

T = TypeVar("T")
CONNECTIONS = 8
QUEUE_SECONDS = 2.0
START_SECONDS = 60.0


class PostgresStorage(
    PostgresEventReads,
    PostgresPeopleReads,
    PostgresExposureReads,
    PostgresMeasuringReads,
    PostgresCountReads,
    PostgresProductReads,
    PostgresOperatorReads,
    PostgresErasureReads,
):
    """`url` as libpq takes it, `postgresql://user@host/database`. `read_only` is for a process that only reads.

    Read-only, `write` is refused and a read that takes longer than `longest_read_seconds` ends in SlowReadError.
    Raises UnreachableError while the database cannot be reached, BadRequestError where it is none to work with.
    """

    is_remote = True

    is_shared = True

    def __init__(
        self,
        url: str,
        *,
        read_only: bool = False,
        longest_read_seconds: float = STATEMENT_MS / 1_000,
        most_jobs_waiting: int = MOST_JOBS_WAITING,
    ) -> None:
        self.url = url
        self._longest_read_seconds = longest_read_seconds
        self._is_closed = False
        self._prepare(is_first=not read_only)
        self._readers = Readers(self._connect, most=CONNECTIONS, seconds=QUEUE_SECONDS)
        self._together = LANE_BY_LANE if self._is_spread else MOST_TOGETHER
        self._recalling = Recalling(url, self._together)
        self._changes = Changes(url)
        rows = LANE_BY_LANE if self._is_spread else ROWS_TOGETHER[0]
        self._writer = (
            None if read_only else PostgresWriter(url, most_jobs_waiting=most_jobs_waiting, together=rows)
        )

    def _prepare(self, *, is_first: bool) -> None:
        ms = round(START_SECONDS * 1_000)  # others that start at the same moment are waited for
        connection = connect_first(self.url, "start", statement_ms=ms, lock_ms=ms)
        try:
            with translated(), permitted(), WATCHDOG.guard(connection, START_SECONDS + 5):
                if is_first:
                    migrate(connection)
                    make_parts(connection, time_ns() // 1_000_000)
                found, known = find_layout(connection), len(list_steps(FOLDER))
                self._is_spread = has_citus(connection)
            if found > known:
                raise NewerStoreError(found=found, known=known)
            if found < known:
                what = f"Layout {known} in the database (it has {found}; the server brings it there)"
                raise NotFoundError(what=what)
        finally:
            connection.close()

    def recall(self, keys: Sequence[int], *, now: int, as_of: int | None = None) -> Recollection:
        with self._reading() as connection:
            return recall(connection, keys, now=now, as_of=as_of, together=self._together)

    def remember(self, keys: Sequence[int], *, now: int) -> Awaitable[Recollection]:
        return self._recalling.ask(keys, now)

    def write(self, job: Callable[[Transaction], T], about: Iterable[int] = ()) -> Future[T]:
        if self._writer is None:
            refused: Future[T] = Future()
            refused.set_exception(StorageBusyError())
            return refused
        return self._writer.submit(job, frozenset(about))

    def count_waiting(self) -> int:
        return self._writer.count_waiting() if self._writer is not None else 0

    def take_lease(self, work: str, *, holder: str, now: int, until_at: int) -> bool:
        asked = {"work": work, "holder": holder, "now": now, "until_at": until_at}
        return self._one("take_lease", asked) is not None

    def close(self) -> None:
        """Commits what is waiting; further writes are refused."""
        self._is_closed = True
        if self._writer is not None:
            self._writer.close()
        self._recalling.close()
        self._changes.close()
        self._readers.close()
