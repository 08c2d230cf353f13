"""Brings a database to the layout this code knows, one numbered step after another, each whole or not at all."""

from __future__ import annotations

from pathlib import Path

from opportune.errors import NewerStoreError
from opportune.storage.database.steps import list_steps
from opportune.storage.postgres.connection import Connection

FOLDER = Path(__file__).parents[1] / "migrations" / "postgres"
LOCK = 5_707_265_231
"""Of all processes that start at once, one migrates and the others wait for it."""


def migrate(connection: Connection) -> None:
    steps = list_steps(FOLDER)
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
        connection.execute("CREATE TABLE IF NOT EXISTS layout (step bigint PRIMARY KEY)")
        taken = find_layout(connection)
        if taken > len(steps):
            raise NewerStoreError(found=taken, known=len(steps))
        for number, step in enumerate(steps[taken:], taken + 1):
            connection.execute(step.read_text(encoding="utf-8"), prepare=False)  # several statements
            connection.execute("INSERT INTO layout (step) VALUES (%s)", (number,))


def find_layout(connection: Connection) -> int:
    """How many steps a database has taken; 0 for an empty one."""
    if connection.execute("SELECT to_regclass('layout')").fetchone() == (None,):
        return 0
    row = connection.execute("SELECT coalesce(max(step), 0) FROM layout").fetchone()
    return int(row[0]) if row is not None else 0
