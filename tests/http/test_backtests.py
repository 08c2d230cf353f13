"""`/v1/backtest/{rule}`: a sample at once, all of it with progress, a draft beside; for who may read."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.http.shop import DECIDE_KEY, SECRET_KEY, bearer, client_of
from tests.services.test_backtesting import FILES, RETURNER, Clock, shop_day

from opportune.app.house import build_house
from opportune.core.history.key import LANES
from opportune.http.dispatch import HttpApp
from opportune.http.edge import EdgeOptions
from opportune.http.routes import create_http_app
from opportune.services.house import House
from opportune.services.operating import add_key
from opportune.services.publishing import publish
from opportune.storage.base import Storage

pytestmark = pytest.mark.anyio


@pytest.fixture
def shop(storage: Storage) -> House:
    house = build_house(storage, clock=Clock())
    house.deadline_seconds = 30
    house.seen_events |= {"Product Viewed", "Product Added"}
    publish(house, FILES)
    add_key(house, kind="secret", name="backend", value=SECRET_KEY)
    add_key(house, kind="secret", name="renderer", value=DECIDE_KEY, scopes=["decide"])
    return house


@pytest.fixture
def app(shop: House) -> HttpApp:
    async def reader(function: Callable[..., Any], *arguments: Any) -> Any:
        return function(shop.storage, *arguments)

    return create_http_app(shop, reader, reader, EdgeOptions())


async def test_a_sample_a_full_answer_with_progress_and_a_draft(
    shop: House, app: HttpApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("opportune.http.backtests.PART_SECONDS", 0)
    await asyncio.to_thread(shop_day, shop)
    shop_draft = {"files": FILES | {"rules/a.yaml": RETURNER.replace("2 times", "3 times")}}
    async with client_of(app) as client:
        sampled = await client.get("/v1/backtest/Returner", headers=bearer(SECRET_KEY))
        full = await client.get("/v1/backtest/Returner?full=true&days=7", headers=bearer(SECRET_KEY))
        draft = await client.post("/v1/backtest/Returner", headers=bearer(SECRET_KEY), json=shop_draft)
    assert sampled.status_code == 200
    assert sampled.json()["sentence"] == "a visitor viewed the same category at least 2 times in 7 days"
    lines = [json.loads(line) for line in full.text.splitlines()]
    done = [line["done"] for line in lines[:-1]]
    assert done
    assert done == sorted(set(done))
    assert done[-1] < LANES
    assert lines[-1]["backtest"]["people"]["value"] == 4
    assert draft.json()["isDraft"] is True


async def test_what_does_not_fit_is_refused_in_words(app: HttpApp) -> None:
    async with client_of(app) as client:
        unknown = await client.get("/v1/backtest/Nobody", headers=bearer(SECRET_KEY))
        days = await client.get("/v1/backtest/Returner?days=0", headers=bearer(SECRET_KEY))
        other = await client.get("/v1/backtest/Returner", headers=bearer(DECIDE_KEY))
        broken = await client.post(
            "/v1/backtest/Returner", headers=bearer(SECRET_KEY), json={"files": {"rules/a.yaml": "when: x"}}
        )
    assert (unknown.status_code, days.status_code, other.status_code) == (404, 400, 403)
    assert broken.status_code in (400, 422)
