"""Back-filling beside publishes and other processes: no event keeps facts that an older playbook read."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.services.test_publishing import FILES, NOW, changed, colors, see
from tests.stores import open_again

from opportune.core.history.key import key_of
from opportune.core.programme import empty_programme
from opportune.services.back_filling import back_fill, find_back_fill
from opportune.services.capturing import CaptureSource, capture
from opportune.services.house import House
from opportune.services.publishing import load_running, publish
from opportune.storage.base import Storage
from opportune.storage.postgres import PostgresStorage

COLOR = "events:\n  Product Viewed:\n    properties:\n      color: text\n"
MOOD = f"{COLOR}  Page Viewed:\n    properties:\n      mood: text\n"
SETTLE_MS = 3_000
SHOP = CaptureSource(is_secret=True, name="shop")


def house_over(storage: Storage) -> House:
    return House(storage=storage, clock=lambda: NOW, secret=b"s" * 32, programme=empty_programme())


@pytest.fixture
def houses(postgres_store: str) -> Iterator[tuple[House, House]]:
    """Two processes that both run what was published first; five events are in."""
    first = house_over(PostgresStorage(postgres_store))
    publish(first, FILES)
    for number in range(1, 6):
        see(first, number, f"c{number}")
    second = house_over(open_again(first.storage))
    load_running(second)
    yield first, second
    for house in (first, second):
        house.storage.close()


def test_a_process_with_an_older_playbook_leaves_it_to_others(houses: tuple[House, House]) -> None:
    first, second = houses
    publish(first, changed(plan=COLOR))
    back_fill(second)
    assert find_back_fill(second) is not None
    load_running(second)
    while not back_fill(second).is_complete:
        pass
    assert find_back_fill(second) is None
    assert sorted(map(str, colors(first))) == ["c1", "c2", "c3", "c4", "c5"]


def test_what_another_process_took_in_by_the_older_playbook_is_read_again(
    houses: tuple[House, House],
) -> None:
    first, second = houses
    publish(first, changed(plan=COLOR))
    back_fill(first, settle_ms=SETTLE_MS)
    late = {"type": "track", "event": "Product Viewed", "anonymousId": "v", "properties": {"color": "late"}}
    assert capture(second, SHOP, [late]).result(60).accepted == 1
    assert "late" not in colors(first)
    first.clock = lambda: NOW + SETTLE_MS
    back_fill(first, settle_ms=SETTLE_MS)
    assert sorted(map(str, colors(first))) == ["c1", "c2", "c3", "c4", "c5", "late"]


def test_a_publish_in_between_adds_to_what_is_pending(storage: Storage) -> None:
    house = house_over(storage)
    publish(house, FILES)
    for number in range(1, 6):
        see(house, number, f"c{number}")
    publish(house, changed(plan=COLOR))
    assert back_fill(house, step=2).done == 2
    publish(house, changed(plan=MOOD))
    pending = find_back_fill(house)
    assert pending is not None
    assert {"Page Viewed", "Product Viewed"} <= set(pending.names)
    while not back_fill(house, step=2).is_complete:
        pass
    assert sorted(map(str, colors(house))) == ["c1", "c2", "c3", "c4", "c5"]


TEAM = FILES["team.yaml"]


def order(house: House, number: int, total: str = "10", currency: str = "GBP") -> None:
    said = {"order_id": str(number), "total": total, "currency": currency}
    sent = {"type": "track", "event": "Order Completed", "anonymousId": "v", "properties": said}
    assert capture(house, SHOP, [sent]).result(60).accepted == 1


def money(house: House) -> list[object]:
    events = house.storage.recall([key_of("anonymous", "v")], now=NOW).events[key_of("anonymous", "v")]
    return [event.facts.get("value") for event in events]


def test_orders_in_another_currency_count_as_soon_as_its_rate_is_known(storage: Storage) -> None:
    house = house_over(storage)
    publish(house, FILES)
    order(house, 1)
    order(house, 2, currency="EUR")
    assert sorted(map(str, money(house))) == ["1000", "None"]
    for rate, counted in (("1.5", ["1000", "1500"]), ("1.2", ["1000", "1200"])):
        published = publish(house, changed(plan=f"rates: {{GBP: {rate}}}\n"))
        assert published.notes[-1:] == (
            'What "Order Completed" carry changed: past events are read again in the background.',
        )
        while not back_fill(house).is_complete:
            pass
        assert sorted(map(str, money(house))) == counted


def test_a_first_playbook_reads_again_what_came_in_before_it(storage: Storage) -> None:
    house = house_over(storage)
    order(house, 1)
    assert money(house) == [None]
    publish(house, FILES | {"team.yaml": f"{TEAM}currency: GBP\n"})
    while not back_fill(house).is_complete:
        pass
    assert money(house) == [1_000]


def test_past_events_are_read_again_also_where_they_count_for_longer_from_now_on(storage: Storage) -> None:
    house = house_over(storage)
    publish(house, FILES)
    see(house, 1, "red")
    publish(house, changed(plan=COLOR.replace("    properties", "    class: key\n    properties")))
    while not back_fill(house).is_complete:
        pass
    assert colors(house) == ["red"]


def test_money_of_an_event_that_nobody_declared_is_read_again(storage: Storage) -> None:
    house = house_over(storage)
    publish(house, FILES)
    said = {"value": "10", "currency": "GBP"}
    sent = {"type": "track", "event": "Gift Card Bought", "anonymousId": "v", "properties": said}
    assert capture(house, SHOP, [sent]).result(60).accepted == 1
    assert money(house) == [None]
    publish(house, changed(plan="rates: {GBP: 1.5}\n"))
    while not back_fill(house).is_complete:
        pass
    assert money(house) == [1_500]


def test_nothing_is_looked_for_that_never_came(storage: Storage) -> None:
    house = house_over(storage)
    publish(house, FILES)
    order(house, 1)
    publish(house, changed(plan="rates: {GBP: 1.5}\n"))
    steps = 1
    while not back_fill(house).is_complete:
        steps += 1
    assert steps == 1
    assert money(house) == [1_500]
