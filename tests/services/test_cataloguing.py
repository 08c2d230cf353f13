"""The catalogue in every process: what one writes, all decide with."""

from __future__ import annotations

import msgspec
from tests.stores import ON_LASTING, open_again

from opportune.app.house import build_house
from opportune.core.product import Product
from opportune.services.catalogue.cataloguing import put_products, refresh_catalogue
from opportune.services.house import House
from opportune.storage.base import Storage

SHOE = Product(id="101", name="Trail shoe", price=12_900, category_path=("Shoes",))


def house_on(storage: Storage) -> House:
    return build_house(storage, clock=lambda: 1_795_355_000_000)


def test_a_process_knows_at_once_what_it_put(storage: Storage) -> None:
    house = house_on(storage)
    assert house.catalogue.find("101") is None
    put_products(house, [SHOE])
    assert house.catalogue.find("101") == SHOE
    assert house.catalogue.in_category("shoes") == ("101",)


def test_a_process_that_starts_later_knows_it(storage: Storage) -> None:
    put_products(house_on(storage), [SHOE])
    assert house_on(storage).catalogue.find("101") == SHOE


def test_nothing_put_changes_nothing(storage: Storage) -> None:
    house = house_on(storage)
    before = house.catalogue, storage.changed_at()
    put_products(house, [])
    refresh_catalogue(house)
    assert (house.catalogue, storage.changed_at()) == before


def test_more_products_than_a_page_are_all_there(storage: Storage) -> None:
    house = house_on(storage)
    put_products(house, [Product(id=f"p-{number}") for number in range(2_500)])
    assert len(house.catalogue) == len(house_on(storage).catalogue) == 2_500


@ON_LASTING
def test_what_one_process_put_another_reads_when_it_looks(storage: Storage) -> None:
    ours, theirs = house_on(storage), house_on(open_again(storage))
    put_products(ours, [SHOE])
    cheaper = msgspec.structs.replace(SHOE, sale_price=9_900)
    put_products(theirs, [cheaper])
    refresh_catalogue(ours)
    theirs.storage.close()
    assert ours.catalogue.find("101") == theirs.catalogue.find("101") == cheaper
