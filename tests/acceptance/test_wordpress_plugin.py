"""The WordPress plugin in a real WordPress, with a real browser and a real server.

WooCommerce itself is in no package of Debian's: a small plugin beside it fires WooCommerce's hooks as that does.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import json
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from click.testing import CliRunner
from playwright.sync_api import Browser
from tests.acceptance.browsing import AGENT, PATIENCE_SECONDS, launched, visitor
from tests.serving import SECRET_KEY, WRITE_KEY, ServerProcess, done, write_playbook
from tests.wordpress_site import WordPress, missing

from opportune.cli import opportune

pytestmark = pytest.mark.skipif(
    bool(missing()),
    reason=f"THE WORDPRESS PLUGIN IS NOT TESTED: {', '.join(missing())} is missing (`make test` as root installs it)",
)

WOO_SECRET = "woo-webhook-secret"
NORMAL, DECIDED = "Our normal headline", "Shoes for you"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("opportune")
    playbook = write_playbook(folder / "playbook")
    with ServerProcess(folder / "data", "--playbook", playbook) as running:
        done("sources", "add", "woocommerce", "--secret", WOO_SECRET, *running.place)
        yield running


@pytest.fixture(scope="module")
def site(server: ServerProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WordPress]:
    folder = tmp_path_factory.mktemp("wordpress")
    command = ["platform", "woocommerce", "plugin", "--url", server.url, "--key", WRITE_KEY, *server.place]
    printed = CliRunner().invoke(opportune, command, catch_exceptions=False)
    made = WordPress(folder, printed.stdout_bytes, {"secret_key": SECRET_KEY})
    yield made
    made.close()


@pytest.fixture(scope="module")
def browser(chromium: Path) -> Iterator[Browser]:
    with launched(chromium) as found:
        yield found


def history(server: ServerProcess, who: str) -> list[dict[str, Any]]:
    status, person, _ = server.get(f"/v1/people/{who}")
    return person["history"] if status == 200 else []


def named(server: ServerProcess, who: str, name: str, at_least: int = 1) -> list[dict[str, Any]]:
    """What is sent after a page arrives a moment later."""
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        found = [event for event in history(server, who) if event["name"] == name]
        if len(found) >= at_least:
            return found
        time.sleep(0.05)
    raise AssertionError(f"{name} never came: {[event['name'] for event in history(server, who)]}")


def webhook(server: ServerProcess, body: dict[str, Any]) -> dict[str, Any]:
    content = json.dumps(body).encode()
    signature = base64.b64encode(hmac.new(WOO_SECRET.encode(), content, hashlib.sha256).digest()).decode()
    parts = urlsplit(server.url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=PATIENCE_SECONDS)
    headers = {"X-WC-Webhook-Topic": "order.updated", "X-WC-Webhook-Signature": signature}
    connection.request("POST", "/v1/sources/woocommerce", content, headers)
    answer: dict[str, Any] = json.loads(connection.getresponse().read())
    connection.close()
    return answer


def test_a_visit_from_the_first_view_to_the_refund_is_one_history(
    server: ServerProcess, site: WordPress, browser: Browser
) -> None:
    with visitor(browser) as page:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{site.url}/trail-shoe/")
        page.wait_for_function("document.cookie.includes('o_id=')")
        who = str(page.evaluate("document.cookie.match(/o_id=([^;]+)/)[1]"))
        viewed, *_ = named(server, who, "Product Viewed")
        assert viewed["properties"]["product_id"] == "93"
        opened, *_ = named(server, who, "Page Viewed")
        assert opened["properties"]["page_type"] == "product"
        assert all(url.startswith(site.url) for url in asked), "pages talk to the shop alone"
        for act in ("add", "order", "refund", "register"):
            page.goto(f"{site.url}/welcome/?act={act}")
        [cookie] = [each for each in page.context.cookies() if each["name"] == "o_id"]
        assert (cookie["value"], cookie["expires"] - time.time() > 300 * 86_400) == (who, True)
    [added] = named(server, who, "Product Added")
    assert (added["source"], added["properties"]["quantity"]) == ("server", 2)
    [order] = named(server, who, "Order Completed")
    assert (order["properties"]["order_id"], order["properties"]["revenue"]) == ("2001", 60)
    assert order["userId"] == "ben@shop.test"
    [refund] = named(server, who, "Order Refunded")
    assert (refund["properties"]["refund_id"], refund["properties"]["revenue"]) == ("731", 10)
    [account] = named(server, who, "Signed Up")
    assert named(server, account["userId"], "Order Completed"), "the guest's order is the account's"
    site.get("/welcome/?act=sign-in")
    site.get("/welcome/?act=sign-in", cookie=f"o_id={who}")
    [signed_in] = named(server, who, "Signed In")
    assert signed_in["anonymousId"] == who, "without the id, which stands for consent, nothing is told"
    assert len(named(server, who, "Product Added", at_least=2)) == 2
    told = webhook(
        server,
        {
            "id": 727,
            "number": "2001",
            "status": "processing",
            "total": "69.00",
            "billing": {"email": "ben@shop.test"},
            "refunds": [{"id": 731, "total": "-10.00"}],
            "meta_data": [{"key": "_opportune_id", "value": who}],
        },
    )
    assert told["accepted"] <= 1, "the buyer's details at most"
    assert len(named(server, who, "Order Completed")) == len(named(server, who, "Order Refunded")) == 1
    assert site.complaints() == []


def test_a_place_shows_what_was_decided_for_this_visitor(server: ServerProcess, site: WordPress) -> None:
    who = "visitor-of-wordpress"
    _, page, _ = site.get("/welcome/", cookie=f"o_id={who}")
    assert page.count(NORMAL) == 1
    assert page.count("Normal in the block") == 1
    for number in (1, 2):
        server.view(who, number)
    _, page, headers = site.get("/welcome/", cookie=f"o_id={who}")
    assert page.count(DECIDED) == 2
    assert NORMAL not in page
    assert page.count('data-decision="') == 2, "the page script knows both places as decided"
    assert headers["Cache-Control"] == "private, no-store"
    _, page, headers = site.get("/welcome/")
    assert 'data-slot="home-hero"' in page, "whom nobody knows yet, the page itself may fill a place for"
    assert not {"Set-Cookie", "Cache-Control"} & headers.keys(), "a cache may keep this page for everybody"


def test_the_settings_page_says_whether_it_is_connected(site: WordPress, browser: Browser) -> None:
    # WordPress' own scripts in there complain where Debian's script packages are missing.
    with closing(browser.new_context(user_agent=AGENT)) as context:
        page = context.new_page()
        page.set_default_timeout(PATIENCE_SECONDS * 1_000)
        there = "/wp-admin/options-general.php?page=opportune"
        page.goto(f"{site.url}/wp-login.php?redirect_to={quote(there)}")
        page.fill("#user_login", "admin")
        page.fill("#user_pass", "password")
        page.click("#wp-submit")
        assert page.inner_text(".notice-success") == "Connected."
        assert SECRET_KEY not in page.content()
        page.fill("#opportune-write_key", "no-such-key")
        page.click("#submit")
        assert "This key is unknown" in page.inner_text(".notice-error")
        page.fill("#opportune-write_key", WRITE_KEY)
        page.click("#submit")
        page.goto(f"{site.url}/trail-shoe/")
        assert "o.js" not in page.content(), "staff are nobody's visitors"
    assert site.complaints() == []


def test_only_what_a_page_needs_passes_through_the_shops_own_path(site: WordPress) -> None:
    status, script, headers = site.get("/o/o.js", cookie="o_id=visitor-of-wordpress")
    assert (status, "javascript" in headers["content-type"], len(script) > 1_000) == (200, True, True)
    assert "visitor-of-wordpress" in headers["Set-Cookie"]
    assert headers["Cache-Control"] == "private, max-age=3600"
    _, _, headers = site.get("/o/o.js", cookie="o_id=visitor-of-wordpress", sec_gpc="1")
    assert "Set-Cookie" not in headers, "Global Privacy Control"
    assert "max-age=0" in site.get("/o/o.js")[2]["Cache-Control"]
    for path in ("/o/v1/people/visitor-of-wordpress", "/o/v1/events", "/o/metrics", "/o/../v1/events"):
        status, text, _ = site.get(path)
        assert status == 404, (path, text[:200])


def test_a_page_is_whole_and_quick_while_opportune_is_away_and_the_order_arrives_later(
    server: ServerProcess, site: WordPress
) -> None:
    who = "visitor-in-the-dark"
    port = urlsplit(server.url).port
    server.stop()
    for _ in range(2):
        status, page, _ = site.get("/welcome/", cookie=f"o_id={who}")
        assert (status, page.count(NORMAL), page.count("Normal in the block")) == (200, 1, 1)
    assert site.get("/o/o.js")[0] == 200, "an empty script, no error on the page"
    site.get("/welcome/?act=order&number=2002", cookie=f"o_id={who}")
    with ServerProcess(server.data, "--port", str(port)) as again:
        site.get("/welcome/?act=cron")
        orders = named(again, who, "Order Completed", at_least=2)
        assert {order["properties"]["order_id"] for order in orders} == {"2001", "2002"}
    assert site.complaints() == []
