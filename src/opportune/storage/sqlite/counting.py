"""Sums in the file: folding the change feed in the writer's thread, and adding to counts."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from opportune.core.moment import DAY
from opportune.storage.base import ConsentCount, RuleCount
from opportune.storage.database.counting import DatabaseCountReads, DatabaseCountWrites
from opportune.storage.days import day_of
from opportune.storage.sqlite.asking import SqliteReads, SqliteWrites
from opportune.storage.sqlite.statements import SQL

FOLD_STEP = 1_000


class SqliteCountReads(DatabaseCountReads, SqliteReads):
    """Reading sums, and folding what waits to be added to them."""

    def fold_totals(self) -> int:
        return self._submit(_fold).result()

    def rebuild_totals(self) -> None:
        self._submit(_rebuild).result()


class SqliteCountWrites(DatabaseCountWrites, SqliteWrites):
    """What one job adds to sums."""

    def add_consents(self, counts: Iterable[ConsentCount]) -> None:
        self.connection.executemany(SQL["add_consents"], map(msgspec.structs.astuple, counts))

    def add_rule_counts(self, counts: Iterable[RuleCount]) -> None:
        self.connection.executemany(SQL["add_rule_counts"], map(msgspec.structs.astuple, counts))


def _fold(job: SqliteWrites) -> int:
    """A bounded step of the change feed, as of the last commit."""
    last, count = job.connection.execute(SQL["find_fold"], (FOLD_STEP,)).fetchone()
    if count:
        job.connection.execute(SQL["fold_totals"], (last,))
        job.connection.execute(SQL["forget_changes"], (last,))
    return int(count)


def _rebuild(job: SqliteWrites) -> None:
    """Of days that are whole; the others keep what was folded, and what waits in the feed."""
    since_at = job.connection.execute(SQL["find_whole_since"]).fetchone()[0]
    day = since_at // DAY
    job.connection.execute(SQL["forget_totals"], (day_of(day),))
    job.connection.execute(SQL["forget_changes_since"], (day_of(day),))
    job.connection.execute(SQL["rebuild_totals"], (since_at,))
    job.connection.execute(SQL["add_erased_totals"], (day_of(day),))
    job.tally.counts_anew_since = day
