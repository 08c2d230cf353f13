"""What every route shares: errors, CORS, methods, health, metrics, and trust in headers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from tests.http.shop import SECRET, WRITE, WRITE_KEY, client_of
from tests.stores import ON_MEMORY, make_full, settle

from opportune import __version__
from opportune.errors import BodyTooLargeError, StorageFullError, TooManyRequestsError
from opportune.http.dispatch import HttpApp, pattern_of
from opportune.http.edge import Edge, EdgeOptions, credential_in, is_public
from opportune.http.errors import to_answer
from opportune.services.house import House

pytestmark = pytest.mark.anyio


@ON_MEMORY
async def test_the_root_says_what_answers_and_where_to_read_on(client: httpx.AsyncClient) -> None:
    about = (await client.get("/")).json()
    assert about == {
        "name": "opportune",
        "version": __version__,
        "openapi": "/openapi.json",
        "health": "/health/ready",
    }
    for path in (about["openapi"], about["health"]):
        assert (await client.get(path)).status_code == 200


@ON_MEMORY
async def test_nothing_at_an_address_is_404_and_a_wrong_method_405(client: httpx.AsyncClient) -> None:
    missing = await client.get("/v1/nothing")
    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")
    wrong = await client.get("/v1/decide")
    assert (wrong.status_code, wrong.json()["code"]) == (405, "method_not_allowed")
    assert wrong.headers["allow"] == "OPTIONS, POST"


@ON_MEMORY
async def test_a_trailing_slash_is_forgiven(client: httpx.AsyncClient) -> None:
    assert (await client.get("/health/live/")).status_code == 200


@ON_MEMORY
async def test_head_is_a_get_without_a_body(client: httpx.AsyncClient) -> None:
    answer = await client.head("/health/live")
    assert (answer.status_code, answer.content) == (200, b"")


@ON_MEMORY
@pytest.mark.parametrize("path", ["/v1/decide", "/ofrep/v1/evaluate/flags", "/ofrep/v1/evaluate/flags/hero"])
async def test_a_page_of_any_origin_may_call_what_a_public_key_opens(
    client: httpx.AsyncClient, path: str
) -> None:
    preflight = await client.options(
        path,
        headers={
            "Origin": "http://shop.example",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,content-type,if-none-match",
        },
    )
    assert preflight.status_code in (200, 204)
    assert preflight.headers["access-control-allow-origin"] == "*"
    allowed = preflight.headers["access-control-allow-headers"].split(", ")
    assert {"authorization", "content-type", "x-retry-count", "anonymousid", "sentat", "if-none-match"} <= {
        *allowed
    }
    assert "POST" in preflight.headers["access-control-allow-methods"]
    assert int(preflight.headers["access-control-max-age"]) > 3_600
    for headers in (WRITE, {}):
        answer = await client.post(path, json={"context": {"targetingKey": "a"}}, headers=headers)
        assert answer.headers["access-control-allow-origin"] == "*"
        exposed = answer.headers["access-control-expose-headers"]
        assert {"ETag", "Retry-After", "Opportune-Set-Aside"} <= {*exposed.split(", ")}


@ON_MEMORY
async def test_what_needs_a_secret_key_is_no_business_of_other_pages(client: httpx.AsyncClient) -> None:
    preflight = await client.options("/v1/events", headers={"Origin": "http://evil.example"})
    assert "access-control-allow-origin" not in preflight.headers
    answer = await client.get("/v1/events", headers=SECRET | {"Origin": "http://evil.example"})
    assert "access-control-allow-origin" not in answer.headers


async def test_errors_can_be_read_by_people_and_by_segments_library() -> None:
    answer = to_answer(BodyTooLargeError(size_bytes=10, limit_bytes=5))
    assert answer.status_code == 413
    assert bytes(answer.body).startswith(b'{"error":{"code":"too_large","message":"The body has 10 bytes')
    limited = to_answer(TooManyRequestsError(what="id", retry_after_seconds=7))
    assert (limited.status_code, limited.headers["retry-after"]) == (429, "7")
    full = to_answer(StorageFullError())
    assert full.status_code == 503
    assert int(full.headers["retry-after"]) > 0


async def test_an_unforeseen_fault_says_nothing_and_is_logged_once(
    app: HttpApp, house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("the password is hunter2")

    monkeypatch.setattr(house.storage, "list_events", broken)
    async with client_of(app) as client:
        answer = await client.get("/v1/events", headers=SECRET)
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "hunter2" not in answer.text
    assert len([record for record in caplog.records if "request_failed" in record.message]) == 1


async def test_health_tells_a_living_house_from_a_ready_one(
    client: httpx.AsyncClient, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await client.get("/health/live")).json() == {"status": "live"}
    ready = await client.get("/health/ready")
    assert (ready.status_code, ready.json()["status"]) == (200, "ready")

    make_full(house.storage, monkeypatch)
    broken = await client.get("/health/ready")
    assert broken.status_code == 503
    assert "disk is full" in broken.json()["writer"]
    assert (await client.get("/health/live")).status_code == 200


@ON_MEMORY
async def test_readiness_looks_at_the_disk(make_app: Callable[..., HttpApp], tmp_path: Path) -> None:
    async with client_of(make_app(data_folder=str(tmp_path / "gone"))) as client:
        answer = await client.get("/health/ready")
    assert answer.status_code == 503
    assert "data folder" in answer.json()["disk"]


async def test_metrics_count_requests_and_decisions(client: httpx.AsyncClient, house: House) -> None:
    asked = {"anonymousId": "a", "slots": ["hero", "nowhere"], "context": {"keen": True}}
    await client.post("/v1/decide", json=asked, headers=SECRET)
    await client.post("/v1/decide", json=asked)
    settle(house.storage)
    text = (await client.get("/metrics")).text
    assert 'opportune_decisions_total{outcome="shown",slot="hero"} 1.0' in text
    assert 'opportune_decisions_total{outcome="unknown slot",slot=""} 1.0' in text
    assert 'opportune_requests_total{method="POST",route="/v1/decide",status="200"} 1.0' in text
    assert 'opportune_requests_total{method="POST",route="/v1/decide",status="401"} 1.0' in text
    assert "opportune_decide_seconds_count 1.0" in text
    assert "opportune_writer_queue 0.0" in text
    assert 'opportune_decide_seconds_bucket{le="+Inf"} 1.0' in text


@ON_MEMORY
async def test_metrics_may_ask_for_a_key(make_app: Callable[..., HttpApp]) -> None:
    async with client_of(make_app(wants_metrics_key=True)) as client:
        assert (await client.get("/metrics")).status_code == 401
        assert (await client.get("/metrics", headers=WRITE)).status_code == 403
        assert (await client.get("/metrics", headers=SECRET)).status_code == 200


@ON_MEMORY
async def test_addresses_come_from_headers_only_behind_a_trusted_proxy(house: House) -> None:
    async def reader(*_: object) -> None: ...

    scope = {"client": ("10.0.0.1", 5)}
    headers = {b"x-forwarded-for": b"6.6.6.6, 8.8.8.8"}
    plain = Edge.of(house, reader, reader, EdgeOptions())
    behind = Edge.of(house, reader, reader, EdgeOptions(trusts_proxy=True))
    assert plain.address_of(headers, scope) == "10.0.0.1"
    assert behind.address_of(headers, scope) == "8.8.8.8"
    assert "cf-ipcountry" not in dict(plain.browser_headers)
    assert "cf-ipcountry" in dict(behind.browser_headers)


async def test_only_strangers_addresses_are_limited() -> None:
    assert is_public("8.8.8.8")
    assert is_public("2001:4860:4860::8888")
    assert not any(
        is_public(address) for address in ("127.0.0.1", "10.1.2.3", "192.168.0.9", "::1", "", "testclient")
    )


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ({}, None),
        ({b"authorization": b"Basic !!!"}, None),
        ({b"authorization": b"Basic " + b"/w=="}, None),
        ({b"authorization": b"Digest abc"}, None),
        ({b"authorization": b"Bearer "}, None),
        ({b"authorization": b"Bearer a b", b"x-api-key": b"c"}, "a b"),
        ({b"x-write-key": WRITE_KEY.encode(), b"authorization": b"Bearer other"}, WRITE_KEY),
    ],
)
async def test_broken_credentials_are_no_credentials(headers: dict[bytes, bytes], found: str | None) -> None:
    assert credential_in(headers) == found


async def test_patterns_take_one_part_or_the_rest() -> None:
    assert pattern_of("/v1/people/{id}").fullmatch("/v1/people/a b")
    assert not pattern_of("/v1/people/{id}").fullmatch("/v1/people/a/b")
    match = pattern_of("/flags/{slot:path}").fullmatch("/flags/a/b")
    assert match is not None
    assert match["slot"] == "a/b"
