"""The catalogue and what was counted of it, as both databases read them."""

from __future__ import annotations

import msgspec

from opportune.core.product import Product
from opportune.core.recommending.counting import Counted, PairCount, ProductCount
from opportune.storage.base import Recount, recount_of
from opportune.storage.database.asking import DatabaseReads

read_product = msgspec.json.Decoder(Product).decode


class DatabaseProductReads(DatabaseReads):
    """Reading the catalogue, and counting, step by step or anew."""

    def list_products(
        self, after: tuple[int, str] = (0, ""), limit: int = 1_000
    ) -> list[tuple[int, Product]]:
        rows = self._all("list_products", (*after, limit))
        return [(version, read_product(product)) for version, product in rows]

    def find_recount(self) -> Recount:
        return recount_of(self._all("list_recounts"))

    def list_counts(self, after_version: int, until_version: int) -> Counted:
        between = (after_version, until_version)
        return Counted(
            [PairCount(*row) for row in self._all("list_pairs", between)],
            [ProductCount(*row) for row in self._all("list_product_counts", between)],
        )
