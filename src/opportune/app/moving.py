"""Whole stores, as they are copied: into a backup and back, into another database, over a cluster's machines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from typing import NamedTuple

from opportune.app.house import build_house
from opportune.app.storing import needs_extra, opened_store
from opportune.errors import BadRequestError
from opportune.process.data_folder import DataFolder
from opportune.process.place import Place
from opportune.services.moving import Store
from opportune.services.people.erasing import apply_erasures
from opportune.storage.moving import TableRows, is_empty
from opportune.storage.personal import Erasure
from opportune.storage.sqlite import SqliteStorage
from opportune.storage.sqlite.erasing import read_beside
from opportune.storage.sqlite.moving import SqliteTables
from opportune.storage.sqlite.restoring import Contents
from opportune.storage.sqlite.restoring import restore as restore_store


def back_up(folder: DataFolder, target: Path) -> None:
    """A copy of the whole store as of one moment, beside a server that goes on working; only its owner reads it."""
    storage = SqliteStorage(folder.store, read_only=True)
    partial_copy = target.with_name(f"{target.name}.partial")
    partial_copy.unlink(missing_ok=True)
    partial_copy.touch(mode=0o600)
    try:
        storage.backup(partial_copy)
    finally:
        storage.close()
    partial_copy.rename(target)


class Restored(NamedTuple):
    """What a backup held, and how many ids of people erased since have left again; None where no list was found."""

    contents: Contents
    erased: int | None


def restore(file: Path, folder: DataFolder, erasures: Sequence[Erasure] = ()) -> Restored:
    """The folder's store becomes a copy of a backup. Raises BadRequestError where it holds something already.

    Whoever was erased since is erased again, by the list that lies in the folder and by `erasures`.
    """
    with folder.lock():
        if folder.exists:
            with closing(SqliteTables(folder.store)) as tables, closing(SqliteStorage(folder.store)):
                if not is_empty(tables):
                    raise BadRequestError(wrong=f"There is an installation in {folder.path} already.")
        listed = [*read_beside(folder.store), *erasures]
        contents = restore_store(file, folder.store)
        if not listed:
            return Restored(contents, None)
        with closing(SqliteStorage(folder.store)) as storage:
            return Restored(contents, apply_erasures(build_house(storage), listed))


@contextmanager
def opened_for_moving(place: Place) -> Iterator[Store]:
    """A place's store with its rows. Raises DataFolderBusyError or BadRequestError while somebody works there."""
    with (
        nullcontext() if place.database else place.folder.lock(),
        closing(_open_tables(place)) as tables,
        opened_store(place) as storage,
    ):
        yield Store(storage, tables)


def _open_tables(place: Place) -> TableRows:
    """The rows of a place's store, for a move."""
    if not place.database:
        return SqliteTables(place.folder.store)
    with needs_extra():
        from opportune.storage.postgres.moving import PostgresTables  # noqa: PLC0415 - as above
    return PostgresTables(place.database)


def distribute_database(url: str) -> Iterator[str]:
    """Spreads a database's tables over a cluster's machines; names each as it is done."""
    with needs_extra():
        from opportune.storage.postgres.distribution import distribute  # noqa: PLC0415 - as above
    return distribute(url)
