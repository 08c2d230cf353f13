"""Counts of products in the file: steps of counting inside the writer's transaction."""

from __future__ import annotations

from opportune.core.recommending.counting import Counted
from opportune.storage.base import Recount, recount_of
from opportune.storage.sqlite.statements import SQL
from opportune.storage.sqlite.transaction import SqliteTransaction


def find_recount(transaction: SqliteTransaction) -> Recount:
    return recount_of(transaction.connection.execute(SQL["list_recounts"]).fetchall())


def add_counts(transaction: SqliteTransaction, counted: Counted, made_at: int, now: int) -> bool:
    recount = find_recount(transaction)
    if recount.made_at != made_at or recount.is_held(now):
        return False
    _write(transaction, counted, "add_pair", "add_product_count")
    return True


def begin_recount(transaction: SqliteTransaction, now: int, until_at: int) -> Recount | None:
    recount = find_recount(transaction)
    if recount.is_held(now):
        return None
    _put(transaction, counted=transaction.head_seq, held=until_at)
    return find_recount(transaction)


def put_counts(transaction: SqliteTransaction, counted: Counted) -> None:
    _write(transaction, counted, "put_pair", "put_product_count")


def end_recount(transaction: SqliteTransaction, before: Recount, now: int) -> None:
    execute = transaction.connection.execute
    execute(SQL["forget_pairs"], (before.version,))
    execute(SQL["forget_product_counts"], (before.version,))
    execute(SQL["next_count"]).fetchone()
    _put(transaction, made=now, held=0)


def _put(transaction: SqliteTransaction, **values: int) -> None:
    for name, value in values.items():
        transaction.connection.execute(SQL["put_recount"], (value, name))


def _write(transaction: SqliteTransaction, counted: Counted, pair: str, product: str) -> None:
    connection = transaction.connection
    version = connection.execute(SQL["next_count"]).fetchone()[0]
    connection.executemany(
        SQL[pair],
        [(each.product, each.basis, each.other, each.weight, each.times, version) for each in counted.pairs],
    )
    connection.executemany(
        SQL[product],
        [(each.product, each.basis, each.weight, each.times, version) for each in counted.products],
    )
