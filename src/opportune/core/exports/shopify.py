"""Shopify's exports of orders, customers and products, as its webhooks would have told them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any, ClassVar

from opportune.core.exports.base import (
    AS_NUMBER,
    SUM_OF_REFUNDS,
    Columns,
    Export,
    Kind,
    Notes,
    ProductExport,
    Row,
    TellingExport,
    cell,
    digest_of,
    is_yes,
    moment,
    plain,
)
from opportune.core.feeds.offer import Offer, price_of
from opportune.core.shops import Told, Webhook
from opportune.core.shops.shopify import Shopify

SHOP = Shopify()
ID: Columns = ("Id",)
NAME: Columns = ("Name",)
EMAIL: Columns = ("Email",)
CREATED: Columns = ("Created at",)
TOTAL: Columns = ("Total",)
LINE: Columns = ("Lineitem name",)
QUANTITY: Columns = ("Lineitem quantity",)
ACCEPTS: Columns = ("Accepts Email Marketing", "Accepts Marketing")
HANDLE: Columns = ("Handle", "URL handle")
TITLE: Columns = ("Title",)
PRICE: Columns = ("Variant Price", "Price")
BEFORE: Columns = ("Variant Compare At Price", "Compare-at price")
SKU: Columns = ("Variant SKU", "SKU")
STOCK: Columns = ("Variant Inventory Qty", "Inventory quantity")
IMAGE: Columns = ("Image Src", "Product image URL", "Variant Image")
TRACKER: Columns = ("Variant Inventory Tracker", "Inventory tracker")
POLICY: Columns = ("Variant Inventory Policy", "Continue selling when out of stock")
OFF_SALE = frozenset({"draft", "archived"})


class ShopifyOrders(TellingExport):
    """A row is a line of an order; what is the order's stands in its first row only."""

    platform: ClassVar[str] = "shopify"
    label: ClassVar[str] = "Shopify"
    kind: ClassVar[Kind] = "orders"
    needed: ClassVar[tuple[Columns, ...]] = (ID, NAME, EMAIL, CREATED, TOTAL, QUANTITY, LINE)

    def tell(self, rows: Iterable[Row], notes: Notes) -> Iterator[Told]:
        for _, lines in groupby(rows, key=lambda row: cell(row, NAME)):
            yield self._order(list(lines), notes)

    def _order(self, lines: Sequence[Row], notes: Notes) -> Told:
        first = lines[0]
        identifier, created = cell(first, ID), moment(cell(first, CREATED), notes.zone)
        if AS_NUMBER.fullmatch(identifier):
            return Told(
                ignored="a spreadsheet has shortened the order's Id; import the file as it was exported"
            )
        if not created:
            return Told(ignored="the order's date cannot be read")
        body = self._body(lines, identifier, created, notes)
        return SHOP.tell(
            Webhook(topic="orders/create", body=body, prefix=notes.prefix, delivery=f"export-{identifier}")
        )

    def _body(self, lines: Sequence[Row], identifier: str, created: str, notes: Notes) -> dict[str, Any]:
        first = lines[0]
        cancelled = moment(cell(first, ("Cancelled at",)), notes.zone)
        return {
            "id": identifier,
            "name": cell(first, NAME),
            "email": cell(first, EMAIL),
            "created_at": created,
            "cancelled_at": cancelled,
            "total_price": cell(first, TOTAL),
            "subtotal_price": cell(first, ("Subtotal",)),
            "total_tax": cell(first, ("Taxes",)),
            "total_discounts": cell(first, ("Discount Amount",)),
            "total_shipping_price_set": {"shop_money": {"amount": cell(first, ("Shipping",))}},
            "currency": cell(first, ("Currency",)),
            "discount_codes": [{"code": code.strip()} for code in cell(first, ("Discount Code",)).split(",")],
            "note_attributes": _pairs(cell(first, ("Note Attributes",))),
            "line_items": [self._line(row) for row in lines if cell(row, LINE)],
            "refunds": self._refunds(first, identifier, cancelled, created, notes),
        }

    @staticmethod
    def _line(row: Row) -> dict[str, Any]:
        return {
            "sku": cell(row, ("Lineitem sku",)),
            "title": cell(row, LINE),
            "price": cell(row, ("Lineitem price",)),
            "quantity": cell(row, QUANTITY),
            "vendor": cell(row, ("Vendor",)),
        }

    @staticmethod
    def _refunds(
        first: Row, identifier: str, cancelled: str, created: str, notes: Notes
    ) -> list[dict[str, Any]]:
        """An export has the sum of an order's refunds and not when they were made: at the latest moment it knows."""
        amount = cell(first, ("Refunded Amount",))
        if not amount.strip("0.,"):
            return []
        known = (
            cancelled,
            *(moment(cell(first, (name,)), notes.zone) for name in ("Fulfilled at", "Paid at")),
        )
        at = next((each for each in known if each), created)
        paid = [{"kind": "refund", "amount": amount}]
        return [{"id": f"{identifier}{SUM_OF_REFUNDS}", "created_at": at, "transactions": paid}]


class ShopifyCustomers(TellingExport):
    """The file has no dates: what it says is as old as the file."""

    platform: ClassVar[str] = "shopify"
    label: ClassVar[str] = "Shopify"
    kind: ClassVar[Kind] = "customers"
    needed: ClassVar[tuple[Columns, ...]] = (EMAIL, ("First Name",), ("Last Name",), ACCEPTS)

    def tell(self, rows: Iterable[Row], notes: Notes) -> Iterator[Told]:
        for row in rows:
            email = cell(row, EMAIL).lower()
            identifier = cell(row, ("Customer ID", "Id"))
            if AS_NUMBER.fullmatch(identifier):
                yield Told(
                    ignored="a spreadsheet has shortened the customer's ID; import the file as it was exported"
                )
            elif not (identifier or email):
                yield Told(ignored="the customer has neither ID nor e-mail address")
            else:
                yield with_traits(self._customer(row, identifier or email, email, notes), _worth(row))

    @staticmethod
    def _customer(row: Row, identifier: str, email: str, notes: Notes) -> Told:
        agreed = is_yes(cell(row, ACCEPTS))
        body = {
            "id": identifier,
            "email": email,
            "first_name": cell(row, ("First Name",)),
            "last_name": cell(row, ("Last Name",)),
            "phone": cell(row, ("Phone", "Default Address Phone")),
            "tags": cell(row, ("Tags",)),
            "updated_at": notes.exported_at,
            "default_address": {
                "city": cell(row, ("Default Address City", "City")),
                "country_code": cell(row, ("Default Address Country Code", "Country Code")),
                "zip": cell(row, ("Default Address Zip", "Zip")),
            },
            "email_marketing_consent": {
                "state": "subscribed" if agreed else "not_subscribed",
                "consent_updated_at": notes.exported_at,
            },
        }
        delivery = f"export-{digest_of(row)}"
        return SHOP.tell(Webhook(topic="customers/update", body=body, prefix=notes.prefix, delivery=delivery))


def with_traits(told: Told, more: dict[str, Any]) -> Told:
    messages = tuple(
        {**message, "traits": {**message["traits"], **more}} if message.get("type") == "identify" else message
        for message in told.messages
    )
    return Told(messages=messages, ignored=told.ignored)


def _worth(row: Row) -> dict[str, Any]:
    spent, orders = cell(row, ("Total Spent",)), cell(row, ("Total Orders",))
    read = price_of(spent)
    worth: dict[str, Any] = {"totalSpent": float(read[0])} if read is not None else {}
    return worth | ({"totalOrders": int(orders)} if orders.isdigit() else {})


def _pairs(text: str) -> list[dict[str, str]]:
    """`name: value`, one on a line."""
    found = (line.partition(":") for line in text.splitlines())
    return [{"name": name.strip(), "value": value.strip()} for name, colon, value in found if colon]


class ShopifyProducts(ProductExport):
    """A product is its handle, as the file has no ids; its page's address tells pages and products together."""

    platform: ClassVar[str] = "shopify"
    label: ClassVar[str] = "Shopify"
    kind: ClassVar[Kind] = "products"
    needed: ClassVar[tuple[Columns, ...]] = (HANDLE, TITLE, PRICE, SKU)

    def offers(self, rows: Iterable[Row]) -> Iterator[Offer]:
        for handle, lines in groupby(rows, key=lambda row: cell(row, HANDLE)):
            yield self._offer(handle, list(lines))

    @staticmethod
    def _offer(handle: str, lines: Sequence[Row]) -> Offer:
        first = lines[0]
        variants = [row for row in lines if cell(row, PRICE)]
        cheapest = min(
            variants, key=lambda row: float((price_of(cell(row, PRICE)) or ("0",))[0]), default=first
        )
        price, before = cell(cheapest, PRICE), cell(cheapest, BEFORE)
        category = cell(first, ("Type",)) or cell(first, ("Product Category", "Product category"))
        is_sold = (
            cell(first, ("Status",)).lower() not in OFF_SALE
            and cell(first, ("Published",)).lower() != "false"
        )
        return {
            "id": handle,
            "title": cell(first, TITLE),
            "link": f"/products/{handle}" if handle else "",
            "image_link": cell(first, IMAGE),
            **_prices(price, before),
            "product_type": category,
            "brand": cell(first, ("Vendor",)),
            "cost_of_goods_sold": cell(cheapest, ("Cost per item",)),
            **_stock(variants, is_sold=is_sold),
            "codes": "\n".join(cell(row, SKU) for row in variants),
        }


def _prices(price: str, before: str) -> dict[str, str]:
    """Shopify calls the usual price "compare at", once it asks for less."""
    read, former = price_of(price), price_of(before) if before else None
    if read is not None and former is not None and float(former[0]) > float(read[0]):
        return {"price": before, "sale_price": price}
    return {"price": price}


def _stock(variants: Sequence[Row], *, is_sold: bool) -> dict[str, str]:
    """A variant that is not counted, or sold on when there is none left, is always there."""
    if not is_sold:
        return {"availability": "out of stock"}
    counted = [row for row in variants if cell(row, STOCK)]
    is_endless = any(not cell(row, TRACKER) and _has(row, TRACKER) for row in variants) or any(
        cell(row, POLICY).lower() in {"continue", "true"} for row in variants
    )
    if is_endless or len(counted) < len(variants) or not counted:
        return {"availability": "in stock"}
    left = sum(max(int(float(cell(row, STOCK))), 0) for row in counted if _is_number(cell(row, STOCK)))
    return {"quantity": str(left)}


def _has(row: Row, names: Columns) -> bool:
    return any(plain(name) in row for name in names)


def _is_number(text: str) -> bool:
    return text.lstrip("-").replace(".", "", 1).isdigit()


SHOPIFY: tuple[Export, ...] = (ShopifyOrders(), ShopifyCustomers(), ShopifyProducts())
