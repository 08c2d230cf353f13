"""Brings a file to the layout this code knows, one numbered step after another, each whole or not at all."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

from opportune.errors import NewerStoreError
from opportune.storage.database.steps import list_steps

FOLDER = Path(__file__).parents[1] / "migrations" / "sqlite"


def list_migrations() -> list[Path]:
    return list_steps(FOLDER)


def migrate(connection: sqlite3.Connection) -> None:
    """Applies what is missing. Only one process at a time gets past the first line of a step."""
    steps = list_migrations()
    while True:
        connection.execute("BEGIN IMMEDIATE")
        try:
            is_done = _take_step(connection, steps)
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")
        if is_done:
            return


def _take_step(connection: sqlite3.Connection, steps: list[Path]) -> bool:
    """Whether none was missing; the step and its number are one transaction."""
    taken = find_layout(connection)
    if taken > len(steps):
        raise NewerStoreError(found=taken, known=len(steps))
    if taken == len(steps):
        return True
    for statement in statements_of(steps[taken].read_text(encoding="utf-8")):
        connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {taken + 1}")
    return False


def find_layout(connection: sqlite3.Connection) -> int:
    """How many steps a file has taken; 0 for an empty one."""
    found: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return found


def statements_of(script: str) -> Iterator[str]:
    """The script's statements one by one, because running a script whole would commit on its own."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
