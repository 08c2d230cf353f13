"""`opportune import orders|customers|products`: from exports and over the shops' APIs, once however often it is run."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from click.testing import CliRunner
from tests.core.test_exports import (
    SHOPIFY_CUSTOMERS,
    SHOPIFY_ORDERS,
    SHOPIFY_PRODUCTS,
    WOO_ORDERS,
    WOO_PRODUCTS,
)
from tests.core.test_feeds import RSS
from tests.shop_server import Answer, shop_server
from tests.stores import ON_LASTING

from opportune.app.house import build_house, opened_house
from opportune.cli import opportune
from opportune.cli.importing import Import
from opportune.core.exports.api import ShopifyApi, WooCommerceApi
from opportune.core.history.key import key_of
from opportune.errors import BadRequestError, OpportuneError
from opportune.process import commands
from opportune.process.commands.importing import put_import_mark
from opportune.process.place import Place
from opportune.process.shop_api import ShopApi
from opportune.services.capturing import CaptureSource, capture
from opportune.services.house import House
from opportune.storage.base import EventQuery, Storage


def run(data: Path, *arguments: object) -> dict[str, Any]:
    """An import that must succeed; what it counted."""
    command = ["import", *map(str, arguments), "--json", "--data", str(data)]
    result = CliRunner().invoke(opportune, command, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    counted: dict[str, Any] = json.loads(result.stdout)
    return counted


def refused(data: Path, *arguments: object) -> str:
    command = ["import", *map(str, arguments), "--data", str(data)]
    result = CliRunner().invoke(opportune, command)
    assert isinstance(result.exception, OpportuneError), result.output
    return str(result.exception)


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


def events(data: Path, name: str) -> list[Any]:
    with opened_house(Place(data)) as house:
        return house.storage.list_events(EventQuery(name=name, limit=10_000))


def test_orders_come_from_a_file_once_and_oldest_first(tmp_path: Path) -> None:
    data, file = tmp_path / "data", write(tmp_path, "orders.csv", SHOPIFY_ORDERS)
    counted = run(data, "orders", file)
    assert (counted["accepted"], counted["duplicate"], counted["setAside"]) == (3, 0, 0)
    assert run(data, "orders", file)["duplicate"] == 3
    newest, oldest = events(data, "Order Completed")
    assert oldest.occurred_at < newest.occurred_at
    assert len(events(data, "Order Refunded")) == 1


def test_orders_whose_money_does_not_count_are_named_with_what_to_write(tmp_path: Path) -> None:
    data = tmp_path / "data"
    file = write(tmp_path, "orders.csv", SHOPIFY_ORDERS.replace("EUR", "CHF"))
    assert run(data, "orders", file)["moneyNotCounted"] == {"CHF": 2}
    told = CliRunner().invoke(opportune, ["import", "orders", str(file), "--data", str(data)]).stdout
    assert "2 orders in CHF: their money is not counted. Write “currency: CHF” in team.yaml" in told
    write(tmp_path, "euro.csv", SHOPIFY_ORDERS)
    assert run(data, "orders", tmp_path / "euro.csv")["moneyNotCounted"] == {}


def test_what_is_left_out_is_counted_with_its_reason(tmp_path: Path) -> None:
    counted = run(tmp_path / "data", "orders", write(tmp_path, "woo.csv", WOO_ORDERS))
    assert counted["leftOut"] == {"the order is pending: it counts once it is placed": 1}
    text = CliRunner().invoke(
        opportune, ["import", "orders", str(tmp_path / "woo.csv"), "--data", str(tmp_path / "data")]
    )
    assert "left out           1" in text.stdout


def test_a_guests_orders_are_the_customers_once_customers_are_imported(tmp_path: Path) -> None:
    data = tmp_path / "data"
    run(data, "orders", write(tmp_path, "orders.csv", SHOPIFY_ORDERS))
    run(data, "customers", write(tmp_path, "customers.csv", SHOPIFY_CUSTOMERS), "--as-of", "2026-11-01")
    with opened_house(Place(data)) as house:
        key = key_of("user", "501")
        past = house.storage.recall([key], now=house.clock())
        assert past.traits["emailConsent"].value == "subscribed"
        assert past.traits["email"].at == 1_793_491_200_000
        names = {event.name for own in past.events.values() for event in own}
        assert {"Order Completed", "Order Refunded", "Consent Updated"} <= names
    assert run(data, "customers", tmp_path / "customers.csv", "--as-of", "2026-11-01")["accepted"] == 0


def test_orders_name_products_as_pages_do_where_the_catalogue_knows_them(tmp_path: Path) -> None:
    data = tmp_path / "data"
    counted = run(data, "products", write(tmp_path, "products.csv", SHOPIFY_PRODUCTS))
    assert (counted["products"], counted["changed"], counted["source"]) == (2, 2, "shopify")
    assert run(data, "products", tmp_path / "products.csv")["changed"] == 0
    run(data, "orders", write(tmp_path, "orders.csv", SHOPIFY_ORDERS))
    named = [
        line["product_id"]
        for line in json.loads(events(data, "Order Completed")[0].body)["properties"]["products"]
    ]
    assert named == ["mug", "pot"]


@pytest.mark.parametrize(
    ("text", "source", "products"),
    [
        (RSS, "feed", 2),
        ("ID\tTitle\tPrice\n1\tMug\t9 EUR\n", "feed", 1),
        (WOO_PRODUCTS, "woocommerce", 2),
    ],
)
def test_products_come_from_feeds_and_exports(tmp_path: Path, text: str, source: str, products: int) -> None:
    counted = run(tmp_path / "data", "products", write(tmp_path, "file", text))
    assert (counted["source"], counted["products"]) == (source, products)


def test_what_cannot_be_meant_is_said(tmp_path: Path) -> None:
    data, file = tmp_path / "data", write(tmp_path, "a.csv", "a,b\n1,2\n")
    assert 'for Shopify the columns "Id", "Name", "Email"' in refused(data, "orders", file)
    assert "Name the file with orders" in refused(data, "orders")
    assert "or its --format" in refused(data, file)
    assert "There is no file" in refused(data, "orders", tmp_path / "none.csv")
    assert "only say what is read" in refused(data, "orders", file, "--from", "https://shop.example")
    assert "needs its access token" in refused(data, "orders", "--from", "https://shop.example")
    said = refused(data, "orders", "--from", "https://shop.example", "--token", "x")
    assert "say --platform shopify or woocommerce" in said


# -- the same order from elsewhere -------------------------------------------------------------


@pytest.fixture
def house(storage: Storage) -> House:
    return build_house(storage)


def imported(house: House, kind: Any, file: Path) -> Import:
    made = Import(lambda command, /, **args: commands.execute(house, command, args))
    made.take_file(kind, file, None)
    return made


def test_a_browsers_and_an_imports_order_are_one(house: House, tmp_path: Path) -> None:
    browser = {
        "type": "track",
        "event": "Order Completed",
        "anonymousId": "visitor-7",
        "properties": {"order_id": "7410991464714", "total": 1},
    }
    capture(house, CaptureSource(name="site"), [browser]).result()
    imported(house, "orders", write(tmp_path, "orders.csv", SHOPIFY_ORDERS))
    found = house.storage.list_events(EventQuery(name="Order Completed"))
    assert len(found) == 2
    assert {json.loads(event.body)["properties"]["total"] for event in found} == {44.9, 10}


def test_refunds_that_a_webhook_told_are_not_told_again_by_an_export(house: House, tmp_path: Path) -> None:
    who = {"type": "track", "userId": "501"}
    order = {"order_id": "7410991464714", "total": 44.9}
    refund = {"order_id": "7410991464714", "refund_id": "9", "total": 44.9}
    told = [
        {**who, "event": "Order Completed", "messageId": "o", "properties": order},
        {**who, "event": "Order Refunded", "messageId": "r", "properties": refund},
    ]
    capture(house, CaptureSource(is_secret=True), told).result()
    imported(house, "orders", write(tmp_path, "orders.csv", SHOPIFY_ORDERS))
    assert len(house.storage.list_events(EventQuery(name="Order Refunded"))) == 1
    assert len(house.storage.list_events(EventQuery(name="Order Completed"))) == 2


def test_thousands_of_orders_are_taken_and_taken_again_without_doubling(house: House, tmp_path: Path) -> None:
    header, _, _, row, *_ = SHOPIFY_ORDERS.splitlines()
    cells = row.split(",")
    lines = [header]
    for number in range(3_000):
        cells[0], cells[1], cells[-1] = (
            f"#{number}",
            f"c{number % 900}@example.com",
            str(7_000_000_000_000 + number),
        )
        cells[13] = f"2025-{number % 12 + 1:02}-{number % 28 + 1:02} 09:59:00 +0200"
        lines.append(",".join(cells))
    file = write(tmp_path, "many.csv", "\n".join(lines))
    for _ in range(2):
        imported(house, "orders", file)
    assert len(house.storage.list_events(EventQuery(name="Order Completed", limit=10_000))) == 3_000
    while house.storage.fold_totals():
        pass
    assert sum(count for _, _, count, _ in house.storage.list_totals("2024-01-01", "2026-12-31")) == 3_000


# -- over the API ------------------------------------------------------------------------------


class ShopifyShop:
    """Pages of two, linked by cursors; refuses now and then, as the real one does when it is asked too fast."""

    def __init__(self, count: int) -> None:
        self.orders = [
            {
                "id": 1_000 + number,
                "created_at": f"2026-01-{number + 1:02}T10:00:00+01:00",
                "customer": {"id": 7, "email": "ann@example.com"},
                "total_price": "20.00",
                "currency": "EUR",
                "line_items": [{"product_id": 5, "quantity": 1, "price": "20.00"}],
            }
            for number in range(count)
        ]
        self.busy = {3}
        self.broken: set[int] = set()
        self.asked = 0
        self.paths: list[str] = []

    def __call__(self, path: str, headers: Mapping[str, str]) -> Answer:
        self.asked += 1
        self.paths.append(path)
        if headers.get("x-shopify-access-token") != "shpat_1":
            return 401, {}, b'{"errors":"Invalid API key"}'
        if self.asked in self.busy:
            return 429, {"Retry-After": "2.0"}, b"{}"
        if self.asked in self.broken:
            return 400, {}, b'{"errors":"broken"}'
        query = dict(parse_qsl(urlsplit(path).query))
        start = int(query.get("page_info", "0"))
        more = {"X-Shopify-Shop-Api-Call-Limit": "39/40"}
        if start + 2 < len(self.orders):
            following = f"http://{headers['host']}/admin/api/x/orders.json?limit=2&page_info={start + 2}"
            more["Link"] = f'<http://{headers["host"]}/before>; rel="previous", <{following}>; rel="next"'
        return 200, more, json.dumps({"orders": self.orders[start : start + 2]}).encode()


def test_a_shopify_shop_is_read_page_by_page_at_its_own_pace() -> None:
    shop, pauses = ShopifyShop(5), []
    with shop_server(shop) as url:
        reading = ShopApi(ShopifyApi(), url, "shpat_1", pause=pauses.append)
        pages = list(reading.pages("orders"))
        reading.close()
    assert [len(page.objects) for page in pages] == [2, 2, 1]
    assert "status=any" in shop.paths[0]
    assert pauses == [0.5, 0.5, 2.0, 0.5]
    assert pages[-1].following == ""


def test_an_import_over_the_api_goes_on_where_it_stopped(tmp_path: Path) -> None:
    shop, data = ShopifyShop(6), tmp_path / "data"
    shop.busy, shop.broken = set(), {2}
    with shop_server(shop) as url:
        assert "answered 400" in refused(data, "orders", "--from", url, "--token", "shpat_1")
        assert run(data, "orders", "--from", url, "--token", "shpat_1")["accepted"] > 0
        assert [path for path in shop.paths if "status=any" in path] == shop.paths[:1]
        again = run(data, "orders", "--from", url, "--token", "shpat_1")
    assert again["accepted"] == 0
    assert len(events(data, "Order Completed")) == 6


def test_a_token_that_is_refused_is_said(tmp_path: Path) -> None:
    with shop_server(ShopifyShop(1)) as url:
        said = refused(tmp_path / "data", "orders", "--from", url, "--token", "shpat_2")
    assert "refused the token (401)" in said


def test_an_address_that_is_no_shop_is_said(tmp_path: Path) -> None:
    with shop_server(lambda *_: (404, {}, b"")) as url:
        said = refused(tmp_path / "data", "orders", "--from", url, "--token", "ck_1:cs_1")
    assert "is not there (404)" in said
    with shop_server(lambda *_: (200, {}, b"<html>")) as url:
        said = refused(tmp_path / "data", "orders", "--from", url, "--token", "ck_1:cs_1")
    assert "something else than JSON" in said


def woo(path: str, headers: Mapping[str, str]) -> Answer:
    """Pages by number, as WooCommerce counts them."""
    assert headers["authorization"].startswith("Basic ")
    parts = urlsplit(path)
    page = int(dict(parse_qsl(parts.query))["page"])
    kind = parts.path.rsplit("/", 1)[-1]
    found: dict[str, Any] = {
        "orders": {"id": page, "number": str(page), "status": "completed", "customer_id": 3, "total": "10.00",
                   "date_created_gmt": f"2026-01-0{page}T10:00:00", "line_items": [{"product_id": 7, "quantity": 1}],
                   "refunds": [{"id": 90 + page, "total": "-10.00"}] if page == 2 else []},
        "customers": {"id": page, "email": f"c{page}@example.com", "date_created_gmt": "2025-01-01T00:00:00"},
        "products": {"id": page, "name": "Mug", "price": "8", "regular_price": "10", "sale_price": "8", "sku": "M",
                     "stock_status": "instock", "average_rating": "4.50", "rating_count": 2,
                     "permalink": f"https://shop.example/p/{page}", "categories": [{"name": "Mugs"}]},
    }  # fmt: skip
    return 200, {"X-WP-TotalPages": "3"}, json.dumps([found[kind]]).encode()


@pytest.fixture
def woo_shop() -> Iterator[str]:
    with shop_server(woo) as url:
        yield url


def test_a_woocommerce_shop_is_read_whole(tmp_path: Path, woo_shop: str) -> None:
    data, source = tmp_path / "data", ("--from", woo_shop, "--token", "ck_1:cs_1")
    assert run(data, "products", *source)["products"] == 3
    assert run(data, "orders", *source)["setAside"] == 0
    assert run(data, "customers", *source)["accepted"] >= 3
    assert len(events(data, "Order Completed")) == 3
    assert len(events(data, "Order Refunded")) == 1
    with opened_house(Place(data)) as house:
        mug = house.catalogue.find_on_page("/p/2")
        assert mug is not None
        assert (mug.price, mug.sale_price, mug.rating, mug.ratings) == (1_000, 800, 4.5, 2)


@ON_LASTING
def test_an_api_import_keeps_its_place_in_the_store(house: House, woo_shop: str) -> None:
    made = Import(lambda command, /, **args: commands.execute(house, command, args))
    reading = ShopApi(WooCommerceApi(), woo_shop, "ck_1:cs_1")
    pages = reading.pages("orders")
    first = next(pages)
    reading.close()
    put_import_mark(house, name=f"{woo_shop} orders", mark=first.following)
    made.take_api("orders", woo_shop, "ck_1:cs_1", "", afresh=False)
    assert len(house.storage.list_events(EventQuery(name="Order Completed"))) == 2
    made.take_api("orders", woo_shop, "ck_1:cs_1", "", afresh=True)
    assert len(house.storage.list_events(EventQuery(name="Order Completed"))) == 3


def test_a_next_page_on_another_host_is_not_asked() -> None:
    link = {"Link": '<https://elsewhere.example/steal>; rel="next"'}
    with shop_server(lambda *_: (200, link, b'{"orders":[]}')) as url:
        reading = ShopApi(ShopifyApi(), url, "shpat_1")
        with pytest.raises(BadRequestError, match="on another host"):
            list(reading.pages("orders"))
        reading.close()
