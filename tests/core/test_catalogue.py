"""The catalogue in memory: found by id, by code, by category."""

from __future__ import annotations

import msgspec
import pytest

from opportune.core.catalogue import Catalogue, Sales, split_path
from opportune.core.product import Product

SHOE = Product(
    id="101",
    codes=("TS-3", "trail"),
    url="https://shop.example/p/trail-3?v=1",
    category_path=("Shoes", "Trail shoes"),
    price=12_900,
)
BOOT = Product(id="102", category_path=("Shoes", "Boots"), price=15_000, sale_price=9_000)
TENT = Product(id="103", category_path=("Camping",), in_stock=False)
ALL = Catalogue({product.id: product for product in (SHOE, BOOT, TENT)})


@pytest.mark.parametrize("asked", ["101", "TS-3", "trail"])
def test_a_product_is_found_by_id_sku_and_the_product_it_is_a_size_of(asked: str) -> None:
    assert ALL.find(asked) is SHOE


def test_a_product_is_found_by_its_page() -> None:
    assert ALL.find_on_page("/p/trail-3/") is SHOE
    assert ALL.find_on_page("https://www.shop.example/p/trail-3#top") is SHOE
    assert ALL.find_on_page("/p") is None
    assert ALL.find_on_page("") is None


def test_what_is_said_of_a_product_is_as_old_as_its_source() -> None:
    said = msgspec.structs.replace(SHOE, source="feed", updated_at=10)
    assert Catalogue({}, confirmed={"feed": 50}).known_at(said) == 50
    assert Catalogue({}, confirmed={"other": 50}).known_at(said) == 10


def test_a_new_count_leaves_the_catalogue_before_it_as_it_was() -> None:
    counted = ALL.changed([], 0, confirmed={"feed": 5}, sales=Sales(7, {"101": 2}))
    assert (counted.sales.pieces, counted.confirmed, counted.find("TS-3")) == ({"101": 2}, {"feed": 5}, SHOE)
    assert (ALL.sales.pieces, ALL.confirmed) == ({}, {})


def test_nothing_changed_is_the_same_catalogue() -> None:
    assert ALL.changed([], 0, confirmed={}, sales=Sales()) is ALL


def test_an_unknown_product_is_not_found() -> None:
    assert ALL.find("nobody") is None
    assert ALL.find("") is None


@pytest.mark.parametrize(
    ("path", "ids"),
    [
        ("Shoes", ("101", "102")),
        ("shoes > boots", ("102",)),
        ("BOOTS", ("102",)),
        (("Shoes", "Trail shoes"), ("101",)),
        ("Boots > Shoes", ()),
        ("", ()),
    ],
)
def test_a_category_holds_its_products_and_those_below(path: str, ids: tuple[str, ...]) -> None:
    assert ALL.in_category(path) == ids


def test_a_changed_product_takes_the_place_of_the_former_one() -> None:
    moved = msgspec.structs.replace(BOOT, category_path=("Winter",))
    after = ALL.changed([moved], 7, confirmed={}, sales=Sales())
    assert (after.find("102"), after.version, len(after)) == (moved, 7, 3)
    assert after.in_category("Boots") == ()
    assert ALL.in_category("Boots") == ("102",)


def test_what_is_asked_now_is_the_sale_price_if_there_is_one() -> None:
    assert (SHOE.current_price, BOOT.current_price, Product(id="x").current_price) == (12_900, 9_000, None)


def test_a_path_is_split_however_it_is_written() -> None:
    assert split_path("Shoes >  Trail   shoes >") == ("Shoes", "Trail shoes")
    assert split_path("Shoes &gt; Boots") == ("Shoes", "Boots")
