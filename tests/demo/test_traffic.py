from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

from opportune.demo.traffic import earlier_visit, past_traffic

UNTIL_AT = 1_800_000_000_000


def small_past(seed: int = 1) -> list[dict[str, object]]:
    return list(past_traffic(UNTIL_AT, days=20, visitors_a_day=100, seed=seed))


def test_same_seed_gives_the_same_past() -> None:
    assert small_past() == small_past()
    assert small_past() != small_past(seed=2)


def test_past_comes_in_ascending_time_and_ends_in_time() -> None:
    moments = [datetime.fromisoformat(str(message["timestamp"])) for message in small_past()]
    assert moments == sorted(moments)
    assert moments[-1] <= datetime.fromtimestamp(UNTIL_AT / 1_000, UTC)


def test_every_message_has_an_id_of_its_own() -> None:
    ids = [message["messageId"] for message in small_past()]
    assert len(ids) == len(set(ids))


def test_shop_is_a_typical_one() -> None:
    past = list(past_traffic(UNTIL_AT, days=40, visitors_a_day=200))
    names = Counter(message.get("event", message["type"]) for message in past)
    visits = 40 * 200
    assert 0.012 < names["Order Completed"] / visits < 0.03
    assert (
        names["Product Viewed"]
        > names["Product Added"]
        > names["Checkout Started"]
        > names["Order Completed"]
    )
    assert {"Signed Up", "Subscribed", "Refund Requested", "Order Refunded", "Support Ticket Opened"} <= set(
        names
    )


def test_some_people_identify_on_two_devices() -> None:
    devices: dict[object, set[object]] = {}
    for message in past_traffic(UNTIL_AT, days=40, visitors_a_day=200):
        if message["type"] == "identify":
            devices.setdefault(message["userId"], set()).add(message["anonymousId"])
    assert any(len(found) > 1 for found in devices.values())


def test_earlier_visit_was_two_days_ago_and_saw_no_shoes() -> None:
    now = datetime(2026, 11, 23, 12, tzinfo=UTC)
    visit = earlier_visit("device-1", now)
    last = datetime.fromisoformat(visit[-1]["timestamp"])
    assert timedelta(days=2) < now - last < timedelta(days=3)
    assert {message["anonymousId"] for message in visit} == {"device-1"}
    assert "shoes" not in str(visit)
