"""The stores that tests run on, and the faults a test gives to one of them. A new adapter joins by one more name."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, closing, contextmanager
from typing import Any

import psycopg
import pytest
from psycopg import sql
from tests.contract.stored import quick_folder
from tests.postgres_server import Postgres, copied_database

from opportune.errors import StorageFullError
from opportune.storage.base import Storage
from opportune.storage.memory import MemoryStorage
from opportune.storage.postgres import PostgresStorage
from opportune.storage.sqlite import SqliteStorage

STORES = ("memory", "postgres", "sqlite")

ON_MEMORY = pytest.mark.parametrize("storage", ["memory"], indirect=True)
"""For a test that would be the same whatever the store did."""
ON_LASTING = pytest.mark.parametrize("storage", ["postgres", "sqlite"], indirect=True)
"""For a test of what memory cannot: be opened again, or do its writing behind the caller's back."""


@contextmanager
def opened_store(request: pytest.FixtureRequest) -> Iterator[Storage]:
    """An empty store of the kind that the fixture's parameter names."""
    with ExitStack() as stack:
        if request.param == "memory":
            opened: Storage = MemoryStorage()
        elif request.param == "sqlite":
            opened = SqliteStorage(stack.enter_context(quick_folder()) / "opportune.db")
        else:
            server: Postgres = request.getfixturevalue("postgres_server")
            layout: str = request.getfixturevalue("postgres_layout")
            opened = PostgresStorage(stack.enter_context(copied_database(server, layout)))
        yield stack.enter_context(closing(opened))


def open_again(storage: Storage) -> Storage:
    """What a process that starts later opens."""
    if isinstance(storage, PostgresStorage):
        return PostgresStorage(storage.url)
    assert isinstance(storage, SqliteStorage)
    return SqliteStorage(storage.path)


def examples_for(storage: Storage, most: int = 100) -> int:
    """How many examples of a property a store is given: one on a disk or behind a network takes its time."""
    return most if isinstance(storage, MemoryStorage) else most // 8 + 3


def settle(storage: Storage) -> None:
    """Waits until what was handed over so far is committed."""
    storage.write(lambda _: None).result()


def everything_in(storage: Storage) -> dict[str, list[str]]:
    """Every row of every table there is, so that nothing a store keeps can be overlooked."""
    settle(storage)
    if isinstance(storage, MemoryStorage):
        tables = vars(storage._tables)
        return {name: [repr(rows)] for name, rows in tables.items() if isinstance(rows, dict)}
    if isinstance(storage, SqliteStorage):
        with closing(sqlite3.connect(storage.path)) as connection:
            names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            return {name: _rows(connection.execute(f'SELECT * FROM "{name}"')) for (name,) in names}
    assert isinstance(storage, PostgresStorage)
    with psycopg.connect(storage.url) as server:
        names = server.execute(
            "SELECT table_name FROM information_schema.tables"
            " WHERE table_schema NOT IN ('pg_catalog', 'information_schema') AND table_type = 'BASE TABLE'"
        ).fetchall()
        return {
            name: _rows(server.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(name))))
            for (name,) in names
        }


def _rows(found: Iterable[Any]) -> list[str]:
    return sorted(map(repr, found))


def make_unreadable(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise OSError("the disk is gone")

    monkeypatch.setattr(storage, "recall", broken)
    monkeypatch.setattr(storage, "remember", broken)


def make_full(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> Future[Any]:
        refused: Future[Any] = Future()
        refused.set_exception(StorageFullError())
        return refused

    monkeypatch.setattr(storage, "write", full)
