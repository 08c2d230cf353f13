"""Versions of one order that come at the same time: whatever shares a commit, the earliest time stands."""

from __future__ import annotations

from threading import Event
from typing import Any

import pytest
from tests.building import NOW, programme, rule
from tests.stores import ON_LASTING

from opportune.core.history.key import key_of
from opportune.core.history.standard_plan import STANDARD_PLAN
from opportune.core.moment import SECOND, to_iso
from opportune.services.capturing import CaptureSource, capture
from opportune.services.house import House
from opportune.storage.base import Storage

BROWSER, SERVER = CaptureSource(name="site"), CaptureSource(name="backend", is_secret=True)


@pytest.fixture
def house(storage: Storage) -> House:
    made = House(storage=storage, clock=lambda: NOW, secret=b"s" * 32, programme=programme(rule("A")))
    assert STANDARD_PLAN.events["Order Completed"].business_key == "order_id"
    return made


def order(at: int, message: str, **properties: Any) -> dict[str, Any]:
    return {
        "type": "track",
        "event": "Order Completed",
        "messageId": message,
        "anonymousId": "v-1",
        "timestamp": to_iso(at),
        "properties": {"order_id": "1001", **properties},
    }


@ON_LASTING
def test_an_earlier_version_in_the_same_commit_gives_the_order_its_time(house: House) -> None:
    writer_may_go_on = Event()
    waiting = house.storage.write(lambda _: writer_may_go_on.wait(60))
    verified = capture(house, SERVER, [order(NOW - 2 * SECOND, "m-1", revenue=49.90)])
    earlier = capture(house, BROWSER, [order(NOW - 9 * SECOND, "m-2", revenue=1)])
    writer_may_go_on.set()
    waiting.result()
    assert (verified.result().accepted, earlier.result().duplicate) == (1, 1)
    [event] = house.storage.recall([key_of("anonymous", "v-1")], now=NOW).events[key_of("anonymous", "v-1")]
    assert (event.occurred_at, event.facts["value"]) == (NOW - 9 * SECOND, 4_990)


@pytest.mark.parametrize("sources", [(SERVER, BROWSER), (BROWSER, SERVER)])
def test_an_order_known_twice_is_one_order_and_both_versions_can_be_counted(
    house: House, sources: tuple[CaptureSource, CaptureSource]
) -> None:
    for number, source in enumerate((*sources, BROWSER)):
        capture(house, source, [order(NOW - SECOND, f"m-{number}", revenue=49.90)]).result()
    versions = house.storage.list_versions("Order Completed", NOW - SECOND, 10)
    assert {(each.source, is_read) for each, is_read in versions} == {("browser", False), ("server", True)}
    [event] = house.storage.recall([key_of("anonymous", "v-1")], now=NOW).events[key_of("anonymous", "v-1")]
    assert event.source == "server"
    [(_, name, count, _)] = house.storage.list_totals("2000-01-01", "2100-01-01")
    assert (name, count) == ("Order Completed", 1)
