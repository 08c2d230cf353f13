"""Operators of several processes: they take turns, and are told what another one changed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

from opportune.storage.database.operators import DatabaseOperatorReads, DatabaseOperatorWrites
from opportune.storage.postgres.asking import PostgresReads, PostgresWrites
from opportune.storage.postgres.changes import Changes
from opportune.storage.postgres.connection import STATEMENT_MS, WATCHDOG, connect, translated
from opportune.storage.postgres.statements import SQL


class PostgresOperatorReads(DatabaseOperatorReads, PostgresReads):
    """Reading what was decided, and taking turns with whoever decides."""

    _changes: Changes

    def wait_for_change(self, seconds: float) -> None:
        self._changes.wait(seconds)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Over a connection of its own, with which it ends however the process ends."""
        with closing(connect(self.url, "operators", lock_ms=STATEMENT_MS)) as connection:
            with translated(), WATCHDOG.guard(connection, STATEMENT_MS / 1_000 + 1):
                connection.execute(SQL["take_turn"])
            yield


class PostgresOperatorWrites(DatabaseOperatorWrites, PostgresWrites):
    """What one job decides."""

    def tell_change(self) -> None:
        self._operator_changes += 1
