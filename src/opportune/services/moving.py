"""Moving a whole store into another, in bounded steps that can be taken up again."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import NamedTuple

import msgspec

from opportune.errors import BadRequestError, HalfMovedError
from opportune.services.operating import SECRET
from opportune.storage.base import Storage
from opportune.storage.moving import MARK, TABLES, After, Counters, TableRows, is_empty

PAGE_ROWS = 1_000

Notice = Callable[[int, int], None]
"""Is told how many rows of how many are done."""


class Store(NamedTuple):
    """A store to be moved, or to move into: as services know it, and its rows."""

    storage: Storage
    tables: TableRows


class Mark(msgspec.Struct, frozen=True):
    """How far a move has come: every table before this one is there, and of this one all up to a place."""

    source: str
    table: str = ""
    after: After | None = None
    done: int = 0
    is_copied: bool = False


def check_whole(storage: Storage) -> None:
    """Raises HalfMovedError for a store that a move has not finished."""
    if storage.find_setting(MARK) is not None:
        raise HalfMovedError


def move(source: Store, target: Store, notice: Notice) -> int:
    """Copies every row, or those a former call did not come to; how many there are.

    Raises BadRequestError where the source has nothing, or the target something else.
    """
    check_whole(source.storage)
    while source.storage.fold_totals():
        pass
    counters = source.tables.find_counters()
    mark = _find_mark(target, _identity_of(source.storage, counters))
    if mark.is_copied:
        return mark.done
    total = sum(source.tables.count(table) for table in TABLES)
    names = [table.name for table in TABLES]
    for table in TABLES[names.index(mark.table) if mark.table else 0 :]:
        if mark.table != table.name:
            mark = msgspec.structs.replace(mark, table=table.name, after=None)
        while (page := source.tables.read(table, mark.after, PAGE_ROWS)).rows:
            mark = msgspec.structs.replace(mark, after=page.after, done=mark.done + len(page.rows))
            target.tables.write(table, page.rows, _text_of(mark))
            notice(mark.done, total)
    target.tables.finish(counters)
    target.tables.put_mark(_text_of(msgspec.structs.replace(mark, is_copied=True)))
    return mark.done


def finish(target: Store) -> None:
    """The target is whole and compared: from now on servers may work on it."""
    target.tables.put_mark("")


def _identity_of(storage: Storage, counters: Counters) -> str:
    """Differs once something else is moved, or something was written there meanwhile."""
    secret = storage.find_setting(SECRET)
    if secret is None:
        raise BadRequestError(wrong="There is nothing to move: no server or command ever worked there.")
    return sha256(f"moved {secret} {sorted(counters.items())}".encode()).hexdigest()[:32]


def _find_mark(target: Store, identity: str) -> Mark:
    text = target.tables.find_mark()
    if text is None:
        if not is_empty(target.tables):
            raise BadRequestError(wrong="The target is not empty. Name a new folder, or an empty database.")
        return Mark(identity)
    mark = msgspec.json.decode(text, type=Mark)
    if mark.source != identity:
        raise BadRequestError(
            wrong="The target holds part of another move, or the source was written to since this one began. "
            "Name a new folder, or an empty database."
        )
    return mark


def _text_of(mark: Mark) -> str:
    return msgspec.json.encode(mark).decode()
