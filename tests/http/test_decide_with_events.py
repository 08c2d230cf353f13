"""Events sent along with a question: safe first, then known to the very answer."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from tests.building import Flag
from tests.http.shop import SECRET, WRITE, shop_programme
from tests.stores import make_full

from opportune.core.rule import Rule, Show
from opportune.services.authorizing import user_token_of
from opportune.services.house import House

pytestmark = pytest.mark.anyio

SEEN = Rule(name="Seen", when=Flag("Product Viewed"), show=(Show(slot="hero", variant="Shoes"),))


@pytest.fixture(autouse=True)
def rules(house: House) -> None:
    house.programme = shop_programme(SEEN)


def viewed(message: str, **more: Any) -> dict[str, Any]:
    return {"type": "track", "event": "Product Viewed", "messageId": message, **more}


async def ask(client: httpx.AsyncClient, headers: dict[str, str] = WRITE, **body: Any) -> dict[str, Any]:
    answer = await client.post("/v1/decide", json={"slots": ["hero"], **body}, headers=headers)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_the_answer_knows_the_event_that_came_with_it(client: httpx.AsyncClient) -> None:
    assert (await ask(client, anonymousId="a"))["decisions"]["hero"]["variant"] == "normal"
    answer = await ask(client, anonymousId="a", events=[viewed("m1")])
    assert answer["events"] == {"accepted": 1}
    assert answer["decisions"]["hero"]["variant"] == "Shoes"
    again = await ask(client, anonymousId="a", events=[viewed("m1")])
    assert again["events"] == {"duplicate": 1}


async def test_a_hundred_events_are_each_in_the_next_answer(client: httpx.AsyncClient) -> None:
    for number in range(100):
        answer = await ask(client, anonymousId=f"v{number}", events=[viewed(f"m{number}")])
        assert answer["decisions"]["hero"]["variant"] == "Shoes"


async def test_a_bad_event_is_set_aside_and_the_good_ones_count(client: httpx.AsyncClient) -> None:
    bad = {"type": "track", "messageId": "bad"}
    answer = await ask(client, anonymousId="a", events=[bad, viewed("good")])
    assert (answer["events"]["accepted"], answer["events"]["setAside"]) == (1, 1)
    assert answer["events"]["reason"]
    assert answer["decisions"]["hero"]["variant"] == "Shoes"


async def test_a_proof_in_the_question_holds_for_its_events(client: httpx.AsyncClient, house: House) -> None:
    token = user_token_of(house, "u-1")
    await ask(client, anonymousId="a", userId="u-1", userToken=token, events=[viewed("m1")])
    events = (await client.get("/v1/events?id=u-1&namespace=user", headers=SECRET)).json()["events"]
    assert [event["belongsTo"] for event in events] == [{"namespace": "user", "id": "u-1"}]
    assert token not in str(events)


async def test_a_full_disk_is_told_and_the_page_still_gets_its_answer(
    client: httpx.AsyncClient, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_full(house.storage, monkeypatch)
    answer = await ask(client, anonymousId="a", events=[viewed("m1")])
    assert "disk is full" in answer["events"]["error"]
    assert answer["decisions"]["hero"]["value"] == {"headline": "Welcome"}
    nothing_asked = {"anonymousId": "a", "slots": [], "events": [viewed("m1")]}
    for path, body in (("/v1/decide", nothing_asked), ("/v1/track", viewed("m1", anonymousId="a"))):
        refused = await client.post(path, json=body, headers=WRITE)
        assert refused.status_code == 503
        assert int(refused.headers["retry-after"]) > 0


async def test_events_may_come_without_a_question(client: httpx.AsyncClient) -> None:
    answer = await ask(client, anonymousId="a", slots=[], events=[viewed("m1")])
    assert answer["decisions"] == {}
    assert answer["events"] == {"accepted": 1}
