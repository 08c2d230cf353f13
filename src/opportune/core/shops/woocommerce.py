"""WooCommerce's webhooks. An order is its `number` (what the customer reads, and what data layer plugins send).

It has no carts, and refunds arrive inside their order.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import ClassVar

from opportune.core.shops.base import (
    MOST_LINES,
    Buyer,
    Message,
    Object,
    Shop,
    Told,
    Webhook,
    amount,
    identify,
    join,
    number,
    part,
    parts,
    said,
    text,
    track,
    visitor_of,
    with_prefix,
)

GREETING = re.compile(rb"webhook_id=\d{1,20}")
PLACED = frozenset({"processing", "completed", "on-hold", "refunded"})
"""States of an order that was placed; `pending` waits for its payment and mostly never gets it."""
PAID_LATER = frozenset({"bacs", "cheque", "cod"})


class WooCommerce(Shop):
    platform: ClassVar[str] = "woocommerce"
    label: ClassVar[str] = "WooCommerce"
    signature_header: ClassVar[bytes] = b"x-wc-webhook-signature"
    topic_header: ClassVar[bytes] = b"x-wc-webhook-topic"
    delivery_headers: ClassVar[tuple[bytes, ...]] = (b"x-wc-webhook-delivery-id",)
    topics: ClassVar[tuple[str, ...]] = (
        "order.created",
        "order.updated",
        "order.restored",
        "customer.created",
        "customer.updated",
    )
    product_topics: ClassVar[tuple[str, ...]] = (
        "product.created",
        "product.updated",
        "product.restored",
        "product.deleted",
    )
    gone_topics: ClassVar[tuple[str, ...]] = ("product.deleted",)

    def tell(self, webhook: Webhook) -> Told:
        if webhook.topic not in self.topics:
            return self.unknown(webhook.topic)
        return _customer(webhook) if webhook.topic.startswith("customer.") else _order(webhook)

    def is_greeting(self, body: bytes) -> bool:
        return GREETING.fullmatch(body) is not None


def _order(webhook: Webhook) -> Told:
    body = webhook.body
    order = with_prefix(webhook.prefix, text(body, "number", "id"))
    buyer = _buyer(webhook)
    if not order:
        return Told(ignored="the order has no number")
    if not buyer:
        return Told(ignored="the order names no customer and no visitor")
    status = text(body, "status")
    if status == "cancelled" and _was_placed(body):
        return Told(messages=(_cancelled(body, order) | buyer.ids,))
    if status not in PLACED:
        return Told(ignored=f"the order is {status or 'in no state'}: it counts once it is placed")
    at = _moment(body, "date_created_gmt", "date_created")
    billing = part(body, "billing")
    messages = list(identify(buyer, _billing(billing, buyer), f"woocommerce-buyer-{order}", at))
    properties = _properties(body, order)
    messages.append(track("Order Completed", f"woocommerce-order-{order}", at, properties) | buyer.ids)
    messages += [_refund(each, webhook, order, properties) | buyer.ids for each in parts(body, "refunds")]
    return Told(messages=tuple(messages))


def _was_placed(body: Object) -> bool:
    """Most cancelled orders were never paid, and so never placed."""
    return bool(text(body, "date_paid_gmt", "date_paid")) or text(body, "payment_method") in PAID_LATER


def _cancelled(body: Object, order: str) -> Message:
    at = _moment(body, "date_modified_gmt", "date_modified")
    return track("Order Cancelled", f"woocommerce-cancelled-{order}", at, _properties(body, order))


def _properties(body: Object, order: str) -> Message:
    coupons = [text(line, "code") for line in parts(body, "coupon_lines")]
    return said(
        {
            "order_id": order,
            "total": number(amount(body, "total")),
            "revenue": number(_goods(body)),
            "shipping": number(amount(body, "shipping_total")),
            "tax": number(amount(body, "total_tax")),
            "discount": number(amount(body, "discount_total")),
            "coupon": next((code for code in coupons if code), ""),
            "currency": text(body, "currency"),
            "products": [_line(line) for line in parts(body, "line_items")[:MOST_LINES]],
        }
    )


def _goods(body: Object) -> Decimal | None:
    """What was paid for the goods: without shipping and tax."""
    total = amount(body, "total")
    if total is None:
        return None
    rest = (amount(body, "shipping_total"), amount(body, "total_tax"))
    return total - sum((each for each in rest if each is not None), Decimal(0))


def _line(line: Object) -> Message:
    variation = text(line, "variation_id")
    return said(
        {
            "product_id": text(line, "product_id"),
            "variant": "" if variation == "0" else variation,
            "sku": text(line, "sku"),
            "name": text(line, "name", "parent_name"),
            "price": number(amount(line, "price")),
            "quantity": number(amount(line, "quantity")),
        }
    )


def _refund(refund: Object, webhook: Webhook, order: str, properties: Message) -> Message:
    """Its total has shipping and tax in it; no more is taken back of an order than its goods were worth."""
    refund_id = with_prefix(webhook.prefix, text(refund, "id"))
    total = abs(amount(refund, "total", "amount") or Decimal(0))
    goods = properties.get("revenue")
    back = {
        "order_id": order,
        "refund_id": refund_id,
        "total": float(total),
        "revenue": min(float(total), goods) if isinstance(goods, float) else float(total),
        "currency": properties.get("currency"),
        "reason": text(refund, "reason"),
    }
    at = _moment(webhook.body, "date_modified_gmt", "date_modified")
    return track("Order Refunded", f"woocommerce-refund-{refund_id}", at, back)


def _customer(webhook: Webhook) -> Told:
    body = webhook.body
    user = with_prefix(webhook.prefix, text(body, "id"))
    if not user:
        return Told(ignored="the customer has no id")
    buyer, at = Buyer(user_id=user), _moment(body, "date_modified_gmt", "date_created_gmt")
    email = text(body, "email").lower()
    traits = {**_billing(part(body, "billing"), buyer), "email": email}
    traits |= said({"firstName": text(body, "first_name"), "lastName": text(body, "last_name")})
    once = f"woocommerce-customer-{webhook.delivery}" if webhook.delivery else ""
    messages = list(identify(buyer, traits, once, at))
    messages += join(user, email, f"woocommerce-same-{user}-{email}", at)
    if webhook.topic == "customer.created":
        created_at = _moment(body, "date_created_gmt", "date_created")
        messages.append(track("Signed Up", f"woocommerce-signed-up-{user}", created_at, {}) | buyer.ids)
    return Told(messages=tuple(messages))


def _billing(billing: Object, buyer: Buyer) -> Message:
    """The address of whoever buys. An account's e-mail address is the account's, whatever an order says."""
    email = text(billing, "email").lower()
    return {
        "email": email if buyer.user_id == email else "",
        "firstName": text(billing, "first_name"),
        "lastName": text(billing, "last_name"),
        "phone": text(billing, "phone"),
        "address": said(
            {
                "city": text(billing, "city"),
                "country": text(billing, "country"),
                "postalCode": text(billing, "postcode"),
            }
        ),
    }


def _buyer(webhook: Webhook) -> Buyer:
    """The account, else the guest's e-mail address; and the visitor whose id the plugin put on the order."""
    body = webhook.body
    account = text(body, "customer_id")
    user = with_prefix(webhook.prefix, account) if account not in ("", "0") else ""
    email = text(part(body, "billing"), "email").lower()
    return Buyer(user_id=user or email, visitor=visitor_of(parts(body, "meta_data"), "key", "value"))


def _moment(body: Object, *names: str) -> str:
    """WooCommerce writes Greenwich time without saying so."""
    found = next(((name, at) for name in names if (at := text(body, name))), None)
    if found is None:
        return ""
    name, at = found
    return f"{at}Z" if name.endswith("_gmt") and not at.endswith("Z") else at
