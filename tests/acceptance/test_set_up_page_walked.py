"""The page about setting up, walked on a static shop: a recipe shows on a phone, then to visitors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, expect
from tests.acceptance.browsing import PHONE, launched, visitor
from tests.acceptance.shop_site import FOLDER, KINDS, PAGES, PASTE, WAIT
from tests.acceptance.walkthrough import DOCUMENTED, Step, Walk, is_as_printed, steps_of

PAGE = Path(__file__).parents[2] / "docs" / "how" / "set-up.md"
DOCUMENTED_SHOP = "https://yourshop.example"
MOST_VISITORS = 12
HEADLINE = "Looking for boots? It is here."


@contextmanager
def static_shop(paste: str) -> Iterator[str]:
    """The shop's pages with what the command printed in their heads; gives its address."""

    class Site(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            name = f"{PAGES[path]}.html" if path in PAGES else path.lstrip("/")
            found = FOLDER / name
            if not found.is_file():
                self.send_error(404)
                return
            text = found.read_text().replace(PASTE, paste).replace(WAIT, "").encode()
            self.send_response(200)
            self.send_header("Content-Type", KINDS.get(found.suffix, "text/html; charset=utf-8"))
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def take(walk: Walk, step: Step) -> str:
    printed = walk.take(step)
    said = "\n".join(
        ("", f"{PAGE.name}:{step.line}", step.text, "printed:", printed, "documented:", step.prints)
    )
    assert is_as_printed(step.prints, printed), said
    return printed


@pytest.fixture
def browser(chromium: Path) -> Iterator[Browser]:
    with launched(chromium) as browser:
        yield browser


def test_a_new_user_gets_from_nothing_to_a_recipe_with_the_page_alone(
    browser: Browser, tmp_path: Path, free_port: int
) -> None:
    steps = list(steps_of(PAGE.read_text()))
    names = [step.text.partition(" --")[0] for step in steps]
    folder = tmp_path / "shop"
    folder.mkdir()
    with Walk(folder, free_port) as walk:
        at = names.index("opportune snippet")
        for step in steps[:at]:
            take(walk, step)
        printed = take(walk, steps[at]).replace(DOCUMENTED, f"127.0.0.1:{free_port}")
        paste = "\n".join(line for line in printed.splitlines() if line.startswith("<script"))
        with static_shop(paste) as shop:
            with visitor(browser) as page:
                page.goto(f"{shop}/")
                page.wait_for_function("sessionStorage.opportune")
            for step in steps[at + 1 : names.index('opportune rule "Paid search match" live')]:
                printed = take(walk, step)
            link = printed.strip().replace(DOCUMENTED_SHOP, shop)
            with visitor(browser, PHONE) as phone:
                phone.goto(link)
                expect(phone.get_by_role("button", name="Preview until")).to_be_visible()
                expect(phone.locator("h1")).to_have_text(HEADLINE)
                assert "o_preview" not in phone.url
                phone.get_by_role("button", name="Preview until").click()
                expect(phone.locator("h1")).to_contain_text("Normal boots")
                expect(phone.get_by_role("button", name="Preview until")).to_have_count(0)
            take(walk, steps[-1])
            came = f"{shop}/?utm_medium=cpc&utm_term=boots"
            # Half of those who came see it, as the rule has a test.
            assert any(shown(browser, came) == HEADLINE for _ in range(MOST_VISITORS))


def shown(browser: Browser, address: str) -> str:
    """What the front page says to somebody new on their second look at it."""
    with visitor(browser) as page:
        page.goto(address)
        page.wait_for_function("sessionStorage.opportune")
        page.reload()
        return page.locator("h1").inner_text()
