"""A page of a shop in Chromium with the page script on it, and the real server behind it over a store in memory."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from playwright.sync_api import Browser, Page
from tests.acceptance.browsing import PATIENCE_SECONDS, visitor
from tests.acceptance.live import served
from tests.building import programme, rule
from tests.http.shop import WRITE_KEY

from opportune.http.script import head_block
from opportune.services.house import House
from opportune.services.operating import add_key
from opportune.storage.base import EventQuery, StoredEvent
from opportune.storage.memory import MemoryStorage

HOUR_SECONDS = 3_600


class Site:
    """The shop's own server: every address of it is the page that was written last."""

    def __init__(self) -> None:
        self.html = ""
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = site.html.encode()
                self.send_response(200)
                self.send_header("content-type", "text/html; charset=utf-8")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class ShopWindow:
    """One visitor's browser on the shop, and what the server was asked and keeps."""

    def __init__(self, page: Page, house: House, door: str, site: Site) -> None:
        self.page, self.house, self.door, self.site = page, house, door, site
        self.asked: list[dict[str, Any]] = []
        self.warnings: list[str] = []
        self._is_still = False
        page.on("request", lambda request: self._note(request.url, request.post_data))
        page.on("console", lambda message: self.warnings.append(message.text))

    def open(self, path: str = "/", *, before: str = "", attributes: str = "", body: str = "") -> None:
        """A page whose head has the shop's own scripts first, then ours."""
        self.site.html = (
            f"<!doctype html><title>Boots</title><script>{before}</script><script>{head_block()}</script>"
            f'<script async src="{self.door}/o.js" data-key="{WRITE_KEY}" {attributes}></script>'
            f'<div data-slot="hero"><h1>Welcome</h1></div>{body}'
        )
        self.page.goto(self.site.address + path)

    def stand_still(self) -> None:
        """From here on no second passes in the pages of this visitor but those that the test lets pass.

        What a page does at once it still does.
        """
        self.page.clock.install(time=0)
        self.page.clock.pause_at(HOUR_SECONDS)
        self._is_still = True

    def until(self, what: Callable[[], object]) -> None:
        end = time.monotonic() + PATIENCE_SECONDS
        while not what():
            assert time.monotonic() < end, (self.names(), self.asked[-1:], self.warnings)
            if self._is_still:
                self.page.clock.run_for(0)
            self.page.wait_for_timeout(20)

    def kept(self, name: str = "") -> list[StoredEvent]:
        """Stored events in their order."""
        found = self.house.storage.list_events(EventQuery(limit=1000))[::-1]
        return [event for event in found if not name or event.name == name]

    def names(self) -> list[str]:
        return [event.name for event in self.kept()]

    def cookies(self) -> set[str]:
        return {cookie["name"] for cookie in self.page.context.cookies()}

    def _note(self, url: str, body: str | None) -> None:
        if url.endswith("/v1/decide") and body:
            self.asked.append(json.loads(body))


@contextmanager
def shop_window(browser: Browser, event: str = "Product Viewed") -> Iterator[ShopWindow]:
    """`event`: once the visitor did it, the shop's one place shows shoes."""
    house = House(
        storage=MemoryStorage(),
        clock=lambda: int(time.time() * 1000),
        secret=b"a secret of thirty-two bytes....",
        programme=programme(rule("A", event)),
        deadline_seconds=30,
    )
    add_key(house, kind="write", name="site", value=WRITE_KEY)
    with closing(Site()) as site, served(house) as door, visitor(browser) as page:
        yield ShopWindow(page, house, door, site)
