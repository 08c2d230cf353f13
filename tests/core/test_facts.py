"""Facts: what the plan declares and where it happened, small, and safe whatever was sent."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opportune.core.history.event import Event
from opportune.core.history.facts import facts_of, path_of, value_of
from opportune.core.history.plan import EventPlan, Plan, PropertyPlan
from opportune.core.history.standard_plan import STANDARD_PLAN
from opportune.core.history.timeline import FactValue
from opportune.core.history.trait import traits_of


def event(name: str, properties: dict[str, Any] | None = None, kind: Any = "track", **context: Any) -> Event:
    return Event(
        type=kind, name=name, message_id="m", anonymous_id="a", occurred_at=1, received_at=1, source="browser",
        properties=properties or {}, context=context,
    )  # fmt: skip


def facts(name: str, plan: Plan = STANDARD_PLAN, **properties: Any) -> dict[str, FactValue]:
    return facts_of(plan, event(name, properties))


def test_a_product_view_is_small() -> None:
    page = {
        "path": "/mens/shoes",
        "referrer": "https://www.google.com/",
        "url": "https://shop.example/mens/shoes",
    }
    found = facts_of(
        STANDARD_PLAN,
        event(
            "Product Viewed",
            {"product_id": "sku-3", "category": "mens-shoes", "price": 10, "name": "x" * 99},
            page=page,
        ),
    )
    assert found == {"product": "sku-3", "category": "mens-shoes", "value": 1000, "path": "/mens/shoes"}
    assert len(msgspec.json.encode(found)) <= 80


def test_an_order_lists_its_products_also_when_it_is_one() -> None:
    items = [{"product_id": 1, "category": "shoes"}, {"product_id": "b"}]
    found = facts("Order Completed", order_id=1001, revenue="25.10", products=items)
    assert found == {"order_id": "1001", "product": ["1", "b"], "category": ["shoes"], "value": 2510}
    assert facts("Order Completed", products=[{"sku": "b"}])["product"] == ["b"]
    assert facts("Order Completed", product_id="b")["product"] == "b"


@pytest.mark.parametrize(
    ("sent", "currency", "value"),
    [
        (19.5, "EUR", 1950), ("19.50", "EUR", 1950), ("1,299", "USD", 129900), (500, "JPY", 500), (1.5, "KWD", 1500),
        (0.1 + 0.2, "EUR", 30), (-3, "EUR", -300), (1e308, "EUR", 10**15), (10**400, "EUR", 10**15),
        ("free", "EUR", None), (True, "EUR", None), (None, "EUR", None), ("NaN", "EUR", None), ([], "EUR", None),
    ],
)  # fmt: skip
def test_money_is_minor_units(sent: object, currency: str, value: int | None) -> None:
    plan = msgspec.structs.replace(STANDARD_PLAN, currency=currency)
    assert facts("Product Viewed", plan, price=sent).get("value") == value


def test_money_in_another_currency_is_converted_at_the_rate_of_its_day() -> None:
    rates = {"CAD": ((0, 0.68), (500, 0.5)), "JPY": ((0, 0.006),)}
    plan = msgspec.structs.replace(STANDARD_PLAN, rates=rates)

    def value(at: int, **properties: Any) -> Any:
        sold = msgspec.structs.replace(event("Order Completed", properties), occurred_at=at)
        return facts_of(plan, sold).get("value")

    assert value(499, revenue=10, currency="CAD") == 680
    assert value(500, revenue="10.50", currency="cad") == 525
    assert value(500, revenue=1_000, currency="JPY") == 600
    assert value(500, revenue=10, currency="USD") is None


def test_money_in_another_currency_is_not_mixed_in() -> None:
    assert facts("Order Completed", revenue=10, currency="CAD") == {"currency": "CAD"}
    assert facts("Order Completed", revenue=10, currency="eur") == {"value": 1000}
    assert value_of(facts("Order Completed", revenue=10, currency="CAD")) == 0


@pytest.mark.parametrize("sent", [10**13, -(10**13), 10**300])
def test_one_sender_cannot_make_a_total_overflow(sent: int) -> None:
    value = value_of(facts("Order Completed", revenue=sent, currency="EUR"))
    assert abs(value) * 9_000_000 < 2**63
    assert (value > 0) == (sent > 0)


def test_a_view_of_a_page_tells_where_it_came_from() -> None:
    page = {
        "path": "/a", "url": "https://www.shop.example/a?utm_source=x", "referrer": "https://www.google.co.uk/search?q=1",
        "search": "?utm_source=news&utm_medium=email&utm_campaign=spring&gclid=abc", "title": "Shoes",
    }  # fmt: skip
    assert facts_of(STANDARD_PLAN, event("Page Viewed", page, "page")) == {
        "title": "Shoes", "path": "/a", "referrer": "google.co.uk", "campaign": "spring", "campaign_source": "news",
        "campaign_medium": "email", "click_id": "gclid",
    }  # fmt: skip


def test_a_page_of_the_same_site_is_no_referrer() -> None:
    page = {"url": "https://shop.example/b", "referrer": "https://www.shop.example/a"}
    assert facts_of(STANDARD_PLAN, event("Page Viewed", {}, "page", page=page)) == {"path": "/b"}
    assert facts_of(STANDARD_PLAN, event("Page Viewed", {"referrer": "$direct"}, "page")) == {}


def test_a_named_campaign_goes_before_the_address() -> None:
    found = facts_of(
        STANDARD_PLAN,
        event(
            "Page Viewed",
            {"search": "?utm_campaign=b&utm_term=t"},
            "page",
            campaign={"name": "a", "source": "s"},
        ),
    )
    assert found == {"campaign": "a", "campaign_source": "s", "campaign_term": "t"}


def test_an_undeclared_event_still_gives_product_category_and_value() -> None:
    assert facts("Bundle Built", product_id="b", category="kits", total=5) == {
        "product": "b", "category": "kits", "value": 500,
    }  # fmt: skip


def test_a_team_declares_its_own() -> None:
    plan = Plan(
        events={
            "Seat Chosen": EventPlan(
                name="Seat Chosen",
                properties=(
                    PropertyPlan(name="row", type="number", path="seat.row"),
                    PropertyPlan(name="window", type="yes/no", path="seat.window"),
                    PropertyPlan(name="tags", type="list"),
                    PropertyPlan(name="leaves", type="moment"),
                ),
            )
        }
    )
    found = facts(
        "Seat Chosen", plan, seat={"row": "12", "window": "yes"}, tags=["a", 1, None], leaves="1970-01-02"
    )
    assert found == {"row": 12, "window": True, "tags": ["a", "1"], "leaves": 86_400_000}


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("https://x.y/a/b?c#d", "/a/b"),
        ("https://x.y", "/"),
        ("/a?b", "/a"),
        ("a", "/a"),
        ("", "/"),
        ("//", "/"),
    ],
)
def test_paths_of_addresses(url: str, path: str) -> None:
    assert path_of(url) == path


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text() | st.sampled_from(["product_id"]), inner, max_size=3)
    ),
    max_leaves=8,
)
names = st.sampled_from(
    [
        "product_id",
        "price",
        "products",
        "category",
        "revenue",
        "currency",
        "url",
        "referrer",
        "search",
        "path",
        "title",
    ]
)


@given(
    st.sampled_from([*STANDARD_PLAN.events, "Unknown"]),
    st.dictionaries(names, anything),
    st.dictionaries(st.sampled_from(["page", "campaign"]), anything | st.dictionaries(names, anything)),
)
def test_facts_of_anything_are_plain_and_small(
    name: str, properties: dict[str, Any], context: dict[str, Any]
) -> None:
    found = facts_of(STANDARD_PLAN, event(name, properties, **context))
    assert all(value is not None for value in found.values())
    encoded = msgspec.json.encode(
        {key: str(value).encode("utf-8", "replace").decode() for key, value in found.items()}
    )
    msgspec.json.decode(encoded, type=dict[str, str])
    msgspec.convert(found, dict[str, str | int | float | bool | list[str]])


def test_traits_are_flat_and_null_takes_one_away() -> None:
    identify = msgspec.structs.replace(
        event("Identified", kind="identify"),
        traits={
            "plan": "gold",
            "age": 3,
            "vip": True,
            "gone": None,
            "tags": ["a", 1],
            "home": {"city": "Oslo", "geo": {}},
        },
    )
    found = traits_of(identify)
    assert {name: trait.value for name, trait in found.items()} == {
        "plan": "gold", "age": 3, "vip": True, "gone": None, "tags": ["a", "1"], "home.city": "Oslo",
    }  # fmt: skip
    assert (found["plan"].source, found["plan"].at) == ("browser", 1)
    assert traits_of(event("Product Viewed")) == {}


def test_a_list_told_of_a_person_is_kept_as_far_as_it_fits() -> None:
    identify = msgspec.structs.replace(
        event("Identified", kind="identify"), traits={"likes": ["x" * 400] * 90, "name": "Ann"}
    )
    assert {name: trait.value for name, trait in traits_of(identify).items()} == {
        "likes": ["x" * 400] * 5,
        "name": "Ann",
    }
