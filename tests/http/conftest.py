"""The real ASGI application over memory storage."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
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
from opportune.storage.memory import MemoryStorage

AppMaker = Callable[..., HttpApp]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def house(clock: Clock) -> Iterator[House]:
    storage = MemoryStorage()
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
    yield house
    storage.close()


@pytest.fixture
def make_app(house: House) -> AppMaker:
    """An application with other options."""

    async def reader(function: Callable[..., Any], *arguments: Any) -> Any:
        return function(house.storage, *arguments)

    def make(**options: Any) -> HttpApp:
        return create_http_app(house, reader, EdgeOptions(**({"rates": NO_LIMITS} | options)))

    return make


@pytest.fixture
def app(make_app: AppMaker) -> HttpApp:
    return make_app()


@pytest.fixture
async def client(app: HttpApp) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(app) as found:
        yield found
