"""Opens a place's store, whichever it is: the only file beside `moving.py` that names adapters."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from opportune.errors import BadRequestError
from opportune.process.place import Place
from opportune.storage.base import Storage
from opportune.storage.sqlite import SqliteStorage


def open_storage(place: Place) -> Storage:
    """The place's store. That of a folder is for the one process that holds its lock."""
    return _open_database(place.database) if place.database else SqliteStorage(place.folder.store)


def open_reading(place: Place) -> Storage:
    """The same store for reading only, from any process."""
    if place.database:
        return _open_database(place.database, read_only=True)
    return SqliteStorage(place.folder.store, read_only=True)


def _open_database(url: str, *, read_only: bool = False) -> Storage:
    """Raises BadRequestError where the extra for it is not installed."""
    with needs_extra():
        from opportune.storage.postgres import PostgresStorage  # noqa: PLC0415 - an extra, and slow to load
    return PostgresStorage(url, read_only=read_only)


@contextmanager
def opened_store(place: Place) -> Iterator[Storage]:
    storage = open_storage(place)
    try:
        yield storage
    finally:
        storage.close()


@contextmanager
def needs_extra() -> Iterator[None]:
    """Raises BadRequestError that says how to get what PostgreSQL needs."""
    try:
        yield
    except ImportError:
        wrong = "PostgreSQL needs an extra: pip install 'opportune[postgres]'."
        raise BadRequestError(wrong=wrong) from None
