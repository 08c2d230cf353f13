"""The catalogue in a dictionary, and what goes with which product."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from opportune.core.product import Product
from opportune.core.recommending.counting import Counted
from opportune.storage.base import Recount
from opportune.storage.memory.tables import MemoryReads, MemoryWrites


class MemoryProductReads(MemoryReads):
    """Reading the catalogue, and counting, step by step or anew."""

    def find_products(self, identifiers: Sequence[str]) -> list[Product]:
        with self._lock:
            products = self._tables.products
            return [products[each][1] for each in sorted(set(identifiers)) if each in products]

    def list_products(
        self, after: tuple[int, str] = (0, ""), limit: int = 1_000
    ) -> list[tuple[int, Product]]:
        with self._lock:
            changed = sorted(
                (version, identifier)
                for identifier, (version, _) in self._tables.products.items()
                if (version, identifier) > after
            )
            return [self._tables.products[identifier] for _, identifier in changed[:limit]]

    def find_recount(self) -> Recount:
        return self._tables.recount

    def list_counts(self, after_version: int, until_version: int) -> Counted:
        with self._lock:
            tables = self._tables
            return Counted(
                [pair for version, pair in tables.pairs.values() if after_version < version <= until_version],
                [
                    each
                    for version, each in tables.counts.values()
                    if after_version < version <= until_version
                ],
            )

    def add_counts(self, counted: Counted, *, made_at: int, now: int) -> bool:
        with self._lock:
            recount = self._tables.recount
            if recount.made_at != made_at or recount.is_held(now):
                return False
            self._tables.take_counts(counted, is_added=True)
            return True

    def begin_recount(self, now: int, until_at: int) -> Recount | None:
        with self._lock:
            tables = self._tables
            if tables.recount.is_held(now):
                return None
            tables.recount = msgspec.structs.replace(
                tables.recount, counted_seq=tables.head, held_until=until_at
            )
            return tables.recount

    def put_counts(self, counted: Counted) -> None:
        with self._lock:
            self._tables.take_counts(counted, is_added=False)

    def end_recount(self, before: Recount, now: int) -> None:
        with self._lock:
            tables = self._tables
            tables.pairs = {place: kept for place, kept in tables.pairs.items() if kept[0] > before.version}
            tables.counts = {place: kept for place, kept in tables.counts.items() if kept[0] > before.version}
            recount = tables.recount
            tables.recount = Recount(recount.version + 1, now, recount.counted_seq)


class MemoryProductWrites(MemoryWrites):
    """What one job takes into the catalogue."""

    def put_products(self, products: Iterable[Product]) -> None:
        version = self._tables.next("catalogue")
        for product in products:
            self._tables.put(self._tables.products, product.id, (version, product))
        self._tables.next("changed")
