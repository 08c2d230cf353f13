"""Sold this week: counted from the orders themselves, by the products' ids in the catalogue."""

from __future__ import annotations

from typing import Any

import pytest

from opportune.app.house import build_house
from opportune.core.moment import DAY, MINUTE, to_iso
from opportune.core.product import Product
from opportune.services.capturing import CaptureSource, capture
from opportune.services.catalogue.cataloguing import put_products
from opportune.services.catalogue.selling import count_sales
from opportune.services.house import House
from opportune.storage.base import Storage

NOW = 1_795_355_000_000
SHOP = CaptureSource(is_secret=True)
SHOE, BOOT = Product(id="101", codes=("TS-3",)), Product(id="102")


class Clock:
    now = NOW

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def house(storage: Storage) -> House:
    made = build_house(storage, clock=Clock())
    put_products(made, [SHOE, BOOT])
    return made


def order(number: int, *lines: dict[str, Any], at: int = NOW - DAY) -> dict[str, Any]:
    properties = {"order_id": f"o-{number}", "products": list(lines)}
    return {
        "type": "track",
        "event": "Order Completed",
        "userId": f"u-{number}",
        "messageId": f"m-{number}-{len(lines)}",
        "timestamp": to_iso(at),
        "properties": properties,
    }


def back(number: int, event: str = "Order Refunded", **more: Any) -> dict[str, Any]:
    properties = {"order_id": f"o-{number}", "refund_id": f"r-{number}-{len(more)}", **more}
    return {**order(number), "event": event, "messageId": f"b-{number}-{len(more)}", "properties": properties}


def send(house: House, *messages: dict[str, Any]) -> None:
    capture(house, SHOP, messages).result()


def test_pieces_of_the_weeks_orders_are_counted(house: House) -> None:
    send(house, order(1, {"product_id": "101", "quantity": 2}, {"product_id": "102"}))
    send(house, order(2, {"sku": "TS-3", "quantity": 1}), order(3, {"product_id": "101"}, at=NOW - 8 * DAY))
    assert count_sales(house)
    assert house.catalogue.sales.counted_at == NOW
    assert house.catalogue.sales.pieces == {"101": 3, "102": 1}


def test_more_orders_than_one_step_are_all_counted(house: House) -> None:
    send(house, *(order(number, {"product_id": "102"}, at=NOW - DAY + number % 3) for number in range(450)))
    count_sales(house)
    assert house.catalogue.sales.pieces == {"102": 450}


def test_a_count_stands_for_a_while(house: House) -> None:
    assert count_sales(house)
    assert not count_sales(house)
    assert isinstance(house.clock, Clock)
    house.clock.now += 11 * MINUTE
    assert count_sales(house)


def test_a_count_that_was_stopped_half_way_changes_nothing(house: House) -> None:
    send(house, order(1, {"product_id": "101"}))
    assert not count_sales(house, may_go_on=lambda: False)
    assert house.catalogue.sales.pieces == {}


def test_an_order_told_twice_is_counted_once(house: House) -> None:
    send(house, order(1, {"product_id": "101"}))
    capture(
        house, CaptureSource(name="site"), [{**order(1, {"product_id": "101"}, {"product_id": "102"})}]
    ).result()
    count_sales(house)
    assert house.catalogue.sales.pieces == {"101": 1}


def test_broken_orders_disturb_nobody(house: House) -> None:
    send(house, order(1, {"product_id": None, "quantity": "many"}, {"quantity": -3, "product_id": "101"}))
    send(house, order(2, {"product_id": "101", "quantity": 10**9}))
    assert count_sales(house)
    assert house.catalogue.sales.pieces == {"101": 1_000}


def test_what_was_given_back_was_not_sold(house: House) -> None:
    """By lines where the refund names them, the whole order where it is the whole sum, else nothing."""
    two = ({"product_id": "101", "quantity": 3}, {"product_id": "102"})
    for number in range(1, 7):
        placed = order(number, *two)
        placed["properties"] |= {"revenue": 40.0}
        send(house, placed)
    send(house, back(1, products=[{"sku": "TS-3", "quantity": 2}], revenue=20.0))
    send(house, back(2, revenue=40.0), back(3, revenue=5.0), back(4), back(5, "Order Cancelled"))
    send(house, back(5, products=list(two), revenue=40.0))
    count_sales(house)
    assert house.catalogue.sales.pieces == {"101": 1 + 3 + 3, "102": 3}


def test_a_refund_of_an_older_order_takes_nothing_from_this_week(house: House) -> None:
    send(house, order(1, {"product_id": "101"}, at=NOW - 9 * DAY), order(2, {"product_id": "101"}))
    send(house, back(1, products=[{"product_id": "101"}]))
    count_sales(house)
    assert house.catalogue.sales.pieces == {"101": 1}
