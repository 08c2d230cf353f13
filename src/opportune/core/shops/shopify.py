"""Shopify's webhooks. An order is its `id` (not its name `#1001`), a product its product's id, not the variant's."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import ClassVar, Literal

from opportune.core.shops.base import (
    MOST_LINES,
    Buyer,
    Message,
    Object,
    Privacy,
    Shop,
    Told,
    Webhook,
    amount,
    identify,
    join,
    link,
    number,
    part,
    parts,
    said,
    text,
    track,
    visitor_of,
    with_prefix,
)

ORDERS = ("orders/create", "orders/paid", "orders/updated", "orders/fulfilled", "orders/edited")
CARTS = ("carts/create", "carts/update")
CHECKOUTS = ("checkouts/create", "checkouts/update")
CUSTOMERS = (
    "customers/create",
    "customers/update",
    "customers/enable",
    "customers_email_marketing_consent/update",
)
PRIVACY: dict[str, Literal["erase", "export", "shop"]] = {
    "customers/redact": "erase",
    "customers/data_request": "export",
    "shop/redact": "shop",
}
CONSENTS = {"subscribed": True, "unsubscribed": False}


class Shopify(Shop):
    platform: ClassVar[str] = "shopify"
    label: ClassVar[str] = "Shopify"
    signature_header: ClassVar[bytes] = b"x-shopify-hmac-sha256"
    topic_header: ClassVar[bytes] = b"x-shopify-topic"
    delivery_headers: ClassVar[tuple[bytes, ...]] = (b"x-shopify-event-id", b"x-shopify-webhook-id")
    test_header: ClassVar[bytes] = b"x-shopify-test"
    topics: ClassVar[tuple[str, ...]] = (
        *ORDERS,
        "orders/cancelled",
        "refunds/create",
        *CARTS,
        *CHECKOUTS,
        *CUSTOMERS,
    )
    product_topics: ClassVar[tuple[str, ...]] = ("products/create", "products/update", "products/delete")
    gone_topics: ClassVar[tuple[str, ...]] = ("products/delete",)

    def ask(self, webhook: Webhook) -> Privacy | None:
        kind, body = PRIVACY.get(webhook.topic), webhook.body
        if kind is None or webhook.is_test:
            return None
        customer = part(body, "customer") if kind != "shop" else {}
        asked = Privacy(
            kind=kind,
            topic=webhook.topic,
            customer=text(customer, "id"),
            address=text(customer, "email").lower(),
            shop=text(body, "shop_domain"),
        )
        return asked if kind == "shop" or asked.customer or asked.address else None

    def tell(self, webhook: Webhook) -> Told:
        topic = webhook.topic
        if topic not in self.topics:
            return self.unknown(topic)
        if webhook.is_test or webhook.body.get("test") is True:
            return Told(ignored="it is a test, so it counts nowhere")
        if topic == "refunds/create":
            return _refund_alone(webhook)
        if topic in CARTS:
            return _cart(webhook)
        if topic in CHECKOUTS:
            return _checkout(webhook)
        if topic in CUSTOMERS:
            return _customer(webhook)
        return _order(webhook)


def _order(webhook: Webhook) -> Told:
    body, prefix = webhook.body, webhook.prefix
    order = with_prefix(prefix, text(body, "id"))
    buyer = _buyer(webhook)
    if not order:
        return Told(ignored="the order has no id")
    if not buyer:
        return Told(ignored="the order names no customer and no visitor")
    at = text(body, "processed_at", "created_at")
    messages: list[Message] = list(_about_customer(webhook, part(body, "customer"), buyer, at))
    messages.append(
        track("Order Completed", f"shopify-order-{order}", at, _properties(body, order)) | buyer.ids
    )
    if text(body, "cancelled_at"):
        message_id, gone_at = f"shopify-cancelled-{order}", text(body, "cancelled_at")
        cancelled = {**_properties(body, order), "reason": text(body, "cancel_reason")}
        messages.append(track("Order Cancelled", message_id, gone_at, cancelled) | buyer.ids)
    currency = text(body, "currency")
    refunds = (_refund(refund, order, prefix, currency) for refund in parts(body, "refunds"))
    messages += [refund | buyer.ids for refund in refunds if refund]
    return Told(messages=tuple(messages))


def _properties(body: Object, order: str) -> Message:
    shipping = part(part(body, "total_shipping_price_set"), "shop_money")
    codes = [text(code, "code") for code in parts(body, "discount_codes")]
    return said(
        {
            "order_id": order,
            "order_name": text(body, "name"),
            "checkout_id": text(body, "checkout_token"),
            "total": number(amount(body, "total_price")),
            "revenue": number(amount(body, "subtotal_price", "total_price")),
            "shipping": number(amount(shipping, "amount")),
            "tax": number(amount(body, "total_tax")),
            "discount": number(amount(body, "total_discounts")),
            "coupon": next((code for code in codes if code), ""),
            "currency": text(body, "currency"),
            "products": [_line(line) for line in parts(body, "line_items")[:MOST_LINES]],
        }
    )


def _line(line: Object) -> Message:
    return said(
        {
            "product_id": text(line, "product_id"),
            "variant": text(line, "variant_id"),
            "sku": text(line, "sku"),
            "name": text(line, "title", "name"),
            "brand": text(line, "vendor"),
            "price": number(amount(line, "price")),
            "quantity": number(amount(line, "quantity")),
        }
    )


def _refund_alone(webhook: Webhook) -> Told:
    """A refund names its order only; whose that is, the store knows."""
    body, prefix = webhook.body, webhook.prefix
    order = with_prefix(prefix, text(body, "order_id"))
    if not order or not text(body, "id"):
        return Told(ignored="the refund names no order")
    refund = _refund(body, order, prefix, _currency_of(body))
    return Told(messages=(refund,), of_order=order) if refund else Told(ignored="no money went back")


def _refund(refund: Object, order: str, prefix: str, currency: str) -> Message | None:
    """An edited order makes refunds without money; those are none."""
    lines = parts(refund, "refund_line_items")
    goods = [found for line in lines if (found := amount(line, "subtotal")) is not None]
    paid = [
        found
        for each in parts(refund, "transactions")
        if text(each, "kind") == "refund" and (found := amount(each, "amount")) is not None
    ]
    refund_id = with_prefix(prefix, text(refund, "id"))
    worth = sum(goods, Decimal(0)) if goods else sum(paid, Decimal(0))
    if not (worth or paid):
        return None
    properties = {
        "order_id": order,
        "refund_id": refund_id,
        "revenue": float(worth),
        "total": float(sum(paid, Decimal(0)) or worth),
        "currency": currency,
        "products": [_refunded(line) for line in lines[:MOST_LINES]],
    }
    return track(
        "Order Refunded",
        f"shopify-refund-{refund_id}",
        text(refund, "processed_at", "created_at"),
        properties,
    )


def _refunded(line: Object) -> Message:
    return _line(part(line, "line_item")) | said({"quantity": number(amount(line, "quantity"))})


def _currency_of(refund: Object) -> str:
    return next((found for each in parts(refund, "transactions") if (found := text(each, "currency"))), "")


def _cart(webhook: Webhook) -> Told:
    """Shopify says whose cart it is only where the theme put the visitor's id into its attributes."""
    body = webhook.body
    buyer = Buyer(visitor=_visitor(body))
    if not buyer:
        return Told(ignored="the cart names no visitor")
    lines = parts(body, "line_items")
    worth = [found for line in lines if (found := amount(line, "line_price")) is not None]
    properties = {
        "cart_id": text(body, "token", "id"),
        "total": float(sum(worth, Decimal(0))),
        "products": [_line(line) for line in lines[:MOST_LINES]],
    }
    at = text(body, "updated_at", "created_at")
    return Told(messages=(track("Cart Viewed", _once(webhook, "cart"), at, properties) | buyer.ids,))


def _checkout(webhook: Webhook) -> Told:
    """An address typed into a checkout proves nobody: the visitor comes first, then a customer the shop knows."""
    body = webhook.body
    visitor = _visitor(body)
    buyer = Buyer(visitor=visitor) if visitor else _buyer(webhook)
    token = text(body, "token", "id")
    if not buyer or not token:
        return Told(ignored="the checkout names no customer and no visitor")
    properties = {
        "checkout_id": token,
        "total": number(amount(body, "total_price")),
        "currency": text(body, "presentment_currency", "currency"),
        "url": link(body, "abandoned_checkout_url"),
        "products": [_line(line) for line in parts(body, "line_items")[:MOST_LINES]],
    }
    started = track("Checkout Started", f"shopify-checkout-{token}", text(body, "created_at"), properties)
    return Told(messages=(started | buyer.ids,))


def _customer(webhook: Webhook) -> Told:
    body = webhook.body
    user = with_prefix(webhook.prefix, text(body, "id", "customer_id"))
    if not user:
        return Told(ignored="the customer has no id")
    buyer, at = Buyer(user_id=user), text(body, "updated_at", "created_at")
    messages = list(_about_customer(webhook, body, buyer, at))
    if webhook.topic == "customers/enable":
        messages.append(track("Signed Up", f"shopify-signed-up-{user}", at, {}) | buyer.ids)
    return Told(messages=tuple(messages))


def _about_customer(webhook: Webhook, customer: Object, buyer: Buyer, at: str) -> Iterator[Message]:
    if not buyer.user_id or not customer:
        return
    email = text(customer, "email", "email_address").lower()
    address = part(customer, "default_address")
    consent = part(customer, "email_marketing_consent")
    traits = {
        "email": email,
        "firstName": text(customer, "first_name"),
        "lastName": text(customer, "last_name"),
        "phone": text(customer, "phone"),
        "tags": [tag for tag in map(str.strip, text(customer, "tags").split(",")) if tag],
        "address": said(
            {
                "city": text(address, "city"),
                "country": text(address, "country_code"),
                "postalCode": text(address, "zip"),
            }
        ),
        "emailConsent": text(consent, "state"),
    }
    yield from identify(buyer, traits, _once(webhook, "customer"), at)
    yield from join(buyer.user_id, email, f"shopify-same-{buyer.user_id}-{email}", at)
    yield from _consent(buyer, consent)


def _consent(buyer: Buyer, consent: Object) -> Iterator[Message]:
    answer, at = CONSENTS.get(text(consent, "state").lower()), text(consent, "consent_updated_at")
    if answer is None or not at:
        return
    updated = track("Consent Updated", f"shopify-consent-{buyer.user_id}-{at}", at, {})
    yield updated | {"userId": buyer.user_id, "properties": {"message": answer}}


def _buyer(webhook: Webhook) -> Buyer:
    """The customer Shopify found for it (also a guest's; it makes one for each address), and the visitor."""
    body = webhook.body
    customer = with_prefix(webhook.prefix, text(part(body, "customer"), "id"))
    email = text(body, "email", "contact_email").lower()
    return Buyer(user_id=customer or email, visitor=_visitor(body))


def _visitor(body: Object) -> str:
    found = visitor_of(parts(body, "note_attributes"), "name", "value")
    attributes = part(body, "attributes")
    return found or visitor_of(
        [{"name": name, "value": attributes[name]} for name in attributes], "name", "value"
    )


def _once(webhook: Webhook, what: str) -> str:
    """The same for a delivery that comes again; without the header every delivery is taken for a new one."""
    return f"shopify-{what}-{webhook.delivery}" if webhook.delivery else ""
