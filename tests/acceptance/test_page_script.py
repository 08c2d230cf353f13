"""The page script in a real browser, against a site with a strict policy and a server that notes what it is sent."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from playwright.sync_api import Browser
from tests.acceptance.browsing import AGENT, launched, put_forward, until, visitor

from opportune.http.script import head_block, page_script

MOST_BYTES = 6_144
MOST_BYTES_IN_HEAD = 1_433
PAINTED = """() => new Promise((done) => new PerformanceObserver(() => done(true))
  .observe({ type: 'largest-contentful-paint', buffered: true }))"""


class Noted:
    """Two origins: the site's pages, and Opportune's door, which answers what `statuses` says next."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.preflights = 0
        self.statuses: list[int] = []
        noted = self

        class Door(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                _answer(self, page_script().encode(), "text/javascript")

            def do_OPTIONS(self) -> None:
                noted.preflights += 1
                _answer(self, b"", "text/plain")

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                status = noted.statuses.pop(0) if noted.statuses else 200
                if status == 200:
                    noted.requests.append({**json.loads(body), "content_type": self.headers["content-type"]})
                _answer(self, b'{"decisions":{}}', "application/json", status)

            def log_message(self, *_: object) -> None:
                pass

        class Site(Door):
            def do_GET(self) -> None:
                _answer(self, noted.page().encode(), "text/html; charset=utf-8", policy=noted.door)

        self.servers = [ThreadingHTTPServer(("127.0.0.1", 0), kind) for kind in (Door, Site)]
        self.door, self.site = (f"http://127.0.0.1:{server.server_port}" for server in self.servers)
        self.threads = [Thread(target=server.serve_forever, args=(0.02,)) for server in self.servers]
        for thread in self.threads:
            thread.start()

    def page(self) -> str:
        script = (
            f'<script src="{self.door}/o.js" data-key="owk_test" data-consent="none"'
            ' data-page-type="product" async></script>'
        )
        style = '<link rel="stylesheet" href="data:text/css,%23tall{height:3000px}">'
        body = '<h1>A page</h1><div id="tall"></div><a href="/next">next</a>'
        return f"<!doctype html><title>Boots</title>{style}{script}{body}"

    def close(self) -> None:
        for server, thread in zip(self.servers, self.threads, strict=True):
            server.shutdown()
            server.server_close()
            thread.join()

    def events(self, name: str = "") -> list[dict[str, Any]]:
        """Each once: a page that leaves before its answer came sends again, and a store knows the id."""
        sent = {event["messageId"]: event for request in self.requests for event in request["events"]}
        return [event for event in sent.values() if not name or event.get("event", event["type"]) == name]


def _answer(
    handler: BaseHTTPRequestHandler, body: bytes, kind: str, status: int = 200, *, policy: str = ""
) -> None:
    handler.send_response(status)
    handler.send_header("content-type", kind)
    handler.send_header("content-length", str(len(body)))
    handler.send_header("access-control-allow-origin", "*")
    if policy:
        handler.send_header(
            "content-security-policy",
            f"default-src 'none'; script-src {policy}; connect-src {policy}; style-src data:",
        )
    handler.end_headers()
    handler.wfile.write(body)


@pytest.fixture(scope="module")
def browser(chromium: Path) -> Iterator[Browser]:
    with launched(chromium) as browser:
        yield browser


@pytest.fixture
def noted() -> Iterator[Noted]:
    noted = Noted()
    yield noted
    noted.close()


def test_script_and_block_are_small() -> None:
    assert len(gzip.compress(page_script().encode(), 9)) <= MOST_BYTES
    assert len(gzip.compress(head_block().encode(), 9)) <= MOST_BYTES_IN_HEAD


def test_page_view_is_sent_at_once_and_without_preflight(browser: Browser, noted: Noted) -> None:
    with visitor(browser, locale="en-GB") as page:
        page.goto(f"{noted.site}/boots?utm_source=letter&utm_campaign=autumn&mail=a@b.example#top")
        until(page, lambda: noted.events("page"))
    request = noted.requests[0]
    event = noted.events("page")[0]
    assert request["writeKey"] == "owk_test"
    assert request["slots"] == []
    assert request["content_type"].startswith("text/plain")
    assert noted.preflights == 0
    assert event["properties"]["path"] == "/boots"
    assert event["properties"]["title"] == "Boots"
    assert event["properties"]["page_type"] == "product"
    assert event["properties"]["url"] == f"{noted.site}/boots?utm_source=letter&utm_campaign=autumn&mail="
    assert event["context"]["campaign"] == {"source": "letter", "name": "autumn"}
    assert event["context"]["locale"] == "en-GB"
    assert event["context"]["userAgent"] == AGENT


def test_id_set_by_the_site_is_used(browser: Browser, noted: Noted) -> None:
    with visitor(browser) as page:
        page.context.add_cookies([{"name": "o_id", "value": "from-the-server", "url": noted.site}])
        page.goto(noted.site)
        until(page, lambda: noted.events("page"))
    assert noted.requests[0]["anonymousId"] == "from-the-server"
    assert noted.events("page")[0]["anonymousId"] == "from-the-server"


def test_id_that_cannot_be_read_counts_as_none(browser: Browser, noted: Noted) -> None:
    with visitor(browser) as page:
        page.context.add_cookies([{"name": "o_id", "value": "broken%E0%A4%A", "url": noted.site}])
        page.goto(noted.site)
        until(page, lambda: noted.events("page"))
        kept = {cookie["name"]: cookie["value"] for cookie in page.context.cookies()}
    assert noted.events("page")[0]["anonymousId"] == kept["o_id"]
    assert kept["o_id"].startswith("s-")


def test_id_is_made_only_where_there_is_none_and_then_stays(browser: Browser, noted: Noted) -> None:
    with visitor(browser) as page:
        page.goto(noted.site)
        until(page, lambda: noted.events("page"))
        page.goto(f"{noted.site}/next")
        until(page, lambda: len(noted.events("page")) == 2)
        kept = {cookie["name"]: cookie["value"] for cookie in page.context.cookies()}
    assert {event["anonymousId"] for event in noted.events()} == {kept["o_id"]}


def test_leaving_sends_time_depth_and_loading(browser: Browser, noted: Noted) -> None:
    with visitor(browser) as page:
        page.goto(noted.site)
        until(page, lambda: noted.events("page"))
        page.evaluate(PAINTED)  # a page scrolled before it is painted has no largest paint
        page.mouse.wheel(0, 2_000)
        until(page, lambda: page.evaluate("scrollY") > 1_000)
        page.wait_for_timeout(100)  # Page Left is told of a page that was looked at for so long
        page.goto("about:blank")
        until(page, lambda: noted.events("Page Left") and noted.events("Scrolled"))
    left = noted.events("Page Left")[0]["properties"]
    assert left["seconds"] > 0
    assert {event["context"]["userAgent"] for event in noted.events()} == {AGENT}
    assert left["depth"] >= 50
    assert noted.events("Scrolled")[-1]["properties"]["depth"] in (50, 75)
    vitals = noted.events("Web Vitals")[0]["properties"]
    assert vitals["lcp"] > 0
    assert vitals["busy"] >= 0


def test_pointer_that_leaves_through_the_top_means_exit_once(browser: Browser, noted: Noted) -> None:
    leave = "document.dispatchEvent(new MouseEvent('mouseout', {clientY: -1, relatedTarget: null}))"
    with visitor(browser) as page:
        page.goto(noted.site)
        until(page, lambda: noted.events("page"))
        page.evaluate(leave)
        page.evaluate(leave)
        until(page, lambda: noted.events("Exit Intent"))
        page.evaluate("opportune.track('After')")
        until(page, lambda: noted.events("After"))
    assert len(noted.events("Exit Intent")) == 1


def test_route_changes_without_loading_are_page_views(browser: Browser, noted: Noted) -> None:
    with visitor(browser) as page:
        page.goto(f"{noted.site}/one")
        until(page, lambda: noted.events("page"))
        page.evaluate("history.pushState({}, '', '/two'); document.title = 'Two'")
        until(page, lambda: len(noted.events("page")) == 2)
        page.evaluate("history.pushState({}, '', '/two#part')")
        page.evaluate("history.back()")
        page.evaluate("history.back()")
        until(page, lambda: len(noted.events("page")) == 3)
    views = [event["properties"] for event in noted.events("page")]
    assert [view["path"] for view in views] == ["/one", "/two", "/one"]
    assert views[1]["title"] == "Two"
    assert views[1]["referrer"] == f"{noted.site}/one"


def test_track_and_identify_are_for_the_page_also_before_the_script_is_there(
    browser: Browser, noted: Noted
) -> None:
    with visitor(browser) as page:
        page.add_init_script("window.opportune = [['track', 'Early', {deep: {yes: true}}]]")
        page.goto(noted.site)
        until(page, lambda: noted.events("Early"))
        page.evaluate("opportune.identify('c-1', {plan: 'gold'}, 'token')")
        until(page, lambda: noted.events("identify"))
    assert noted.events("Early")[0]["properties"] == {"deep": {"yes": True}}
    told = noted.events("identify")[0]
    assert told["userId"] == "c-1"
    assert told["traits"] == {"plan": "gold"}
    assert told["context"]["userToken"] == "token"


def test_global_privacy_control_sends_nothing_and_sets_nothing(browser: Browser, noted: Noted) -> None:
    with visitor(browser) as page:
        page.add_init_script("Object.defineProperty(navigator, 'globalPrivacyControl', {value: true})")
        page.goto(noted.site)
        until(page, lambda: page.evaluate("typeof opportune.track === 'function'"))
        page.evaluate("opportune.track('Anything')")
        page.goto("about:blank")
        assert page.context.cookies() == []
    with visitor(browser) as page:
        page.goto(f"{noted.site}/another-visitor")
        until(page, lambda: noted.events("page"))
    assert {event["properties"]["path"] for event in noted.events("page")} == {"/another-visitor"}
    assert noted.events("Anything") == []


def test_busy_server_gets_the_events_again_once_each(browser: Browser, noted: Noted) -> None:
    noted.statuses = [503, 429]
    with visitor(browser) as page:
        page.clock.install()
        page.goto(noted.site)
        put_forward(page, lambda: noted.events("page"))
        assert noted.statuses == []
        page.evaluate("opportune.track('After')")
        put_forward(page, lambda: noted.events("After"))
        ids = [event["messageId"] for request in noted.requests for event in request["events"]]
        assert len(ids) == len(set(ids))


def test_refused_events_are_not_sent_again(browser: Browser, noted: Noted) -> None:
    noted.statuses = [401]
    with visitor(browser) as page:
        page.goto(noted.site)
        until(page, lambda: not noted.statuses)
        page.evaluate("opportune.track('Later')")
        until(page, lambda: noted.events("Later"))
    assert noted.events("page") == []


def test_waiting_events_are_bounded(browser: Browser, noted: Noted) -> None:
    """A request under way when the page closes may be sent once more; the message id tells."""

    def kept() -> int:
        return len({event["messageId"] for event in noted.events("Many")})

    with visitor(browser) as page:
        page.goto(noted.site)
        until(page, lambda: noted.events("page"))
        page.evaluate("for (let n = 0; n < 500; n++) opportune.track('Many')")
        page.goto("about:blank")
        until(page, lambda: kept() == 60)
        page.wait_for_timeout(100)
    assert kept() == 60


def test_nothing_it_is_given_throws_into_the_page_or_loses_what_waits(browser: Browser, noted: Noted) -> None:
    loop = "const loop = {}; loop.loop = loop; opportune.track('Loop', loop)"
    with visitor(browser) as page:
        page.goto(noted.site)
        until(page, lambda: noted.events("page"))
        page.evaluate(f"opportune.track('Before'); {loop}; opportune.track(); opportune.identify()")
        page.evaluate("opportune.track(Symbol.iterator, 3n); opportune.track('After')")
        until(page, lambda: noted.events("After"))
    assert len(noted.events("Before")) == 1
    assert noted.events("Loop") == []
