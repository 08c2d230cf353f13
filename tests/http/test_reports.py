"""`/v1/reports`: the same reports as JSON, for a secret key that may read."""

from __future__ import annotations

from typing import Any

import httpx
import msgspec
import pytest
from tests.experiments import experiment, measured
from tests.http.shop import DECIDE_KEY, SECRET, WRITE, Clock, bearer
from tests.stores import ON_MEMORY

from opportune.core.moment import DAY
from opportune.core.report.parts import Overview, Report
from opportune.services.experiments.reporting import report
from opportune.services.house import House

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
