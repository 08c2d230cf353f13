"""Export and erasing over HTTP: own scopes, an answer that says what was done, and errors that say what is wrong."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from tests.http.shop import SECRET, WRITE, bearer

from opportune.services.house import House
from opportune.services.operating import add_key

pytestmark = pytest.mark.anyio

EXPORT, ERASE, READ = "osk_export_of_tests", "osk_erase_of_tests", "osk_read_of_tests"


@pytest.fixture
def keys(house: House) -> None:
    for value, scope in ((EXPORT, "export"), (ERASE, "erase"), (READ, "read")):
        add_key(house, kind="secret", name=scope, value=value, scopes=[scope])


async def live(client: httpx.AsyncClient) -> None:
    for body in (
        {"type": "identify", "userId": "ada", "anonymousId": "a-1", "traits": {"email": "ada@example.org"}},
        {"type": "track", "event": "Product Viewed", "anonymousId": "a-1", "properties": {"product_id": "p"}},
    ):
        answer = await client.post("/v1/batch", json={"batch": [body]}, headers=SECRET)
        assert answer.status_code == 200


async def exported(client: httpx.AsyncClient, identifier: str, headers: dict[str, str]) -> tuple[int, Any]:
    answer = await client.get(f"/v1/people/{identifier}/export", headers=headers)
    return answer.status_code, answer.json()


@pytest.mark.usefixtures("keys")
async def test_a_person_is_exported_by_any_of_their_ids_and_erased(client: httpx.AsyncClient) -> None:
    await live(client)
    status, kept = await exported(client, "ada@example.org", bearer(EXPORT))
    assert status == 200
    assert [event["message"]["type"] for event in kept["events"]] == ["identify", "track"]
    assert kept == (await exported(client, "a-1", SECRET))[1]
    answer = await client.delete("/v1/people/ada", headers=bearer(ERASE))
    assert (answer.status_code, answer.json()["ids"]) == (200, 2)
    assert answer.json()["rows"]["events"] == 2
    assert (await exported(client, "ada", SECRET))[0] == 404
    assert (await client.delete("/v1/people/ada", headers=SECRET)).status_code == 404


@pytest.mark.usefixtures("keys")
async def test_each_needs_its_own_scope(client: httpx.AsyncClient) -> None:
    await live(client)
    for headers in (WRITE, bearer(READ), bearer(ERASE)):
        status, answer = await exported(client, "ada", headers)
        assert (status, "`export`" in answer["message"]) == (403, True)
    for headers in (WRITE, bearer(READ), bearer(EXPORT)):
        assert (await client.delete("/v1/people/ada", headers=headers)).status_code == 403
    assert (await client.delete("/v1/people/ada")).status_code == 401
    assert (await exported(client, "ada", bearer(EXPORT)))[0] == 200


async def test_late_events_of_erased_people_are_said_to_be_dropped(client: httpx.AsyncClient) -> None:
    await live(client)
    await client.delete("/v1/people/ada", headers=SECRET)
    late = {"event": "Product Viewed", "userId": "ada", "timestamp": "2026-01-01T00:00:00Z"}
    answer = await client.post("/v1/track", json=late, headers=SECRET)
    assert answer.headers["opportune-erased"] == "1"
    counts = (await client.get("/metrics", headers=SECRET)).text
    assert 'opportune_events_total{outcome="erased"} 1.0' in counts


async def test_an_unknown_parameter_is_named(client: httpx.AsyncClient) -> None:
    answer = await client.delete("/v1/people/ada?namespce=user", headers=SECRET)
    assert answer.status_code == 400
    assert "namespace" in answer.json()["message"]
