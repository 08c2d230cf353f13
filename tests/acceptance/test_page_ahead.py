"""Decide one page ahead, in a real browser on a shop that knows only the tag: what is painted, and when."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page
from tests.acceptance.browsing import (
    AGENT,
    IN_NO_TIME,
    PATIENCE_SECONDS,
    launched,
    put_forward,
    see_frame,
    until,
    visitor,
)
from tests.acceptance.shop_site import PASTE, ShopSite, write_shop_playbook
from tests.serving import ServerProcess, done

from opportune.http.script import head_hash

PAINTS = """
  window.painted = { texts: [], elements: [], shift: 0 };
  const sample = () => {
    const text = (find) => document.querySelector(find)?.textContent;
    painted.texts.push([performance.now(),
      text('[data-slot=home-hero] h1'), text('.announce'), text('[data-slot=low-tip]')]);
    requestAnimationFrame(sample);
  };
  requestAnimationFrame(sample);
  new PerformanceObserver((list) => list.getEntries().forEach((each) =>
    painted.elements.push([each.identifier, each.startTime, each.url]))).observe({ type: 'element', buffered: true });
  new PerformanceObserver((list) => list.getEntries().forEach((each) => { painted.shift += each.value; }))
    .observe({ type: 'layout-shift', buffered: true });
"""
HERO = "[data-slot=home-hero] h1"
WHOLE = "Variant for you"


@pytest.fixture(scope="module")
def browser(chromium: Path) -> Iterator[Browser]:
    with launched(chromium, ignore_default_args=["--disable-back-forward-cache"]) as browser:
        yield browser


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("ahead")
    playbook = write_shop_playbook(folder / "playbook")
    with ServerProcess(folder / "data", "--playbook", playbook) as running:
        yield running


@pytest.fixture
def shop(server: ServerProcess) -> Iterator[ShopSite]:
    shop = ShopSite(server)
    yield shop
    shop.close()


def kept(page: Page) -> dict[str, Any]:
    found: dict[str, Any] = page.evaluate("JSON.parse(sessionStorage.opportune || '{}').decisions || {}")
    return found


def come(page: Page, shop: ShopSite, path: str = "/cart") -> None:
    """The first page of a visit: afterwards decisions are there."""
    page.goto(shop.url + path)
    until(page, lambda: kept(page))


def throttle(page: Page, *, is_network_slow: bool = False) -> None:
    session = page.context.new_cdp_session(page)
    session.send("Emulation.setCPUThrottlingRate", {"rate": 4})
    if is_network_slow:
        speed = {"latency": 400, "downloadThroughput": 180_000, "uploadThroughput": 80_000}
        session.send("Network.enable")
        session.send("Network.emulateNetworkConditions", {"offline": False, **speed})


def texts(page: Page, number: int = 1) -> set[str]:
    """What a place said in any frame so far."""
    found = page.evaluate("painted.texts")
    return {sample[number] for sample in found if sample[number] is not None}


# -- a page that is ahead -------------------------------------------------------------------


@pytest.mark.parametrize("is_network_slow", [False, True], ids=["slow processor", "slow processor and line"])
def test_normal_content_is_never_painted_when_decisions_are_there(
    browser: Browser, shop: ShopSite, *, is_network_slow: bool
) -> None:
    shop.change("/", "<img src", '<img elementtiming="picture" src')
    with visitor(browser) as page:
        page.add_init_script(PAINTS)
        come(page, shop)
        until(page, lambda: "/promise.svg" in shop.asked)
        throttle(page, is_network_slow=is_network_slow)
        shop.pause, shop.delay = 0.12, 0.5
        page.goto(shop.url)
        until(page, lambda: len(page.evaluate("painted.elements")) >= 2)
        see_frame(page)
        painted = page.evaluate("painted")
        assert texts(page) == {WHOLE}
        assert texts(page, 2) == {"Variant newsClose"}
        assert texts(page, 3) == {"Variant tip"}
        assert page.text_content(HERO) == WHOLE
    first = {name: (at, url) for name, at, url in reversed(painted["elements"])}
    assert min(at for at, text, *_ in painted["texts"] if text == WHOLE) <= first["hero"][0]
    assert first["picture"][1].endswith("/promise.svg")
    assert painted["shift"] == 0


def test_the_page_says_what_it_applied_and_the_server_counts_it_as_decided(
    browser: Browser, shop: ShopSite
) -> None:
    with visitor(browser) as page:
        come(page, shop)
        page.goto(shop.url)
        until(page, lambda: shop.events("Slot Applied", slot="home-hero", rule="Came", variant="Warm"))
        visitor_id = shop.requests[-1]["anonymousId"]

        def given() -> list[dict[str, Any]]:
            _, person, _ = shop.server.get(f"/v1/people/{visitor_id}")
            return [each for each in person["exposures"] if each["decidedAt"] and each["slot"] == "home-hero"]

        until(page, given)
    assert shop.events("Slot Applied", slot="letter")
    assert all(event["properties"]["decision"] for event in shop.events("Slot Applied"))


def test_a_hidden_place_takes_no_room_and_is_reported(browser: Browser, shop: ShopSite) -> None:
    with visitor(browser) as page:
        come(page, shop)
        page.goto(shop.url)
        assert not page.is_visible(".signup")
        until(page, lambda: shop.events("Slot Applied", slot="letter"))


def test_the_control_sees_the_shop_as_it_is_and_counts(browser: Browser, shop: ShopSite) -> None:
    shop.change("/collections/boots", '<div class="shelf">', '<div class="shelf"><b>Normal shelf</b>')
    given = {}
    for number in range(20):
        shop.server.post("/v1/page", {"anonymousId": f"arm-{number}", "messageId": f"arm-{number}"})
        _, answer, _ = shop.server.post(
            "/v1/decide", {"anonymousId": f"arm-{number}", "slots": ["tested"], "ahead": True, "page": True}
        )
        given.setdefault(answer["decisions"]["tested"]["variant"] == "Warm", f"arm-{number}")
    assert see_shelf(browser, shop, given[True]) == "Variant tested"
    assert see_shelf(browser, shop, given[False]) == "Normal shelf"


def see_shelf(browser: Browser, shop: ShopSite, name: str) -> str | None:
    """What this visitor sees there, once they were counted for it."""

    def counted() -> set[str]:
        return {event["anonymousId"] for event in shop.events("Slot Applied", slot="tested")}

    with visitor(browser) as page:
        page.context.add_cookies([{"name": "o_id", "value": name, "url": shop.url}])
        come(page, shop)
        page.goto(f"{shop.url}/collections/boots")
        seen = page.text_content(".shelf b")
        until(page, lambda: name in counted())
    return seen


def test_shadow_leaves_the_shops_own_children_alone(browser: Browser, shop: ShopSite) -> None:
    with visitor(browser) as page:
        come(page, shop)
        page.goto(f"{shop.url}/products/fell-boot")
        assert page.evaluate("document.querySelector('#size-help').shadowRoot.textContent") == "Variant sizes"
        assert page.evaluate("document.querySelector('#size-help').textContent") == "Normal sizes"


def test_a_route_without_loading_is_filled_at_once(browser: Browser, shop: ShopSite) -> None:
    with visitor(browser) as page:
        come(page, shop)
        page.evaluate("""() => {
          history.pushState({}, '', '/');
          document.querySelector('main').innerHTML = '<div data-slot="low-tip"><p>Normal</p></div>';
        }""")
        assert page.text_content("[data-slot=low-tip]") == "Variant tip"
        until(page, lambda: shop.events("Slot Applied", slot="low-tip"))


# -- shops whose scripts have a mind of their own -------------------------------------------


def test_what_the_shop_rewrites_is_the_variant_again_before_it_is_painted(
    browser: Browser, shop: ShopSite
) -> None:
    rewrites = (
        "document.querySelector('h1').textContent = 'Normal again'",
        "document.querySelector('h1').firstChild.nodeValue = 'Normal again'",
        "document.querySelector('h1').append(' and more')",
        "const hero = document.querySelector('.hero'); hero.outerHTML = hero.outerHTML.replace('Variant', 'Normal')",
    )
    with visitor(browser) as page:
        page.add_init_script(PAINTS)
        come(page, shop)
        page.goto(shop.url)
        for rewrite in rewrites:
            page.evaluate(rewrite)
            see_frame(page)
            assert page.text_content(HERO) == WHOLE
        assert texts(page) == {WHOLE}
        assert page.text_content(".hero a.cta") == "Variant link"
        page.evaluate("opportune.track('After')")
        until(page, lambda: shop.events("After"))  # with it trouble would have been told
        assert not shop.events("Page Trouble")


def test_a_shop_that_goes_on_rewriting_has_its_way_and_it_is_told(browser: Browser, shop: ShopSite) -> None:
    with visitor(browser) as page:
        come(page, shop)
        page.goto(shop.url)
        page.evaluate("""() => new MutationObserver(() => {
          const title = document.querySelector('h1');
          if (title.textContent !== 'Normal') title.textContent = 'Normal';
        }).observe(document.querySelector('main'), { childList: true, characterData: true, subtree: true })""")
        page.evaluate("document.querySelector('h1').textContent = 'Normal'")
        until(page, lambda: shop.events("Page Trouble", what="rewritten", slot="home-hero", where="/"))
        assert page.text_content(HERO) == "Normal"


def test_a_place_that_comes_late_is_filled_until_searching_ends(browser: Browser, shop: ShopSite) -> None:
    late = "document.querySelector('.later').innerHTML = '<div class=later-part><p>Normal</p></div>'"
    with visitor(browser) as page:
        come(page, shop)
        page.add_init_script(f"addEventListener('load', () => setTimeout(() => {{ {late} }}, 50))")
        page.goto(f"{shop.url}/collections/boots")
        page.wait_for_selector(".later-part")
        assert page.text_content(".later") == "Variant later"
    with visitor(browser) as page:
        page.clock.install()
        come(page, shop)
        page.goto(f"{shop.url}/collections/boots")
        put_forward(page, lambda: shop.events("Page Trouble", what="place not found", slot="absent"))
        page.evaluate(late)
        assert page.text_content(".later") == "Normal"
    assert shop.events("Page Trouble", what="bad selector", slot="unreadable", where="/collections/boots")
    assert page_troubles(shop) >= {"bad selector", "place not found"}


def page_troubles(shop: ShopSite) -> set[str]:
    return {event["properties"]["what"] for event in shop.events("Page Trouble")}


# -- the first page of a visit --------------------------------------------------------------


def test_a_first_page_fills_only_what_was_not_seen_yet(browser: Browser, shop: ShopSite) -> None:
    with visitor(browser) as page:
        page.add_init_script(IN_NO_TIME + PAINTS)
        come(page, shop, "/")
        see_frame(page)
        assert texts(page) == {"Normal boots for everybody"}
        assert page.evaluate("painted.shift") == 0
        assert page.is_visible(".signup")
        assert page.text_content("[data-slot=low-tip]") == "Variant tip"
        until(page, lambda: shop.events("Slot Applied", slot="low-tip", rule="Came"))
    assert not shop.events("Slot Applied", slot="home-hero")
    assert not shop.events("Slot Applied", slot="letter")


def test_a_late_answer_on_a_first_page_is_only_for_the_next(browser: Browser, shop: ShopSite) -> None:
    shop.delay = 0.4
    with visitor(browser) as page:
        page.add_init_script(PAINTS)
        come(page, shop, "/")
        see_frame(page)
        assert texts(page) == {"Normal boots for everybody"}
        assert texts(page, 3) == {"Normal tip"}
        page.goto(f"{shop.url}/?again")
        assert texts(page) <= {WHOLE}
        assert page.text_content(HERO) == WHOLE


VISIBLE = """
  window.visible = [];
  const look = () => {
    const hero = document.querySelector('h1');
    const isVisible = hero && getComputedStyle(hero).visibility === 'visible';
    if (isVisible) visible.push(hero.textContent);
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
"""
HELD_LONG = """
  const after = setTimeout;
  window.setTimeout = (act, ms, ...more) => after(act, ms === 200 ? 60_000 : ms, ...more);
"""
"""A place is held back for 200 ms; on a busy machine no answer comes so soon."""


@pytest.mark.parametrize("delay", [0.0, 0.6])
def test_a_place_held_back_has_its_room_and_is_shown_in_time(
    browser: Browser, shop: ShopSite, delay: float
) -> None:
    shop.delay = delay
    hold = "[data-slot=home-hero]{min-height:300px}"
    shop.paste = shop.block + shop.tag.replace("<script", f'<script data-hold="{hold}"')
    with visitor(browser) as page:
        page.add_init_script(PAINTS + VISIBLE + ("" if delay else IN_NO_TIME + HELD_LONG))
        come(page, shop, "/")
        until(page, lambda: page.evaluate("visible.length > 3"))
        see_frame(page)
        assert set(page.evaluate("visible")) == {"Normal boots for everybody" if delay else WHOLE}
        assert page.evaluate("painted.shift") == 0
        assert page.evaluate("document.querySelector('.hero').offsetHeight") >= 300


def test_a_new_tab_is_ahead_for_a_short_while(browser: Browser, shop: ShopSite) -> None:
    shop.change("/cart", "<h1>", '<a id="new" href="/" target="_blank">new</a><h1>')
    with visitor(browser) as page:
        come(page, shop)
        with page.context.expect_page() as opened:
            page.click("#new")
        shop.delay = 0.5
        assert opened.value.text_content(HERO) == WHOLE


def test_of_two_tabs_the_one_that_is_behind_shows_what_the_other_was_answered_since(
    browser: Browser, shop: ShopSite
) -> None:
    shop.change("/", "</footer>", '</footer><p class="searched">Normal</p>')
    with visitor(browser) as page:
        page.clock.install()
        come(page, shop)
        other = page.context.new_page()
        come(other, shop)
        other.evaluate("opportune.track('Products Searched', { query: 'boots' })")
        until(other, lambda: kept(other)["searched"].get("variant") == "Warm")
        page.clock.fast_forward("03:00")  # longer than a new tab would have it
        shop.delay = 0.5
        page.goto(shop.url)
        assert page.text_content(".searched") == "Variant searched"


# -- where things are missing ---------------------------------------------------------------


def test_without_javascript_the_shop_is_as_it_was(browser: Browser, shop: ShopSite) -> None:
    with visitor(browser, java_script_enabled=False) as page:
        page.goto(shop.url)
        page.wait_for_selector(".signup", state="visible")
        assert page.is_visible("text=Normal boots for everybody")


def test_with_the_server_down_the_shop_is_as_it_was(browser: Browser, shop: ShopSite) -> None:
    shop.is_down = True
    shop.paste = shop.block + shop.tag.replace("<script", '<script data-hold=".hero{min-height:200px}"')
    with visitor(browser) as page:
        page.goto(shop.url)
        page.wait_for_selector("text=Normal boots for everybody", state="visible")
        assert page.is_visible(".signup")


def test_with_storage_forbidden_the_shop_is_as_it_was(browser: Browser, shop: ShopSite) -> None:
    forbidden = "Object.defineProperty(window, '{}', {{ get() {{ throw new DOMException('no', 'SecurityError'); }} }});"
    with visitor(browser) as page:
        page.add_init_script(forbidden.format("sessionStorage") + forbidden.format("localStorage"))
        page.goto(f"{shop.url}/cart")
        until(page, lambda: shop.events("Page Trouble", what="no storage"))
        page.goto(shop.url)
        assert page.is_visible("text=Normal boots for everybody")


STRICT = (
    "default-src 'none'; script-src {hash} {door}; connect-src {door}; style-src 'self'; img-src 'self' data:; "
    "require-trusted-types-for 'script'"
)


def test_a_strict_policy_with_trusted_types_is_enough(browser: Browser, shop: ShopSite) -> None:
    policy = STRICT.format(hash=head_hash(), door=shop.door)
    shop.headers = {"Content-Security-Policy": f"{policy}; trusted-types opportune"}
    with visitor(browser) as page:
        come(page, shop)
        page.goto(shop.url)
        assert page.text_content(HERO) == WHOLE
        assert page.inner_text(".announce p") == "Variant news"
        until(page, lambda: shop.events("Slot Applied", slot="announcement"))
        assert not shop.events("Page Trouble")


def test_a_preview_is_shown_under_the_policy_that_is_printed(
    browser: Browser, shop: ShopSite, server: ServerProcess
) -> None:
    printed = done("snippet", "--csp", "--url", shop.door).strip()
    types = "require-trusted-types-for 'script'; trusted-types opportune"
    shop.headers = {"Content-Security-Policy": f"default-src 'none'; {printed}; style-src 'self'; {types}"}
    with visitor(browser) as page:
        page.goto(done("preview", f"{shop.url}/", *server.place).strip())
        page.wait_for_selector("text=Preview until")
        assert page.url == f"{shop.url}/"
        assert page.text_content(HERO) == WHOLE


def test_a_policy_that_refuses_our_html_refuses_only_that(browser: Browser, shop: ShopSite) -> None:
    policy = STRICT.format(hash=head_hash(), door=shop.door)
    shop.headers = {"Content-Security-Policy": f"{policy}; trusted-types theirs"}
    with visitor(browser) as page:
        come(page, shop)
        page.goto(shop.url)
        assert page.text_content(HERO) == WHOLE
        assert page.inner_text(".announce") == "Free returns"
        until(page, lambda: shop.events("Page Trouble", what="refused", slot="announcement"))
        until(page, lambda: shop.events("Slot Applied", slot="announcement"))  # as its control would be


def test_a_policy_without_the_blocks_hash_leaves_the_shop_as_it_was(browser: Browser, shop: ShopSite) -> None:
    shop.headers = {"Content-Security-Policy": STRICT.format(hash="", door=shop.door)}
    with visitor(browser) as page:
        page.goto(shop.url)
        until(page, lambda: shop.events("Page Trouble", what="no block", where="/"))
        assert page.is_visible("text=Normal boots for everybody")
        assert all(request["slots"] == [] for request in shop.requests)


@pytest.mark.parametrize("by", ["policy", "blocker"])
def test_a_script_that_is_blocked_leaves_the_shop_as_it_was(
    browser: Browser, shop: ShopSite, by: str
) -> None:
    if by == "policy":
        shop.headers = {
            "Content-Security-Policy": STRICT.format(hash=head_hash(), door="https://elsewhere.example")
        }
    shop.paste = shop.block + shop.tag.replace("<script", '<script data-hold=".hero{min-height:200px}"')
    with visitor(browser) as page:
        if by == "blocker":
            page.route("**/o.js", lambda route: route.abort("blockedbyclient"))
        page.goto(shop.url)
        page.wait_for_timeout(300)
        assert page.is_visible("text=Normal boots for everybody")
        assert page.is_visible(".signup")
        assert shop.requests == []


def test_two_snippets_do_no_harm_and_are_told(browser: Browser, shop: ShopSite) -> None:
    shop.paste += shop.paste
    with visitor(browser) as page:
        come(page, shop)
        page.goto(shop.url)
        assert page.text_content(HERO) == WHOLE
        until(page, lambda: page_troubles(shop) >= {"two blocks", "two scripts"})
        until(page, lambda: len(shop.events("page")) >= 2)
        views = [event["properties"]["path"] for event in shop.events("page")]
        assert sorted(views) == ["/", "/cart"]


def test_a_block_at_the_end_of_the_page_is_told(browser: Browser, shop: ShopSite) -> None:
    shop.change("/", PASTE, "")
    shop.change("/", "</footer>", f"</footer>{PASTE}")
    with visitor(browser) as page:
        page.goto(shop.url)
        until(page, lambda: shop.events("Page Trouble", what="late block", where="/"))


# -- browsers that load ahead or bring back -------------------------------------------------


def test_going_back_shows_the_page_as_it_was_and_asks_for_what_is_next(
    browser: Browser, shop: ShopSite
) -> None:
    with visitor(browser) as page:
        come(page, shop)
        page.goto(shop.url)
        until(page, lambda: page.evaluate("JSON.parse(sessionStorage.opportune).at") == "/")
        page.evaluate("window.mark = 1")  # a page that still waits for an answer could not be brought back
        page.goto(f"{shop.url}/products/fell-boot")
        shop.requests.clear()
        page.evaluate("setTimeout(() => history.back())")
        page.wait_for_url(f"{shop.url}/", wait_until="commit")  # a page that is brought back does not load
        assert page.evaluate("window.mark") == 1
        assert page.text_content(HERO) == WHOLE
        until(page, lambda: any(asks_for(request, "/") for request in shop.requests))


def asks_for(request: dict[str, Any], path: str) -> bool:
    return bool(request["slots"] == "all" and request["context"]["page"]["path"] == path)


def test_a_page_rendered_ahead_exposes_nobody_until_it_is_looked_at(
    chromium: Path, shop: ShopSite, tmp_path: Path
) -> None:
    """The browser is on its own here: whoever watches it from outside forbids it to render ahead."""
    rules = '<script type="speculationrules">{"prerender":[{"urls":["/"],"eagerness":"immediate"}]}</script>'
    leave = """<script>setInterval(async () => {
      const answer = await fetch('/may-leave', { cache: 'no-store' });
      if (await answer.text() === 'yes' && sessionStorage.opportune) document.querySelector('#home').click();
    }, 100)</script>"""
    shop.pages["/may-leave"] = "no"
    shop.change("/cart", "<h1>", f'{rules}<a id="home" href="/">home</a>{leave}<h1>')
    eye = f"""<script>{PAINTS}
      const tell = (what) => fetch('/painted', {{ method: 'POST', body: JSON.stringify(what) }});
      const since = () => performance.getEntriesByType('navigation')[0].activationStart;
      const seen = () => painted.texts.filter(([at]) => at > since());
      const tellSeen = () => seen().length > 9 ? tell(seen().map(([, title]) => title)) : setTimeout(tellSeen, 50);
      document.addEventListener('prerenderingchange', tellSeen);
      addEventListener('load', () => document.prerendering && tell('ahead'));
    </script>"""
    shop.change("/", PASTE, eye + PASTE)
    shop.delay = 0.4  # so that the page ahead begins with nothing kept
    words = ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", f"--user-agent={AGENT}"]
    process = subprocess.Popen(
        [chromium, *words, f"--user-data-dir={tmp_path}", f"{shop.url}/cart"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        end = time.monotonic() + PATIENCE_SECONDS
        while not (len(shop.told) == 2 and shop.events("Slot Applied", slot="home-hero")):
            assert time.monotonic() < end, shop.told
            if shop.told and shop.events("page") and shop.pages["/may-leave"] == "no":
                assert not shop.events("Slot Applied", slot="home-hero")
                shop.pages["/may-leave"] = "yes"
            time.sleep(0.05)
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)
    ahead, painted = shop.told
    assert ahead == "ahead"
    assert set(painted) == {WHOLE}
    views = [event["properties"]["path"] for event in shop.events("page")]
    assert views == ["/cart", "/"]


# -- what is seen, clicked and dismissed ----------------------------------------------------


HOUR_SECONDS = 3_600
SCROLL = """(where) => new Promise((done) => {
  document.querySelector(where).scrollIntoView();
  new IntersectionObserver(done).observe(document.querySelector(where));  // the page script was told before
})"""


def moment_of(timestamp: str) -> float:
    return datetime.fromisoformat(timestamp).timestamp()


def test_viewed_is_half_of_it_for_a_second(browser: Browser, shop: ShopSite) -> None:
    with visitor(browser) as page:
        page.clock.install(time=0)
        come(page, shop)
        page.goto(shop.url)
        put_forward(page, lambda: shop.events("Slot Viewed", slot="home-hero", rule="Came"))
        page.clock.pause_at(HOUR_SECONDS)
        page.evaluate(SCROLL, ".far")
        page.clock.run_for(900)
        page.evaluate(SCROLL, ".hero")
        page.clock.run_for(1_100)
        page.evaluate(SCROLL, ".far")
        put_forward(page, lambda: shop.events("Slot Viewed", slot="low-tip"))
        [viewed] = shop.events("Slot Viewed", slot="low-tip")
        assert moment_of(viewed["timestamp"]) == HOUR_SECONDS + 0.9 + 1.1 + 1
        assert len(shop.events("Slot Viewed", slot="home-hero")) == 1


def test_a_place_larger_than_the_window_counts_when_it_fills_half_of_it(
    browser: Browser, shop: ShopSite
) -> None:
    shop.change("/", 'class="far"', 'class="far" style="height:4000px"')
    with visitor(browser) as page:
        come(page, shop)
        page.goto(shop.url)
        page.evaluate("document.querySelector('.far').scrollIntoView()")
        until(page, lambda: shop.events("Slot Viewed", slot="low-tip"))


KEEPING = """() => {
  window.keeping = [];
  const set = Storage.prototype.setItem;
  Storage.prototype.setItem = function (name, value) {
    if (this === sessionStorage && name === 'opportune') keeping.push(value);
    return set.call(this, name, value);
  };
}"""
"""All that is kept for the next page from here on."""


def test_clicked_and_dismissed_are_told_and_dismissed_is_gone(browser: Browser, shop: ShopSite) -> None:
    with visitor(browser) as page:
        come(page, shop)
        page.goto(shop.url)
        page.evaluate("document.querySelector('a.cta').addEventListener('click', (e) => e.preventDefault())")
        page.click("h1")
        shop.delay = 0.5
        page.click("a.cta")
        until(page, lambda: shop.events("Slot Clicked", slot="home-hero", variant="Warm"))
        assert page.get_attribute("a.cta", "href") == "/collections/boots?warm"
        page.evaluate(KEEPING)  # the answer to the click is still under way, and knows of no dismissal
        page.click(".announce [data-dismiss]")
        assert not page.is_visible(".announce")
        until(page, lambda: shop.events("Slot Dismissed", slot="announcement", rule="News"))
        until(page, lambda: page.evaluate("keeping.length") >= 2)
        assert not [each for each in page.evaluate("keeping") if "Variant news" in each]
    assert len(shop.events("Slot Clicked")) == 1


# -- asking again ---------------------------------------------------------------------------


def test_places_that_may_ask_again_when_something_happens(browser: Browser, shop: ShopSite) -> None:
    with visitor(browser) as page:
        come(page, shop)
        assert page.text_content(".leaving") == "Anything else?"
        page.evaluate(
            "document.dispatchEvent(new MouseEvent('mouseout', {clientY: -1, relatedTarget: null}))"
        )
        until(page, lambda: page.text_content(".leaving") == "Variant leaving")
        until(page, lambda: page.text_content(".staying") == "Variant staying")
        assert page.text_content(".reading") == "Read on"
        page.evaluate("scrollTo(0, document.body.scrollHeight / 2)")
        until(page, lambda: page.text_content(".reading") == "Variant reading")
        until(page, lambda: shop.events("Slot Applied", slot="leaving", rule="Leaving"))
        asked = [request["slots"] for request in shop.requests if request["slots"] not in ("all", [])]
        page.reload()
        assert page.text_content(".leaving") == "Anything else?"
    assert sorted(asked) == [["leaving"], ["reading"], ["staying"]]


# -- before a yes ---------------------------------------------------------------------------


def test_without_a_yes_no_id_is_made_and_the_visit_still_decides(browser: Browser, shop: ShopSite) -> None:
    with visitor(browser) as page:
        page.add_init_script("Object.defineProperty(navigator, 'globalPrivacyControl', {value: true})")
        come(page, shop)
        page.goto(shop.url)
        until(page, lambda: any(asks_for(request, "/") for request in shop.requests))
        assert page.context.cookies() == []
        assert page.evaluate("localStorage.length") == 0
    assert not any(request.get("anonymousId") for request in shop.requests)
    first, second = (request for request in shop.requests if request["slots"] == "all")
    assert (len(first["events"]), len(second["events"])) == (1, 2)
    refused = {"banner": "none", "measure": False, "personalize": True, "ads": False}
    assert second["context"]["consent"] == refused
