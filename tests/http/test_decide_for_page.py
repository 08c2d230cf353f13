"""`POST /v1/decide` with `page`: what the page script needs to fill the next page before it is painted."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from tests.http.shop import SECRET, WRITE, bearer, shop_programme

from opportune.core.conditions.page import Page
from opportune.core.playbook import Playbook
from opportune.core.programme import Programme
from opportune.core.rule import Hide, Rule, RunState, Show
from opportune.core.slot import Placement, Slot, Variant
from opportune.services.house import House

pytestmark = pytest.mark.anyio

BAR = Slot(
    name="bar",
    fallback=None,
    tags=frozenset({"promo"}),
    variants=(Variant(name="Sale", value={"text": "Sale"}),),
)
HERO = Slot(
    name="front",
    fallback=None,
    variants=(Variant(name="Hi", value={"text": "Hi"}),),
    placement=Placement(paths=("/",)),
)
RULES = (
    Rule(name="Quiet", when=Page(types=("help",)), hide=(Hide(tag="promo"),), always=True),
    Rule(name="Always", when=Page(paths=("*",)), show=(Show(slot="bar", variant="Sale"),)),
    Rule(name="Front", when=Page(types=("home",)), show=(Show(slot="front", variant="Hi"),)),
)


def programme_of(*rules: Rule) -> Programme:
    base = shop_programme().playbook
    playbook = Playbook(
        revision="abc123",
        team=base.team,
        plan=base.plan,
        vocabulary=base.vocabulary,
        slots={slot.name: slot for slot in (BAR, HERO)},
        rules={rule.name: rule for rule in rules},
        behaviours={rule.name: rule.name for rule in rules},
    )
    return Programme(playbook, {rule.name: RunState(rule=rule.name) for rule in rules})


async def ask(client: httpx.AsyncClient, **body: Any) -> dict[str, Any]:
    answer = await client.post("/v1/decide", json={"anonymousId": "a-1", "page": True, **body}, headers=WRITE)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["decisions"]
    return found


async def test_each_place_comes_with_where_it_stands_and_what_to_put_there(client: httpx.AsyncClient) -> None:
    found = await ask(client, ahead=True, context={"keen": True})
    assert found["hero"]["page"] == {
        "find": '[data-slot="hero"]',
        "put": [['[data-field="headline"]', "text", "Shoes for <you>"]],
    }
    assert found["colour"]["page"]["put"] == [["", "text", "blue"]]
    assert "page" not in found["is-new"]
    assert found["hero"]["decision"]


async def test_a_server_that_does_not_ask_for_it_gets_none(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/decide", json={"anonymousId": "a-1"}, headers=SECRET)
    assert all("page" not in decision for decision in answer.json()["decisions"].values())


async def test_an_answer_ahead_says_on_which_pages_it_does_not_hold(
    client: httpx.AsyncClient, house: House
) -> None:
    house.programme = programme_of(RULES[0], Rule(name="Keen", when=Page(types=("help",)), show=()))
    on_product = (await ask(client, ahead=True, context={"page": {"path": "/products/boots"}}))["bar"]["page"]
    assert "help" in on_product["notOn"]
    assert "here" not in on_product
    on_help = (await ask(client, ahead=True, context={"page": {"path": "/help"}}))["bar"]["page"]
    assert on_help["here"] is True
    assert on_help["put"] == [["", "hide", ""]]


async def test_a_place_of_one_page_is_decided_as_if_on_that_page(
    client: httpx.AsyncClient, house: House
) -> None:
    house.programme = programme_of(*RULES)
    found = await ask(client, ahead=True, context={"page": {"path": "/products/boots"}})
    assert found["front"]["variant"] == "Hi"
    assert found["front"]["page"]["paths"] == ["/"]
    assert "here" not in found["front"]["page"]
    elsewhere = await ask(client, ahead=True, context={"page": {"path": "/cart"}})
    assert elsewhere["front"]["variant"] == "Hi"


async def test_asking_for_the_page_needs_no_more_than_a_write_key(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/decide", json={"page": True}, headers=bearer("nobody's key"))
    assert answer.status_code == 401
