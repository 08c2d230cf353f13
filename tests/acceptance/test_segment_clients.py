"""Segment's and RudderStack's own Python libraries, unchanged: what they send is there, once, and decides."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from rudderstack.analytics.client import Client as RudderClient
from segment.analytics.client import Client as SegmentClient
from tests.acceptance.live import served
from tests.building import Flag
from tests.http.shop import SECRET, SECRET_KEY, WRITE_KEY, Clock, shop_programme

from opportune.core.rule import Rule, Show
from opportune.services.house import House
from opportune.services.operating import add_key
from opportune.storage.base import Storage

LONGEST_SECONDS = 60
SOON_SECONDS = 0.02
"""How long the libraries wait for more; half a second where nobody says."""
RETURNER = Rule(name="Seen", when=Flag("Product Viewed"), show=(Show(slot="hero", variant="Shoes"),))


@pytest.fixture(scope="module")
def address(module_storage: Storage) -> Iterator[str]:
    house = House(module_storage, Clock(), b"s" * 32, shop_programme(RETURNER), deadline_seconds=30)
    add_key(house, kind="write", name="site", value=WRITE_KEY)
    add_key(house, kind="secret", name="backend", value=SECRET_KEY)
    with served(house) as found:
        yield found


def segment(address: str, key: str, **options: Any) -> SegmentClient:
    return SegmentClient(
        key, host=address, sync_mode=False, max_retries=0, upload_interval=SOON_SECONDS, **options
    )


def rudder(address: str, key: str, **options: Any) -> RudderClient:
    return RudderClient(key, host=address, max_retries=0, upload_interval=SOON_SECONDS, **options)


def stored(address: str, **query: str) -> list[dict[str, Any]]:
    answer = httpx.get(f"{address}/v1/events", params=query, headers=SECRET, timeout=LONGEST_SECONDS)
    answer.raise_for_status()
    events: list[dict[str, Any]] = answer.json()["events"]
    return events


def hero(address: str, anonymous_id: str) -> str:
    body = {"anonymousId": anonymous_id, "slots": ["hero"]}
    answer = httpx.post(f"{address}/v1/decide", json=body, headers=SECRET, timeout=LONGEST_SECONDS)
    variant: str = answer.json()["decisions"]["hero"]["variant"]
    return variant


@pytest.mark.parametrize("make", [segment, rudder], ids=["segment", "rudder"])
@pytest.mark.parametrize("gzip", [False, True], ids=["plain", "gzip"])
def test_every_call_arrives_and_the_next_decision_knows_it(
    address: str, make: Callable[..., Any], gzip: bool
) -> None:
    visitor = f"{make.__name__}-{gzip}"
    failures: list[object] = []
    client = make(address, WRITE_KEY, gzip=gzip, on_error=lambda error, _: failures.append(error))
    assert hero(address, visitor) == "normal"
    client.track(anonymous_id=visitor, event="Product Viewed", properties={"product_id": "p1"})
    client.page(anonymous_id=visitor, name="Home")
    client.screen(anonymous_id=visitor, name="Start")
    client.flush()
    client.join()
    assert not failures
    events = stored(address, id=visitor)
    assert {event["type"] for event in events} == {"track", "page", "screen"}
    assert {event["name"] for event in events} == {"Product Viewed", "Page Viewed", "Screen Viewed"}
    assert hero(address, visitor) == "Shoes"


@pytest.mark.parametrize("make", [segment, rudder], ids=["segment", "rudder"])
def test_a_server_joins_a_visitor_to_their_user(address: str, make: Callable[..., Any]) -> None:
    visitor, user = f"device of {make.__name__}", f"user of {make.__name__}"
    client = make(address, SECRET_KEY)
    client.track(anonymous_id=visitor, event="Product Viewed", properties={"product_id": "p1"})
    client.identify(user_id=user, anonymous_id=visitor, traits={"plan": "gold"})
    client.flush()
    client.join()
    person = httpx.get(f"{address}/v1/people/{user}", headers=SECRET, timeout=LONGEST_SECONDS).json()
    assert {key["id"] for key in person["keys"]} == {visitor, user}
    assert {event["name"] for event in person["history"]} == {"Product Viewed", "Identified"}
    assert any(known["name"] == "plan" and known["value"] == "gold" for known in person["known"])


@pytest.mark.parametrize("make", [segment, rudder], ids=["segment", "rudder"])
def test_the_same_message_twice_is_one_event(address: str, make: Callable[..., Any]) -> None:
    visitor = f"twice {make.__name__}"
    client = make(address, WRITE_KEY)
    for _ in range(2):
        client.track(anonymous_id=visitor, event="Product Viewed", message_id=f"same {make.__name__}")
        client.flush()
    client.join()
    assert len(stored(address, id=visitor)) == 1


@pytest.mark.parametrize("make", [segment, rudder], ids=["segment", "rudder"])
def test_a_wrong_key_is_final(address: str, make: Callable[..., Any]) -> None:
    failures: list[object] = []
    client = make(address, "owk_a_wrong_key", on_error=lambda error, _: failures.append(error))
    client.track(anonymous_id="nobody", event="Product Viewed")
    client.flush()
    client.join()
    assert len(failures) == 1
    assert "401" in str(failures[0])
