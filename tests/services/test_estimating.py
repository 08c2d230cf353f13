"""Reach: the real deciding code over recent visitors, on every store; bounded, and silent where nobody came."""

from __future__ import annotations

from typing import Any

from tests.building import NOW, programme

from opportune.core.moment import DAY, HOUR, to_iso
from opportune.services.capturing import CaptureSource, capture
from opportune.services.house import House
from opportune.services.traffic.estimating import Reach, estimate_recipes
from opportune.storage.base import Storage

BROWSER = CaptureSource(name="site")


def take(storage: Storage, *messages: dict[str, Any]) -> None:
    house = House(storage=storage, clock=lambda: NOW, secret=b"secret of the tests", programme=programme())
    result = capture(house, BROWSER, messages).result()
    assert result.accepted == len(messages)


def page(visitor: str, path: str = "/", at: int = NOW - HOUR) -> dict[str, Any]:
    about = {"path": path, "url": f"https://shop.example{path}"}
    return {
        "type": "page",
        "anonymousId": visitor,
        "timestamp": to_iso(at),
        "properties": about,
        "context": {"page": about},
    }


def track(event: str, visitor: str, at: int = NOW - HOUR, **properties: Any) -> dict[str, Any]:
    return {
        "type": "track",
        "event": event,
        "anonymousId": visitor,
        "timestamp": to_iso(at),
        "properties": properties,
        "context": {"page": {"path": "/", "url": "https://shop.example/"}},
    }


def reaches(storage: Storage) -> dict[str, Reach]:
    return {reach.recipe.name: reach for reach in estimate_recipes(storage, NOW).reaches}


def test_a_store_without_visitors_promises_nothing(storage: Storage) -> None:
    estimate = estimate_recipes(storage, NOW)
    assert (estimate.visitors, estimate.looked_at) == (0, 0)
    assert [reach.people_a_day for reach in estimate.reaches] == [None] * 10


def test_reach_counts_the_visitors_the_rule_would_really_have_acted_for(storage: Storage) -> None:
    for number in range(10):
        take(storage, page(f"reader-{number}", at=NOW - 2 * DAY + number))
    for number in range(4):
        take(storage, page(f"asker-{number}", "/help/sizes"))
    found = reaches(storage)
    people_a_day = found["quiet-in-support"].people_a_day
    assert people_a_day is not None
    assert round(people_a_day, 1) == 2.0  # 4 of 14 people in two days
    assert estimate_recipes(storage, NOW).span == "last 2 days"
    assert found["paid-search-match"].people_a_day == 0


def test_what_is_known_of_a_visitor_is_known_as_of_each_of_their_moments(storage: Storage) -> None:
    """Who looked twice and came back is a returner; who looks twice now for the first time is none yet."""
    for hours in (50, 49):
        take(
            storage, track("Product Viewed", "returner", NOW - hours * HOUR, product_id="1", category="shoes")
        )
    take(storage, page("returner", at=NOW - HOUR))
    take(storage, track("Product Viewed", "stranger", NOW - HOUR, product_id="1", category="shoes"))
    found = reaches(storage)["category-returner"]
    assert found.share == 0.5


def test_a_recipe_whose_events_never_came_has_no_reach_but_a_reason(storage: Storage) -> None:
    take(storage, page("reader"))
    found = reaches(storage)["cart-saved"]
    assert found.people_a_day is None
    assert found.recipe.missing == ("Order Completed", "Product Added")


def test_days_to_an_answer_are_given_at_a_typical_rate_while_there_are_few_people(storage: Storage) -> None:
    for number in range(30):
        take(storage, track("Order Completed", f"buyer-{number}", NOW - 2 * DAY, order_id=str(number)))
        take(storage, page(f"buyer-{number}"))
    found = reaches(storage)["just-bought-how-to"]
    assert found.is_typical
    assert found.days is not None
    assert found.days > 1_000
