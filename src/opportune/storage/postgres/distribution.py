"""Which tables lie where when PostgreSQL is spread over several machines with Citus, and telling it so.

All that is a person's lies in lanes, and the rows of a lane lie together; what is small is whole on every machine.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

from opportune.errors import NotFoundError
from opportune.storage.postgres.connection import Connection, connect, translated
from opportune.storage.postgres.migrating import find_layout
from opportune.storage.postgres.statements import SQL

FIRST = "persons"
DISTRIBUTED = (
    FIRST,
    "keys",
    "links",
    "person_keys",
    "events",  # with its partitions, here and below
    "bodies",
    "traits",
    "past_traits",
    "business_keys",
    "opportunities",
    "exposures",
    "assignments",
    "changes",
)
"""By `lane`, each where that lane of the first one is."""
REFERENCE = (
    "totals",
    "seen_events",
    "set_aside",
    "playbooks",
    "run_states",
    "settings",
    "api_keys",
    "audit",
    "counters",
    "leases",
    "layout",
)
"""Whole on every machine."""


def distribute(url: str) -> Iterator[str]:
    """Spreads every table that is not yet, rows included, and names each; may be done again at any time.

    Raises NotFoundError where the extension is missing, or the tables are.
    """
    with closing(connect(url, "distribution", statement_ms=0)) as connection, translated():
        _check(connection)
        known = {name for (name,) in connection.execute(SQL["find_distributed"]).fetchall()}
        for table in (*DISTRIBUTED, *REFERENCE):
            if table not in known:
                _place(connection, table)
                yield table


def has_citus(connection: Connection) -> bool:
    return connection.execute(SQL["has_citus"]).fetchone() == (True,)


def _check(connection: Connection) -> None:
    if not has_citus(connection):
        what = (
            "The extension citus in this database (install it on every machine, then CREATE EXTENSION citus)"
        )
        raise NotFoundError(what=what)
    if not find_layout(connection):
        raise NotFoundError(
            what="A table of Opportune in this database (the server makes them at its first start)"
        )


def _place(connection: Connection, table: str) -> None:
    if table == FIRST:
        connection.execute(SQL["distribute_first"], (table,))
    elif table in DISTRIBUTED:
        connection.execute(SQL["distribute_beside"], (table, FIRST))
    else:
        connection.execute(SQL["copy_everywhere"], (table,))
