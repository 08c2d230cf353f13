"""Which tables lie where when PostgreSQL is spread over several machines with Citus, and telling it so.

All that is a person's lies in lanes, and the rows of a lane lie together; what is small is whole on every machine.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from time import monotonic, sleep

from opportune.errors import BadRequestError, NotFoundError
from opportune.storage.postgres.connection import Connection, connect_first, translated
from opportune.storage.postgres.migrating import find_layout
from opportune.storage.postgres.statements import SQL

LAST_GOODBYE_SECONDS = 2.0
"""A server's connections are gone a moment after it."""
FIRST = "persons"
DISTRIBUTED = (
    FIRST,
    "met",
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
    "erasures",
    "changes",
)
"""By `lane`, each where that lane of the first one is."""
REFERENCE = (
    "totals",
    "erased_units",
    "erased_totals",
    "measured",
    "measured_days",
    "erased_days",
    "seen_events",
    "consent_days",
    "set_aside",
    "playbooks",
    "run_states",
    "experiments",
    "learnings",
    "settings",
    "api_keys",
    "audit",
    "notes",
    "rule_counts",
    "products",
    "product_pairs",
    "product_counts",
    "recounts",
    "counters",
    "leases",
    "layout",
)
"""Whole on every machine."""


def distribute(url: str) -> Iterator[str]:
    """Spreads every table that is not yet, rows included, and names each; may be done again at any time.

    Raises NotFoundError where the extension is missing, or the tables are; BadRequestError while servers run.
    """
    with closing(connect_first(url, "distribution", statement_ms=0)) as connection, translated():
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
        raise NotFoundError(what="A table of Opportune in this database (a server makes them when it starts)")
    until = monotonic() + LAST_GOODBYE_SECONDS
    while connection.execute(SQL["find_servers"]).fetchone() != (0,):
        if monotonic() > until:
            raise BadRequestError(wrong="Servers are running on this database; stop them first.")
        sleep(0.02)


def _place(connection: Connection, table: str) -> None:
    if table == FIRST:
        connection.execute(SQL["distribute_first"], (table,))
    elif table in DISTRIBUTED:
        connection.execute(SQL["distribute_beside"], (table, FIRST))
    else:
        connection.execute(SQL["copy_everywhere"], (table,))
