"""A page decided by its own server, in a real browser: the page script leaves it alone, and tells that it was seen."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from jinja2 import DictLoader, Environment
from playwright.sync_api import Browser
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Route
from starlette.templating import Jinja2Templates
from tests.acceptance.browsing import launched, visitor
from tests.acceptance.live import on_a_port
from tests.serving import SECRET_KEY, WRITE_KEY, ServerProcess, write_playbook

from opportune.http.script import head_block
from opportune.web.starlette import OpportuneMiddleware, add_slots

PATIENCE_SECONDS = 60.0
PAGE = f"""<!doctype html><html><head><script>{head_block()}</script>{{{{ opportune_script() }}}}</head><body>
{{% call(hero) slot("home hero") %}}<section style="height:200px"><h1>{{{{ hero.headline or "Made for hills" }}}}</h1>
<a href="#here">Look</a></section>{{% endcall %}}</body></html>"""


@pytest.fixture(scope="module")
def browser(chromium: Path) -> Iterator[Browser]:
    with launched(chromium) as browser:
        yield browser


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("decided")
    playbook = write_playbook(folder / "playbook")
    with ServerProcess(folder / "data", "--playbook", playbook, OPPORTUNE_DEADLINE_MS="30000") as running:
        yield running


@contextmanager
def shop(server: ServerProcess) -> Iterator[str]:
    """A Starlette shop that asks before its page leaves, and passes the page script on under its own domain."""
    templates = Jinja2Templates(env=Environment(loader=DictLoader({"page": PAGE}), autoescape=True))
    add_slots(templates)

    async def page(request: Request) -> Any:
        return templates.TemplateResponse(request, "page")

    app = Starlette(routes=[Route("/", page)])
    app.add_middleware(
        OpportuneMiddleware,
        url=server.url,
        key=SECRET_KEY,
        write_key=WRITE_KEY,
        path="/o/",
        deadline_ms=20_000,
    )
    with on_a_port(app) as address:
        yield address


def until(found: Callable[[], Any]) -> Any:
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        if value := found():
            return value
        time.sleep(0.05)
    raise AssertionError("it never turned up")


def test_what_the_server_decided_is_neither_asked_for_nor_filled_and_is_told_when_seen(
    browser: Browser, server: ServerProcess
) -> None:
    device = f"v-{uuid4().hex}"
    for number in (1, 2):
        server.view(device, number)
    with shop(server) as address, visitor(browser) as page:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.context.add_cookies([{"name": "o_id", "value": device, "url": address}])
        page.goto(address)
        assert page.inner_text("h1") == "Shoes for you"

        def rule() -> Any:
            _, person, _ = server.get(f"/v1/people/{device}")
            return next((each for each in person["exposures"] if each["subject"] == "rule"), None)

        assert until(rule)["rule"] == "Viewed something"
        assert until(lambda: rule()["shownAt"])
        page.click("text=Look")

        def told() -> set[str]:
            _, person, _ = server.get(f"/v1/people/{device}")
            return {event["name"] for event in person["history"]}

        until(lambda: "Slot Clicked" in told())
        assert "Slot Applied" not in told()
        assert page.inner_text("h1") == "Shoes for you"
        assert page.locator("h1").count() == 1
        assert all(url.startswith(address) for url in asked), asked
