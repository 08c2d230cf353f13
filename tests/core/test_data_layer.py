"""A tag manager's data layer in our words: GA4's events, Universal Analytics' before them, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from opportune.core.history.data_layer import EVENTS, from_data_layer, is_data_layer
from opportune.core.history.standard_plan import STANDARD_PLAN

BOOT: dict[str, Any] = {
    "item_id": "b-1",
    "item_name": "Trail boot",
    "item_category": "Boots",
    "item_brand": "Fell",
    "price": 89.5,
    "quantity": 2,
}
SAID = {
    "product_id": "b-1",
    "name": "Trail boot",
    "category": "Boots",
    "brand": "Fell",
    "price": 89.5,
    "quantity": 2,
}
SOCK: dict[str, Any] = {"item_id": "s-1", "item_category": "Socks", "price": 9}


def told(event: str, **said: Any) -> list[tuple[str, dict[str, Any]]]:
    message = {"type": "track", "event": f"data_layer/{event}", "messageId": "m", "properties": said}
    assert is_data_layer(message)
    return [(each["event"], each["properties"]) for each in from_data_layer(message)]


def test_every_event_it_gives_is_in_the_plan() -> None:
    assert set(EVENTS.values()) <= set(STANDARD_PLAN.events)


@pytest.mark.parametrize("event", ["view_item", "select_item", "add_to_cart", "remove_from_cart"])
def test_events_of_one_product_say_it_flat(event: str) -> None:
    assert told(event, currency="EUR", value=179, items=[BOOT]) == [
        (EVENTS[event], {"currency": "EUR", "value": 179, **SAID})
    ]


def test_several_products_put_in_the_cart_are_several_events_with_ids_of_their_own() -> None:
    message = {
        "event": "data_layer/add_to_cart",
        "messageId": "m",
        "properties": {"value": 188, "items": [BOOT, SOCK]},
    }
    first, second = from_data_layer(message)
    assert (first["messageId"], second["messageId"]) == ("m", "m/1")
    assert [each["properties"]["product_id"] for each in (first, second)] == ["b-1", "s-1"]
    assert "value" not in second["properties"]


def test_a_purchase_keeps_its_number_so_that_a_webhooks_version_is_the_same_order() -> None:
    [(name, said)] = told(
        "purchase", transaction_id="T-1", value=188, tax=30, shipping=5, coupon="WELCOME", items=[BOOT, SOCK]
    )
    assert name == "Order Completed"
    assert (said["order_id"], said["value"], said["tax"], said["coupon"]) == ("T-1", 188, 30, "WELCOME")
    assert [product["product_id"] for product in said["products"]] == ["b-1", "s-1"]
    assert "category" not in said


def test_a_list_of_one_category_is_that_category() -> None:
    [(name, said)] = told("view_item_list", items=[{**BOOT, "item_list_id": "all-boots"}, BOOT])
    assert (name, said["category"], said["list_id"]) == ("Product List Viewed", "Boots", "all-boots")
    [(_, mixed)] = told("view_item_list", item_list_id="news", items=[BOOT, SOCK])
    assert (mixed.get("category"), mixed["list_id"]) == (None, "news")


def test_the_others_say_what_they_know() -> None:
    assert told("search", search_term="boots") == [("Products Searched", {"query": "boots"})]
    assert told("view_search_results", search_term="boots") == [("Products Searched", {"query": "boots"})]
    assert told("sign_up", method="mail") == [("Signed Up", {"method": "mail"})]
    assert told("generate_lead", value=50, lead_source="quote") == [
        ("Lead Generated", {"value": 50, "lead_source": "quote"})
    ]
    assert told("add_payment_info", payment_type="card", items=[])[0][1] == {"payment_method": "card"}


def test_universal_analytics_is_understood_too() -> None:
    boot = {"id": "b-1", "name": "Trail boot", "category": "Boots", "price": "89.50"}
    kept = {"product_id": "b-1", "name": "Trail boot", "category": "Boots", "price": "89.50"}
    assert told("productDetail", detail={"products": [boot]}) == [("Product Viewed", kept)]
    assert told("undefined", add={"products": [boot]}, currencyCode="EUR") == [
        ("Product Added", {"currency": "EUR", **kept})
    ]
    bought = {"actionField": {"id": "T-1", "revenue": "188.00"}, "products": [boot]}
    assert told("purchase", purchase=bought) == [
        (
            "Order Completed",
            {"order_id": "T-1", "value": "188.00", "products": [kept], "category": "Boots"},
        )
    ]
    assert told("x", impressions=[boot])[0][0] == "Product List Viewed"
    assert told("x", checkout={"actionField": {"step": 2}, "products": [boot]}) == []


@pytest.mark.parametrize(
    "said",
    [{}, {"items": None}, {"items": "boots"}, {"items": [None, 3, "x"]}, {"purchase": {"actionField": 3}}],
)
@pytest.mark.parametrize("event", [*EVENTS, "gtm.js", "constructor", ""])
def test_broken_and_foreign_entries_raise_nothing(event: str, said: dict[str, Any]) -> None:
    for name, _ in told(event, **said):
        assert name in STANDARD_PLAN.events


def test_what_has_no_counterpart_is_left_out() -> None:
    assert told("gtm.js") == []
    assert from_data_layer({"event": "data_layer/view_item", "properties": None}) == []
    assert not is_data_layer({"event": "view_item"})
    assert not is_data_layer({"event": 3})
