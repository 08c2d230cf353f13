"""Taking a copy of a store back: it is looked through whole before it takes a store's place."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import NamedTuple

from opportune.errors import BadRequestError, NewerStoreError
from opportune.storage.sqlite.migrating import find_layout, list_migrations
from opportune.storage.sqlite.statements import SQL


class Contents(NamedTuple):
    """What a store holds, to tell one copy from another. `newest_at` is of its newest event."""

    events: int
    ids: int
    playbooks: int
    newest_at: int | None


def restore(file: Path, store: Path) -> Contents:
    """Makes `store` a copy of `file`, in place of what nobody works on there.

    Raises BadRequestError where the file is not a whole store, NewerStoreError where a newer Opportune wrote it.
    """
    partial_copy = store.with_name(f"{store.name}.partial")
    partial_copy.unlink(missing_ok=True)
    try:
        contents = _copy(file, partial_copy)
        for left_behind in ("-wal", "-shm"):
            store.with_name(f"{store.name}{left_behind}").unlink(missing_ok=True)
        partial_copy.rename(store)
    finally:
        partial_copy.unlink(missing_ok=True)
    return contents


def _copy(file: Path, target: Path) -> Contents:
    is_alone = not file.with_name(f"{file.name}-wal").exists()
    options = "mode=ro&immutable=1" if is_alone else "mode=ro"
    given = sqlite3.connect(f"{file.resolve().as_uri()}?{options}", uri=True)
    copy = sqlite3.connect(target, isolation_level=None)
    try:
        given.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")  # nothing of it lies in a log beside
        return _check(copy, file)
    except sqlite3.DatabaseError as error:
        raise BadRequestError(wrong=f"{file} is not a whole store of Opportune: {error}.") from None
    finally:
        copy.close()
        given.close()


def _check(copy: sqlite3.Connection, file: Path) -> Contents:
    found, known = find_layout(copy), len(list_migrations())
    if found > known:
        raise NewerStoreError(found=found, known=known)
    if not found:
        raise BadRequestError(wrong=f"{file} is not a store of Opportune.")
    (state,) = copy.execute("PRAGMA integrity_check(1)").fetchone()
    if state != "ok":
        raise BadRequestError(wrong=f"{file} is damaged: {state}.")
    return Contents(*copy.execute(SQL["describe_store"]).fetchone())
