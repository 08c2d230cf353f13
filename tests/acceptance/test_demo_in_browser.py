"""The demo as a visitor and a shop keeper meet it: a real browser clicks through its rules and sees pages change."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, ViewportSize, expect
from tests.acceptance.browsing import DESKTOP, PHONE, launched, visitor
from tests.ports import find_free_port
from tests.serving import PATIENT

FIRST_TWO = ("ridge-walking-boot", "fell-runner")
OPEN = re.compile(r"The shop is open at (\S+)")
SECONDS = 240
IN_TIME = {**PATIENT, "DEMO_DEADLINE_MS": "30000"}
"""A busy machine answers late, and what is late is the shop's own content: here both sides wait for the answer."""


@contextmanager
def demo(folder: Path, *more: str, seconds: float = SECONDS) -> Iterator[str]:
    """`opportune demo` as a process; gives the shop's address once it is open."""
    command = [sys.executable, "-m", "opportune", "demo", "--folder", str(folder), "--no-open"]
    ports = ["--port", str(find_free_port()), "--api-port", str(find_free_port())]
    few = [*ports, "--days", "3", "--visitors", "30"]
    log = folder.with_suffix(".log")
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, *few, *more],
            env={**os.environ, "PYTHONUNBUFFERED": "1", **IN_TIME},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        end = time.monotonic() + seconds
        while (found := OPEN.search(log.read_text())) is None:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.05)
        yield found[1]
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(SECONDS)


SIZES = {"desktop": DESKTOP, "phone": PHONE}
ON_DESKTOP = pytest.mark.parametrize("size", ["desktop"], indirect=True)
ON_PHONE = pytest.mark.parametrize("size", ["phone"], indirect=True)
"""For what is the same in every window: each such test takes one way through the panel, a few of them the phone's."""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with demo(tmp_path_factory.mktemp("demo") / "folder") as url:
        yield url


@pytest.fixture(scope="module")
def browser(chromium: Path) -> Iterator[Browser]:
    with launched(chromium) as browser:
        yield browser


@pytest.fixture(params=SIZES)
def size(request: pytest.FixtureRequest) -> ViewportSize:
    return SIZES[request.param]


@pytest.fixture
def page(browser: Browser, shop: str, size: ViewportSize) -> Iterator[Page]:
    """A returning visitor on the front page: here two days ago, and never looked at a shoe."""
    with visitor(browser, size, base_url=shop) as page:
        see(page, "/")
        open_panel(page)
        page.get_by_role("button", name="Start as a returning visitor").click()
        expect(hero(page)).to_have_text("Made for the long way round")
        yield page


def hero(page: Page) -> Locator:
    return page.locator("[data-slot=home-hero] h1")


def place(page: Page, slot: str) -> Locator:
    return page.locator(f".shop [data-slot={slot}]")


def reason(page: Page, slot: str) -> Locator:
    """What the panel says about a place; on a phone the panel is opened first."""
    open_panel(page)
    return page.locator(f"[data-reason={slot}]")


def open_panel(page: Page) -> None:
    page.wait_for_load_state()  # before that the button does nothing
    opener = page.get_by_role("button", name="Why this page?")
    if opener.is_visible():
        opener.click()
    expect(page.get_by_role("complementary", name="Why this page looks like this")).to_be_in_viewport()


def see(page: Page, path: str) -> str:
    """Opens a page and gives it as sent."""
    answer = page.goto(path)
    assert answer is not None
    assert answer.ok, path
    text = answer.text()
    assert "No answer came in time" not in text, path
    return text


def look_at(page: Page, *products: str) -> None:
    for product in products:
        page.goto(f"/products/{product}")
        expect(page.locator(".product h1")).to_be_visible()


def put_in_cart(page: Page, product: str) -> None:
    page.goto(f"/products/{product}")
    page.get_by_role("button", name="Add to cart").click()
    expect(page.get_by_role("heading", name="Your cart")).to_be_visible()


def publish(page: Page, rule: str, sentence: str) -> None:
    page.goto("/rules")
    card = page.locator(f"#{rule}")
    card.get_by_label("When").fill(sentence)
    close_sheet(page)
    card.get_by_role("button", name="Publish").click()


def switch(page: Page, rule: str, to: str) -> None:
    """Switches a rule on or off, unless it is already."""
    page.goto("/rules")
    close_sheet(page)
    chip = page.locator(f"#{rule} h2 .chip")
    if chip.inner_text() != to.capitalize():
        page.locator(f"#{rule}").get_by_role("button", name=f"Switch {to}").click()
    expect(page.locator(f"#{rule} h2 .chip")).to_have_text(to.capitalize())


def close_sheet(page: Page) -> None:
    """On a phone the open panel covers the page."""
    page.wait_for_load_state()
    if page.viewport_size == PHONE and page.locator("#why").is_visible():
        page.get_by_role("button", name="Close").click()


CATEGORY = "a returning visitor viewed the same category at least {} times in 7 days"


def test_two_shoes_turn_the_front_page_to_shoes_and_the_panel_says_why(page: Page) -> None:
    look_at(page, FIRST_TWO[0])
    see(page, "/")
    expect(hero(page)).to_have_text("Made for the long way round")
    near = reason(page, "home-hero").locator(".why-not", has_text="Category returner")
    near.locator("summary").click()
    expect(near).to_contain_text("Product Viewed, shoes, 1 of 2 times")
    look_at(page, FIRST_TWO[1])
    assert "Back for shoes?" in see(page, "/"), "it stands in the page as sent, so nothing can flicker"
    expect(hero(page)).to_have_text("Back for shoes?")
    why = reason(page, "home-hero")
    expect(why).to_contain_text(CATEGORY.format(2))
    expect(why).to_contain_text(re.compile(r"Product Viewed, shoes, 2 times, last \d\d:\d\d"))


@ON_DESKTOP
def test_new_visitor_is_not_a_returning_one(page: Page) -> None:
    open_panel(page)
    page.get_by_role("button", name="Start as a new visitor").click()
    look_at(page, *FIRST_TWO)
    see(page, "/")
    expect(hero(page)).to_have_text("Made for the long way round")


@ON_PHONE
def test_signing_up_removes_the_banner_for_good(page: Page) -> None:
    banner = place(page, "signup-banner")
    expect(banner).to_be_visible()
    close_sheet(page)
    banner.get_by_role("link").click()
    page.get_by_label("E-mail").fill(f"someone-{time.time_ns()}@post.example")
    page.get_by_role("button", name="Sign me up").click()
    expect(page.get_by_role("status")).to_contain_text("Welcome")
    expect(place(page, "signup-banner")).to_have_count(0)
    expect(reason(page, "signup-banner")).to_contain_text("subscribed")
    for path in ("/categories/lamps", "/products/table-lantern", "/"):
        see(page, path)
        expect(place(page, "signup-banner")).to_have_count(0)


@ON_DESKTOP
def test_help_page_shows_no_promotion_and_quiet_lasts(page: Page) -> None:
    expect(place(page, "offer-bar")).to_be_visible()
    with page.expect_response(lambda answer: '"path":"/help"' in (answer.request.post_data or "")):
        see(page, "/help")  # the page script tells that it was opened
    expect(place(page, "offer-bar")).to_have_count(0)
    expect(reason(page, "offer-bar")).to_contain_text("Quiet in support")
    see(page, "/")
    expect(place(page, "offer-bar")).to_have_count(0)


@ON_PHONE
def test_history_is_in_the_panel(page: Page) -> None:
    look_at(page, FIRST_TWO[0])
    open_panel(page)
    page.get_by_text("What we know of you").click()
    expect(page.locator(".history")).to_contain_text("Ridge walking boot")
    expect(page.locator(".history")).to_contain_text("Table lantern")


@ON_DESKTOP
def test_changed_sentence_starts_a_new_test_acts_at_once_and_knows_the_history(page: Page) -> None:
    look_at(page, *FIRST_TWO)
    try:
        publish(page, "category-returner", CATEGORY.format(3))
        expect(page.get_by_role("status")).to_contain_text("A new test starts")
        see(page, "/")
        expect(hero(page)).to_have_text("Made for the long way round")
        near = reason(page, "home-hero").locator(".why-not", has_text="Category returner")
        near.locator("summary").click()
        expect(near).to_contain_text("Product Viewed, shoes, 2 of 3 times")
        look_at(page, "sand-trail-low")
        see(page, "/")
        expect(hero(page)).to_have_text("Back for shoes?")
    finally:
        publish(page, "category-returner", CATEGORY.format(2))
        expect(page.get_by_role("status")).to_be_visible()


@ON_PHONE
def test_sentence_nobody_understands_is_explained_and_changes_nothing(page: Page) -> None:
    publish(
        page, "category-returner", "a returning visitor wiewed the same category at least 2 times in 7 days"
    )
    told = page.get_by_role("alert")
    expect(told).to_contain_text("did you mean")
    expect(told).to_contain_text("unchanged")
    look_at(page, *FIRST_TWO)
    see(page, "/")
    expect(hero(page)).to_have_text("Back for shoes?")


@ON_PHONE
def test_paid_search_match_can_be_switched_on(page: Page) -> None:
    switch(page, "paid-search-match", "on")
    see(page, "/?utm_source=google&utm_medium=cpc&utm_campaign=autumn")
    expect(place(page, "offer-bar")).to_contain_text("prices from our ad")
    expect(reason(page, "offer-bar")).to_contain_text("Paid search match")


@ON_DESKTOP
def test_shipping_reassurance_can_be_switched_on(page: Page) -> None:
    switch(page, "shipping-reassurance", "on")
    put_in_cart(page, "camp-mug")
    expect(place(page, "trust-message")).not_to_contain_text("Still thinking?")
    put_in_cart(page, "thistle-mug")
    expect(place(page, "trust-message")).to_contain_text("Still thinking?")
    expect(reason(page, "trust-message")).to_contain_text("Shipping reassurance")


@ON_PHONE
def test_no_discount_for_what_was_bought_can_be_switched_on(page: Page) -> None:
    switch(page, "bought-no-discount", "on")
    see(page, "/products/camp-mug")
    expect(place(page, "product-offer")).to_be_visible()
    buy(page, "camp-mug")
    see(page, "/products/camp-mug")
    expect(place(page, "product-offer")).to_have_count(0)
    expect(reason(page, "product-offer")).to_contain_text("bought")
    see(page, "/products/thistle-mug")
    expect(place(page, "product-offer")).to_be_visible()


@ON_DESKTOP
def test_rule_can_be_switched_off_again(page: Page) -> None:
    switch(page, "category-returner", "off")
    try:
        look_at(page, *FIRST_TWO)
        see(page, "/")
        expect(hero(page)).to_have_text("Made for the long way round")
    finally:
        switch(page, "category-returner", "on")


def buy(page: Page, product: str) -> None:
    put_in_cart(page, product)
    close_sheet(page)
    page.get_by_role("link", name="To the checkout").click()
    page.get_by_label("E-mail").fill(f"buyer-{time.time_ns()}@post.example")
    page.get_by_label("Name").fill("Ada")
    page.get_by_role("button", name="On to the last step").click()
    close_sheet(page)
    page.get_by_role("button", name="pays nothing").click()
    expect(page.get_by_role("heading", name="Thank you, Ada")).to_be_visible()


PATHS = (
    "/", "/new", "/categories/tents", "/products/fireside-quilt", "/search?q=wool", "/cart", "/sign-up", "/help",
    "/shipping", "/returns", "/account", "/account/log-in", "/rules", "/nowhere",
)  # fmt: skip


def test_no_page_is_wider_than_its_window(page: Page) -> None:
    put_in_cart(page, "camp-mug")
    for path in (*PATHS, "/checkout"):
        page.goto(path)
        wide, window = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert wide <= window, path


@ON_DESKTOP
def test_every_page_has_one_heading_a_language_and_named_controls(page: Page) -> None:
    unnamed = """[...document.querySelectorAll('a, button, input:not([type=hidden]), textarea')].filter(
        (each) => !(each.textContent.trim() || each.labels?.length || each.getAttribute('aria-label')
            || each.querySelector('img[alt]:not([alt=""])') || each.closest('a')?.querySelector('img'))).length"""
    for path in PATHS:
        page.goto(path)
        assert page.locator("h1").count() == 1, path
        assert page.locator("html").get_attribute("lang") == "en"
        assert page.evaluate(unnamed) == 0, path
        assert page.locator("img:not([alt])").count() == 0, path


def test_panel_closes_with_the_keyboard_and_stays_closed(page: Page) -> None:
    open_panel(page)
    page.get_by_role("button", name="Close").focus()
    page.keyboard.press("Escape")
    expect(page.locator("#why")).to_be_hidden()
    page.goto("/new")
    expect(page.locator("#why")).to_be_hidden()


@ON_PHONE
def test_preview_can_be_switched_off(page: Page) -> None:
    open_panel(page)
    page.get_by_role("button", name="Switch off").click()
    expect(page.locator("#why")).to_contain_text("Show me everything (preview): off")
    open_panel(page)
    expect(page.get_by_role("button", name="Switch on")).to_be_visible()
    expect(page.locator("#why")).to_contain_text(
        re.compile("You are in the (control group|personalized half)")
    )


def test_what_the_tests_say_is_one_click_away(page: Page) -> None:
    open_panel(page)
    page.locator("#why").get_by_role("link", name="What the tests say").click()
    expect(page).to_have_url(re.compile("/reports$"))
    expect(page.locator("body")).to_contain_text("Category returner")
    wide, window = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert wide <= window
    page.goto("/rules")
    page.get_by_role("link", name="what it says").first.click()
    expect(page).to_have_url(re.compile("/reports/.+"))
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    unknown = page.goto("/tests/no-such-rule")
    assert unknown is not None
    assert unknown.status == 404
    expect(page.get_by_role("main")).to_contain_text("This rule is not in the playbook's folder.")


def test_restart_keeps_what_visitors_did(tmp_path: Path, browser: Browser) -> None:
    folder = tmp_path / "folder"
    with demo(folder) as url, visitor(browser, base_url=url) as page:
        see(page, "/")
        look_at(page, *FIRST_TWO)
        cookies = page.context.cookies()
    with demo(folder) as url, visitor(browser, base_url=url) as page:
        page.context.add_cookies(
            [{"name": each["name"], "value": each["value"], "url": url} for each in cookies]
        )
        see(page, "/")
        expect(hero(page)).to_have_text("Back for shoes?")
