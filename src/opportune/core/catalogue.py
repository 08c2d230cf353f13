"""The catalogue as decisions read it: every product in memory, found by id, page or category; replaced on a change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from copy import copy

import msgspec

from opportune.core.history.facts import path_of
from opportune.core.product import Product


class Sales(msgspec.Struct, frozen=True):
    """How many pieces of each product were sold in the week before a moment (ms)."""

    counted_at: int = 0
    pieces: Mapping[str, int] = {}


class Catalogue:
    """`version` is that of its newest product, `confirmed` when each source was last read whole (ms).

    Categories are found in any capitals.
    """

    def __init__(
        self,
        products: Mapping[str, Product],
        version: int = 0,
        *,
        confirmed: Mapping[str, int] | None = None,
        sales: Sales | None = None,
    ) -> None:
        self.version = version
        self.confirmed = confirmed or {}
        self.sales = sales or Sales()
        self._products = products
        self._by_code: dict[str, Product] = {}
        self._by_path: dict[str, Product] = {}
        self._by_category: dict[str, list[str]] = {}
        for product in products.values():
            self._index(product)

    def _index(self, product: Product) -> None:
        for code in product.codes:
            self._by_code.setdefault(code, product)
        if product.url:
            self._by_path.setdefault(_path(product.url), product)
        for name in names_of(product.category_path):
            self._by_category.setdefault(name, []).append(product.id)

    def __len__(self) -> int:
        return len(self._products)

    def find(self, identifier: str) -> Product | None:
        """By its id, else by one of its other codes."""
        return self._products.get(identifier) or self._by_code.get(identifier)

    def find_on_page(self, path: str) -> Product | None:
        """The product whose own page has this path."""
        return self._by_path.get(_path(path)) if path else None

    def in_category(self, path: str | Sequence[str]) -> Sequence[str]:
        """Ids of all products in a category or below it. Text is one category's name, or a path with ` > ` in it."""
        parts = split_path(path) if isinstance(path, str) else tuple(path)
        return tuple(self._by_category.get(_joined(parts), ()))

    def list_products(self) -> Iterable[Product]:
        return self._products.values()

    def known_at(self, product: Product) -> int:
        """When what is said of a product was last known to be so."""
        return max(product.updated_at, self.confirmed.get(product.source, 0))

    def changed(
        self, products: Iterable[Product], version: int, *, confirmed: Mapping[str, int], sales: Sales
    ) -> Catalogue:
        """The same after these products were put; itself where nothing differs."""
        put = {product.id: product for product in products}
        if not put and confirmed == self.confirmed and sales == self.sales:
            return self
        if not put:  # nothing to look up again: a shop's catalogue may be large
            same = copy(self)
            same.confirmed, same.sales = confirmed, sales
            return same
        return Catalogue({**self._products, **put}, version, confirmed=confirmed, sales=sales)


def split_path(text: str) -> tuple[str, ...]:
    """A category path as feeds and exports write it: `Shoes > Trail shoes`."""
    parts = (" ".join(part.split()) for part in text.replace("&gt;", ">").split(">"))
    return tuple(part for part in parts if part)


def names_of(path: Sequence[str]) -> Iterable[str]:
    """Everything a category path can be asked for by: each of its beginnings, and each step alone."""
    beginnings = [_joined(path[:count]) for count in range(1, len(path) + 1)]
    return dict.fromkeys([*beginnings, *(_joined((step,)) for step in path)])


def _joined(path: Sequence[str]) -> str:
    return " > ".join(path).casefold()


def _path(url: str) -> str:
    return path_of(url).rstrip("/") or "/"


EMPTY_CATALOGUE = Catalogue({})
