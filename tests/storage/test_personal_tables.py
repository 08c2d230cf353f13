"""Every table of both databases is a person's, left of an erasure, or nobody's: and one list says which."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from opportune.storage import sqlite
from opportune.storage.database.personal import IMPERSONAL, KEPT_OF_ERASED, PERSONAL
from opportune.storage.sqlite import SqliteStorage
from opportune.storage.sqlite.connection import open_connection

SQL = Path(sqlite.__file__).parents[1] / "sql"
DECLARED = (*PERSONAL, *KEPT_OF_ERASED, *IMPERSONAL)
ONLY_SQLITE = {"receipts", "sqlite_sequence"}
ONLY_POSTGRES = {"met", "leases", "layout"}
WHOSE = re.compile(
    r"^(key|unit|person|lane|user|user_id|visitor|device|anonymous_id|email|address|customer)$"
)
"""Columns by which a row is somebody's."""


def columns_of_sqlite(folder: Path) -> dict[str, set[str]]:
    path = folder / "opportune.sqlite"
    SqliteStorage(path).close()
    asked = (
        "SELECT t.name, c.name FROM sqlite_schema AS t, pragma_table_info(t.name) AS c WHERE t.type = 'table'"
    )
    with closing(sqlite3.connect(path)) as file:
        return by_table(file.execute(asked).fetchall())


def columns_of_postgres(url: str) -> dict[str, set[str]]:
    asked = """SELECT relname, attname FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
        WHERE relkind IN ('r', 'p') AND NOT relispartition AND attnum > 0 AND NOT attisdropped
            AND relnamespace = current_schema()::regnamespace"""
    with psycopg.connect(url) as connection:
        return by_table(connection.execute(asked).fetchall())


def by_table(rows: list[tuple[str, str]]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for table, column in rows:
        found.setdefault(table, set()).add(column)
    return found


@pytest.fixture(params=["sqlite", "postgres"])
def columns(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, set[str]]:
    if request.param == "sqlite":
        return columns_of_sqlite(tmp_path)
    return columns_of_postgres(request.getfixturevalue("postgres_store"))


def test_no_table_is_declared_twice() -> None:
    assert len(DECLARED) == len(set(DECLARED))


def test_every_table_is_declared(columns: dict[str, set[str]]) -> None:
    others = ONLY_POSTGRES if "receipts" in columns else ONLY_SQLITE
    assert columns.keys() == set(DECLARED) - others, (
        "say in storage/database/personal.py whose it is, and erase it"
    )


def test_a_table_with_a_column_that_says_whose_a_row_is_is_a_persons(columns: dict[str, set[str]]) -> None:
    whose = {table for table, names in columns.items() if any(WHOSE.match(name) for name in names)}
    assert whose - PERSONAL.keys() - KEPT_OF_ERASED.keys() == {"changes"} & columns.keys() & whose
    assert {"events", "traits", "exposures"} <= whose


@pytest.mark.parametrize("dialect", ["sqlite", "postgres"])
def test_a_statement_takes_rows_out_of_every_persons_table(dialect: str) -> None:
    text = (SQL / dialect / "erasing.sql").read_text()
    taken = set(re.findall(r"(?:DELETE FROM|UPDATE) (\w+)", text))
    others = ONLY_POSTGRES if dialect == "sqlite" else ONLY_SQLITE
    assert PERSONAL.keys() - others <= taken


def test_what_is_deleted_from_a_file_is_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "opportune.sqlite"
    with closing(SqliteStorage(path)) as storage:
        asked = storage.write(
            lambda transaction: transaction.connection.execute("PRAGMA secure_delete").fetchone()
        )  # type: ignore[attr-defined]  # SQLite's
        assert asked.result() == (1,)
    with closing(open_connection(path)) as file:
        assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)
