"""A product of the shop's catalogue, as a feed, an export or the shop itself describes it."""

from __future__ import annotations

import msgspec


class Product(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Money is in minor units of the reporting currency; None is not known, never nothing.

    `category_path` goes from the widest to the narrowest. `margin` is what one piece earns at the current price.
    `rating` is out of 5, from so many `ratings`. `updated_at` (ms) is when `source` last said so.
    """

    id: str
    name: str = ""
    url: str = ""
    image: str = ""
    currency: str = ""
    """The reporting currency when it was read; empty: today's."""
    price: int | None = None
    sale_price: int | None = None
    in_stock: bool = True
    stock: int | None = None
    category_path: tuple[str, ...] = ()
    brand: str = ""
    margin: int | None = None
    rating: float | None = None
    ratings: int | None = None
    codes: tuple[str, ...] = ()
    """Other ids that pages and events may call it by: its SKUs, its variants, what it is a size or colour of."""
    updated_at: int = 0
    source: str = ""

    @property
    def current_price(self) -> int | None:
        """What is asked for it now."""
        return self.price if self.sale_price is None else self.sale_price

    @property
    def category(self) -> str:
        """The narrowest, as pages and events name it."""
        return self.category_path[-1] if self.category_path else ""

    def says_the_same_as(self, other: Product) -> bool:
        """Whether nothing differs but when it was said."""
        return msgspec.structs.replace(self, updated_at=other.updated_at) == other
