"""`/v1/reports`: the same reports as JSON, for a secret key that may read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import httpx
import msgspec
import pytest
from tests.experiments import experiment, measured
from tests.http.shop import DECIDE_KEY, SECRET, WRITE, Clock, bearer, client_of
from tests.stores import ON_MEMORY

from opportune.core.moment import DAY
from opportune.core.report.parts import Overview, Report
from opportune.http.edge import EdgeOptions
from opportune.http.routes import create_http_app
from opportune.services.experiments.reporting import report
from opportune.services.house import House
from opportune.services.limiting import NO_LIMITS

pytestmark = pytest.mark.anyio
RULE = "Viewed something"


@pytest.fixture
def tested(house: House, clock: Clock) -> House:
    of = experiment(clock.now - 40 * DAY)
    sums = measured(of, people=(1000, 1000), bought=(20, 30))

    def put(transaction: Any) -> None:
        transaction.put_experiment(of)
        transaction.put_measured(sums)

    house.storage.write(put).result()
    return house


async def test_a_report_is_answered_whole(tested: House, clock: Clock, client: httpx.AsyncClient) -> None:
    answer = await client.get(f"/v1/reports/{RULE}", headers=SECRET)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "private, no-store"
    found = msgspec.json.decode(answer.content, type=Report)
    assert found == report(tested.storage, RULE, clock.now)
    assert found.conclusion.state == "keep"


async def test_all_of_them_are_answered_together(tested: House, client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/reports", headers=SECRET)
    assert answer.status_code == 200
    assert [line.rule for line in msgspec.json.decode(answer.content, type=Overview).tests] == [RULE]


async def test_fresh_counts_the_events_anew(tested: House, client: httpx.AsyncClient) -> None:
    answer = await client.get(f"/v1/reports/{RULE}?fresh=true", headers=SECRET)
    assert answer.json()["conclusion"]["state"] == "no data"
    assert (await client.get("/v1/reports?fresh=true", headers=SECRET)).status_code == 200


class Held:
    """Long reads that wait until they are let go, as they do where there are many events."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.begun: list[Any] = []
        self.may_go_on = asyncio.Event()

    async def __call__(self, function: Callable[..., Any], *arguments: Any) -> Any:
        self.begun.append(arguments)
        await self.may_go_on.wait()
        return function(self.house.storage, *arguments)


@pytest.fixture
def held(tested: House) -> Held:
    return Held(tested)


@pytest.fixture
async def held_client(held: Held) -> AsyncIterator[httpx.AsyncClient]:
    async def reader(function: Callable[..., Any], *arguments: Any) -> Any:
        return function(held.house.storage, *arguments)

    async with client_of(create_http_app(held.house, reader, held, EdgeOptions(rates=NO_LIMITS))) as found:
        assert (await found.get("/v1/reports", headers=SECRET)).status_code == 200
        yield found


async def until_waiting(asking: Sequence[asyncio.Task[Any]]) -> None:
    """All of them have arrived: their key is known, so they wait for nothing but the report."""
    for _ in range(50 * len(asking)):
        await asyncio.sleep(0)


def ask_fresh(client: httpx.AsyncClient, path: str) -> asyncio.Task[httpx.Response]:
    return asyncio.create_task(client.get(f"/v1/reports{path}?fresh=true", headers=SECRET))


@ON_MEMORY
async def test_who_asks_for_a_report_that_is_being_made_shares_it(
    held: Held, held_client: httpx.AsyncClient
) -> None:
    asking = [ask_fresh(held_client, f"/{RULE}") for _ in range(20)]
    await until_waiting(asking)
    asking[0].cancel()
    held.may_go_on.set()
    answers = await asyncio.gather(*asking[1:])
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert len(held.begun) == 1
    assert (await ask_fresh(held_client, f"/{RULE}")).status_code == 200
    assert len(held.begun) == 2, "what is over is not handed out again"


@ON_MEMORY
async def test_more_than_a_few_waiting_reports_are_told_when_to_ask_again(
    held: Held, held_client: httpx.AsyncClient
) -> None:
    asking = [ask_fresh(held_client, path) for path in ("", f"/{RULE}", "/programme", "/nothing")]
    await until_waiting(asking)
    refused = await ask_fresh(held_client, "/something else")
    assert refused.status_code == 503
    assert int(refused.headers["retry-after"]) >= 1
    assert refused.json()["code"] == "counting_goes_on"
    assert "4 reports are being counted anew already" in refused.json()["message"]
    assert (await held_client.get(f"/v1/reports/{RULE}", headers=SECRET)).status_code == 200
    assert len(held.begun) == 1, "one at a time"
    held.may_go_on.set()
    answers = await asyncio.gather(*asking)
    assert [answer.status_code for answer in answers] == [200, 200, 200, 404]
    assert (await ask_fresh(held_client, "")).status_code == 200


@ON_MEMORY
@pytest.mark.parametrize(
    ("path", "headers", "status", "words"),
    [
        ("/v1/reports/Viewd something", SECRET, 404, "did you mean 'Viewed something'"),
        ("/v1/reports/%00%ff", SECRET, 404, "was not found"),
        ("/v1/reports?fresh=maybe", SECRET, 400, "fresh"),
        ("/v1/reports?rule=x", SECRET, 400, "The parameter 'rule' is unknown; there are fresh"),
        ("/v1/reports", WRITE, 403, "scope `read`"),
        ("/v1/reports", bearer(DECIDE_KEY), 403, "scope `read`"),
        (f"/v1/reports/{RULE}", {}, 401, "No key was sent"),
    ],
)
async def test_what_does_not_fit_is_said(
    tested: House, client: httpx.AsyncClient, path: str, headers: dict[str, str], status: int, words: str
) -> None:
    answer = await client.get(path, headers=headers)
    assert answer.status_code == status
    assert words in answer.json()["message"]
