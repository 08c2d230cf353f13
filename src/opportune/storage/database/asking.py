"""How a database is asked: by the name of a statement, which every dialect has with the same parameters."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from opportune.storage.base import Storage, Transaction


class Answer(Protocol):
    """Rows a statement gives."""

    def fetchone(self) -> Any: ...

    def fetchall(self) -> list[Any]: ...


class DatabaseReads(Storage):
    """A part of a store that reads."""

    @abstractmethod
    def _all(self, statement: str, parameters: Sequence[object] | Mapping[str, object] = ()) -> list[Any]:
        """Every row of a statement."""

    def _one(self, statement: str, parameters: Sequence[object] | Mapping[str, object] = ()) -> Any:
        """Its first row, or None."""
        rows = self._all(statement, parameters)
        return rows[0] if rows else None


class DatabaseWrites(Transaction):
    """A part of a job's writes."""

    @abstractmethod
    def _execute(
        self, statement: str, parameters: Sequence[object] | Mapping[str, object] = ()
    ) -> Answer: ...

    @abstractmethod
    def _operate(self, statement: str, parameters: Sequence[object]) -> None:
        """What an operator changed: every process takes notice of it after the commit."""

    def _one(self, statement: str, parameters: Sequence[object] | Mapping[str, object] = ()) -> Any:
        return self._execute(statement, parameters).fetchone()
