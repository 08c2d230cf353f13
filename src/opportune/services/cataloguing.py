"""Keeping the catalogue: products are written, and what every process holds of them in memory follows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from opportune.core.product import Product
from opportune.services.house import House
from opportune.storage.base import Transaction

PAGE_PRODUCTS = 1_000
LAST = "\U0010ffff"
"""No id stands behind it."""


def put_products(house: House, products: Sequence[Product]) -> None:
    """Each replaces the one of its id. In this process decisions know them at once, in others a moment later."""
    for start in range(0, len(products), PAGE_PRODUCTS):
        page = products[start : start + PAGE_PRODUCTS]
        house.storage.write(partial(_put, page)).result()
    refresh_catalogue(house)


def _put(products: Sequence[Product], transaction: Transaction) -> None:
    transaction.put_products(products)


def refresh_catalogue(house: House) -> None:
    """Reads what changed since this process last looked."""
    with house.changes:
        known = house.catalogue
        changed = list(_list_changed(house, known.version))
        if changed:
            products = [product for _, product in changed]
            house.catalogue = known.with_products(products, changed[-1][0])


def _list_changed(house: House, version: int) -> Iterator[tuple[int, Product]]:
    after = (version, LAST)
    while page := house.storage.list_products(after, PAGE_PRODUCTS):
        yield from page
        newest, product = page[-1]
        after = (newest, product.id)
