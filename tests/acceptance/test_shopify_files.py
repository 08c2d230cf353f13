"""What is pasted into Shopify, in a real browser: the theme's snippet rendered by a Liquid engine, and the custom
pixel inside a sandboxed frame with Shopify's interfaces, which knows the page only through messages.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import json
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import liquid
import pytest
from playwright.sync_api import Browser, Page
from tests.acceptance.browsing import PATIENCE_SECONDS, launched, until, visitor
from tests.serving import ServerProcess, done, run_command

SECRET = "secret-of-the-shop"
ORDER = 5123456789012
PRODUCT = {"id": 7001, "type": "Trail shoes"}
VARIANT = {
    "id": "8001",
    "title": "42",
    "sku": "TS-42",
    "price": {"amount": 30.0, "currencyCode": "EUR"},
    "product": {"id": "7001", "title": "Trail shoe", "vendor": "Fell", "type": "Trail shoes"},
}
SANDBOX = """<script>
const listeners = {}, waiting = {}; let asked = 0;
const ask = (store, name) => new Promise((done) => {
  waiting[++asked] = done;
  parent.postMessage({ asked, store, name }, '*');
});
const listen = (name, act) => { (listeners[name] ||= []).push(act); return Promise.resolve(() => {}); };
const analytics = { subscribe: listen, publish: () => Promise.resolve(true) };
const browser = { cookie: { get: (name) => ask('cookie', name) },
  localStorage: { getItem: (name) => ask('local', name) } };
const api = { customerPrivacy: { subscribe: listen } };
const init = { data: {}, context: {}, customerPrivacy: { analyticsProcessingAllowed: MAY_MEASURE } };
addEventListener('message', ({ data }) => {
  if (data.asked) waiting[data.asked](data.found);
  else (listeners[data.name] || []).forEach((act) => act(data));
});
</script><script>PIXEL</script>"""
SHOP = """<!doctype html><html><head>THEME</head><body><h1>Trail shoe</h1><script>
addEventListener('message', ({ data, source }) => {
  const found = document.cookie.split('; ').find((each) => each.startsWith(data.name + '='));
  source.postMessage({ asked: data.asked, found: found ? found.slice(data.name.length + 1) : '' }, '*');
});
let number = 0;
const at = { href: location.href, pathname: location.pathname };
const seen = { document: { location: at, referrer: '', title: document.title },
  navigator: { userAgent: navigator.userAgent, language: 'de' } };
window.happen = (name, event) => frames[0].postMessage({ id: `sh-${location.search}-${++number}`, name,
  clientId: 'c', timestamp: new Date().toISOString(), context: seen, ...event }, '*');
</script><iframe sandbox="allow-scripts allow-forms" srcdoc="FRAME"></iframe></body></html>"""


class Shop:
    """A shop's site as Shopify serves it: pages from the theme, and the cart's own door."""

    def __init__(self, theme: str, pixel: str) -> None:
        self.attributes: list[dict[str, str]] = []
        shop = self

        class Door(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer(shop.page(theme, pixel, may_measure="refused" not in self.path), "text/html")

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                assert self.path == "/cart/update.js"
                shop.attributes.append(body["attributes"])
                self._answer("{}", "application/json")

            def _answer(self, text: str, kind: str) -> None:
                self.send_response(200)
                self.send_header("content-type", f"{kind}; charset=utf-8")
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = Thread(target=self.server.serve_forever, args=(0.02,))
        self.thread.start()

    def page(self, theme: str, pixel: str, *, may_measure: bool) -> str:
        frame = SANDBOX.replace("MAY_MEASURE", json.dumps(may_measure)).replace("PIXEL", pixel)
        escaped = frame.replace("&", "&amp;").replace('"', "&quot;")
        return SHOP.replace("FRAME", escaped).replace("THEME", rendered(theme, self.attributes))

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def rendered(theme: str, attributes: list[dict[str, str]], **more: Any) -> str:
    """As Shopify renders a product's page."""
    environment = liquid.Environment(strict_filters=True)
    environment.add_filter(
        "hmac_sha256",
        lambda text, secret: hmac.new(secret.encode(), str(text).encode(), hashlib.sha256).hexdigest(),
    )
    environment.add_filter("json", lambda value: json.dumps(value if isinstance(value, str) else None))
    known = {
        "request": {"page_type": "product", "path": "/products/trail-shoe"},
        "product": PRODUCT,
        "cart": {"attributes": attributes[-1] if attributes else {}},
        **more,
    }
    return environment.from_string(theme).render(**known)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with ServerProcess(tmp_path_factory.mktemp("shopify") / "data") as running:
        done("sources", "add", "shopify", "--secret", SECRET, *running.place)
        yield running


def printed(server: ServerProcess, name: str, *more: str) -> str:
    return done("platform", "shopify", name, "--url", server.url, *more, *server.place)


@pytest.fixture(scope="module")
def shop(server: ServerProcess) -> Iterator[Shop]:
    made = Shop(printed(server, "theme"), printed(server, "pixel"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def browser(chromium: Path) -> Iterator[Browser]:
    with launched(chromium) as found:
        yield found


def history(server: ServerProcess, who: str) -> list[dict[str, Any]]:
    status, person, _ = server.get(f"/v1/people/{who}")
    return person["history"] if status == 200 else []


def wait_for(server: ServerProcess, who: str, name: str) -> dict[str, Any]:
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        found = [event for event in history(server, who) if event["name"] == name]
        if found:
            return found[0]
        time.sleep(0.05)
    raise AssertionError(f"{name} never came: {history(server, who)}")


def id_of(page: Page) -> str:
    page.wait_for_function("document.cookie.includes('o_id=')")
    return str(page.evaluate("document.cookie.match(/o_id=([^;]+)/)[1]"))


def buy(page: Page, who: str) -> None:
    checkout = {
        "token": "t-1",
        "currencyCode": "EUR",
        "totalPrice": {"amount": 64.9},
        "subtotalPrice": {"amount": 60.0},
        "attributes": [{"key": "o_id", "value": who}],
        "lineItems": [{"quantity": 2, "variant": VARIANT}],
        "order": {"id": f"gid://shopify/OrderIdentity/{ORDER}"},
    }
    happened = {
        "product_viewed": {"productVariant": VARIANT},
        "collection_viewed": {"collection": {"id": "5", "title": "Trail"}},
        "search_submitted": {"searchResult": {"query": "socks"}},
        "product_added_to_cart": {"cartLine": {"quantity": 2, "merchandise": VARIANT}},
        "cart_viewed": {"cart": None},
        "checkout_started": {"checkout": checkout},
        "checkout_completed": {"checkout": checkout},
    }
    for name, data in happened.items():
        page.evaluate("([name, data]) => happen(name, { data })", [name, data])


def webhook(server: ServerProcess, topic: str, body: dict[str, Any]) -> int:
    content = json.dumps(body).encode()
    signature = base64.b64encode(hmac.new(SECRET.encode(), content, hashlib.sha256).digest()).decode()
    parts = urlsplit(server.url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=PATIENCE_SECONDS)
    headers = {"X-Shopify-Topic": topic, "X-Shopify-Hmac-SHA256": signature, "X-Shopify-Event-Id": topic}
    connection.request("POST", "/v1/sources/shopify", content, headers)
    status = connection.getresponse().status
    connection.close()
    return status


TOLD = (
    "Product Viewed",
    "Product List Viewed",
    "Products Searched",
    "Product Added",
    "Checkout Started",
    "Order Completed",
)


def test_one_visit_told_by_page_pixel_and_webhook_is_one_history(
    server: ServerProcess, shop: Shop, browser: Browser
) -> None:
    with visitor(browser) as page:
        page.goto(f"{shop.url}/products/trail-shoe")
        who = id_of(page)
        until(page, lambda: shop.attributes)
        assert shop.attributes == [{"o_id": who}], "the cart carries the visitor's id"
        buy(page, who)
        for name in TOLD:
            wait_for(server, who, name)
        page.goto(f"{shop.url}/products/trail-shoe?again")
        until(page, lambda: [event["name"] for event in history(server, who)].count("Page Viewed") == 2)
        assert len(shop.attributes) == 1, "a cart that carries the id is left alone"
    line = {"product_id": 7001, "variant_id": 8001, "price": "30.00", "quantity": 2}
    order = {
        "id": ORDER,
        "name": "#1001",
        "currency": "EUR",
        "subtotal_price": "60.00",
        "total_price": "64.90",
        "line_items": [line],
        "customer": {"id": 9001, "email": "anna@shop.test"},
        "note_attributes": [{"name": name, "value": value} for name, value in shop.attributes[0].items()],
    }
    assert webhook(server, "orders/create", order) == 200
    events = history(server, who)
    names = [event["name"] for event in events]
    for name in TOLD:
        assert names.count(name) == 1, (name, names)
    bought, added, paged = (
        next(event for event in events if event["name"] == name)
        for name in ("Order Completed", "Product Added", "Page Viewed")
    )
    assert (bought["source"], bought["userId"]) == ("shop", "9001")
    assert (bought["properties"]["order_id"], bought["properties"]["revenue"]) == (str(ORDER), 60)
    assert (added["properties"]["product_id"], added["properties"]["quantity"]) == ("7001", 2)
    assert (paged["properties"]["page_type"], paged["properties"]["category"]) == ("product", "Trail shoes")


def test_an_id_that_cannot_be_read_is_replaced_and_its_first_page_counts(
    server: ServerProcess, shop: Shop, browser: Browser
) -> None:
    with visitor(browser) as page:
        page.context.add_cookies([{"name": "o_id", "value": "%E0%A4%A", "url": shop.url}])
        shop.attributes.clear()
        page.goto(f"{shop.url}/products/trail-shoe?unreadable")
        page.evaluate("(data) => happen('product_viewed', { data })", {"productVariant": VARIANT})
        page.wait_for_function("document.cookie.includes('o_id=s-')")
        who = id_of(page)
        wait_for(server, who, "Product Viewed")
        until(page, lambda: shop.attributes == [{"o_id": who}])


def test_the_pixel_is_silent_until_the_visitor_agrees(
    server: ServerProcess, shop: Shop, browser: Browser
) -> None:
    with visitor(browser) as page:
        page.goto(f"{shop.url}/products/trail-shoe?refused")
        who = id_of(page)
        page.evaluate("(data) => happen('product_viewed', { data })", {"productVariant": VARIANT})
        agreed = {"customerPrivacy": {"analyticsProcessingAllowed": True}}
        page.evaluate("(event) => happen('visitorConsentCollected', event)", agreed)
        page.evaluate("(data) => happen('search_submitted', { data })", {"searchResult": {"query": "socks"}})
        wait_for(server, who, "Products Searched")
        assert "Product Viewed" not in [event["name"] for event in history(server, who)]


def test_a_signed_in_customer_is_proven_to_the_page_without_the_secret(
    server: ServerProcess, shop: Shop
) -> None:
    secret = done("keys", "user-token-secret", *server.place).strip()
    theme = printed(server, "theme", "--customers")
    assert secret in theme, "the theme's own file has it"
    page = rendered(theme, [], customer={"id": 9001})
    token = hmac.new(secret.encode(), b"9001", hashlib.sha256).hexdigest()
    assert token in page
    assert secret not in page
    assert "identify" not in rendered(theme, [], customer=None)
    assert "hmac" not in printed(server, "theme")


def test_a_place_is_what_the_theme_says_until_somebody_fills_it(server: ServerProcess) -> None:
    text = rendered(printed(server, "slot"), [], routes={"all_products_collection_url": "/collections/all"})
    assert 'data-slot="home-hero"' in text
    assert 'href="/collections/all"' in text


def test_the_files_of_a_platform_are_listed_and_a_wrong_one_is_said(server: ServerProcess) -> None:
    listed = done("platform", "shopify", *server.place)
    assert all(name in listed for name in ("theme", "pixel", "slot", "Settings > Customer events"))
    wrong = run_command("platform", "shopify", "themes", *server.place)
    assert (wrong.returncode, "there are: theme, pixel, slot" in wrong.stderr) == (1, True)
