"""Two servers on one database, as somebody meets them whose requests go now to one and now to the other."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from tests.building import NOW, Flag, decided, programme, rule
from tests.services.test_publishing import FILES
from tests.stores import settle

from opportune.app.house import build_house
from opportune.core.history.key import key_of
from opportune.core.programme import Programme
from opportune.core.rule import Rule, RunState, Show
from opportune.core.situation import Context
from opportune.errors import UnknownKeyError
from opportune.server import Server
from opportune.services.capturing import CaptureSource, capture
from opportune.services.deciding import Question
from opportune.services.house import House
from opportune.services.operating import add_key, load_secret, revoke_key
from opportune.services.publishing import publish
from opportune.settings import Settings
from opportune.storage.base import Storage
from opportune.storage.postgres import PostgresStorage

VISITOR = "v-1"
DEVICE = key_of("anonymous", VISITOR)


@pytest.fixture
def houses(postgres_store: str) -> Iterator[tuple[House, House]]:
    stores = PostgresStorage(postgres_store), PostgresStorage(postgres_store)
    first, second = (house_of(store) for store in stores)
    yield first, second
    for store in stores:
        store.close()


def house_of(storage: Storage) -> House:
    made = programme(rule("Keen"))
    return House(storage, lambda: NOW, load_secret(storage), made, deadline_seconds=30)


def ask(house: House) -> str:
    context = Context(attributes={"keen": True})
    answer = decided(house, Question(anonymous_id=VISITOR, slots=("hero",), context=context))
    settle(house.storage)
    return answer.decisions[0].decision.variant


def exposures(house: House) -> list[str]:
    return [given.rule for given in house.storage.list_exposures([DEVICE])]


def test_somebody_seen_again_by_the_other_server_is_a_visitor(houses: tuple[House, House]) -> None:
    first, second = houses
    assert ask(first) == "Shoes"
    assert exposures(second) == []
    assert ask(second) == "Shoes"
    assert exposures(first) == ["Keen"]
    assert ask(first) == "Shoes"
    assert exposures(second) == ["Keen"]


def test_who_never_came_again_is_forgotten(houses: tuple[House, House]) -> None:
    first, second = houses
    ask(first)
    assert second.storage.recall((DEVICE,), now=NOW).is_met
    second.storage.make_room(NOW + 25 * 3_600_000)
    assert not first.storage.recall((DEVICE,), now=NOW).is_met
    assert exposures(second) == []


def test_servers_that_start_together_share_one_secret(houses: tuple[House, House]) -> None:
    first, second = houses
    assert first.secret == second.secret
    _, value = add_key(first, kind="secret", name="shop")
    assert value
    assert [key.name for key in second.storage.list_api_keys()] == ["shop"]


def test_what_is_published_while_a_server_starts_reaches_it(houses: tuple[House, House]) -> None:
    first, second = houses
    version = second.storage.changed_at()
    starting = build_house(second.storage)
    published = publish(first, FILES)
    server = Server(starting, Settings(database="postgresql://shop/shop"), lambda _house, _url: None, version)
    server.background.watch()
    assert starting.programme.revision == published.revision


def test_a_key_revoked_elsewhere_does_not_even_work_once(houses: tuple[House, House]) -> None:
    first, second = houses
    _, value = add_key(first, kind="secret", name="shop")
    version = second.storage.changed_at()
    server = Server(second, Settings(database="postgresql://shop/shop"), lambda _house, _url: None, version)
    assert asyncio.run(server.http.edge.keys.find(value)).name == "shop"
    revoke_key(first, "shop")
    server.background.watch()
    with pytest.raises(UnknownKeyError):
        asyncio.run(server.http.edge.keys.find(value))


def test_an_event_nobody_had_seen_before_acts_at_once_on_the_other_server(
    houses: tuple[House, House],
) -> None:
    first, second = houses
    waiting = Rule(
        name="Viewed",
        when=Flag("Product Viewed", events=frozenset({"Product Viewed"})),
        show=(Show(slot="hero", variant="Shoes"),),
    )
    for house in houses:
        house.programme = Programme(programme(waiting).playbook, {"Viewed": RunState(rule="Viewed")})
        assert house.programme.waiting
    message = {"type": "track", "event": "Product Viewed", "anonymousId": VISITOR, "messageId": "m-1"}
    assert capture(first, CaptureSource(), [message]).result(60).accepted == 1
    answer = decided(second, Question(anonymous_id=VISITOR, slots=("hero",)))
    assert answer.decisions[0].decision.variant == "Shoes"
