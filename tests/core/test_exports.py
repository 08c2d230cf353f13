"""Exports of shops' admin pages: told apart by their columns, told as the shop's webhooks would have told them."""

from __future__ import annotations

import csv
import io
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from opportune.core.exports import Kind, Notes, ProductExport, TellingExport, recognise
from opportune.core.exports.api import api_of
from opportune.core.exports.base import moment, rows_of
from opportune.core.feeds.offer import read_offer
from opportune.core.product import Product
from opportune.core.shops import Told
from opportune.errors import BadRequestError

NOTES = Notes(zone=ZoneInfo("Europe/Berlin"), exported_at="2026-11-01T00:00:00Z")
SHOPIFY_ORDERS = """Name,Email,Financial Status,Paid at,Fulfilled at,Accepts Marketing,Currency,Subtotal,Shipping,Taxes,Total,Discount Code,Discount Amount,Created at,Lineitem quantity,Lineitem name,Lineitem price,Lineitem sku,Note Attributes,Cancelled at,Refunded Amount,Vendor,Id
#1002,Ann@Example.com,refunded,2026-10-02 10:00:00 +0200,,yes,EUR,40.00,4.90,7.16,44.90,HELLO,5.00,2026-10-02 09:59:00 +0200,2,Mug - blue,10.00,MUG-B,"o_id: visitor-7",,44.90,Kiln,7410991464714
#1002,Ann@Example.com,,,,,,,,,,,,,1,Pot,20.00,POT,,,,Kiln,
#1001,ben@example.com,paid,2026-10-01 10:00:00 +0200,,no,EUR,10.00,0.00,1.60,10.00,,0.00,2026-10-01 09:59:00 +0200,1,Mug - red,10.00,MUG-R,,,0.00,Kiln,7410991464713
"""  # noqa: E501 - a row of an export is one line
SHOPIFY_CUSTOMERS = """Customer ID,First Name,Last Name,Email,Accepts Email Marketing,Default Address City,Default Address Country Code,Phone,Total Spent,Total Orders,Tags
'501,Ann,Ode,Ann@example.com,yes,Kiel,DE,,120.50,3,"vip, blue"
'502,Ben,Low,ben@example.com,no,,,,0.00,0,
"""  # noqa: E501 - as above
SHOPIFY_PRODUCTS = """Handle,Title,Vendor,Type,Published,Variant SKU,Variant Inventory Tracker,Variant Inventory Qty,Variant Price,Variant Compare At Price,Image Src,Cost per item,Status
mug,Mug,Kiln,Mugs,true,MUG-B,shopify,3,10.00,12.00,https://i/1.jpg,4.00,active
mug,,,,,MUG-R,shopify,2,11.00,,https://i/2.jpg,,
pot,Pot,Kiln,Pots,true,POT,shopify,0,20.00,,,,active
"""  # noqa: E501 - as above
WOO_ORDERS = """order_id,order_number,order_date,status,order_total,order_currency,shipping_total,tax_total,customer_id,billing_email,billing_country,refunded_total,line_item_1,line_item_2
21,1021,2026-10-03 08:00:00,completed,50.00,EUR,5.00,0,9,cat@example.com,DE,0,name:Mug|product_id:7|sku:M|quantity:2|total:20.00,name:Pot|product_id:8|quantity:1|total:25.00
22,1022,2026-10-03 09:00:00,pending,50.00,EUR,0,0,0,dan@example.com,DE,0,,
23,1023,03.10.2026 10:00,wc-refunded,30.00,EUR,0,0,0,Eve@example.com,DE,-30.00,name:Mug|sku:M|quantity:3|total:30.00,
"""  # noqa: E501 - as above
WOO_LINES = """Order Number,Order Status,Order Date,Email (Billing),Order Total Amount,Item Name,SKU,Quantity,Item Cost
9,Completed,2026-10-03 08:00,a@example.com,30,Mug,M,1,10
9,Completed,2026-10-03 08:00,a@example.com,30,Pot,P,1,20
"""
WOO_CUSTOMERS = """Name,Username,Last active,Sign up,Email,Orders,Total spend,Country / Region
Ann Ode,ann,2026-10-20 10:00:00,2025-01-01,Ann@example.com,3,120.5,DE
"""
WOO_PRODUCTS = """ID,Type,SKU,Name,Published,In stock?,Stock,Sale price,Regular price,Categories,Images,Parent
7,simple,M,Mug,1,1,5,8,10,"Home > Mugs, New",https://i/m.jpg,
8,variable,P,Pot,1,1,,,,Pots,,
81,variation,P-1,Pot - small,1,0,,,20,,,id:8
82,variation,P-2,Pot - large,1,1,,,30,,,P
"""


def read(kind: Kind, text: str) -> tuple[Any, Any]:
    lines = csv.reader(io.StringIO(text))
    header = next(lines)
    return recognise(kind, header, "the file"), rows_of(header, lines)


def told(kind: Kind, text: str) -> list[Told]:
    export, rows = read(kind, text)
    assert isinstance(export, TellingExport)
    return list(export.tell(rows, NOTES))


def products(text: str) -> list[Product]:
    export, rows = read("products", text)
    assert isinstance(export, ProductExport)
    found = [read_offer(offer, currency="EUR", source="x", at=0) for offer in export.offers(rows)]
    assert all(isinstance(each, Product) for each in found), found
    return [each for each in found if isinstance(each, Product)]


def test_a_shopify_order_of_several_rows_is_one_order_with_its_refund() -> None:
    first, second = told("orders", SHOPIFY_ORDERS)
    order, refund = first.messages
    assert order["event"] == "Order Completed"
    assert (order["userId"], order["anonymousId"]) == ("ann@example.com", "visitor-7")
    assert order["timestamp"] == "2026-10-02T07:59:00Z"
    properties = order["properties"]
    assert (properties["order_id"], properties["total"], properties["revenue"]) == ("7410991464714", 44.9, 40)
    assert [(line["sku"], line["quantity"]) for line in properties["products"]] == [("MUG-B", 2), ("POT", 1)]
    assert (refund["event"], refund["properties"]["total"]) == ("Order Refunded", 44.9)
    assert refund["timestamp"] == "2026-10-02T08:00:00Z"
    assert [message["event"] for message in second.messages] == ["Order Completed"]


def test_a_long_id_that_a_spreadsheet_shortened_is_not_taken_for_another_order() -> None:
    [first, _] = told("orders", SHOPIFY_ORDERS.replace("7410991464714", "7.41099E+12"))
    assert "spreadsheet" in first.ignored
    assert not first.messages


def test_shopify_customers_are_identified_with_consent_and_the_files_age() -> None:
    ann, ben = told("customers", SHOPIFY_CUSTOMERS)
    identify, alias, consent = ann.messages
    assert (identify["userId"], identify["timestamp"]) == ("501", NOTES.exported_at)
    traits = identify["traits"]
    assert (traits["email"], traits["emailConsent"]) == ("ann@example.com", "subscribed")
    assert (traits["totalSpent"], traits["totalOrders"], traits["tags"]) == (120.5, 3, ["vip", "blue"])
    assert (alias["type"], alias["userId"], alias["previousId"]) == ("alias", "501", "ann@example.com")
    assert (consent["event"], consent["properties"]) == ("Consent Updated", {"message": True})
    assert [message["type"] for message in ben.messages] == ["identify", "alias"]
    assert ben.messages[0]["traits"]["emailConsent"] == "not_subscribed"


def test_shopify_products_are_one_with_all_their_variants() -> None:
    mug, pot = products(SHOPIFY_PRODUCTS)
    assert (mug.id, mug.price, mug.sale_price, mug.stock, mug.margin) == ("mug", 1_200, 1_000, 5, 600)
    assert (mug.codes, mug.url, mug.category_path) == (("MUG-B", "MUG-R"), "/products/mug", ("Mugs",))
    assert (pot.in_stock, pot.stock) == (False, 0)


def test_woocommerce_orders_count_once_they_are_placed() -> None:
    paid, pending, refunded = told("orders", WOO_ORDERS)
    order = paid.messages[-1]
    assert (order["userId"], order["timestamp"]) == ("9", "2026-10-03T06:00:00Z")
    assert (order["properties"]["order_id"], order["properties"]["revenue"]) == ("1021", 45)
    assert [line["product_id"] for line in order["properties"]["products"]] == ["7", "8"]
    assert [line["price"] for line in order["properties"]["products"]] == [10, 25]
    assert "pending" in pending.ignored
    assert [message.get("event", "") for message in refunded.messages][-2:] == [
        "Order Completed",
        "Order Refunded",
    ]
    assert refunded.messages[-1]["userId"] == "eve@example.com"


def test_a_woocommerce_order_of_several_rows_is_one() -> None:
    [order] = told("orders", WOO_LINES)
    assert [line["sku"] for line in order.messages[-1]["properties"]["products"]] == ["M", "P"]


def test_woocommerce_customers_without_an_id_are_their_address() -> None:
    [ann] = told("customers", WOO_CUSTOMERS)
    [identify] = ann.messages
    assert (identify["userId"], identify["timestamp"]) == ("ann@example.com", "2026-10-20T08:00:00Z")
    assert identify["traits"]["totalOrders"] == 3
    assert identify["traits"]["firstName"] == "Ann"


def test_woocommerce_products_have_their_cheapest_variations_price() -> None:
    mug, pot = products(WOO_PRODUCTS)
    assert (mug.id, mug.price, mug.sale_price, mug.stock) == ("7", 1_000, 800, 5)
    assert mug.category_path == ("Home", "Mugs")
    assert (pot.price, pot.in_stock) == (2_000, True)
    assert set(pot.codes) >= {"P", "P-1", "81"}


@pytest.mark.parametrize(
    ("kind", "header", "said"),
    [
        ("orders", ["Name", "Email", "Created at", "Total", "Lineitem quantity", "Lineitem name"],
         'for Shopify the column "Id" is missing'),
        ("customers", ["First Name", "Email"], 'for Shopify the columns "Last Name", "Accepts Email Marketing" are'),
        ("products", ["a", "b"], 'for WooCommerce the columns "ID", "Name", "Regular price", "Type" are missing'),
        ("products", [], "It has: nothing"),
    ],
)  # fmt: skip
def test_what_is_missing_in_a_file_is_named(kind: Kind, header: list[str], said: str) -> None:
    with pytest.raises(BadRequestError) as raised:
        recognise(kind, header, "shop.csv")
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-10-02 09:59:00 +0200", "2026-10-02T07:59:00Z"),
        ("2026-10-02T09:59:00Z", "2026-10-02T09:59:00Z"),
        ("2026-10-02 09:59", "2026-10-02T07:59:00Z"),
        ("10/2/2026 09:59", "2026-10-02T07:59:00Z"),
        ("13/2/2026 09:59", "2026-02-13T08:59:00Z"),
        ("2.10.2026 09:59:00", "2026-10-02T07:59:00Z"),
        ("yesterday", ""),
        ("", ""),
    ],
)
def test_moments_are_read_as_exports_write_them(text: str, at: str) -> None:
    assert moment(text, ZoneInfo("Europe/Berlin")) == at


@pytest.mark.parametrize(
    ("url", "token", "platform", "found"),
    [
        ("https://x.myshopify.com", "whatever", "", "shopify"),
        ("https://shop.example", "shpat_1", "", "shopify"),
        ("https://shop.example", "ck_1:cs_2", "", "woocommerce"),
        ("https://shop.example", "1", "woocommerce", "woocommerce"),
    ],
)
def test_a_platform_is_told_by_its_address_or_token(url: str, token: str, platform: str, found: str) -> None:
    api = api_of(url, token, platform)
    assert api is not None
    assert api.platform == found


def test_neither_address_nor_token_may_tell() -> None:
    assert api_of("https://shop.example", "1") is None
