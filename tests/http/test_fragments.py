"""`GET /v1/fragments/{slot}`: HTML that never breaks the page it is included in."""

from __future__ import annotations

import httpx
import pytest
from tests.http.shop import WRITE, WRITE_KEY
from tests.stores import make_unreadable

from opportune.services.house import House
from opportune.services.tokens import read_token

pytestmark = pytest.mark.anyio


async def test_a_place_is_given_as_escaped_html(client: httpx.AsyncClient, house: House) -> None:
    answer = await client.get("/v1/fragments/hero?keen=yes&anonymousId=a-1", headers=WRITE)
    assert answer.text == "<h1>Shoes for &lt;you&gt;</h1>"
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "private, no-store"
    token = read_token(house, answer.headers["opportune-decision"])
    assert token is not None
    assert token.slot == "hero"


async def test_key_and_device_may_come_by_parameter_header_or_cookie(client: httpx.AsyncClient) -> None:
    by_parameter = await client.get(f"/v1/fragments/hero?key={WRITE_KEY}&anonymousId=a-1")
    by_header = await client.get("/v1/fragments/hero", headers=WRITE | {"Opportune-Id": "a-1"})
    by_cookie = await client.get("/v1/fragments/hero", headers=WRITE | {"Cookie": "o_id=a-1"})
    texts = {answer.text for answer in (by_parameter, by_header, by_cookie)}
    assert texts == {"<h1>Welcome</h1>"}


@pytest.mark.parametrize(
    ("path", "headers", "reason"),
    [
        ("/v1/fragments/nowhere", WRITE, "unknown slot"),
        ("/v1/fragments/hero", {}, "missing_key"),
        ("/v1/fragments/hero?key=osk_wrong_wrong", {}, "unknown_key"),
        ("/v1/fragments/hero?anonymousId=" + "a" * 500, WRITE, "bad_request"),
    ],
)
async def test_trouble_is_an_empty_200_with_the_reason_in_a_header(
    client: httpx.AsyncClient, path: str, headers: dict[str, str], reason: str
) -> None:
    answer = await client.get(path, headers=headers)
    assert (answer.status_code, answer.text) == (200, "")
    assert answer.headers["opportune-reason"] == reason


async def test_a_fault_gives_normal_content(
    client: httpx.AsyncClient, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_unreadable(house.storage, monkeypatch)
    answer = await client.get("/v1/fragments/hero?keen=yes&anonymousId=a-1", headers=WRITE)
    assert (answer.status_code, answer.text) == (200, "<h1>Welcome</h1>")
    assert answer.headers["opportune-reason"] == "ERROR"


async def test_a_hidden_place_is_nothing(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/fragments/hero?in%20support=1&anonymousId=a-1", headers=WRITE)
    assert (answer.status_code, answer.text) == (200, "")
