"""How every family asks the file: by a statement's name, from a reading thread or inside the writer's transaction."""

from __future__ import annotations

import sqlite3
from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, TypeVar

from opportune.storage.database.asking import DatabaseReads, DatabaseWrites
from opportune.storage.database.lines import json_of
from opportune.storage.sqlite.connection import Readers
from opportune.storage.sqlite.statements import SQL
from opportune.storage.sqlite.tally import Tally

T = TypeVar("T")


class SqliteReads(DatabaseReads):
    """Reading over the calling thread's connection."""

    _readers: Readers

    @abstractmethod
    def _submit(self, job: Callable[[SqliteWrites], T]) -> Future[T]:
        """A job for the writer that needs the file itself."""

    def _all(self, statement: str, parameters: Sequence[object] | Mapping[str, object] = ()) -> list[Any]:
        return self._readers.all(SQL[statement], parameters)


class SqliteWrites(DatabaseWrites):
    """Writes at once, counts in its tally; the writer undoes both when the job raises."""

    def __init__(self, connection: sqlite3.Connection, head: int) -> None:
        self.connection = connection
        self.tally = Tally(head)

    def _execute(
        self, statement: str, parameters: Sequence[object] | Mapping[str, object] = ()
    ) -> sqlite3.Cursor:
        return self.connection.execute(SQL[statement], parameters)

    def _operate(self, statement: str, parameters: Sequence[object]) -> None:
        self._execute(statement, parameters)
        self.tally.operator_changes += 1


def json_list(values: Iterable[int | str]) -> str:
    """A list as a statement takes it, each once."""
    return json_of(list(dict.fromkeys(values)))
