"""`/v1/review`: the quarter's review, for a secret key that may read."""

from __future__ import annotations

import httpx
import msgspec
import pytest
from tests.http.shop import DECIDE_KEY, SECRET, bearer
from tests.services.test_reporting import FILES

from opportune.core.learnings.review import Review
from opportune.services.house import House
from opportune.services.publishing import publish

pytestmark = pytest.mark.anyio


async def test_the_review_is_answered_whole(house: House, client: httpx.AsyncClient) -> None:
    publish(house, FILES)
    answer = await client.get("/v1/review", headers=SECRET)
    assert answer.status_code == 200
    found = msgspec.json.decode(answer.content, type=Review)
    assert {each.rule for each in found.rules} == {"Viewed something", "Plain one", "Quiet"}


async def test_only_a_key_that_may_read_gets_it(client: httpx.AsyncClient) -> None:
    assert (await client.get("/v1/review")).status_code == 401
    assert (await client.get("/v1/review", headers=bearer(DECIDE_KEY))).status_code == 403
