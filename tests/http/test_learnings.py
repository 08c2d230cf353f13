"""`/v1/learnings`: what tests taught, for a secret key that may read."""

from __future__ import annotations

from typing import Any

import httpx
import msgspec
import pytest
from tests.experiments import experiment, measured
from tests.http.shop import DECIDE_KEY, SECRET, Clock, bearer

from opportune.core.moment import DAY
from opportune.http.learnings import Learnings
from opportune.services.house import House
from opportune.services.learnings.learning import draft_missing

pytestmark = pytest.mark.anyio


@pytest.fixture
def learned(house: House, clock: Clock) -> House:
    began = clock.now - 40 * DAY
    of = experiment(began, ended_at=began + 28 * DAY, ended_as="finished")
    sums = measured(of, people=(1000, 1000), bought=(20, 40))

    def put(transaction: Any) -> None:
        transaction.put_experiment(of)
        transaction.put_measured(sums)

    house.storage.write(put).result()
    draft_missing(house)
    return house


async def test_learnings_are_answered_with_their_status_and_searched(
    learned: House, client: httpx.AsyncClient
) -> None:
    answer = await client.get("/v1/learnings", headers=SECRET)
    assert answer.status_code == 200
    (found,) = msgspec.json.decode(answer.content, type=Learnings).learnings
    assert (found.rule, found.status) == ("Viewed something", "supported")
    for words, number in (("supported+BOUGHT", 1), ("coupon", 0)):
        answer = await client.get(f"/v1/learnings?words={words}", headers=SECRET)
        assert len(answer.json()["learnings"]) == number


async def test_only_a_key_that_may_read_gets_them(learned: House, client: httpx.AsyncClient) -> None:
    assert (await client.get("/v1/learnings")).status_code == 401
    assert (await client.get("/v1/learnings", headers=bearer(DECIDE_KEY))).status_code == 403
