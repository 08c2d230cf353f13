"""The catalogue in the database, and steps of counting, one after another whoever counts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from opportune.core.product import Product
from opportune.core.recommending.counting import Counted
from opportune.storage.base import Recount, recount_of
from opportune.storage.database.lines import json_of
from opportune.storage.database.products import DatabaseProductReads, read_product
from opportune.storage.postgres.asking import PostgresReads, PostgresWrites
from opportune.storage.postgres.connection import Connection, raw
from opportune.storage.postgres.statements import SQL, in_pieces


class PostgresProductReads(DatabaseProductReads, PostgresReads):
    """Reading the catalogue, and counting, step by step or anew."""

    def find_products(self, identifiers: Sequence[str]) -> list[Product]:
        return [read_product(row[0]) for row in self._all("find_products", (list(identifiers),))]

    def add_counts(self, counted: Counted, *, made_at: int, now: int) -> bool:
        return self._alone(lambda connection: _add_counts(connection, counted, made_at, now))

    def begin_recount(self, now: int, until_at: int) -> Recount | None:
        return self._alone(lambda connection: _begin_recount(connection, now, until_at))

    def put_counts(self, counted: Counted) -> None:
        self._alone(lambda connection: _put_counts(connection, counted))

    def end_recount(self, before: Recount, now: int) -> None:
        self._alone(lambda connection: _end_recount(connection, before, now))


class PostgresProductWrites(PostgresWrites):
    """What one job takes into the catalogue."""

    def put_products(self, products: Iterable[Product]) -> None:
        version = self._one("next_catalogue", ())[0]
        newest = {product.id: product for product in products}  # one statement cannot put the same id twice
        for identifier in sorted(newest):
            self._put("put_products", (identifier, version, json_of(newest[identifier])))
        self._send()
        self._operator_changes += 1


def _find_recount(connection: Connection) -> Recount:
    return recount_of(connection.execute(SQL["list_recounts"]).fetchall())


def _add_counts(connection: Connection, counted: Counted, made_at: int, now: int) -> bool:
    version = _next_version(connection)
    recount = _find_recount(connection)
    if recount.made_at != made_at or recount.is_held(now):
        return False
    _write_counts(connection, counted, version, "add_pair", "add_product_count")
    return True


def _begin_recount(connection: Connection, now: int, until_at: int) -> Recount | None:
    """Whoever was adding has finished: their step and this one wait for each other."""
    _next_version(connection)
    if _find_recount(connection).is_held(now):
        return None
    [(head,)] = connection.execute(SQL["find_head"]).fetchall()
    _put_recount(connection, counted=head, held=until_at)
    return _find_recount(connection)


def _put_counts(connection: Connection, counted: Counted) -> None:
    _write_counts(connection, counted, _next_version(connection), "put_pair", "put_product_count")


def _end_recount(connection: Connection, before: Recount, now: int) -> None:
    _next_version(connection)
    connection.execute(SQL["forget_pairs"], (before.version,))
    connection.execute(SQL["forget_product_counts"], (before.version,))
    _put_recount(connection, made=now, held=0)


def _next_version(connection: Connection) -> int:
    [(version,)] = connection.execute(SQL["next_count"]).fetchall()
    return int(version)


def _put_recount(connection: Connection, **values: int) -> None:
    for name, value in values.items():
        connection.execute(SQL["put_recount"], (value, name))


def _write_counts(connection: Connection, counted: Counted, version: int, pair: str, product: str) -> None:
    pairs = [
        (each.product, each.basis, each.other, each.weight, each.times, version) for each in counted.pairs
    ]
    products = [(each.product, each.basis, each.weight, each.times, version) for each in counted.products]
    for statement, rows in ((pair, pairs), (product, products)):
        for piece in in_pieces(statement, rows):
            raw(connection).execute(*piece)
