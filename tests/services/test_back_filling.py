"""Back-filling beside publishes and other processes: no event keeps facts that an older playbook read."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.services.test_publishing import FILES, NOW, changed, colors, see
from tests.stores import open_again

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
    assert capture(second, SHOP, [late]).result(10).accepted == 1
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
