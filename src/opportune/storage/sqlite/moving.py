"""The file's tables for a move, shaped as PostgreSQL keeps them: with lanes, and exposures with their receipts."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from opportune.core.history.key import business_key_of, lane_of
from opportune.storage.moving import MARK, After, Counters, Page, Row, Table, TableRows
from opportune.storage.sqlite.statements import SQL
from opportune.storage.sqlite.writer import open_writing_connection

SHAPED = ("bodies", "business_keys", "exposures")
"""Tables read and written through a view, as their columns differ."""
VIEWS = (
    *("show_bodies", "take_bodies"),
    *("show_business_keys", "take_business_keys"),
    *("show_exposures", "take_exposures"),
)
"""What each of them shows, and what becomes of rows it is given."""
PAGES_IN_THE_LOG = 1_000


class SqliteTables(TableRows):
    """Beside a store, which brings the file to its layout."""

    def __init__(self, path: Path) -> None:
        self._connection = open_writing_connection(path)
        self._execute = self._connection.execute
        self._execute(f"PRAGMA wal_autocheckpoint = {PAGES_IN_THE_LOG}")
        self._connection.create_function("lane_of_order", 2, _lane_of_order, deterministic=True)
        for statement in VIEWS:
            self._execute(SQL[statement])
        self._keys: dict[str, tuple[str, ...]] = {}

    def read(self, table: Table, after: After | None, limit: int) -> Page:
        key = self._key_of(table)
        if after is None:
            rows = self._execute(_filled("first_rows", table, key), (limit,)).fetchall()
        else:
            rows = self._execute(_filled("next_rows", table, key), (*after, limit)).fetchall()
        return Page(rows, tuple(rows[-1][place] for place in table.places_of(key)) if rows else ())

    def _key_of(self, table: Table) -> tuple[str, ...]:
        if table.name not in self._keys:
            found = self._execute(SQL["find_key_columns"], (table.name,))
            self._keys[table.name] = tuple(name for (name,) in found)
        return self._keys[table.name]

    def count(self, table: Table) -> int:
        return int(self._execute(_filled("count_rows", table, ())).fetchone()[0])

    def write(self, table: Table, rows: Sequence[Row], mark: str) -> None:
        with self._connection:
            self._execute("BEGIN IMMEDIATE")
            self._connection.executemany(_filled("put_row", table, ()), rows)
            self._put_mark(mark)

    def find_mark(self) -> str | None:
        row = self._execute(SQL["find_setting"], (MARK,)).fetchone()
        return None if row is None else str(row[0])

    def put_mark(self, mark: str) -> None:
        self._put_mark(mark)

    def _put_mark(self, mark: str) -> None:
        if mark:
            self._execute(SQL["put_setting"], (MARK, mark))
        else:
            self._execute(SQL["remove_setting"], (MARK,))

    def find_counters(self) -> Counters:
        return dict(self._execute(SQL["list_counters"]))

    def finish(self, counters: Counters) -> None:
        with self._connection:
            self._execute("BEGIN IMMEDIATE")
            self._execute(SQL["derive_persons"])
            self._connection.executemany(SQL["raise_counter"], counters.items())

    def close(self) -> None:
        self._connection.close()


@lru_cache(maxsize=128)
def _filled(name: str, table: Table, key: tuple[str, ...]) -> str:
    return (
        SQL[name]
        .replace(":table", f"moved_{table.name}" if table.name in SHAPED else table.name)
        .replace(":columns", ", ".join(table.columns))
        .replace(":values", ", ".join("?" * len(table.columns)))
        .replace(":after", ", ".join("?" * len(key)))
        .replace(":key", ", ".join(key))
    )


def _lane_of_order(event: str, value: str) -> int:
    return lane_of(business_key_of(event, value))
