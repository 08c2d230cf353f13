"""The set-up page as it is served: who is let in, what it carries, and that it gives nothing away."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Callable
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import httpx
import pytest
from tests.building import NOW, programme
from tests.stores import ON_MEMORY

from opportune.app.serving import files_to_paste
from opportune.console.pages import ConsoleApp, ConsoleOptions
from opportune.console.setting_up import create_console_app
from opportune.services.admitting import SESSION_LIFE_MS, make_link
from opportune.services.house import House
from opportune.services.operating import add_key
from opportune.storage.base import Storage

pytestmark = ON_MEMORY


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Clock:
    now = NOW

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def house(storage: Storage) -> House:
    house = House(storage=storage, clock=Clock(), secret=b"s" * 32, programme=programme())
    add_key(house, kind="write", name="site", value="owk_write_key_of_tests")
    return house


@pytest.fixture
def console(house: House) -> ConsoleApp:
    async def reader(function: Callable[..., Any], *arguments: Any) -> Any:
        return function(house.storage, *arguments)

    options = ConsoleOptions(
        url="http://127.0.0.1:8400",
        is_default_url=True,
        trusts_proxy=False,
        snippet=lambda url, key, _consent, _hold: f'<script src="{url}/o.js" data-key="{key}"></script>',
        files=files_to_paste,
    )
    return create_console_app(house, reader, options)


@pytest.fixture
async def client(console: ConsoleApp) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=console)
    async with httpx.AsyncClient(transport=transport, base_url="https://o.shop.example") as client:
        yield client


@pytest.mark.anyio
async def test_without_a_link_the_page_stays_closed(client: httpx.AsyncClient) -> None:
    for path in ("/setup", "/setup?open=wrong", "/setup/"):
        answer = await client.get(path)
        assert answer.status_code == 403
        assert "opportune doctor --link" in answer.text
        assert "owk_write_key" not in answer.text
    client.cookies.set("o_setup", "9999999999999.aa.bb", domain="o.shop.example", path="/setup")
    assert (await client.get("/setup")).status_code == 403


@pytest.mark.anyio
async def test_a_link_opens_the_page_once_and_leaves_a_strict_cookie(
    client: httpx.AsyncClient, house: House
) -> None:
    word = make_link(house)
    answer = await client.post(f"/setup?open={word}")
    assert (answer.status_code, answer.headers["location"]) == (303, "/setup")
    cookie = answer.headers["set-cookie"]
    for part in (
        "HttpOnly",
        "SameSite=strict",
        "Secure",
        "Path=/setup",
        f"Max-Age={SESSION_LIFE_MS // 1000}",
    ):
        assert part in cookie
    page = await client.get("/setup")
    assert page.status_code == 200
    assert "It answers at https://o.shop.example" in page.text
    client.cookies.clear()
    for again in (client.get, client.post, client.head):
        assert (await again(f"/setup?open={word}")).status_code == 403


@pytest.mark.anyio
async def test_looking_at_a_link_does_not_use_it_up(client: httpx.AsyncClient, house: House) -> None:
    """Mail and chat programs ask for every address they show."""
    word = make_link(house)
    for _ in range(2):
        assert (await client.head(f"/setup?open={word}")).status_code == 200
        shown = await client.get(f"/setup?open={word}")
        assert shown.status_code == 200
        assert f'<form method="post" action="/setup?open={word}"><button' in shown.text
        assert "set-cookie" not in shown.headers
        assert "form-action 'self'" in shown.headers["content-security-policy"]
    assert (await client.post(f"/setup?open={word}")).status_code == 303


async def opened(client: httpx.AsyncClient, house: House) -> httpx.Response:
    await client.post(f"/setup?open={make_link(house)}")
    return await client.get("/setup")


@pytest.mark.anyio
async def test_the_page_has_steps_paste_recipes_and_checklists(
    client: httpx.AsyncClient, house: House
) -> None:
    page = await opened(client, house)
    assert "&lt;script src=&#34;https://o.shop.example/o.js&#34;" in page.text
    assert page.text.count('<li class="step ') >= 12
    assert page.text.count("opportune recipes add ") == 10
    assert "Week one: see" in page.text
    assert page.headers["cache-control"] == "private, no-store"
    assert "script-src 'self'" in page.headers["content-security-policy"]
    own = re.sub(r"<textarea.*?</textarea>", "", page.text, flags=re.DOTALL)
    assert not re.search(r"<script(?! src=)|style=|\son\w+=", own)


@pytest.mark.anyio
async def test_what_a_shop_needs_stands_there_to_be_copied(client: httpx.AsyncClient, house: House) -> None:
    page = (await opened(client, house)).text
    boxes = dict(re.findall(r'<textarea id="the-([\w-]+)"[^>]* readonly [^>]*>([^<]*)</textarea>', page))
    assert set(boxes) == {
        *(
            "snippet",
            "shopify-theme",
            "shopify-pixel",
            "shopify-slot",
            "woocommerce-settings",
            "address",
            "key",
        )
    }
    assert boxes["address"] == "https://o.shop.example"
    assert boxes["key"] == "owk_write_key_of_tests"
    for name in ("shopify-theme", "shopify-pixel"):
        assert "https://o.shop.example" in boxes[name]
        assert "owk_write_key_of_tests" in boxes[name]
    assert page.count("data-copies=") == len(boxes)
    assert "docs/" not in page


@pytest.mark.anyio
async def test_the_plugin_and_the_template_can_be_downloaded(client: httpx.AsyncClient, house: House) -> None:
    for name in ("opportune.zip", "opportune.tpl"):
        assert (await client.get(f"/setup/{name}")).status_code == 403
    page = (await opened(client, house)).text
    for name in ("opportune.zip", "opportune.tpl"):
        assert f'href="/setup/{name}" download' in page
        answer = await client.get(f"/setup/{name}")
        assert answer.status_code == 200
        assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'
        if name.endswith("zip"):
            with ZipFile(BytesIO(answer.content)) as packed:
                connection = json.loads(packed.read("opportune/connection.json"))
            assert connection == {"url": "https://o.shop.example", "write_key": "owk_write_key_of_tests"}


@pytest.mark.anyio
async def test_the_page_can_be_read_without_seeing_colours(client: httpx.AsyncClient, house: House) -> None:
    text = (await opened(client, house)).text
    assert '<html lang="en">' in text
    assert len(re.findall(r"<h1>", text)) == 1
    for landmark in ("<header>", "<main>", '<nav aria-label="On this page">', 'role="status"'):
        assert landmark in text
    states = re.findall(r'data-state="([^"]+)">\s*<span class="state">([^<]+)</span>', text)
    assert len(states) == text.count('<li class="step ')
    assert all(state.capitalize() == word for state, word in states)


@pytest.mark.anyio
async def test_a_session_ends(client: httpx.AsyncClient, house: House) -> None:
    assert (await opened(client, house)).status_code == 200
    house.clock.now += SESSION_LIFE_MS  # type: ignore[attr-defined]
    assert (await client.get("/setup")).status_code == 403


@pytest.mark.anyio
async def test_the_page_is_only_read(client: httpx.AsyncClient) -> None:
    assert (await client.post("/setup")).status_code == 405
    assert (await client.post("/setup?open=wrong")).status_code == 403
    assert (await client.get("/setup/nothing")).status_code == 404
    assert (await client.get("/setup/../secret")).status_code in (403, 404)


@pytest.mark.parametrize(("name", "kind"), [("setup.css", "text/css"), ("setup.js", "text/javascript")])
@pytest.mark.anyio
async def test_its_own_files_are_served(client: httpx.AsyncClient, name: str, kind: str) -> None:
    answer = await client.get(f"/setup/{name}")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith(kind)


def test_only_its_own_paths_are_its_business(console: ConsoleApp) -> None:
    assert console.knows("/setup")
    assert console.knows("/setup/setup.css")
    assert not console.knows("/setups")
    assert not console.knows("/v1/decide")
