"""Feeding the catalogue: changed products are written, missing ones sold out, and a broken feed takes nothing away."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from opportune.app.house import build_house
from opportune.core.feeds.offer import Offer
from opportune.core.moment import HOUR
from opportune.core.product import Product
from opportune.errors import BadRequestError
from opportune.services.capturing import CaptureSource, capture
from opportune.services.catalogue.cataloguing import put_products
from opportune.services.catalogue.feeding import (
    FEED,
    Match,
    find_state,
    list_states,
    match_pages,
    note_same,
    take_feed,
)
from opportune.services.house import House
from opportune.storage.base import Storage


class Clock:
    now = 1_795_355_000_000

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def house(storage: Storage, clock: Clock) -> House:
    return build_house(storage, clock=clock)


def row(identifier: str, price: str = "10 EUR", **more: str) -> Offer:
    return {"id": identifier, "title": f"Product {identifier}", "price": price, **more}


def test_a_feed_becomes_the_catalogue(house: House, clock: Clock) -> None:
    state = take_feed(house, [row("1"), row("2", "0"), row("3", "5 USD")], FEED)
    assert (state.rows, state.products, state.changed, state.gone) == (3, 1, 1, 0)
    assert state.problems == {"no price": 1, "currency": 1}
    product = house.catalogue.find("1")
    assert product is not None
    assert (product.price, house.catalogue.known_at(product)) == (1_000, clock.now)
    assert find_state(house.storage, FEED) == state


def test_the_same_feed_again_writes_nothing_and_is_fresh(house: House, clock: Clock) -> None:
    rows = [row(str(number)) for number in range(1_200)]
    assert take_feed(house, rows, FEED).changed == 1_200
    version = house.catalogue.version
    clock.now += 6 * HOUR
    assert take_feed(house, rows, FEED).changed == 0
    product = house.catalogue.find("7")
    assert product is not None
    assert house.catalogue.version == version
    assert house.catalogue.known_at(product) == clock.now


def test_a_product_missing_from_a_whole_feed_is_out_of_stock_and_stays(house: House) -> None:
    take_feed(house, [row("1"), row("2", quantity="5")], FEED)
    put_products(house, [Product(id="9", source="shopify")])
    state = take_feed(house, [row("1")], FEED)
    gone, other = house.catalogue.find("2"), house.catalogue.find("9")
    assert state.gone == 1
    assert gone is not None
    assert (gone.in_stock, gone.stock, gone.price) == (False, None, 1_000)
    assert other is not None
    assert other.in_stock
    take_feed(house, [row("1"), row("2")], FEED)
    back = house.catalogue.find("2")
    assert back is not None
    assert back.in_stock


def test_a_feed_without_one_good_row_leaves_everything_as_it_is(house: House) -> None:
    take_feed(house, [row("1")], FEED)
    for rows in ([], [row("1", "5 USD")]):
        with pytest.raises(BadRequestError, match="the catalogue stays as it is"):
            take_feed(house, rows, FEED)
    product = house.catalogue.find("1")
    assert product is not None
    assert product.in_stock
    [state] = list_states(house.storage)
    assert state.problems == {"currency": 1}
    assert "1 currency" in state.error


def test_a_feed_that_breaks_off_sells_nothing_out(house: House) -> None:
    take_feed(house, [row("1"), row("2")], FEED)

    def broken() -> Iterator[Offer]:
        yield row("1", "11 EUR")
        raise BadRequestError(wrong="line 3")

    with pytest.raises(BadRequestError, match="line 3"):
        take_feed(house, broken(), FEED)
    second = house.catalogue.find("2")
    assert second is not None
    assert second.in_stock


def test_products_that_pages_name_otherwise_than_the_feed_are_found_out(house: House) -> None:
    assert match_pages(house) == Match(0, 0)
    take_feed(house, [row("1", sku="MUG")], FEED)
    views = [
        {
            "type": "track",
            "event": "Product Viewed",
            "anonymousId": "a",
            "properties": {"product_id": product},
        }
        for product in ("1", "MUG", "gid-1", "gid-1", None)
    ]
    capture(house, CaptureSource(name="site"), views).result()
    assert match_pages(house) == Match(3, 2, ("gid-1",))


def test_a_feed_that_did_not_change_is_as_fresh_as_a_new_one(house: House, clock: Clock) -> None:
    take_feed(house, [row("1")], FEED, etag='"1"')
    clock.now += HOUR
    note_same(house, FEED)
    product = house.catalogue.find("1")
    assert product is not None
    assert house.catalogue.known_at(product) == clock.now
    assert find_state(house.storage, FEED).etag == '"1"'
