"""Capture over HTTP, with the requests that real client libraries were seen to send."""

from __future__ import annotations

import gzip
import json
from base64 import b64encode
from typing import Any

import httpx
import pytest
from tests.http.shop import DECIDE_KEY, SECRET_KEY, WRITE_KEY, client_of
from tests.stores import ON_MEMORY, make_full

from opportune.core.history.event import MAX_BATCH_BYTES
from opportune.core.history.key import key_of
from opportune.http.dispatch import HttpApp
from opportune.services.house import House
from opportune.services.limiting import Rate, Rates
from opportune.storage.base import EventQuery

pytestmark = pytest.mark.anyio

SINGLE = ("track", "identify", "page", "screen", "group", "alias")
SHORT = {"t": "track", "i": "identify", "p": "page", "s": "screen", "g": "group", "a": "alias"}
BATCHES = ("/v1/batch", "/v1/import", "/v1/b", "/beacon/v1/batch")


def basic(key: str = WRITE_KEY) -> dict[str, str]:
    return {"Authorization": "Basic " + b64encode(f"{key}:".encode()).decode()}


def track(event: str = "Product Viewed", device: str = "a-1", **other: Any) -> dict[str, Any]:
    return {"type": "track", "event": event, "anonymousId": device, **other}


def stored(house: House) -> list[str]:
    return [event.name for event in house.storage.list_events(EventQuery())]


async def send(
    client: httpx.AsyncClient, path: str, body: Any, headers: dict[str, str] | None = None
) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await client.post(path, content=content, headers=basic() if headers is None else headers)


def assert_taken(answer: httpx.Response) -> None:
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"success": True}
    assert answer.headers["content-type"] == "application/json"


# -- the libraries ----------------------------------------------------------------------------


async def test_segments_python_library_packed_and_not(client: httpx.AsyncClient, house: House) -> None:
    context = {"library": {"name": "analytics-python", "version": "2.4.0"}}
    batch = {
        "batch": [
            {"integrations": {}, "anonymousId": "anon-1", "timestamp": "2026-11-22T11:05:58.150+00:00",
             "context": context, "type": "identify", "userId": "u-1", "traits": {"email": "a@example.com"},
             "messageId": "m-1"},
            {"integrations": {}, "anonymousId": "anon-1", "properties": {"category": "mens-shoes"}, "category": "shop",
             "timestamp": "2026-11-22T11:05:58.151+00:00", "context": context, "userId": "u-1", "type": "page",
             "name": "Category", "messageId": "m-2"},
            {"integrations": {}, "anonymousId": None, "properties": {"order_id": "o-1", "revenue": 99.9},
             "userId": "u-1", "timestamp": "2026-11-22T08:05:58.150+00:00", "context": context, "type": "track",
             "event": "Order Completed", "messageId": "m-3"},
        ],
        "sentAt": "2026-11-22T11:05:58.300+00:00",
        "writeKey": SECRET_KEY,
    }  # fmt: skip
    headers = {
        "User-Agent": "analytics-python/2.4.0",
        "Content-Type": "application/json",
        **basic(SECRET_KEY),
    }
    assert_taken(await send(client, "/v1/batch", batch, headers))
    packed = gzip.compress(json.dumps(batch).encode())
    assert_taken(await send(client, "/v1/batch", packed, {**headers, "Content-Encoding": "gzip"}))
    assert sorted(stored(house)) == ["Identified", "Order Completed", "Page Viewed"]
    past = house.storage.recall([key_of("user", "u-1")], now=house.clock())
    assert past.traits["email"].value == "a@example.com"


async def test_segments_browser_library_as_text_without_preflight(
    client: httpx.AsyncClient, house: House
) -> None:
    message = {
        "timestamp": "2026-11-22T11:06:15.150Z", "integrations": {"Segment.io": True}, "event": "Product Viewed",
        "type": "track", "properties": {"product_id": "sku-3", "price": 10},
        "context": {"library": {"name": "analytics.js", "version": "npm:next-1.84.3"}},
        "messageId": "ajs-next-1", "userId": "web-1", "anonymousId": "fdfed6b1", "writeKey": WRITE_KEY,
        "sentAt": "2026-11-22T11:06:15.170Z", "_metadata": {"bundled": ["Segment.io"]},
    }  # fmt: skip
    headers = {"Origin": "http://shop.example", "Content-Type": "text/plain", **basic()}
    answer = await send(client, "/v1/t", message, headers)
    assert_taken(answer)
    assert answer.headers["access-control-allow-origin"] == "*"
    flush = {
        "writeKey": WRITE_KEY,
        "batch": [{**message, "messageId": "ajs-next-2"}],
        "sentAt": message["sentAt"],
    }
    assert_taken(await send(client, "/v1/b", flush, headers))
    [event, _] = house.storage.recall([key_of("anonymous", "fdfed6b1")], now=house.clock()).events[
        key_of("anonymous", "fdfed6b1")
    ]
    assert (event.source, event.facts) == ("browser", {"product": "sku-3", "value": 1000})


async def test_rudderstacks_library_and_its_beacon(client: httpx.AsyncClient, house: House) -> None:
    page = {
        "properties": {"name": "Rudder", "path": "/rudder", "referrer": "$direct"}, "name": "Rudder", "type": "page",
        "channel": "web", "context": {"traits": {}, "library": {"name": "RudderLabs JavaScript SDK"}},
        "originalTimestamp": "2026-11-22T11:06:28.514Z", "messageId": "r-1", "userId": "", "anonymousId": "1604bb22",
        "integrations": {"All": True}, "sentAt": "2026-11-22T11:06:28.516Z",
    }  # fmt: skip
    headers = {"AnonymousId": "MTYwNA==", "SentAt": "2026-11-22T11:06:28.516Z", **basic()}
    assert_taken(await send(client, "/v1/page", page, headers))
    beacon = {"batch": [{**page, "messageId": "r-2"}]}
    assert_taken(
        await send(client, f"/beacon/v1/batch?writeKey={WRITE_KEY}", beacon, {"Content-Type": "text/plain"})
    )
    assert stored(house) == ["Page Viewed", "Page Viewed"]


@pytest.mark.parametrize("kind", SINGLE)
async def test_every_type_has_its_path_and_its_short_path(
    client: httpx.AsyncClient, house: House, kind: str
) -> None:
    body = {"event": "X", "userId": "u", "previousId": "p", "groupId": "g", "name": "n"}
    short = next(letter for letter, long in SHORT.items() if long == kind)
    for path in (f"/v1/{kind}", f"/v1/{short}"):
        answer = await send(client, path, body)
        assert_taken(answer)
        assert "opportune-set-aside" not in answer.headers
    assert len(stored(house)) == 2


@pytest.mark.parametrize("path", BATCHES)
async def test_every_batch_path_takes_batches(client: httpx.AsyncClient, house: House, path: str) -> None:
    assert_taken(
        await send(client, path, {"batch": [track(), track("Product Added")], "context": {"locale": "de"}})
    )
    assert sorted(stored(house)) == ["Product Added", "Product Viewed"]


# -- keys -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "headers", "in_body"),
    [
        ("/v1/track", basic(), False),
        ("/v1/track", {"Authorization": f"Bearer {WRITE_KEY}"}, False),
        ("/v1/track", {"X-Write-Key": WRITE_KEY}, False),
        ("/v1/track", {"X-API-Key": WRITE_KEY}, False),
        (f"/v1/track?writeKey={WRITE_KEY}", {}, False),
        ("/v1/track", {}, True),
    ],
)
async def test_the_key_may_stand_where_any_library_puts_it(
    client: httpx.AsyncClient, path: str, headers: dict[str, str], in_body: bool
) -> None:
    body = track() | ({"writeKey": WRITE_KEY} if in_body else {})
    assert_taken(await send(client, path, body, headers))
    batch = {"batch": [track()]} | ({"writeKey": WRITE_KEY} if in_body else {})
    assert_taken(await send(client, path.replace("track", "batch"), batch, headers))


@pytest.mark.parametrize("path", ["/v1/track", *BATCHES])
async def test_a_wrong_or_missing_key_is_final(client: httpx.AsyncClient, house: House, path: str) -> None:
    for headers in (
        basic("owk_nobody_knows_this"),
        {},
        {"Authorization": "Basic !!!"},
        {"Authorization": "Basic /w=="},
    ):
        answer = await send(client, path, {"batch": [track()], **track()}, headers)
        assert answer.status_code == 401
        assert answer.json()["code"] in ("unknown_key", "missing_key")
    assert stored(house) == []


async def test_a_secret_key_without_the_scope_may_not_capture(client: httpx.AsyncClient) -> None:
    assert (await send(client, "/v1/track", track(), basic(DECIDE_KEY))).status_code == 403


async def test_only_a_secret_key_speaks_for_users(client: httpx.AsyncClient, house: House) -> None:
    message = track(userId="u-1")
    await send(client, "/v1/track", {**message, "messageId": "1"})
    assert not house.storage.recall([key_of("user", "u-1")], now=house.clock()).events[key_of("user", "u-1")]
    await send(client, "/v1/track", {**message, "messageId": "2"}, basic(SECRET_KEY))
    assert (
        len(house.storage.recall([key_of("user", "u-1")], now=house.clock()).events[key_of("user", "u-1")])
        == 1
    )


async def test_one_id_cannot_be_hammered_with_a_public_key(make_app: Any) -> None:
    app = make_app(rates=Rates(id=Rate(1, 5)))
    async with client_of(app) as client:
        statuses = [(await send(client, "/v1/track", track())).status_code for _ in range(9)]
        assert {200, 429} == set(statuses)
        assert (await send(client, "/v1/track", track(), basic(SECRET_KEY))).status_code == 200


# -- bad input --------------------------------------------------------------------------------


async def test_a_bad_event_in_a_batch_is_set_aside_and_the_header_says_so(
    client: httpx.AsyncClient, house: House
) -> None:
    batch = {"batch": [track(), {"type": "track", "anonymousId": "ä"}, 7, track("Product Added")]}
    answer = await send(client, "/v1/batch", batch)
    assert_taken(answer)
    assert answer.headers["opportune-set-aside"] == "2; a track call needs the name of its event"
    assert sorted(stored(house)) == ["Product Added", "Product Viewed"]
    assert len(house.storage.list_set_aside()) == 2


@ON_MEMORY
@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        (b"", 400, "empty"),
        (b"{", 400, "line 1"),
        (b'{"batch": [{"a": 1}, {]}', 400, "line 1, column 23"),
        (b'{"batch": 7}', 400, "list"),
        (b'{"batch": {"a": 1}}', 400, "list"),
        (b"{}", 400, "batch"),
        (b"7", 400, "object"),
        (b"null", 400, "object"),
        (b'"\xff"', 400, "UTF-8"),
        (b"[" * 50_000, 400, "deep"),
        (json.dumps({"batch": [{}] * 2_501}).encode(), 400, "2501 events"),
        (b" " * (MAX_BATCH_BYTES + 1), 413, "at most"),
    ],
    ids=range(12),
)
async def test_a_body_that_cannot_be_read_gets_a_final_answer(
    client: httpx.AsyncClient, body: bytes, status: int, says: str
) -> None:
    answer = await send(client, "/v1/batch", body)
    assert answer.status_code == status
    assert says in answer.json()["message"]
    assert answer.json()["code"] == answer.json()["error"]["code"]


HOSTILE: list[bytes] = [
    b'{"type":"track","event":"a\\u0000b","anonymousId":"\\u0000"}',
    b'{"type":"track","event":"\\ud800","anonymousId":"\\udfff","messageId":"\\ud800","writeKey":"\\ud800"}',
    b'{"type":"track","event":"X","event":"Y","anonymousId":"a","anonymousId":"b"}',
    b'{"type":"track","event":"X","anonymousId":"a","properties":{"n":1e999,"m":' + b"9" * 5_000 + b"}}",
    b'{"type":"track","event":"X","anonymousId":"a","properties":' + b"[" * 400 + b"]" * 400 + b"}",
    b'{"type":"track","event":"X","anonymousId":"a","properties":{"a":"\xed\xa0\x80"}}',
    b'{"type":"track","event":"X","anonymousId":"a","timestamp":"9999-99-99","sentAt":{}}',
    b'{"type":"track","event":"X\\r\\nSet-Cookie: a=b","anonymousId":"a"}',
    b'{"type":"\\r\\nSet-Cookie: a=b","anonymousId":"a"}',
    b'{"type":["track"],"event":"X","anonymousId":"a"}',
    b'{"type":"track","event":"X","anonymousId":"a","context":{"page":{"url":"http://[","search":"?%ff=%fe&utm_source=%00"}}}',
    b'{"type":"track","event":"' + b"x" * 40_000 + b'","anonymousId":"a"}',
    b'\xef\xbb\xbf{"type":"track","event":"X","anonymousId":"a"}',
]


@pytest.mark.parametrize("hostile", HOSTILE, ids=range(len(HOSTILE)))
async def test_hostile_input_never_breaks_anything(
    client: httpx.AsyncClient, house: House, hostile: bytes
) -> None:
    for body in (hostile, b'{"batch":[' + hostile + b"," + json.dumps(track()).encode() + b"]}"):
        for path in ("/v1/track", "/v1/batch"):
            answer = await send(client, path, body)
            assert answer.status_code in (200, 400), answer.text
            assert "set-cookie" not in answer.headers
    for event in house.storage.list_events(EventQuery()):
        json.loads(event.body)


async def test_a_full_disk_is_503_with_a_time_to_come_back(
    client: httpx.AsyncClient, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_full(house.storage, monkeypatch)
    answer = await send(client, "/v1/track", track())
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0


# -- what libraries ask first -----------------------------------------------------------------


async def test_segments_settings_point_back_here(client: httpx.AsyncClient) -> None:
    answer = await client.get(
        f"/v1/projects/{WRITE_KEY}/settings", headers={"Origin": "https://shop.example"}
    )
    assert answer.status_code == 200
    integration = answer.json()["integrations"]["Segment.io"]
    assert (integration["apiHost"], integration["protocol"]) == ("shop.test/v1", "https")
    assert integration["apiKey"] == WRITE_KEY
    assert list(answer.json()["integrations"]) == ["Segment.io"]
    plain = await client.get(f"/v1/projects/{WRITE_KEY}/settings")
    assert plain.json()["integrations"]["Segment.io"]["protocol"] == "http"


async def test_settings_of_an_unknown_or_secret_key_are_refused(client: httpx.AsyncClient) -> None:
    assert (await client.get("/v1/projects/owk_unknown_key/settings")).status_code == 401
    refused = await client.get(f"/v1/projects/{SECRET_KEY}/settings")
    assert refused.status_code == 400
    assert "secret key" in refused.json()["message"]


async def test_rudderstacks_settings(client: httpx.AsyncClient) -> None:
    answer = await client.get(f"/sourceConfig/?p=npm&v=3.34.1&writeKey={WRITE_KEY}", headers=basic())
    source = answer.json()["source"]
    assert (source["writeKey"], source["enabled"], source["destinations"]) == (WRITE_KEY, True, [])
    assert source["dataplanes"]["DEFAULT"][0]["url"] == "http://shop.test"
    assert (await client.get("/sourceConfig/", headers=basic("owk_unknown_key"))).status_code == 401


async def test_what_segments_library_says_about_itself_is_dropped(
    client: httpx.AsyncClient, house: House
) -> None:
    assert_taken(await send(client, "/v1/m", b'{"series":[]}', {"Content-Type": "text/plain"}))
    assert stored(house) == []


@ON_MEMORY
@pytest.mark.parametrize(
    "path", ["/v1/t", "/v1/batch", "/beacon/v1/batch", f"/v1/projects/{WRITE_KEY}/settings"]
)
async def test_browsers_may_call_from_any_page(client: httpx.AsyncClient, path: str) -> None:
    asked = {"Origin": "http://shop.example", "Access-Control-Request-Method": "POST",
             "Access-Control-Request-Headers": "authorization,content-type,x-retry-count"}  # fmt: skip
    answer = await client.options(path, headers=asked)
    assert answer.status_code == 204
    allowed = answer.headers["access-control-allow-headers"]
    for header in ("authorization", "content-type", "x-retry-count", "anonymousid", "sentat"):
        assert header in allowed
    assert answer.headers["access-control-allow-origin"] == "*"


async def test_an_acknowledged_event_is_in_the_next_decision(client: httpx.AsyncClient, app: HttpApp) -> None:
    question = {"anonymousId": "a-9", "slots": ["colour"]}
    before = await client.post("/v1/decide", json=question, headers=basic())
    assert before.json()["decisions"]["colour"]["value"] == "red"
    await send(client, "/v1/track", track("keen", device="a-9"))
    after = await client.post("/v1/decide", json=question, headers=basic())
    assert after.json()["decisions"]["colour"]["value"] == "blue"


async def test_what_a_data_layer_said_is_taken_in_the_plans_words(
    client: httpx.AsyncClient, house: House
) -> None:
    said = {"value": 20, "items": [{"item_id": "a"}, {"item_id": "b"}]}
    batch = {
        "batch": [
            {
                "type": "track",
                "event": "data_layer/add_to_cart",
                "messageId": "1",
                "anonymousId": "v",
                "properties": said,
            },
            {"type": "track", "event": "data_layer/gtm.js", "messageId": "2", "anonymousId": "v"},
        ]
    }
    answer = await client.post("/v1/batch", json=batch, auth=(WRITE_KEY, ""))
    assert "opportune-set-aside" not in answer.headers
    names = [event.name for event in house.storage.list_events(EventQuery())]
    assert names == ["Product Added", "Product Added"]
