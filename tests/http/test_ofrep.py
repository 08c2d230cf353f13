"""OFREP: slots as flags, in the shapes that the OpenFeature libraries insist on."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from tests.http.shop import DECIDE_KEY, SECRET, WRITE, WRITE_KEY, Clock, bearer
from tests.stores import ON_MEMORY, settle

from opportune.core.history.key import key_of
from opportune.services.authorizing import user_token_of
from opportune.services.house import House

pytestmark = pytest.mark.anyio

FLAGS = "/ofrep/v1/evaluate/flags"
AGAIN = {"targetingKey": "a-1", "keen": True}


async def flag(client: httpx.AsyncClient, slot: str, **context: Any) -> dict[str, Any]:
    context.setdefault("targetingKey", "a-1")
    answer = await client.post(f"{FLAGS}/{slot}", json={"context": context}, headers=WRITE)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_a_slot_is_a_flag_with_every_required_field(client: httpx.AsyncClient) -> None:
    found = await flag(client, "hero", keen=True)
    assert found["key"] == "hero"
    assert found["value"] == {"headline": "Shoes for <you>"}
    assert (found["reason"], found["variant"]) == ("TARGETING_MATCH", "Shoes")
    assert found["metadata"]["rule"] == "Keen"
    assert found["metadata"]["outcome"] == "shown"
    assert found["metadata"]["revision"] == "abc123"
    assert all(isinstance(value, bool | str | int | float) for value in found["metadata"].values())


@pytest.mark.parametrize(
    ("slot", "text"),
    [
        ("ratio", '"value":1.0'),
        ("count", '"value":3,'),
        ("is-new", '"value":false'),
        ("colour", '"value":"red"'),
    ],
)
async def test_values_keep_their_type_on_the_wire(client: httpx.AsyncClient, slot: str, text: str) -> None:
    answer = await client.post(f"{FLAGS}/{slot}", json={"context": {"targetingKey": "a"}}, headers=WRITE)
    assert text in answer.text


async def test_normal_content_has_a_variant_and_reason_too(client: httpx.AsyncClient) -> None:
    found = await flag(client, "hero")
    assert (found["variant"], found["reason"]) == ("normal", "DEFAULT")


async def test_a_hidden_place_is_empty_and_not_the_codes_default(client: httpx.AsyncClient) -> None:
    found = await flag(client, "hero", **{"in support": True})
    assert found["value"] == {}
    assert found["metadata"]["outcome"] == "hidden"


async def test_a_place_without_normal_content_leaves_it_to_the_code(client: httpx.AsyncClient) -> None:
    assert "value" not in await flag(client, "empty")


@ON_MEMORY
@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b'{"context": {}}', 400, "TARGETING_KEY_MISSING"),
        (b'{"context": {"targetingKey": ""}}', 400, "TARGETING_KEY_MISSING"),
        (b"{}", 400, "INVALID_CONTEXT"),
        (b'{"context": []}', 400, "INVALID_CONTEXT"),
        (b'{"context": {"targetingKey": {}}}', 400, "INVALID_CONTEXT"),
        (b'{"context": {"targetingKey": "' + b"k" * 500 + b'"}}', 400, "INVALID_CONTEXT"),
        (b'{"context": ', 400, "PARSE_ERROR"),
        (b"", 400, "PARSE_ERROR"),
        (b"[]", 400, "PARSE_ERROR"),
        (b'{"context": ' + b"[" * 100_000, 400, "PARSE_ERROR"),
        (b" " * 600_000, 413, "PARSE_ERROR"),
    ],
)
async def test_what_does_not_fit_is_told_with_the_protocols_code(
    client: httpx.AsyncClient, body: bytes, status: int, code: str
) -> None:
    for path in (f"{FLAGS}/hero", FLAGS):
        answer = await client.post(path, content=body, headers=WRITE)
        assert (answer.status_code, answer.json()["errorCode"]) == (status, code), answer.text
        assert answer.json()["errorDetails"]
        assert ("key" in answer.json()) == (path != FLAGS)


async def test_an_unknown_slot_is_404(client: httpx.AsyncClient) -> None:
    for slot in ("nowhere", "a/b", "home hero", "%00"):
        answer = await client.post(f"{FLAGS}/{slot}", json={"context": {"targetingKey": "a"}}, headers=WRITE)
        assert answer.status_code == 404
        assert answer.json()["errorCode"] == "FLAG_NOT_FOUND"
        assert "errorDetails" in answer.json()


async def test_keys_are_told_from_wrong_ones(client: httpx.AsyncClient) -> None:
    body = {"context": {"targetingKey": "a"}}
    for path in (f"{FLAGS}/hero", FLAGS):
        assert (await client.post(path, json=body)).status_code == 401
        assert (await client.post(path, json=body, headers=bearer("osk_wrong_wrong"))).status_code == 401
        assert (await client.post(path, json=body, headers={"X-API-Key": WRITE_KEY})).status_code == 200
        assert (await client.post(path, json=body, headers=bearer(DECIDE_KEY))).status_code == 200


async def test_bulk_gives_every_slot_with_a_validator_of_the_answer(client: httpx.AsyncClient) -> None:
    first = await client.post(FLAGS, json={"context": {"targetingKey": "a"}}, headers=WRITE)
    assert {one["key"] for one in first.json()["flags"]} >= {"hero", "colour", "ratio"}
    etag = first.headers["etag"]
    unchanged = WRITE | {"If-None-Match": etag}
    again = await client.post(FLAGS, json={"context": {"targetingKey": "a"}}, headers=unchanged)
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    other = await client.post(FLAGS, json={"context": {"targetingKey": "a", "keen": True}}, headers=unchanged)
    assert other.status_code == 200
    assert other.headers["etag"] != etag
    stranger = await client.post(FLAGS, json={"context": {"targetingKey": "b"}}, headers=unchanged)
    assert stranger.status_code == 200


async def test_a_validator_ends_before_the_tokens_do(client: httpx.AsyncClient, clock: Clock) -> None:
    etags = set()
    for _ in range(3):
        answer = await client.post(FLAGS, json={"context": {"targetingKey": "a"}}, headers=WRITE)
        etags.add(answer.headers["etag"])
        clock.now += 12 * 3_600_000
    assert len(etags) == 3


async def test_one_evaluation_exposes_and_bulk_does_not(
    client: httpx.AsyncClient, house: House, clock: Clock
) -> None:
    async def exposures(path: str) -> int:
        for _ in range(2):
            await client.post(path, json={"context": AGAIN}, headers=WRITE)
            clock.now += 1_000
        settle(house.storage)
        return len(house.storage.list_exposures((key_of("anonymous", "a-1"),)))

    assert await exposures(FLAGS) == 0
    assert await exposures(f"{FLAGS}/hero") == 1


async def test_a_known_user_needs_a_proof(client: httpx.AsyncClient, house: House) -> None:
    body: dict[str, Any] = {"context": {"userId": "u-1"}}
    refused = await client.post(f"{FLAGS}/hero", json=body, headers=WRITE)
    assert refused.json()["errorCode"] == "TARGETING_KEY_MISSING"
    assert (await client.post(f"{FLAGS}/hero", json=body, headers=SECRET)).status_code == 200
    body["context"]["userToken"] = user_token_of(house, "u-1")
    assert (await client.post(f"{FLAGS}/hero", json=body, headers=WRITE)).status_code == 200
