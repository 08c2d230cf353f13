"""Signed webhooks of Shopify and WooCommerce: who is believed, what is taken, and that one order stays one event."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import httpx
import msgspec
import pytest
from tests.building import NOW
from tests.http.shop import SECRET, WRITE

from opportune.core.history.key import Namespace, key_of
from opportune.core.history.timeline import TimelineEvent
from opportune.core.moment import HOUR, to_iso
from opportune.core.shops import SHOPS
from opportune.errors import NotFoundError
from opportune.services.catalogue.cataloguing import put_products
from opportune.services.connecting import add_source, list_sources, remove_source
from opportune.services.house import House
from opportune.services.people.identifying import find_people
from opportune.services.people.redacting import erase_requested
from opportune.services.people.requesting import list_requests

pytestmark = pytest.mark.anyio

SHOPIFY, WOO = "shopify-secret-1", "woo-secret-1"
AT, LATER = to_iso(NOW - HOUR), to_iso(NOW - HOUR // 2)
VISITOR = "visitor-7"


@pytest.fixture(autouse=True)
def _connected(house: House) -> None:
    add_source(house, "shopify", secret=SHOPIFY)
    add_source(house, "woocommerce", secret=WOO)


def signed(secret: str, body: bytes) -> str:
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


async def shopify(
    client: httpx.AsyncClient,
    topic: str,
    body: Any,
    *,
    secret: str = SHOPIFY,
    event: str = "e-1",
    **more: str,
) -> httpx.Response:
    content = json.dumps(body).encode()
    headers = {
        "X-Shopify-Topic": topic,
        "X-Shopify-Hmac-SHA256": signed(secret, content),
        "X-Shopify-Event-Id": event,
        **more,
    }
    return await client.post("/v1/sources/shopify", content=content, headers=headers)


async def woo(client: httpx.AsyncClient, topic: str, body: Any, *, secret: str = WOO) -> httpx.Response:
    content = json.dumps(body).encode()
    headers = {
        "X-WC-Webhook-Topic": topic,
        "X-WC-Webhook-Signature": signed(secret, content),
        "X-WC-Webhook-Delivery-ID": hashlib.sha256(content).hexdigest()[:20],
    }
    return await client.post("/v1/sources/woocommerce", content=content, headers=headers)


def history(house: House, identifier: str, namespace: Namespace = "user") -> list[TimelineEvent]:
    """Everything of the person behind an id, newest first."""
    found = house.storage.recall([key_of(namespace, identifier)], now=NOW)
    return sorted((event for events in found.events.values() for event in events), key=lambda one: one.order)


def named(house: House, identifier: str, name: str, namespace: Namespace = "user") -> list[TimelineEvent]:
    return [event for event in history(house, identifier, namespace) if event.name == name]


def shopify_order(**more: Any) -> dict[str, Any]:
    order = {
        "id": 5123456789012,
        "name": "#1001",
        "email": "Anna@Shop.test",
        "created_at": AT,
        "currency": "EUR",
        "total_price": "64.90",
        "subtotal_price": "60.00",
        "total_tax": "9.58",
        "total_shipping_price_set": {"shop_money": {"amount": "4.90", "currency_code": "EUR"}},
        "discount_codes": [{"code": "WELCOME", "amount": "5.00"}],
        "note_attributes": [{"name": "gift", "value": "yes"}, {"name": "o_id", "value": VISITOR}],
        "line_items": [
            {"product_id": 7001, "variant_id": 8001, "title": "Trail shoe", "price": "30.00", "quantity": 2}
        ],
        "customer": {
            "id": 9001,
            "email": "anna@shop.test",
            "first_name": "Anna",
            "tags": "vip, trail",
            "default_address": {"city": "Köln", "country_code": "DE", "zip": "50667"},
            "email_marketing_consent": {"state": "subscribed", "consent_updated_at": AT},
        },
    }
    return {**order, **more}


def woo_order(**more: Any) -> dict[str, Any]:
    order = {
        "id": 727,
        "number": "2001",
        "status": "processing",
        "currency": "EUR",
        "date_created_gmt": AT.removesuffix("Z"),
        "date_modified_gmt": AT.removesuffix("Z"),
        "total": "39.35",
        "total_tax": "6.28",
        "shipping_total": "4.11",
        "customer_id": 0,
        "payment_method": "stripe",
        "billing": {"email": "Ben@Shop.test", "first_name": "Ben", "country": "DE", "city": "Bonn"},
        "meta_data": [{"id": 1, "key": "_opportune_id", "value": VISITOR}],
        "line_items": [{"product_id": 93, "variation_id": 0, "name": "Sock", "price": 14.48, "quantity": 2}],
        "refunds": [],
    }
    return {**order, **more}


async def test_a_shopify_order_is_the_visitors_and_the_customers(
    client: httpx.AsyncClient, house: House
) -> None:
    answer = await shopify(client, "orders/create", shopify_order())
    assert (answer.status_code, answer.json()["setAside"]) == (200, 0), answer.text
    [order] = named(house, "9001", "Order Completed")
    assert (order.facts["order_id"], order.facts["value"], order.facts["product"]) == (
        "5123456789012",
        6_000,
        ["7001"],
    )
    assert order.occurred_at == NOW - HOUR
    assert named(house, VISITOR, "Order Completed", "anonymous") == [order]
    traits = house.storage.recall([key_of("user", "9001")], now=NOW).traits
    assert traits["email"].value == "anna@shop.test"
    assert traits["tags"].value == ["vip", "trail"]
    assert traits["address.city"].value == "Köln"
    [consent] = named(house, "9001", "Consent Updated")
    assert consent.facts["message"] is True


async def test_pixel_webhooks_and_import_of_one_order_are_one_event(
    client: httpx.AsyncClient, house: House
) -> None:
    def said(message: str, **ids: str) -> dict[str, Any]:
        properties = {"order_id": "5123456789012", "revenue": 1}
        return {
            "event": "Order Completed",
            "messageId": message,
            "timestamp": AT,
            "properties": properties,
            **ids,
        }

    await client.post("/v1/track", json=said("pixel", anonymousId=VISITOR), headers=WRITE)
    for topic, event in (("orders/create", "e-1"), ("orders/paid", "e-2"), ("orders/create", "e-1")):
        assert (await shopify(client, topic, shopify_order(), event=event)).status_code == 200
    await client.post("/v1/track", json=said("import", userId="anna@shop.test"), headers=SECRET)
    await client.post("/v1/track", json=said("pixel again", anonymousId=VISITOR), headers=WRITE)
    for identifier, namespace in (("9001", "user"), ("anna@shop.test", "user"), (VISITOR, "anonymous")):
        [order] = named(house, identifier, "Order Completed", namespace)  # type: ignore[arg-type]  # one of the two namespaces
        assert order.facts["value"] == 6_000


async def test_each_shopify_refund_counts_once_however_it_is_told(
    client: httpx.AsyncClient, house: House
) -> None:
    def refund(number: int, subtotal: str) -> dict[str, Any]:
        line = {"quantity": 1, "subtotal": subtotal, "line_item": {"product_id": 7001, "quantity": 2}}
        paid = {"amount": subtotal, "kind": "refund", "status": "success", "currency": "EUR"}
        return {
            "id": number,
            "order_id": 5123456789012,
            "created_at": LATER,
            "refund_line_items": [line],
            "transactions": [paid],
        }

    first, second = refund(1, "30.00"), refund(2, "10.00")
    await shopify(client, "orders/create", shopify_order())
    await shopify(client, "refunds/create", first, event="e-2")
    await shopify(client, "refunds/create", second, event="e-3")
    await shopify(client, "orders/updated", shopify_order(refunds=[first, second]), event="e-4")
    found = named(house, "9001", "Order Refunded")
    assert sorted(event.facts["value"] for event in found) == [1_000, 3_000]  # type: ignore[type-var]  # numbers here
    edited = {"id": 3, "order_id": 5123456789012, "refund_line_items": [], "transactions": []}
    answer = await shopify(client, "refunds/create", edited, event="e-5")
    assert answer.json()["ignored"] == "no money went back"


async def test_a_refund_of_an_order_nobody_knows_waits_with_a_reason(
    client: httpx.AsyncClient, house: House
) -> None:
    paid = [{"amount": "30.00", "kind": "refund"}]
    body = {"id": 9, "order_id": 42, "created_at": LATER, "transactions": paid}
    answer = await shopify(client, "refunds/create", body)
    assert (answer.status_code, answer.json()["setAside"]) == (200, 1)
    [aside] = house.storage.list_set_aside()
    assert aside.reason.startswith("the order 42 of this refund is not known here")


async def test_a_shopify_cancellation_is_told_once(client: httpx.AsyncClient, house: House) -> None:
    cancelled = shopify_order(cancelled_at=LATER, cancel_reason="customer")
    await shopify(client, "orders/cancelled", cancelled)
    await shopify(client, "orders/updated", cancelled, event="e-2")
    assert len(named(house, "9001", "Order Cancelled")) == 1
    assert len(named(house, "9001", "Order Completed")) == 1


async def test_a_customers_consent_and_account(client: httpx.AsyncClient, house: House) -> None:
    customer = {
        "id": 9001,
        "email": "anna@shop.test",
        "updated_at": AT,
        "email_marketing_consent": {"state": "unsubscribed", "consent_updated_at": AT},
    }
    for topic in ("customers/update", "customers/enable"):
        await shopify(client, topic, customer, event=topic)
    [consent] = named(house, "9001", "Consent Updated")
    assert consent.facts["message"] is False
    assert len(named(house, "9001", "Signed Up")) == 1


async def test_carts_and_checkouts_belong_to_the_visitor_they_name(
    client: httpx.AsyncClient, house: House
) -> None:
    lines = [{"product_id": 7001, "price": "30.00", "quantity": 2, "line_price": "60.00"}]
    cart = {"token": "c1", "updated_at": AT, "line_items": lines, "attributes": {"o_id": VISITOR}}
    await shopify(client, "carts/update", cart)
    checkout = shopify_order(token="t1", total_price="64.90")
    await shopify(client, "checkouts/create", checkout, event="e-2")
    await shopify(client, "checkouts/update", checkout, event="e-3")
    [viewed] = named(house, VISITOR, "Cart Viewed", "anonymous")
    assert (viewed.facts["value"], viewed.facts["product"]) == (6_000, ["7001"])
    assert len(named(house, VISITOR, "Checkout Started", "anonymous")) == 1
    assert not named(house, "9001", "Checkout Started"), "an address typed into a checkout proves nobody"
    nobodys = await shopify(client, "carts/update", {"token": "c2", "line_items": lines}, event="e-4")
    assert nobodys.json()["ignored"] == "the cart names no visitor"


async def test_a_guest_of_woocommerce_is_their_address(client: httpx.AsyncClient, house: House) -> None:
    for topic in ("order.created", "order.updated"):
        answer = await woo(client, topic, woo_order())
        assert (answer.status_code, answer.json()["setAside"]) == (200, 0), answer.text
    [order] = named(house, "ben@shop.test", "Order Completed")
    assert (order.facts["order_id"], order.facts["value"], order.occurred_at) == ("2001", 2_896, NOW - HOUR)
    assert named(house, VISITOR, "Order Completed", "anonymous") == [order]


async def test_an_account_made_later_owns_the_guests_orders(client: httpx.AsyncClient, house: House) -> None:
    await woo(client, "order.created", woo_order())
    account = {"id": 12, "email": "ben@shop.test", "date_created_gmt": LATER.removesuffix("Z"), "billing": {}}
    await woo(client, "customer.created", account)
    assert len(named(house, "12", "Order Completed")) == 1
    assert len(named(house, "12", "Signed Up")) == 1


async def test_woocommerce_refunds_arrive_inside_their_order(client: httpx.AsyncClient, house: House) -> None:
    refunds = [{"id": 731, "reason": "too small", "total": "-10.00"}]
    await woo(client, "order.updated", woo_order(refunds=refunds))
    more = [*refunds, {"id": 732, "reason": "", "total": "-5.00"}]
    await woo(client, "order.updated", woo_order(refunds=more, date_modified_gmt=LATER.removesuffix("Z")))
    found = named(house, "ben@shop.test", "Order Refunded")
    assert sorted(event.facts["value"] for event in found) == [500, 1_000]  # type: ignore[type-var]  # numbers here
    assert len(named(house, "ben@shop.test", "Order Completed")) == 1


@pytest.mark.parametrize(
    ("more", "events"),
    [
        ({"status": "pending"}, set()),
        ({"status": "failed"}, set()),
        ({"status": "cancelled"}, set()),
        ({"status": "on-hold", "payment_method": "bacs"}, {"Order Completed"}),
        ({"status": "cancelled", "date_paid_gmt": "2026-01-01T10:00:00"}, {"Order Cancelled"}),
    ],
)
async def test_a_woocommerce_order_counts_once_it_is_placed(
    client: httpx.AsyncClient, house: House, more: dict[str, Any], events: set[str]
) -> None:
    assert (await woo(client, "order.updated", woo_order(**more))).status_code == 200
    told = {event.name for event in history(house, "ben@shop.test")} - {"Identified"}
    assert told == events


async def test_the_ping_of_a_new_woocommerce_webhook_gets_exactly_200(
    client: httpx.AsyncClient, house: House
) -> None:
    answer = await client.post("/v1/sources/woocommerce", data={"webhook_id": "7"})
    assert answer.status_code == 200
    remove_source(house, "woocommerce")
    answer = await client.post("/v1/sources/woocommerce", data={"webhook_id": "7"})
    assert answer.status_code == 200
    forged = await client.post("/v1/sources/woocommerce", content=b'webhook_id=7&{"id": 1}')
    assert forged.status_code == 401


async def test_a_wrong_signature_is_refused_with_what_to_look_at(
    client: httpx.AsyncClient, house: House
) -> None:
    wrong = await shopify(client, "orders/create", shopify_order(), secret="another-secret")
    assert wrong.status_code == 401
    assert "copy the secret from Shopify again" in wrong.json()["message"]
    unsigned = await client.post("/v1/sources/shopify", json=shopify_order())
    assert unsigned.status_code == 401
    assert "x-shopify-hmac-sha256" in unsigned.json()["message"]
    body = json.dumps(shopify_order()).encode()
    headers = {"X-Shopify-Topic": "orders/create", "X-Shopify-Hmac-SHA256": signed(SHOPIFY, body)}
    changed = await client.post("/v1/sources/shopify", content=body + b" ", headers=headers)
    assert changed.status_code == 401
    remove_source(house, "shopify")
    gone = await shopify(client, "orders/create", shopify_order())
    assert "opportune sources add shopify" in gone.json()["message"]
    assert not history(house, "9001")


async def test_what_nobody_uses_is_answered_200_and_counted(client: httpx.AsyncClient, house: House) -> None:
    answer = await shopify(client, "themes/publish", {"id": 1})
    assert (answer.status_code, answer.json()["accepted"]) == (200, 0)
    assert "themes/publish" in answer.json()["ignored"]
    told = await shopify(client, "orders/create", shopify_order(), **{"X-Shopify-Test": "true"})
    assert "test" in told.json()["ignored"]
    assert not history(house, "9001")
    counted = (await client.get("/metrics")).text
    assert (
        'opportune_webhooks_total{outcome="ignored",platform="shopify",topic="themes/publish"} 1.0' in counted
    )


async def test_several_shops_are_told_apart_by_their_secret(client: httpx.AsyncClient, house: House) -> None:
    add_source(house, "woocommerce", secret="woo-secret-2", name="shop in Austria", prefix="at-")
    await woo(client, "order.created", woo_order(customer_id=5))
    await woo(client, "order.created", woo_order(customer_id=5, meta_data=[]), secret="woo-secret-2")
    assert [event.facts["order_id"] for event in named(house, "5", "Order Completed")] == ["2001"]
    assert [event.facts["order_id"] for event in named(house, "at-5", "Order Completed")] == ["at-2001"]
    assert [source.name for source in list_sources(house.storage)] == [
        "shopify",
        "woocommerce",
        "shop in Austria",
    ]


@pytest.mark.parametrize("content", [b"", b"[]", b"7", b"\xff\xfe", b'{"id":', b'{"id": NaN}'])
async def test_a_signed_body_that_is_no_object_is_bad_input(
    client: httpx.AsyncClient, content: bytes
) -> None:
    headers = {"X-Shopify-Topic": "orders/create", "X-Shopify-Hmac-SHA256": signed(SHOPIFY, content)}
    answer = await client.post("/v1/sources/shopify", content=content, headers=headers)
    assert answer.status_code in (200, 400)
    assert answer.json().get("accepted", 0) == 0


async def test_products_are_in_the_catalogue_at_once(client: httpx.AsyncClient, house: House) -> None:
    variants = [
        {"id": 1, "price": "24.00", "compare_at_price": "30.00", "sku": "TS-1", "inventory_quantity": 3},
        {"id": 2, "price": "30.00", "sku": "TS-2", "inventory_quantity": 0},
    ]
    variants = [{**each, "inventory_management": "shopify", "inventory_policy": "deny"} for each in variants]
    shoe = {"id": 7001, "title": "Trail shoe", "handle": "trail-shoe", "product_type": "Trail shoes"}
    told = await shopify(client, "products/update", {**shoe, "variants": variants, "status": "active"})
    assert (told.status_code, told.json()["accepted"]) == (200, 1)
    product = house.catalogue.find("7001")
    assert product is not None
    assert (product.price, product.sale_price, product.in_stock, product.stock) == (3_000, 2_400, True, 3)
    put_products(house, [msgspec.structs.replace(product, rating=4.5, source="feed")])
    sold = [{**each, "inventory_quantity": 0} for each in variants]
    await shopify(client, "products/update", {**shoe, "variants": sold, "status": "active"}, event="e-2")
    product = house.catalogue.find("7001")
    assert product is not None
    assert (product.in_stock, product.rating, product.source) == (False, 4.5, "feed")


async def test_a_product_that_is_gone_is_not_offered_any_more(
    client: httpx.AsyncClient, house: House
) -> None:
    sock = {"id": 93, "name": "Sock", "regular_price": "9.00", "price": "9.00", "stock_status": "instock"}
    await woo(client, "product.created", {**sock, "status": "publish", "permalink": "https://shop.test/sock"})
    found = house.catalogue.find("93")
    assert found is not None
    assert found.in_stock
    assert (await woo(client, "product.deleted", {"id": 93})).json()["accepted"] == 1
    found = house.catalogue.find("93")
    assert found is not None
    assert not found.in_stock
    free = await woo(client, "product.updated", {"id": 94, "name": "Voucher", "price": ""})
    assert free.json()["ignored"] == "the product has no price"


ODD: tuple[Any, ...] = (None, "", 0, -1, 1e300, True, [], [None, 1], {}, {"id": []}, "x" * 5_000, [[{}]])


@pytest.mark.parametrize("shop", SHOPS, ids=lambda shop: shop.platform)
async def test_no_body_whatever_it_holds_breaks_a_shop(client: httpx.AsyncClient, shop: Any) -> None:
    whole = shopify_order(refunds=[{"id": 1, "refund_line_items": [{"subtotal": "1"}], "transactions": [{}]}])
    whole |= woo_order(token="t", updated_at=AT)
    send = shopify if shop.platform == "shopify" else woo
    for topic in (
        shop.topics[0],
        shop.topics[-1],
        *shop.product_topics[-2:],
        "refunds/create",
        "carts/update",
        "checkouts/create",
    ):
        for index, name in enumerate(sorted(whole)):
            odd = {**whole, name: ODD[index % len(ODD)]}
            answer = await send(client, topic, odd)  # type: ignore[operator]  # any JSON value on purpose
            assert answer.status_code == 200, (topic, name, odd[name])


# -- what a shop asks on behalf of its customers ----------------------------------------------

CUSTOMER = {"id": 9001, "email": "Anna@shop.test", "phone": "+49 1"}


def acts(house: House) -> list[tuple[str, str, str]]:
    return [(entry.by, entry.act, entry.what) for entry in house.storage.list_audit(limit=50)]


async def test_a_customer_whom_shopify_asks_to_erase_leaves(client: httpx.AsyncClient, house: House) -> None:
    other = {**CUSTOMER, "id": 9002, "email": "berta@shop.test"}
    assert (await shopify(client, "orders/create", shopify_order())).json()["accepted"]
    elsewhere = shopify_order(id=2, customer=other, email="berta@shop.test", note_attributes=[])
    assert (await shopify(client, "orders/create", elsewhere, event="e-2")).json()["accepted"]
    guest = {"type": "identify", "userId": "anna@shop.test", "traits": {"email": "anna@shop.test"}}
    await client.post("/v1/identify", json=guest, headers=SECRET)
    body = {"shop_domain": "lumen.myshopify.com", "customer": CUSTOMER, "orders_to_redact": [5123456789012]}
    answer = await shopify(client, "customers/redact", body, event="e-3")
    assert (answer.status_code, answer.json()["success"]) == (200, True)
    assert [request.kind for request in list_requests(house.storage).values()] == ["erase"]
    assert erase_requested(house) == 1
    for identifier in ("9001", "anna@shop.test", VISITOR):
        with pytest.raises(NotFoundError):
            find_people(house.storage, identifier)
    assert named(house, "9002", "Order Completed")
    assert list_requests(house.storage) == {}
    assert ("shopify shopify", "erasing a person asked for", "customers/redact") in acts(house)
    assert any((by, act) == ("shopify shopify", "person erased") for by, act, _ in acts(house))


async def test_a_customer_nobody_knows_is_not_taken_when_they_come_late(
    client: httpx.AsyncClient, house: House
) -> None:
    await shopify(client, "customers/redact", {"customer": {"id": 9001}})
    assert erase_requested(house) == 1
    await shopify(client, "orders/create", shopify_order(note_attributes=[]), event="e-2")
    assert named(house, "9001", "Order Completed") == []


async def test_what_only_an_operator_can_do_waits_to_be_seen(client: httpx.AsyncClient, house: House) -> None:
    await shopify(client, "orders/create", shopify_order())
    await shopify(client, "customers/data_request", {"customer": CUSTOMER}, event="e-2")
    await shopify(client, "customers/data_request", {"customer": CUSTOMER}, event="e-3")
    await shopify(client, "shop/redact", {"shop_domain": "lumen.myshopify.com"}, event="e-4")
    assert erase_requested(house) == 0
    asked = {request.kind: request for request in list_requests(house.storage).values()}
    assert sorted(asked) == ["export", "shop"]
    assert [who.id for who in asked["shop"].who] == ["lumen.myshopify.com"]
    assert ("shopify shopify", "a person's data asked for", "customers/data_request") in acts(house)
    assert ("shopify shopify", "erasing a shop asked for", "shop/redact") in acts(house)
    assert "anna" not in str(acts(house))
    await shopify(client, "customers/redact", {"customer": CUSTOMER}, event="e-5")
    erase_requested(house)
    assert [request.kind for request in list_requests(house.storage).values()] == ["shop"]


async def test_a_test_of_shopifys_and_an_unsigned_request_ask_nothing(
    client: httpx.AsyncClient, house: House
) -> None:
    body = {"customer": CUSTOMER}
    tested = await shopify(client, "customers/redact", body, **{"X-Shopify-Test": "true"})
    assert (tested.status_code, bool(tested.json()["ignored"])) == (200, True)
    assert (await shopify(client, "customers/redact", body, secret="somebody-else")).status_code == 401
    assert (await shopify(client, "customers/redact", {"customer": "?"})).json()["ignored"]
    assert list_requests(house.storage) == {}
