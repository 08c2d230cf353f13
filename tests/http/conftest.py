"""The real ASGI application over every store."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from tests.http.shop import DECIDE_KEY, SECRET_KEY, WRITE_KEY, Clock, client_of, shop_programme

from opportune.http.dispatch import HttpApp
from opportune.http.edge import EdgeOptions
from opportune.http.routes import create_http_app
from opportune.services.house import House
from opportune.services.limiting import NO_LIMITS
from opportune.services.operating import add_key
from opportune.storage.base import Storage

AppMaker = Callable[..., HttpApp]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def house(storage: Storage, clock: Clock) -> House:
    house = House(
        storage=storage,
        clock=clock,
        secret=b"a secret of thirty-two bytes....",
        programme=shop_programme(),
        deadline_seconds=30,
    )
    add_key(house, kind="secret", name="backend", value=SECRET_KEY)
    add_key(house, kind="secret", name="renderer", value=DECIDE_KEY, scopes=["decide"])
    add_key(house, kind="write", name="site", value=WRITE_KEY)
    return house


@pytest.fixture
def make_app(house: House) -> AppMaker:
    """An application with other options."""

    async def reader(function: Callable[..., Any], *arguments: Any) -> Any:
        return function(house.storage, *arguments)

    def make(**options: Any) -> HttpApp:
        return create_http_app(house, reader, reader, EdgeOptions(**({"rates": NO_LIMITS} | options)))

    return make


@pytest.fixture
def app(make_app: AppMaker) -> HttpApp:
    return make_app()


@pytest.fixture
async def client(app: HttpApp) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(app) as found:
        yield found
