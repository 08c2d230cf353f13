"""Sums in the database: folding the change feed lane by lane, and adding in one order everywhere."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import msgspec

from opportune.core.moment import DAY
from opportune.storage.base import ConsentCount, RuleCount
from opportune.storage.database.counting import DatabaseCountReads, DatabaseCountWrites
from opportune.storage.days import day_of
from opportune.storage.postgres.asking import PostgresReads, PostgresWrites
from opportune.storage.postgres.connection import Connection, raw
from opportune.storage.postgres.statements import SQL, in_pieces

FOLD_STEP = 1_000


class PostgresCountReads(DatabaseCountReads, PostgresReads):
    """Reading sums, and folding what waits to be added to them."""

    def fold_totals(self) -> int:
        return self._alone(lambda connection: _fold(connection, FOLD_STEP))

    def rebuild_totals(self) -> None:
        self._alone(_rebuild)


class PostgresCountWrites(DatabaseCountWrites, PostgresWrites):
    """What one job adds to sums."""

    def add_consents(self, counts: Iterable[ConsentCount]) -> None:
        """In one order everywhere: processes that count at the same time never wait for each other in a circle."""
        for day, banner, has_gpc, answer, visits in sorted(map(msgspec.structs.astuple, counts)):
            self._put("add_consents", (day, banner, int(has_gpc), answer, visits))
        self._send()

    def add_rule_counts(self, counts: Iterable[RuleCount]) -> None:
        """In one order everywhere, as visits by consent."""
        for row in sorted(map(msgspec.structs.astuple, counts)):
            self._put("add_rule_counts", row)
        self._send()


def _fold(connection: Connection, most: int) -> int:
    """A bounded step of the feed, lane by lane, into totals and events seen; how many changes it took."""
    taken = 0
    for (lane,) in connection.execute(SQL["find_lanes"]).fetchall():
        if taken >= most:
            break
        rows = connection.execute(SQL["find_changes"], {"lane": lane, "most": most - taken}).fetchall()
        totals: dict[tuple[str, str], tuple[int, int]] = defaultdict(lambda: (0, 0))
        seen: dict[str, tuple[int, int, int]] = {}
        for _, day, name, count, value, times, first_at, last_at in sorted(rows):
            before = totals[day, name]
            totals[day, name] = (before[0] + count, before[1] + value)
            if times:
                known = seen.get(name, (first_at, last_at, 0))
                seen[name] = (min(known[0], first_at), max(known[1], last_at), known[2] + times)
        sums = sorted((day, name, *total) for (day, name), total in totals.items())
        for piece in in_pieces("put_totals", sums):
            raw(connection).execute(*piece)
        for piece in in_pieces("put_seen_events", sorted((name, *moments) for name, moments in seen.items())):
            raw(connection).execute(*piece)
        taken += len(rows)
    return taken


def _rebuild(connection: Connection) -> None:
    """From the events alone, of days that are whole; the others keep what was folded, and what waits in the feed."""
    connection.execute(SQL["hold_totals"])
    [(since_at,)] = connection.execute(SQL["hold_whole_since"]).fetchall()
    connection.execute(SQL["forget_totals"], (day_of(since_at // DAY),))
    connection.execute(SQL["forget_changes"], (day_of(since_at // DAY),))
    connection.execute(SQL["rebuild_totals"], (since_at,))
    connection.execute(SQL["add_erased_totals"], (day_of(since_at // DAY),))
