"""`GET /o.js`: the browser script, kept by browsers and asked for again only when it changed."""

from __future__ import annotations

import httpx
import pytest
from tests.stores import ON_MEMORY

pytestmark = pytest.mark.anyio


@ON_MEMORY
async def test_the_script_is_served_to_any_page_and_may_be_kept(client: httpx.AsyncClient) -> None:
    answer = await client.get("/o.js")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "max-age" in answer.headers["cache-control"]
    assert len(answer.content) > 500


@ON_MEMORY
async def test_an_unchanged_script_is_304(client: httpx.AsyncClient) -> None:
    etag = (await client.get("/o.js")).headers["etag"]
    again = await client.get("/o.js", headers={"If-None-Match": etag})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
