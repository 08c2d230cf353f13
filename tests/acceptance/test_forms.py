"""Forms in a real browser: that they were begun and sent is told by name, whatever else the page does."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from tests.acceptance.banners import BANNERS
from tests.acceptance.browsing import launched
from tests.acceptance.shop_window import ShopWindow, shop_window

NO_BANNER = 'data-consent="none"'
CONTACT = """
<form id="contact" action="/thanks"><input name="id" value="5"><input name="email"><button>Send</button></form>
"""


@pytest.fixture(scope="module")
def browser(chromium: Path) -> Iterator[Browser]:
    with launched(chromium) as browser:
        yield browser


@pytest.fixture
def shop(browser: Browser) -> Iterator[ShopWindow]:
    with shop_window(browser) as window:
        yield window


def opened(shop: ShopWindow, body: str, *, before: str = "", attributes: str = NO_BANNER) -> None:
    shop.open("/", before=before, attributes=attributes, body=body + tag(shop))
    shop.page.wait_for_function("window.opportuneForms")


def tag(shop: ShopWindow) -> str:
    return f'<script async src="{shop.door}/forms.js"></script>'


def told(shop: ShopWindow) -> list[tuple[str, str]]:
    """What was told of forms: the event, and what it carries."""
    return [
        (event.name, (shop.house.storage.get_body(event.seq) or b"").decode().partition('"properties":')[2])
        for event in shop.kept()
        if "Form" in event.name or "Lead" in event.name
    ]


def test_a_form_that_leaves_the_page_is_told_by_its_name_and_no_value(shop: ShopWindow) -> None:
    opened(shop, CONTACT.replace("<form", '<form data-lead="quote"'))
    shop.page.locator("[name=email]").press_sequentially("mia@home.example")
    shop.until(lambda: told(shop))
    shop.page.get_by_role("button").click()
    shop.page.wait_for_url("**/thanks*")
    shop.until(lambda: shop.kept("Lead Generated"))
    assert [name for name, _ in told(shop)] == ["Form Started", "Form Submitted", "Lead Generated"]
    assert all('"form":"contact"' in said for _, said in told(shop))
    assert '"lead_source":"quote"' in told(shop)[2][1]
    bodies = [shop.house.storage.get_body(event.seq) or b"" for event in shop.kept()]
    assert not any(b"home.example" in body for body in bodies)


def test_a_form_is_named_by_what_it_has_and_noise_is_left_out(shop: ShopWindow) -> None:
    forms = {
        "one": 'data-form="Quote" id="x"',
        "two": 'name="call"',
        "three": 'action="/offer?to=me"',
        "four": 'action="/users/a@b.example"',
        "five": 'data-form="none" data-lead',
        "six": 'action="/cart/add"',
        "seven": 'role="search"',
        "eight": 'method="dialog"',
        "nine": 'role="search" data-form="finder"',
    }
    body = "".join(
        f'<form {attributes} onsubmit="return false"><input class="{mark}"></form>'
        for mark, attributes in forms.items()
    )
    opened(shop, f'{body}<input class="alone">')
    for mark in (*forms, "alone"):
        shop.page.locator(f".{mark}").press_sequentially("ab")
        shop.page.locator(f".{mark}").press("Enter")
    shop.until(lambda: len(told(shop)) == 8)
    names = [said.partition('"form":"')[2].partition('"')[0] for _, said in told(shop)]
    assert sorted(names) == ["/offer", "/offer", "Quote", "Quote", "call", "call", "finder", "finder"]


def test_a_form_of_the_pages_own_script_makes_one_lead_however_often_it_is_sent(shop: ShopWindow) -> None:
    script = (
        "this.dataset.sent = (+this.dataset.sent || 0) + 1; event.stopImmediatePropagation(); return false"
    )
    opened(shop, f'<form id="f" data-lead onsubmit="{script}"><button>Send</button></form>{CONTACT}')
    now = time.time()
    shop.page.clock.set_fixed_time(now)
    for _ in range(3):
        shop.page.locator("#f button").click()
    shop.until(lambda: len(told(shop)) == 2)
    shop.page.clock.set_fixed_time(now + 1.1)
    shop.page.locator("#f button").click()
    shop.until(lambda: len(told(shop)) == 3)
    assert [name for name, _ in told(shop)] == ["Form Submitted", "Lead Generated", "Form Submitted"]
    assert shop.page.locator("#f").get_attribute("data-sent") == "4"


def test_it_waits_for_the_page_script_and_does_nothing_twice(shop: ShopWindow) -> None:
    shop.page.route("**/o.js", lambda route: route.abort())
    opened(shop, CONTACT + tag(shop))
    shop.page.locator("[name=email]").fill("a")
    assert shop.kept() == []
    shop.page.unroute("**/o.js")
    shop.page.evaluate("""() => {
      const tag = document.querySelector('script[data-key]'), again = document.createElement('script');
      for (const { name, value } of tag.attributes) again.setAttribute(name, value);
      tag.replaceWith(again);
    }""")
    shop.until(lambda: told(shop))
    assert [name for name, _ in told(shop)] == ["Form Started"]


def test_before_a_yes_nothing_of_a_form_is_kept(shop: ShopWindow) -> None:
    opened(shop, CONTACT, before=BANNERS["cookiebot"], attributes="")
    shop.page.locator("[name=email]").fill("a")
    shop.until(lambda: shop.asked and "Form Started" in str(shop.asked[-1]["events"]))
    assert shop.kept() == []
    shop.page.evaluate("accept()")
    shop.until(lambda: told(shop))
