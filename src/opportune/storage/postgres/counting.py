"""Counts of products in the database: each step in a transaction of its own, one after another whoever counts."""

from __future__ import annotations

from opportune.core.recommending.counting import Counted
from opportune.storage.base import Recount, recount_of
from opportune.storage.postgres.connection import Connection, raw
from opportune.storage.postgres.statements import SQL, in_pieces


def find_recount(connection: Connection) -> Recount:
    return recount_of(connection.execute(SQL["list_recounts"]).fetchall())


def add_counts(connection: Connection, counted: Counted, made_at: int, now: int) -> bool:
    version = _next_version(connection)
    recount = find_recount(connection)
    if recount.made_at != made_at or recount.is_held(now):
        return False
    _write(connection, counted, version, "add_pair", "add_product_count")
    return True


def begin_recount(connection: Connection, now: int, until_at: int) -> Recount | None:
    """Whoever was adding has finished: their step and this one wait for each other."""
    _next_version(connection)
    if find_recount(connection).is_held(now):
        return None
    [(head,)] = connection.execute(SQL["find_head"]).fetchall()
    _put(connection, counted=head, held=until_at)
    return find_recount(connection)


def put_counts(connection: Connection, counted: Counted) -> None:
    _write(connection, counted, _next_version(connection), "put_pair", "put_product_count")


def end_recount(connection: Connection, before: Recount, now: int) -> None:
    _next_version(connection)
    connection.execute(SQL["forget_pairs"], (before.version,))
    connection.execute(SQL["forget_product_counts"], (before.version,))
    _put(connection, made=now, held=0)


def _next_version(connection: Connection) -> int:
    [(version,)] = connection.execute(SQL["next_count"]).fetchall()
    return int(version)


def _put(connection: Connection, **values: int) -> None:
    for name, value in values.items():
        connection.execute(SQL["put_recount"], (value, name))


def _write(connection: Connection, counted: Counted, version: int, pair: str, product: str) -> None:
    pairs = [
        (each.product, each.basis, each.other, each.weight, each.times, version) for each in counted.pairs
    ]
    products = [(each.product, each.basis, each.weight, each.times, version) for each in counted.products]
    for statement, rows in ((pair, pairs), (product, products)):
        for piece in in_pieces(statement, rows):
            raw(connection).execute(*piece)
