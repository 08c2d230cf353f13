"""The catalogue as decisions read it: every product in memory, found by id or category; replaced whole on a change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from opportune.core.product import Product


class Catalogue:
    """`version` is that of its newest product. Categories and codes are found in any capitals."""

    def __init__(self, products: Mapping[str, Product], version: int = 0) -> None:
        self.version = version
        self._products = products
        self._by_code: dict[str, str] = {}
        self._by_category: dict[str, list[str]] = {}
        for product in products.values():
            self._index(product)

    def _index(self, product: Product) -> None:
        for code in (product.sku, product.group):
            if code:
                self._by_code.setdefault(code, product.id)
        for name in names_of(product.category_path):
            self._by_category.setdefault(name, []).append(product.id)

    def __len__(self) -> int:
        return len(self._products)

    def find(self, identifier: str) -> Product | None:
        """By id; else whichever has it as its SKU, or is a size or colour of it."""
        found = self._products.get(identifier)
        if found is None and identifier in self._by_code:
            found = self._products[self._by_code[identifier]]
        return found

    def in_category(self, path: str | Sequence[str]) -> Sequence[str]:
        """Ids of all products in a category or below it. Text is one category's name, or a path with ` > ` in it."""
        parts = split_path(path) if isinstance(path, str) else tuple(path)
        return tuple(self._by_category.get(_joined(parts), ()))

    def list_products(self) -> Iterable[Product]:
        return self._products.values()

    def with_products(self, products: Iterable[Product], version: int) -> Catalogue:
        """The same after these were put."""
        return Catalogue({**self._products, **{product.id: product for product in products}}, version)


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


EMPTY_CATALOGUE = Catalogue({})
