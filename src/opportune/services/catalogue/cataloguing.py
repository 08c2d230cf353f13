"""Keeping the catalogue: products are written, and what every process holds of them in memory follows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import msgspec

from opportune.core.catalogue import Sales
from opportune.core.product import Product
from opportune.services.house import House
from opportune.storage.base import Storage, Transaction

PAGE_PRODUCTS = 1_000
CONFIRMED = "catalogue confirmed"
SALES = "catalogue sales"
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
        house.catalogue = known.changed(
            (product for _, product in changed),
            changed[-1][0] if changed else known.version,
            confirmed=find_confirmed(house.storage),
            sales=find_sales(house.storage),
        )


def _list_changed(house: House, version: int) -> Iterator[tuple[int, Product]]:
    after = (version, LAST)
    while page := house.storage.list_products(after, PAGE_PRODUCTS):
        yield from page
        newest, product = page[-1]
        after = (newest, product.id)


def find_confirmed(storage: Storage) -> dict[str, int]:
    """When each source was last read whole (ms)."""
    text = storage.find_setting(CONFIRMED)
    return msgspec.json.decode(text, type=dict[str, int]) if text else {}


def confirm(house: House, source: str, at: int) -> None:
    """All of a source's products were read at that moment, whether they changed or not."""
    confirmed = {**find_confirmed(house.storage), source: at}
    text = msgspec.json.encode(confirmed).decode()
    house.storage.write(lambda transaction: transaction.put_setting(CONFIRMED, text)).result()
    refresh_catalogue(house)


def find_sales(storage: Storage) -> Sales:
    text = storage.find_setting(SALES)
    return msgspec.json.decode(text, type=Sales) if text else Sales()
