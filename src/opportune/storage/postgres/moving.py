"""The database's tables for a move."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from opportune.core.history.key import LANES
from opportune.errors import BadRequestError
from opportune.storage.moving import MARK, TABLES, After, Counters, Page, Row, Table, TableRows
from opportune.storage.postgres.asking import BLOCK
from opportune.storage.postgres.connection import Connection, connect_first, translated
from opportune.storage.postgres.statements import SQL

STATEMENT_MS = 600_000
ROWS_TOGETHER = 100
BOOLEANS = frozenset({"is_verified", "is_unsubscribed", "is_frozen"})
NAMED = frozenset({"products", "experiments", "learnings"})
"""Tables whose rows bring their ids along."""
LOCK = 5_707_265_232
LAST_GOODBYE_SECONDS = 3.0
"""How long whoever was stopped just now may take to hang up."""


class PostgresTables(TableRows):
    """Opened before the store, which brings the database to its layout.

    Raises BadRequestError while a server or another move works on it, StorageBusyError while it cannot be reached.
    """

    def __init__(self, url: str) -> None:
        self._connection = connect_first(url, "move", statement_ms=STATEMENT_MS)
        self._keys: dict[str, tuple[str, ...]] = {}
        try:
            self._begin()
        except BaseException:
            self._connection.close()
            raise

    def _begin(self) -> None:
        """What servers write would be moved in part."""
        self._wait(
            lambda: self._one("hold_move", (LOCK,))[0],
            "Another move is working on this database; wait until it has ended.",
        )
        self._wait(
            lambda: not self._one("find_servers")[0], "Servers are running on this database; stop them first."
        )

    @staticmethod
    def _wait(is_free: Callable[[], bool], wrong: str) -> None:
        until = time.monotonic() + LAST_GOODBYE_SECONDS
        while not is_free():
            if time.monotonic() > until:
                raise BadRequestError(wrong=wrong)
            time.sleep(0.02)

    def read(self, table: Table, after: After | None, limit: int) -> Page:
        key = self._key_of(table)
        if after is None:
            rows = self._all(_filled("first_rows", table, key), (limit,))
        else:
            rows = self._all(_filled("next_rows", table, key), (*after, limit))
        last = tuple(rows[-1][place] for place in table.places_of(key)) if rows else ()
        return Page(_converted(table, rows, int), last)

    def _key_of(self, table: Table) -> tuple[str, ...]:
        if table.name not in self._keys:
            found = self._all(SQL["find_key_columns"], (table.name,))
            self._keys[table.name] = tuple(name for (name,) in found)
        return self._keys[table.name]

    def count(self, table: Table) -> int:
        return int(self._all(_filled("count_rows", table))[0][0])

    def write(self, table: Table, rows: Sequence[Row], mark: str) -> None:
        stored = _converted(table, rows, bool)
        with self._committing() as connection:
            for start in range(0, len(stored), ROWS_TOGETHER):
                piece = stored[start : start + ROWS_TOGETHER]
                values = [value for row in piece for value in row]
                connection.execute(_over_rows(table, len(piece)), values)
            connection.execute(SQL["put_setting"], (MARK, mark))

    def find_mark(self) -> str | None:
        row = self._one("find_setting", (MARK,))
        return None if row is None else str(row[0])

    def put_mark(self, mark: str) -> None:
        with self._committing() as connection:
            if mark:
                connection.execute(SQL["put_setting"], (MARK, mark))
            else:
                connection.execute(SQL["remove_setting"], (MARK,))

    def find_counters(self) -> Counters:
        """Of a block of numbers that was begun, every one may have been given out."""
        began = int(self._one("find_head")[0])
        newest = began + BLOCK - 1 if began else 0
        return {**dict(self._all(SQL["list_counters"])), "seq": newest}

    def finish(self, counters: Counters) -> None:
        newest = counters["seq"]
        for lane in range(LANES):
            with self._committing() as connection:
                connection.execute(SQL["derive_persons"], {"lane": lane, "seq": newest})
        with self._committing() as connection:
            for table in TABLES:
                if table.key == ("id",) and table.name not in NAMED:
                    connection.execute(_filled("continue_ids", table))
            if newest:
                connection.execute(SQL["raise_commits"], (newest,))
            for name in sorted(counters.keys() - {"seq"}):
                connection.execute(SQL["raise_counter"], (name, counters[name]))
            connection.execute(SQL["take_stock"])

    def close(self) -> None:
        self._connection.close()

    @contextmanager
    def _committing(self) -> Iterator[Connection]:
        with translated(), self._connection.transaction():
            yield self._connection

    def _all(self, text: str, parameters: Sequence[object] = ()) -> list[Any]:
        with translated():
            return self._connection.execute(text, parameters).fetchall()

    def _one(self, name: str, parameters: Sequence[object] = ()) -> Any:
        rows = self._all(SQL[name], parameters)
        return rows[0] if rows else None


def _converted(table: Table, rows: Sequence[Row], kind: type[int]) -> Sequence[Row]:
    """Yes and no are numbers elsewhere."""
    places = [place for place, name in enumerate(table.columns) if name in BOOLEANS]
    if not places:
        return rows
    return [
        [kind(value) if place in places else value for place, value in enumerate(row)]  # type: ignore[arg-type]  # by column
        for row in rows
    ]


@lru_cache(maxsize=128)
def _filled(name: str, table: Table, key: tuple[str, ...] = ()) -> str:
    return (
        SQL[name]
        .replace(":table", table.name)
        .replace(":columns", ", ".join(table.columns))
        .replace(":after", ", ".join(["%s"] * len(key)))
        .replace(":key", ", ".join(key))
    )


@lru_cache(maxsize=128)
def _over_rows(table: Table, count: int) -> str:
    row = f"({', '.join(['%s'] * len(table.columns))})"
    return _filled("put_rows", table).replace(":rows", ", ".join([row] * count))
