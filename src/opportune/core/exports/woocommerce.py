"""WooCommerce's exports: its own of products and customers, and of orders those of the usual export plugins."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, ClassVar

from opportune.core.exports.base import (
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
)
from opportune.core.exports.shopify import with_traits
from opportune.core.feeds.offer import Offer, price_of
from opportune.core.shops import Told, Webhook
from opportune.core.shops.woocommerce import WooCommerce

SHOP = WooCommerce()
NUMBER: Columns = ("order_number", "Order Number", "Order #", "order_id", "Order ID")
DATE: Columns = ("order_date", "Order Date", "date_created", "date")
STATUS: Columns = ("status", "order_status", "Order Status")
TOTAL: Columns = ("order_total", "Order Total Amount", "total")
EMAIL: Columns = ("billing_email", "Email (Billing)", "customer_email", "Email", "user_email")
CURRENCY: Columns = ("order_currency", "currency", "Order Currency")
CUSTOMER: Columns = ("customer_id", "Customer User ID", "customer_user")
REFUNDED: Columns = ("refunded_total", "total_refunded", "Order Refund Amount", "order_refunded")
ITEM: Columns = ("item_name", "Item Name", "product_name")
QUANTITY: Columns = ("item_quantity", "Quantity (- Refund)", "Quantity", "qty")
LINE_COLUMN = re.compile(r"line item \d+")
ID: Columns = ("ID",)
PRICE: Columns = ("Regular price",)
SALE: Columns = ("Sale price",)


class WooOrders(TellingExport):
    """A row is an order with all its lines, or one line of it; both are in use."""

    platform: ClassVar[str] = "woocommerce"
    label: ClassVar[str] = "WooCommerce"
    kind: ClassVar[Kind] = "orders"
    needed: ClassVar[tuple[Columns, ...]] = (NUMBER, DATE, STATUS, TOTAL, EMAIL)

    def tell(self, rows: Iterable[Row], notes: Notes) -> Iterator[Told]:
        for _, lines in groupby(rows, key=lambda row: cell(row, NUMBER)):
            yield self._order(list(lines), notes)

    @staticmethod
    def _order(lines: Sequence[Row], notes: Notes) -> Told:
        first = lines[0]
        created = moment(cell(first, DATE), notes.zone)
        if not created:
            return Told(ignored="the order's date cannot be read")
        total, refunded = cell(first, TOTAL), cell(first, REFUNDED).lstrip("-")
        customer = cell(first, CUSTOMER)
        back = (
            [{"id": f"{cell(first, NUMBER)}{SUM_OF_REFUNDS}", "total": refunded}]
            if refunded.strip("0.,")
            else []
        )
        body = {
            "number": cell(first, NUMBER).lstrip("#"),
            "status": cell(first, STATUS).lower().removeprefix("wc-").replace(" ", "-"),
            "date_created": created,
            "date_modified": created,
            "date_paid": moment(cell(first, ("paid_date", "Paid Date", "date_paid")), notes.zone),
            "currency": cell(first, CURRENCY),
            "total": total,
            "shipping_total": cell(first, ("shipping_total", "order_shipping", "Order Shipping Amount")),
            "total_tax": cell(first, ("tax_total", "order_tax", "total_tax", "Order Total Tax Amount")),
            "discount_total": cell(first, ("discount_total", "cart_discount", "Cart Discount Amount")),
            "payment_method": cell(first, ("payment_method",)),
            "customer_id": customer if customer.isdigit() else "",
            "billing": {
                "email": cell(first, EMAIL),
                "first_name": cell(first, ("billing_first_name", "First Name (Billing)")),
                "last_name": cell(first, ("billing_last_name", "Last Name (Billing)")),
                "city": cell(first, ("billing_city", "City (Billing)")),
                "country": cell(first, ("billing_country", "Country Code (Billing)")),
                "postcode": cell(first, ("billing_postcode", "Postcode (Billing)")),
            },
            "line_items": [line for row in lines for line in _lines(row)],
            "refunds": back,
        }
        return SHOP.tell(Webhook(topic="order.updated", body=body, prefix=notes.prefix))


def _lines(row: Row) -> Iterator[Mapping[str, Any]]:
    if cell(row, ITEM):
        yield {
            "product_id": cell(row, ("item_product_id", "Product ID", "product_id")),
            "sku": cell(row, ("item_sku", "SKU", "sku")),
            "name": cell(row, ITEM),
            "quantity": cell(row, QUANTITY),
            "price": cell(row, ("item_price", "Item Cost")),
        }
        return
    packed = [cell(row, ("line_items",))] + [
        text for name, text in row.items() if LINE_COLUMN.fullmatch(name)
    ]
    for text in packed:
        yield from (line for item in text.split(";") if (line := _unpacked(item)))


def _unpacked(text: str) -> dict[str, Any]:
    """`name:Trail shoe|product_id:12|sku:TS-3|quantity:2|total:20.00`."""
    found = dict(part.partition(":")[::2] for part in text.split("|") if ":" in part)
    fields = {name.strip().lower(): value.strip() for name, value in found.items()}
    quantity, total = price_of(fields.get("quantity", "")), price_of(fields.get("total", ""))
    if not fields.get("name") and not fields.get("product_id") and not fields.get("sku"):
        return {}
    pieces = float(quantity[0]) if quantity is not None else 1.0
    price = float(total[0]) / pieces if total is not None and pieces else None
    return {
        "product_id": fields.get("product_id", ""),
        "sku": fields.get("sku", ""),
        "name": fields.get("name", ""),
        "quantity": fields.get("quantity", ""),
        "price": price,
    }


class WooCustomers(TellingExport):
    """The list of Analytics, or a plugin's; who has no account is known by the e-mail address."""

    platform: ClassVar[str] = "woocommerce"
    label: ClassVar[str] = "WooCommerce"
    kind: ClassVar[Kind] = "customers"
    needed: ClassVar[tuple[Columns, ...]] = (
        ("Email", "user_email", "billing_email"),
        ("Username", "user_login", "customer_id", "Sign up"),
    )

    def tell(self, rows: Iterable[Row], notes: Notes) -> Iterator[Told]:
        for row in rows:
            email = cell(row, ("Email", "user_email", "billing_email")).lower()
            identifier = cell(row, ("customer_id", "user_id", "ID"))
            known = identifier if identifier.isdigit() and identifier != "0" else email
            if not known:
                yield Told(ignored="the customer has neither ID nor e-mail address")
                continue
            yield with_traits(self._customer(row, known, email, notes), _more(row))

    @staticmethod
    def _customer(row: Row, identifier: str, email: str, notes: Notes) -> Told:
        first, _, last = cell(row, ("Name", "display_name")).rpartition(" ")
        last_seen = moment(cell(row, ("Last active", "last_update")), notes.zone) or notes.exported_at
        body = {
            "id": identifier,
            "email": email,
            "first_name": cell(row, ("first_name", "billing_first_name")) or first,
            "last_name": cell(row, ("last_name", "billing_last_name")) or last,
            "date_modified_gmt": last_seen,
            "billing": {
                "city": cell(row, ("City", "billing_city")),
                "country": cell(row, ("Country / Region", "billing_country")),
                "postcode": cell(row, ("Postal code", "billing_postcode")),
            },
        }
        delivery = f"export-{digest_of(row)}"
        return SHOP.tell(Webhook(topic="customer.updated", body=body, prefix=notes.prefix, delivery=delivery))


def _more(row: Row) -> dict[str, Any]:
    spent, orders = price_of(cell(row, ("Total spend", "total_spent"))), cell(row, ("Orders", "orders_count"))
    consent = cell(row, ("marketing_consent", "newsletter", "accepts_marketing", "email_marketing_consent"))
    more: dict[str, Any] = {"totalSpent": float(spent[0])} if spent is not None else {}
    if orders.isdigit():
        more["totalOrders"] = int(orders)
    if consent:
        more["emailConsent"] = "subscribed" if is_yes(consent) else "not_subscribed"
    return more


class WooProducts(ProductExport):
    """A variation's row follows its product's; the product's price is that of its cheapest variation."""

    platform: ClassVar[str] = "woocommerce"
    label: ClassVar[str] = "WooCommerce"
    kind: ClassVar[Kind] = "products"
    needed: ClassVar[tuple[Columns, ...]] = (ID, ("Name",), PRICE, ("Type",))

    def offers(self, rows: Iterable[Row]) -> Iterator[Offer]:
        every = list(rows)
        variations: dict[str, list[Row]] = {}
        for row in every:
            if "variation" in cell(row, ("Type",)):
                variations.setdefault(cell(row, ("Parent",)).removeprefix("id:"), []).append(row)
        for row in every:
            if "variation" not in cell(row, ("Type",)):
                named = {cell(row, ID), cell(row, ("SKU",))} - {""}
                own = [each for name in sorted(named) for each in variations.get(name, ())]
                yield self._offer(row, own)

    @staticmethod
    def _offer(row: Row, variations: Sequence[Row]) -> Offer:
        priced = [each for each in (row, *variations) if cell(each, PRICE)]
        cheapest = min(
            priced, key=lambda each: float((price_of(cell(each, PRICE)) or ("0",))[0]), default=row
        )
        there = [
            each for each in (variations or [row]) if cell(each, ("In stock?",)) in ("1", "", "backorder")
        ]
        codes = [cell(each, names) for each in (row, *variations) for names in (("SKU",), ID)]
        first_category = cell(row, ("Categories",)).split(",")[0]
        stock = cell(row, ("Stock",))
        is_published = cell(row, ("Published",)) in ("1", "")
        return {
            "id": cell(row, ID),
            "title": cell(row, ("Name",)),
            "image_link": cell(row, ("Images",)).split(",")[0].strip(),
            "price": cell(cheapest, PRICE),
            "sale_price": cell(cheapest, SALE),
            "product_type": first_category,
            "brand": cell(row, ("Brands", "Brand")).split(",")[0],
            "cost_of_goods_sold": cell(cheapest, ("Cost of goods",)),
            "availability": "in stock" if there and is_published else "out of stock",
            **({"quantity": stock} if stock and there else {}),
            "codes": "\n".join(codes),
        }


WOOCOMMERCE: tuple[Export, ...] = (WooOrders(), WooCustomers(), WooProducts())
