"""Lists of events, what was set aside, and one person whole: for secret keys that may read."""

from __future__ import annotations

import asyncio
from threading import Event
from typing import Any

import httpx
import pytest
from tests.http.shop import DECIDE_KEY, SECRET, WRITE, Clock, bearer
from tests.stores import ON_MEMORY

from opportune.services.capturing import CaptureSource, capture
from opportune.services.house import House

pytestmark = pytest.mark.anyio


def take(house: House, *messages: dict[str, Any], is_secret: bool = True) -> None:
    source = CaptureSource(is_secret=is_secret, name="test", kind="server" if is_secret else "browser")
    result = capture(house, source, list(messages), None, house.clock()).result()
    assert result.set_aside == 0, result.first_reason


def viewed(product: str, *, message: str, **who: str) -> dict[str, Any]:
    return {
        "type": "track",
        "event": "Product Viewed",
        "messageId": message,
        "properties": {"product_id": product, "category": "shoes"},
        **who,
    }


@pytest.fixture
def seen(house: House, clock: Clock) -> House:
    for number in range(3):
        take(house, viewed(f"p{number}", message=f"m{number}", anonymousId="a-1"), is_secret=False)
        clock.now += 60_000
    take(house, viewed("p9", message="m9", anonymousId="b-2"), is_secret=False)
    take(
        house,
        {
            "type": "identify",
            "userId": "u-1",
            "anonymousId": "a-1",
            "messageId": "i1",
            "traits": {"plan": "gold"},
        },
    )
    return house


async def listed(client: httpx.AsyncClient, query: str = "") -> dict[str, Any]:
    answer = await client.get(f"/v1/events{query}", headers=SECRET)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def ids(page: dict[str, Any]) -> list[str]:
    return [event["messageId"] for event in page["events"]]


@pytest.mark.usefixtures("seen")
async def test_events_are_listed_newest_first_with_their_message_id(client: httpx.AsyncClient) -> None:
    page = await listed(client)
    assert ids(page) == ["i1", "m9", "m2", "m1", "m0"]
    newest = page["events"][1]
    assert newest["name"] == "Product Viewed"
    assert newest["source"] == "browser"
    assert newest["belongsTo"] == {"namespace": "anonymous", "id": "b-2"}
    assert newest["properties"]["product_id"] == "p9"
    assert newest["occurredAt"].endswith("Z")
    assert page["cursor"] is None


@pytest.mark.usefixtures("seen")
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?name=Identified", ["i1"]),
        ("?id=b-2", ["m9"]),
        ("?id=u-1", ["i1", "m2", "m1", "m0"]),
        ("?id=a-1&namespace=anonymous", ["i1", "m2", "m1", "m0"]),
        ("?source=server", ["i1"]),
        ("?messageId=m1", ["m1"]),
        ("?id=nobody", []),
        ("?since=2027-01-15T08:02:00Z&name=Product%20Viewed", ["m9", "m2"]),
        ("?until=2027-01-15T08:01:00Z", ["m0"]),
        ("?until=2027-01-15T09:01:00%2B01:00", ["m0"]),
        ("?limit=2", ["i1", "m9"]),
    ],
)
async def test_filters_narrow_the_list(client: httpx.AsyncClient, query: str, found: list[str]) -> None:
    assert ids(await listed(client, query)) == found


@pytest.mark.usefixtures("seen")
async def test_the_cursor_walks_the_whole_list_once(client: httpx.AsyncClient) -> None:
    found: list[str] = []
    page = await listed(client, "?limit=2")
    found += ids(page)
    while page["cursor"]:
        page = await listed(client, f"?limit=2&cursor={page['cursor']}")
        found += ids(page)
    assert found == ["i1", "m9", "m2", "m1", "m0"]


@pytest.mark.usefixtures("seen")
async def test_a_cursor_is_given_only_where_there_is_more(client: httpx.AsyncClient) -> None:
    assert (await listed(client, "?limit=5"))["cursor"] is None
    assert (await listed(client, "?limit=4"))["cursor"] is not None


@ON_MEMORY
@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("?limit=many", "limit"),
        ("?since=yesterday", "since"),
        ("?cursor=-1", "cursor"),
        ("?cursor=%C2%B2", "cursor"),
        ("?cursor=99999999999999999999999", "cursor"),
        ("?colour=red", "colour"),
        ("?namespace=staff", "namespace"),
    ],
)
async def test_a_query_that_does_not_fit_names_the_parameter(
    client: httpx.AsyncClient, query: str, words: str
) -> None:
    for path in ("/v1/events", "/v1/set-aside"):
        answer = await client.get(path + query, headers=SECRET)
        assert answer.status_code == 400
        assert words in answer.json()["message"]


@pytest.mark.usefixtures("seen")
async def test_one_person_is_shown_whole(client: httpx.AsyncClient, clock: Clock) -> None:
    asked = {"anonymousId": "a-1", "userId": "u-1", "slots": ["hero"], "context": {"keen": True}}
    await client.post("/v1/decide", json=asked, headers=SECRET)
    for path in ("/v1/people/u-1", "/v1/people/a-1?namespace=anonymous"):
        found = (await client.get(path, headers=SECRET)).json()
        assert {(key["namespace"], key["id"]) for key in found["keys"]} == {
            ("user", "u-1"),
            ("anonymous", "a-1"),
        }
        assert [event["messageId"] for event in found["history"]] == ["i1", "m2", "m1", "m0"]
        plan = next(known for known in found["known"] if known["name"] == "plan")
        assert (plan["value"], plan["source"]) == ("gold", "profile")
        assert "hour" not in {known["name"] for known in found["known"]}
        exposure = found["exposures"][0]
        assert (exposure["subject"], exposure["slot"], exposure["rule"]) == ("rule", "hero", "Keen")
        assert exposure["receipt"]["slot"] == "hero"


@pytest.mark.parametrize("storage", ["sqlite"], indirect=True)
@pytest.mark.usefixtures("seen")
async def test_what_a_busy_writer_has_not_kept_yet_is_shown_too(
    client: httpx.AsyncClient, house: House
) -> None:
    asked = {"anonymousId": "a-1", "slots": ["hero"], "context": {"keen": True}}
    goes_on = Event()
    house.storage.write(lambda _: goes_on.wait(60))
    await client.post("/v1/decide", json=asked, headers=SECRET)
    waiting = asyncio.ensure_future(client.get("/v1/people/a-1", headers=SECRET))
    done, _ = await asyncio.wait([waiting], timeout=0.1)
    assert not done
    goes_on.set()
    assert [each["rule"] for each in (await waiting).json()["exposures"]] == ["Keen"]


async def test_nobody_is_404(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/people/nobody", headers=SECRET)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("path", ["/v1/events", "/v1/people/u-1", "/v1/set-aside"])
@pytest.mark.usefixtures("seen")
async def test_reading_needs_a_secret_key_with_the_scope(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code == 401
    assert (await client.get(path, headers=WRITE)).status_code == 403
    assert (await client.get(path, headers=bearer(DECIDE_KEY))).status_code == 403
    assert (await client.get(path, headers=SECRET)).status_code == 200


async def test_what_was_set_aside_is_listed_with_its_reason(client: httpx.AsyncClient, house: House) -> None:
    source = CaptureSource(is_secret=False, name="site")
    capture(house, source, [{"type": "track", "messageId": "bad", "anonymousId": "a"}], None).result()
    page = (await client.get("/v1/set-aside", headers=SECRET)).json()
    row = page["setAside"][0]
    assert row["messageId"] == "bad"
    assert row["reason"]
    assert row["raw"]["messageId"] == "bad"
    assert row["state"] == "open"


async def test_a_mended_event_is_taken_in_again(client: httpx.AsyncClient, house: House) -> None:
    source = CaptureSource(is_secret=False, name="site", kind="browser")
    for number in range(2):
        bad = {"type": "track", "messageId": f"bad{number}", "anonymousId": "a"}
        capture(house, source, [bad], None).result()
    rows = (await client.get("/v1/set-aside", headers=SECRET)).json()["setAside"]
    first, second = (row["id"] for row in rows)
    unmended = await client.post("/v1/set-aside/replay", json={"ids": [first]}, headers=SECRET)
    assert unmended.json()["set_aside"] == 1
    fix = {"ids": [first], "fix": {"event": "Product Viewed", "properties": {"product_id": "p1"}}}
    assert (await client.post("/v1/set-aside/replay", json=fix, headers=WRITE)).status_code == 403
    mended = await client.post("/v1/set-aside/replay", json=fix, headers=SECRET)
    assert mended.json()["accepted"] == 1, mended.text
    assert ids(await listed(client, "?name=Product%20Viewed")) == [rows[0]["messageId"]]
    dropped = await client.post("/v1/set-aside/drop", json={"ids": [second]}, headers=SECRET)
    assert dropped.json() == {"dropped": 1}
    assert (await client.get("/v1/set-aside", headers=SECRET)).json()["setAside"] == []
    again = await client.post("/v1/set-aside/drop", json={"ids": [second]}, headers=SECRET)
    assert again.status_code == 404


@ON_MEMORY
@pytest.mark.parametrize(
    "body", [b"{}", b'{"ids": []}', b'{"ids": [99999999999999999999]}', b'{"ids": [-1]}', b"["]
)
async def test_a_replay_that_does_not_fit_is_refused(client: httpx.AsyncClient, body: bytes) -> None:
    for act in ("replay", "drop"):
        answer = await client.post(f"/v1/set-aside/{act}", content=body, headers=SECRET)
        assert answer.status_code == 400
