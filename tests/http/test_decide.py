"""`POST /v1/decide`: one call, several places, and an answer whatever happens."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from tests.http.shop import DECIDE_KEY, SECRET, WRITE, Clock, bearer, client_of
from tests.stores import ON_MEMORY, make_unreadable, settle

from opportune.core.history.key import key_of
from opportune.core.rule import RunState
from opportune.http.dispatch import HttpApp
from opportune.services.house import House
from opportune.services.limiting import Rate, Rates
from opportune.services.tokens import read_token

pytestmark = pytest.mark.anyio


async def decide(client: httpx.AsyncClient, headers: dict[str, str] = SECRET, **body: Any) -> dict[str, Any]:
    answer = await client.post("/v1/decide", json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_several_places_are_answered_at_once(client: httpx.AsyncClient, house: House) -> None:
    answer = await decide(client, anonymousId="a-1", slots=["hero", "colour"], context={"keen": True})
    assert answer["revision"] == "abc123"
    hero = answer["decisions"]["hero"]
    assert hero["value"] == {"headline": "Shoes for <you>"}
    assert (hero["variant"], hero["reason"], hero["rule"]) == ("Shoes", "TARGETING_MATCH", "Keen")
    assert answer["decisions"]["colour"]["value"] == "blue"
    token = read_token(house, hero["decision"])
    assert token is not None
    assert token.slot == "hero"


async def test_all_places_are_answered_when_none_is_named(client: httpx.AsyncClient) -> None:
    for body in ({}, {"slots": "all"}):
        answer = await decide(client, anonymousId="a-1", **body)
        assert set(answer["decisions"]) == {"hero", "banner", "ratio", "count", "is-new", "colour", "empty"}


async def test_an_unknown_place_is_an_entry_and_fails_nothing(client: httpx.AsyncClient) -> None:
    answer = await decide(client, anonymousId="a-1", slots=["nowhere", "count"])
    assert answer["decisions"]["nowhere"] == {
        "value": None,
        "variant": "",
        "reason": "ERROR",
        "errorCode": "FLAG_NOT_FOUND",
    } | (
        {"decision": answer["decisions"]["nowhere"]["decision"]}
        if "decision" in answer["decisions"]["nowhere"]
        else {}
    )
    assert answer["decisions"]["count"]["value"] == 3


async def test_a_place_asked_for_by_its_title_is_told_its_name(client: httpx.AsyncClient) -> None:
    answer = await decide(client, anonymousId="a-1", slots=["Is new", "nowhere"])
    asked = answer["decisions"]["Is new"]
    assert (asked["errorCode"], asked["hint"]) == ("FLAG_NOT_FOUND", 'did you mean "is-new"?')
    assert "hint" not in answer["decisions"]["nowhere"]


async def test_one_place_without_brackets_is_refused_in_words(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/decide", json={"slots": "hero"}, headers=SECRET)
    assert answer.status_code == 400
    said = answer.json()["error"]["message"] if "error" in answer.json() else answer.text
    assert "give a list of places" in said
    assert '"all"' in said


async def test_answers_are_kept_by_nobody(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/decide", json={"slots": ["hero"]}, headers=SECRET)
    assert answer.headers["cache-control"] == "private, no-store"
    assert answer.headers["content-type"] == "application/json"


async def test_receipts_are_for_secret_keys_only(client: httpx.AsyncClient) -> None:
    asked = {"anonymousId": "a-1", "slots": ["hero"], "context": {"keen": True}, "receipts": True}
    hero = (await decide(client, SECRET, **asked))["decisions"]["hero"]
    assert hero["receipt"]["rule"] == "Keen"
    assert "Keen" in hero["why"]["headline"]
    answer = await decide(client, WRITE, **asked)
    assert answer["receipts"] == "receipts need a secret key"
    public = answer["decisions"]["hero"]
    assert public["value"] == hero["value"]
    assert "receipt" not in public
    assert "why" not in public


async def test_a_request_without_an_id_is_decided_on_its_context(client: httpx.AsyncClient) -> None:
    answer = await decide(client, slots=["hero"], context={"keen": True})
    assert answer["decisions"]["hero"]["variant"] == "Shoes"


async def test_a_key_for_deciding_decides(client: httpx.AsyncClient) -> None:
    await decide(client, bearer(DECIDE_KEY), slots=["hero"])


async def test_everything_off_answers_normal_content(client: httpx.AsyncClient, house: House) -> None:
    house.programme = house.programme.with_run(house.programme.run_states, is_off=True)
    answer = await decide(client, anonymousId="a-1", slots=["hero"], context={"keen": True})
    hero = answer["decisions"]["hero"]
    assert (hero["value"], hero["reason"]) == ({"headline": "Welcome"}, "DISABLED")


async def test_a_missed_deadline_is_normal_content_and_counted(
    client: httpx.AsyncClient, house: House
) -> None:
    house.deadline_seconds = -1
    answer = await decide(client, anonymousId="a-1", slots=["hero"], context={"keen": True})
    hero = answer["decisions"]["hero"]
    assert (hero["value"], hero["reason"]) == ({"headline": "Welcome"}, "ERROR")
    metrics = (await client.get("/metrics")).text
    assert 'opportune_fallbacks_total{reason="deadline"} 1.0' in metrics
    assert 'opportune_decisions_total{outcome="error",slot="hero"} 1.0' in metrics


async def test_a_store_that_cannot_be_read_is_normal_content(
    client: httpx.AsyncClient, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_unreadable(house.storage, monkeypatch)
    answer = await decide(client, anonymousId="a-1", slots=["hero"], context={"keen": True})
    assert answer["decisions"]["hero"]["value"] == {"headline": "Welcome"}
    assert answer["decisions"]["hero"]["reason"] == "ERROR"


@ON_MEMORY
@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b"", 400, "empty"),
        (b'{"slots": [', 400, "line 1, column 12"),
        (b'{"slots": 3}', 400, "slots"),
        (b"[]", 400, "object"),
        (b"\xff{}", 400, "not UTF-8"),
        (b"{}" + b" " * 600_000, 413, "at most"),
        (b'{"anonymousId": "' + b"a" * 300 + b'"}', 400, "300 characters"),
        (b'{"slots": [' + b",".join(b'"s%d"' % n for n in range(300)) + b"]}", 400, "300 slots"),
        (b'{"context": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", 400, "deep"),
        (b'{"context": {"a": ' + b"[" * 900 + b'"\\u0041"' + b"]" * 900 + b"}}", 400, "deep"),
    ],
)
async def test_bad_input_gets_a_clear_answer(
    client: httpx.AsyncClient, body: bytes, status: int, words: str
) -> None:
    answer = await client.post("/v1/decide", content=body, headers=SECRET)
    assert answer.status_code == status
    error = answer.json()
    assert words in error["message"], error
    assert error["code"] == error["error"]["code"]


HOSTILE: list[bytes] = [
    b'{"anonymousId": "\\u0000", "context": {"a\\u0000": "\\u0000", "keen": "\\u0000"}, "slots": ["\\u0000", "hero"]}',
    b'{"anonymousId": "\\ud800", "slots": ["\\udfff", "hero"], "context": {"\\ud800": "\\ud800", "keen": "\\udc00"}}',
    b'{"anonymousId": "a", "slots": ["hero"], "context": {"keen": 1e999}}',
    b'{"anonymousId": "a", "slots": ["hero"], "context": {"keen": ' + b"9" * 400 + b"}}",
    b'{"anonymousId": 99999999999999999999, "slots": ["hero"]}',
    b'{"anonymousId": "a", "anonymousId": "b", "slots": ["hero"], "slots": ["hero", "hero"]}',
    b'{"anonymousId": "a", "slots": ["hero"], "context": {"keen": ' + b"[" * 200 + b"]" * 200 + b"}}",
    b'{"anonymousId": "a", "slots": ["hero"], "context": {"keen": ' + b"[" * 900 + b"]" * 900 + b"}}",
    b'{"anonymousId": "a", "slots": ["hero"], "context": {"page": {"url": "http://[::1", "path": "//"}}}',
    b'{"anonymousId": "' + "é😀".encode() + b'", "slots": ["hero"], "context": {"page": [], "campaign": 3}}',
    b'{"anonymousId": null, "userId": null, "userToken": null, "slots": ["hero"]}',
    b'{"userId": "u", "userToken": "\\ud83d\\ude00", "slots": ["hero"]}',
]


@pytest.mark.parametrize("headers", [SECRET, WRITE], ids=["secret", "write"])
@pytest.mark.parametrize("body", HOSTILE)
async def test_hostile_input_is_decided_or_refused_and_never_breaks(
    client: httpx.AsyncClient, body: bytes, headers: dict[str, str]
) -> None:
    answer = await client.post("/v1/decide", content=body, headers=headers)
    assert answer.status_code == 200, answer.text
    assert "hero" in answer.json()["decisions"]


async def test_a_wrong_key_is_401_and_a_key_without_the_scope_403(
    client: httpx.AsyncClient, house: House
) -> None:
    assert (await client.post("/v1/decide", json={})).status_code == 401
    wrong = await client.post("/v1/decide", json={}, headers=bearer("osk_wrong_wrong"))
    assert wrong.status_code == 401
    assert wrong.json()["code"] == "unknown_key"


@pytest.mark.parametrize(
    "headers",
    [
        {"X-API-Key": "owk_write_key_of_tests"},
        {"X-Write-Key": "owk_write_key_of_tests"},
        {"Authorization": "Basic b3drX3dyaXRlX2tleV9vZl90ZXN0czo="},
        {"authorization": "bearer owk_write_key_of_tests"},
    ],
)
async def test_a_key_is_taken_from_any_of_the_usual_headers(
    client: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    await decide(client, headers, slots=["hero"])


async def test_a_beacon_carries_its_key_in_the_body(client: httpx.AsyncClient) -> None:
    await decide(client, {"Content-Type": "text/plain"}, slots=["hero"], writeKey="owk_write_key_of_tests")


async def test_a_bot_gets_normal_content(client: httpx.AsyncClient, house: House) -> None:
    agent = {"User-Agent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"}
    answer = await decide(client, WRITE | agent, anonymousId="g", slots=["hero"], context={"keen": True})
    assert answer["decisions"]["hero"]["value"] == {"headline": "Welcome"}
    ahead = await decide(
        client,
        WRITE | {"User-Agent": "Mozilla/5.0 Firefox/130.0", "Sec-Purpose": "prefetch"},
        anonymousId="g",
        slots=["hero"],
        context={"keen": True},
    )
    assert ahead["decisions"]["hero"]["value"] == {"headline": "Welcome"}


async def test_a_shops_server_is_not_taken_for_a_bot(client: httpx.AsyncClient) -> None:
    agent = {"User-Agent": "python-requests/2.34.2"}
    for key in (SECRET, WRITE):
        answer = await decide(client, key | agent, anonymousId="a", slots=["hero"], context={"keen": True})
        assert answer["decisions"]["hero"]["variant"] == "Shoes"


async def test_an_answer_given_ahead_is_no_exposure(
    client: httpx.AsyncClient, house: House, clock: Clock
) -> None:
    for _ in range(2):
        await decide(client, anonymousId="a-1", slots=["hero"], context={"keen": True}, ahead=True)
        clock.now += 1_000
    device = (key_of("anonymous", "a-1"),)
    assert house.storage.list_exposures(device) == []
    for _ in range(2):
        await decide(client, anonymousId="a-1", slots=["hero"], context={"keen": True})
        clock.now += 1_000
    settle(house.storage)
    assert [row.rule for row in house.storage.list_exposures(device)] == ["Keen"]


async def test_limits_answer_429_with_the_seconds_to_wait(make_app: Any) -> None:
    app: HttpApp = make_app(rates=Rates(key=Rate(0, 0), address=Rate(1, 2), id=Rate(1, 1)))
    async with client_of(app, "8.8.8.8") as stranger:
        first = await stranger.post("/v1/decide", json={"slots": ["hero"], "anonymousId": "a"}, headers=WRITE)
        assert first.status_code == 200
        second = await stranger.post(
            "/v1/decide", json={"slots": ["hero"], "anonymousId": "a"}, headers=WRITE
        )
        assert (second.status_code, second.json()["code"]) == (429, "rate_limited")
        assert int(second.headers["retry-after"]) >= 1
        third = await stranger.post("/v1/decide", json={"slots": ["hero"], "anonymousId": "b"}, headers=WRITE)
        assert third.status_code == 429
        trusted = await stranger.post(
            "/v1/decide", json={"slots": ["hero"], "anonymousId": "a"}, headers=SECRET
        )
        assert trusted.status_code == 200


async def test_a_shops_server_may_preview_and_a_page_may_not(client: httpx.AsyncClient, house: House) -> None:
    states = {"Keen": RunState(rule="Keen", state="preview")}
    house.programme = house.programme.with_run(states, is_off=False)
    asked = {"anonymousId": "a-1", "slots": ["hero"], "context": {"keen": True}, "preview": True}
    assert (await decide(client, SECRET, **asked))["decisions"]["hero"]["variant"] == "Shoes"
    assert (await decide(client, WRITE, **asked))["decisions"]["hero"]["variant"] == "normal"
    settle(house.storage)
    assert house.storage.list_exposures((key_of("anonymous", "a-1"),)) == []
