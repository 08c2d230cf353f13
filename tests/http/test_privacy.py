"""With the public key nobody reads another's data, joins another's history, or addresses a stranger."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from tests.building import Flag
from tests.http.shop import SECRET, WRITE, Clock, shop_programme
from tests.stores import settle

from opportune.core.history.key import key_of
from opportune.core.rule import Rule, Show
from opportune.services.authorizing import user_token_of
from opportune.services.house import House

pytestmark = pytest.mark.anyio

BOUGHT = Rule(name="Bought", when=Flag("Order Completed"), show=(Show(slot="hero", variant="Shoes"),))


@pytest.fixture
async def victim(client: httpx.AsyncClient, house: House) -> str:
    """A user who bought; whether the hero shows shoes tells whether somebody reads that."""
    house.programme = shop_programme(BOUGHT)
    event = {"type": "track", "event": "Order Completed", "messageId": "o1", "properties": {"order_id": "1"}}
    answer = await client.post(
        "/v1/decide", json={"userId": "anna", "slots": ["hero"], "events": [event]}, headers=SECRET
    )
    assert answer.json()["events"] == {"accepted": 1}
    assert answer.json()["decisions"]["hero"]["variant"] == "Shoes"
    return "anna"


async def variant(client: httpx.AsyncClient, headers: dict[str, str], **body: Any) -> str:
    answer = await client.post("/v1/decide", json={"slots": ["hero"], **body}, headers=headers)
    assert answer.status_code == 200, answer.text
    found: str = answer.json()["decisions"]["hero"]["variant"]
    return found


async def test_a_user_id_without_proof_reads_nothing(
    client: httpx.AsyncClient, victim: str, house: House
) -> None:
    assert await variant(client, WRITE, userId=victim) == "normal"
    assert await variant(client, WRITE, userId=victim, anonymousId="mallory") == "normal"
    assert await variant(client, WRITE, anonymousId=victim) == "normal"
    wrong = user_token_of(house, "mallory")
    assert await variant(client, WRITE, userId=victim, userToken=wrong) == "normal"
    assert await variant(client, WRITE, userId=victim, userToken=user_token_of(house, victim)) == "Shoes"


async def test_ofrep_and_fragments_read_nothing_without_proof_either(
    client: httpx.AsyncClient, victim: str, house: House
) -> None:
    path = "/ofrep/v1/evaluate/flags/hero"
    context = {"targetingKey": "mallory", "userId": victim}
    answer = await client.post(path, json={"context": context}, headers=WRITE)
    assert answer.json()["variant"] == "normal"
    proven = context | {"userToken": user_token_of(house, victim)}
    answer = await client.post(path, json={"context": proven}, headers=WRITE)
    assert answer.json()["variant"] == "Shoes"
    fragment = await client.get(f"/v1/fragments/hero?userId={victim}&anonymousId=mallory", headers=WRITE)
    assert fragment.text == "<h1>Welcome</h1>"


async def test_claiming_a_user_joins_no_history(client: httpx.AsyncClient, victim: str, house: House) -> None:
    for message in (
        {"type": "identify", "userId": victim, "traits": {"email": "mallory@example.com"}},
        {"type": "alias", "userId": victim, "previousId": "mallory"},
        {"type": "alias", "userId": "mallory", "previousId": victim},
        {"type": "track", "event": "Order Refunded", "userId": victim},
    ):
        events = [{**message, "anonymousId": "mallory", "messageId": message["type"]}]
        await variant(client, WRITE, anonymousId="mallory", userId=victim, events=events)
    assert await variant(client, WRITE, anonymousId="mallory") == "normal"
    user, device = key_of("user", victim), key_of("anonymous", "mallory")
    assert house.storage.list_person_keys(user)[1] == (user,)
    assert house.storage.list_person_keys(device)[1] == (device,)
    view = (await client.get(f"/v1/people/{victim}?namespace=user", headers=SECRET)).json()
    assert [event["messageId"] for event in view["history"]] == ["o1"]
    assert not any("mallory" in str(known["value"]) for known in view["known"])


async def test_a_public_key_gets_no_receipts_and_is_no_previewer(
    client: httpx.AsyncClient, victim: str, clock: Clock
) -> None:
    body = {
        "anonymousId": "m",
        "slots": ["hero"],
        "receipts": True,
        "preview": True,
        "context": {"preview": True},
    }
    answer = await client.post("/v1/decide", json=body, headers=WRITE)
    assert "receipt" not in answer.json()["decisions"]["hero"]
    assert "why" not in answer.json()["decisions"]["hero"]


async def test_a_token_of_somebody_elses_decision_marks_nothing(
    client: httpx.AsyncClient, victim: str, house: House
) -> None:
    asked = {"userId": victim, "slots": ["hero"]}
    token = (await client.post("/v1/decide", json=asked, headers=SECRET)).json()["decisions"]["hero"][
        "decision"
    ]
    viewed = {
        "type": "track",
        "event": "Slot Viewed",
        "messageId": "v1",
        "anonymousId": "mallory",
        "properties": {"slot": "hero", "decision": token},
    }
    await variant(client, WRITE, anonymousId="mallory", events=[viewed])
    settle(house.storage)
    exposures = house.storage.list_exposures((key_of("user", victim),))
    assert all(exposure.shown_at is None for exposure in exposures)
