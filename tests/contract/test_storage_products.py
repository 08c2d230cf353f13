"""The catalogue in a store: products are replaced whole, and read as they changed."""

from __future__ import annotations

import msgspec
import pytest
from tests.contract.stored import NOW, written

from opportune.core.product import Product
from opportune.storage.base import Storage

SHOE = Product(
    id="trail-3",
    name="Träil shoe 3",
    url="https://shop.example/p/trail-3",
    image="https://shop.example/trail-3.jpg",
    price=12_900,
    sale_price=9_900,
    stock=7,
    category_path=("Shoes", "Trail shoes"),
    brand="Fjäll",
    margin=4_100,
    rating=4.5,
    ratings=120,
    codes=("TS-3", "trail"),
    updated_at=NOW,
    source="feed",
)
BOOT = Product(id="boot-1", name="Boot", in_stock=False)


def put(storage: Storage, *products: Product) -> None:
    written(storage, lambda transaction: transaction.put_products(products))


def test_a_product_comes_back_as_it_was_put(storage: Storage) -> None:
    put(storage, SHOE, BOOT)
    assert storage.find_products(["trail-3", "nobody", "boot-1", "boot-1"]) == [BOOT, SHOE]
    assert storage.find_products([]) == []


def test_a_product_put_again_is_replaced_and_counts_as_changed(storage: Storage) -> None:
    put(storage, SHOE, BOOT)
    cheaper = msgspec.structs.replace(SHOE, sale_price=8_900)
    put(storage, cheaper)
    assert storage.list_products() == [(1, BOOT), (2, cheaper)]
    assert storage.list_products((1, BOOT.id)) == [(2, cheaper)]
    assert storage.list_products((2, cheaper.id)) == []


def test_of_one_id_put_twice_at_once_the_last_stands(storage: Storage) -> None:
    put(storage, SHOE, msgspec.structs.replace(SHOE, price=1))
    assert [product.price for product in storage.find_products(["trail-3"])] == [1]


def test_many_products_are_listed_page_by_page(storage: Storage) -> None:
    many = [Product(id=f"p-{number:04}") for number in range(300)]
    put(storage, *many)
    pages = []
    after = (0, "")
    while page := storage.list_products(after, 128):
        pages.append(len(page))
        after = (page[-1][0], page[-1][1].id)
    assert pages == [128, 128, 44]


def test_other_processes_hear_of_it(storage: Storage) -> None:
    before = storage.changed_at()
    put(storage, SHOE)
    assert storage.changed_at() != before


def test_a_job_that_fails_leaves_the_catalogue_as_it_was(storage: Storage) -> None:
    put(storage, SHOE)

    def fail(transaction: object) -> None:
        transaction.put_products([BOOT])  # type: ignore[attr-defined]  # a Transaction
        raise RuntimeError

    with pytest.raises(RuntimeError):
        written(storage, fail)
    assert storage.list_products() == [(1, SHOE)]
