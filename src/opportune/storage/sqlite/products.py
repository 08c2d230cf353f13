"""The catalogue in the file, and steps of counting inside the writer's transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from opportune.core.product import Product
from opportune.core.recommending.counting import Counted
from opportune.storage.base import Recount, recount_of
from opportune.storage.database.lines import json_of
from opportune.storage.database.products import DatabaseProductReads, read_product
from opportune.storage.sqlite.asking import SqliteReads, SqliteWrites, json_list
from opportune.storage.sqlite.statements import SQL


class SqliteProductReads(DatabaseProductReads, SqliteReads):
    """Reading the catalogue, and counting, step by step or anew."""

    def find_products(self, identifiers: Sequence[str]) -> list[Product]:
        rows = self._all("find_products", (json_list(identifiers),))
        return [read_product(row[0]) for row in rows]

    def add_counts(self, counted: Counted, *, made_at: int, now: int) -> bool:
        return self._submit(lambda own: _add_counts(own, counted, made_at, now)).result()

    def begin_recount(self, now: int, until_at: int) -> Recount | None:
        return self._submit(lambda own: _begin_recount(own, now, until_at)).result()

    def put_counts(self, counted: Counted) -> None:
        self._submit(lambda own: _put_counts(own, counted)).result()

    def end_recount(self, before: Recount, now: int) -> None:
        self._submit(lambda own: _end_recount(own, before, now)).result()


class SqliteProductWrites(SqliteWrites):
    """What one job takes into the catalogue."""

    def put_products(self, products: Iterable[Product]) -> None:
        version = self._one("next_catalogue")[0]
        rows = [(product.id, version, json_of(product)) for product in products]
        self.connection.executemany(SQL["put_product"], rows)
        self.tally.operator_changes += 1


def _find_recount(transaction: SqliteWrites) -> Recount:
    return recount_of(transaction.connection.execute(SQL["list_recounts"]).fetchall())


def _add_counts(transaction: SqliteWrites, counted: Counted, made_at: int, now: int) -> bool:
    recount = _find_recount(transaction)
    if recount.made_at != made_at or recount.is_held(now):
        return False
    _write_counts(transaction, counted, "add_pair", "add_product_count")
    return True


def _begin_recount(transaction: SqliteWrites, now: int, until_at: int) -> Recount | None:
    recount = _find_recount(transaction)
    if recount.is_held(now):
        return None
    _put_recount(transaction, counted=transaction.head_seq, held=until_at)
    return _find_recount(transaction)


def _put_counts(transaction: SqliteWrites, counted: Counted) -> None:
    _write_counts(transaction, counted, "put_pair", "put_product_count")


def _end_recount(transaction: SqliteWrites, before: Recount, now: int) -> None:
    execute = transaction.connection.execute
    execute(SQL["forget_pairs"], (before.version,))
    execute(SQL["forget_product_counts"], (before.version,))
    execute(SQL["next_count"]).fetchone()
    _put_recount(transaction, made=now, held=0)


def _put_recount(transaction: SqliteWrites, **values: int) -> None:
    for name, value in values.items():
        transaction.connection.execute(SQL["put_recount"], (value, name))


def _write_counts(transaction: SqliteWrites, counted: Counted, pair: str, product: str) -> None:
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
