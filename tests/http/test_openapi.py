"""The OpenAPI document: every route is in it, and nothing else."""

from __future__ import annotations

import json
import re

import httpx
import pytest
from tests.stores import ON_MEMORY

from opportune.http.routes import ROUTES, document

pytestmark = pytest.mark.anyio


@ON_MEMORY
async def test_every_route_is_documented_and_every_documented_route_exists(client: httpx.AsyncClient) -> None:
    found = (await client.get("/openapi.json")).json()
    assert found["openapi"].startswith("3.1")
    documented = {(method, path) for path, methods in found["paths"].items() for method in methods}
    routed = {
        (route.method.lower(), route.path.replace(":path}", "}")) for route in ROUTES if not route.is_hidden
    }
    assert documented == routed


@ON_MEMORY
async def test_documented_routes_answer(client: httpx.AsyncClient) -> None:
    for path, methods in document()["paths"].items():
        for method in methods:
            answer = await client.request(method, re.sub(r"\{\w+\}", "x", path))
            assert answer.status_code not in (405, 500), (method, path)
            assert answer.status_code != 404 or path == "/o.js", (method, path)


def test_every_reference_leads_somewhere() -> None:
    found = document()
    text = json.dumps(found)
    for name in set(re.findall(r'"#/components/schemas/([^"]+)"', text)):
        assert name in found["components"]["schemas"]


def test_every_route_has_an_id_of_its_own() -> None:
    ids = [one["operationId"] for methods in document()["paths"].values() for one in methods.values()]
    assert len(ids) == len(set(ids))
