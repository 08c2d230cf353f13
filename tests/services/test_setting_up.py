"""Set-up: every step says its state, what was seen and the fix, from what really came in, on every store."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from tests.building import NOW, programme

from opportune.core.history.event import MACHINE, SetAside
from opportune.core.moment import DAY, HOUR, MINUTE, from_iso, to_day, to_iso
from opportune.core.product import Product
from opportune.errors import BadRequestError
from opportune.services.capturing import CaptureSource, capture
from opportune.services.catalogue.feeding import FEED, note_same, take_feed
from opportune.services.house import House
from opportune.services.operating import add_key, set_run_state
from opportune.services.publishing import publish
from opportune.services.setting_up import STEPS, Setup, Step, set_up
from opportune.storage.base import ConsentCount, Storage

BROWSER, SHOP = CaptureSource(name="site"), CaptureSource(name="backend", is_secret=True)
URL = "https://o.shop.example"
BERLIN = ZoneInfo("Europe/Berlin")
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.0 Mobile/15E148 Safari/604.1"
)
CHROME = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36"
)
FILES = {
    "team.yaml": "team: Shop\ntime zone: Europe/Berlin\ncontrol group: 10%\npurpose: p\nowner: Mia\n"
    "reviewer: Tom\nsafety limit: none\nrollback: by hand\n",
    "slots/hero.yaml": "slot: home hero\nfields: headline\ntags: promo\nfallback:\n  headline: Hi\n"
    "page:\n  selector: .hero\n  paths: /\n",
    "rules/quiet.yaml": "rule: Quiet\nwhen: a visitor is on a help page\nhide: everything marked promo\n",
}


class Shop:
    """A house with a clock, and short ways of sending to it."""

    def __init__(self, storage: Storage) -> None:
        self.storage = storage
        self.now = NOW
        self.house = House(storage=storage, clock=lambda: self.now, secret=b"s" * 32, programme=programme())

    def take(self, *messages: dict[str, Any], source: CaptureSource = BROWSER) -> None:
        assert capture(self.house, source, messages).result().set_aside == 0

    def setup(self, url: str = URL) -> Setup:
        return set_up(self.storage, url, self.now)

    def step(self, name: str, url: str = URL) -> Step:
        return next(step for step in self.setup(url).steps if step.name == name)


def message(
    event: str,
    visitor: str = "v-1",
    *,
    path: str = "/",
    at: int = NOW - HOUR,
    agent: str = CHROME,
    context: dict[str, Any] | None = None,
    **said: Any,
) -> dict[str, Any]:
    page = {"path": path, "url": f"https://shop.example{path}"}
    told = {"page": page, "userAgent": agent, "library": {"name": "o.js", "version": "2"}, **(context or {})}
    kind = {"type": "page"} if event == "page" else {"type": "track", "event": event}
    return {
        **kind,
        "anonymousId": visitor,
        "timestamp": to_iso(at),
        "properties": said,
        "context": told,
    }


def states(setup: Setup) -> dict[str, str]:
    return {step.name: step.state for step in setup.steps}


def test_an_empty_installation_says_what_to_do_first(storage: Storage) -> None:
    found = set_up(storage, "http://127.0.0.1:8400", NOW)
    waiting = [step.name for step in found.steps if step.state == "waiting"]
    assert waiting[:3] == ["playbook", "write key", "snippet"]
    assert {"page view", "product view", "search", "add to cart", "order"} <= set(waiting)
    assert found.troubles == ()
    assert all(step.fix for step in found.steps if step.state == "waiting")
    assert len(found.steps) <= len(STEPS)
    assert [task.is_done for checklist in found.checklists for task in checklist.tasks if task.is_done] == [
        True  # nothing is left aside
    ]


def test_an_address_that_visitors_reach_without_encryption_is_trouble(storage: Storage) -> None:
    assert Shop(storage).step("https", "http://o.shop.example").state == "trouble"
    assert Shop(storage).step("https").state == "done"


def test_the_first_steps_tick_themselves(storage: Storage) -> None:
    shop = Shop(storage)
    publish(shop.house, FILES)
    add_key(shop.house, kind="write", name="site")
    shop.take(message("page", path="/shoes"))
    found = states(shop.setup())
    assert {name: found[name] for name in ("server", "https", "playbook", "write key", "snippet")} == {
        "server": "done",
        "https": "done",
        "playbook": "done",
        "write key": "done",
        "snippet": "done",
    }
    assert "shop.example" in shop.step("snippet").seen


def test_a_first_event_is_shown_with_its_content_in_the_shops_own_time(storage: Storage) -> None:
    shop = Shop(storage)
    publish(shop.house, FILES)
    assert shop.step("product view").seen == "Waiting for your first product view"
    shop.take(message("Product Viewed", at=NOW - MINUTE, product_id="3", name="Trail shoe 3"))
    assert shop.step("product view").seen == "Got it, 08:59, Trail shoe 3"
    shop.take(message("Products Searched", query="boots"))
    assert shop.step("search").seen.endswith("“boots”")
    shop.take(message("Order Completed", order_id="7", total=119.0, currency="EUR"))
    assert shop.step("order").seen.endswith("order 7, €119")
    shop.take(message("Order Completed", order_id="8", total="a lot"))
    assert "order 8, a lot" in shop.step("order").seen


def test_a_snippet_that_fell_silent_is_trouble(storage: Storage) -> None:
    shop = Shop(storage)
    shop.take(message("page", at=NOW - 3 * DAY))
    assert shop.step("snippet").state == "trouble"


def test_a_selector_that_is_never_found_names_its_pages(storage: Storage) -> None:
    shop = Shop(storage)
    hero = FILES["slots/hero.yaml"]
    bar = hero.replace("home hero", "offer bar").replace(".hero", ".bar").replace("/\n", "/cart\n")
    publish(shop.house, FILES | {"slots/bar.yaml": bar})
    shop.take(message("page"), message("Slot Applied", path="/", slot="home-hero"))
    step = shop.step("places")
    assert step.state == "trouble"
    assert "home hero: on /" in step.seen
    assert "“.bar” was not found on /cart" in step.fix
    shop.take(message("Slot Applied", path="/cart", slot="offer-bar"))
    assert shop.step("places").state == "done"


def test_what_the_script_met_is_told_with_the_page_and_the_fix(storage: Storage) -> None:
    shop = Shop(storage)
    shop.take(
        message("Page Trouble", what="bad selector", where="/sale", slot="home-hero", selector="..x"),
        message("Page Trouble", what="two blocks", where="/"),
        message("Page Trouble", what="no block", where="/help"),
        message("Page Trouble", what="no storage", where="/"),
    )
    step = shop.step("page trouble")
    assert step.state == "trouble"
    assert "the selector of home-hero cannot be read on /sale" in step.seen
    assert "the snippet is there twice on /" in step.seen
    assert "half of the snippet is missing, or the page refuses it on /help" in step.seen
    assert "“..x” is no CSS selector" in step.fix
    assert "`opportune snippet --csp` prints what that has to allow" in step.fix


def test_the_share_of_orders_seen_counts_each_order_once(storage: Storage) -> None:
    shop = Shop(storage)
    for number in range(10):
        at = NOW - 2 * DAY + number * HOUR
        order = {"order_id": str(number), "revenue": 10, "currency": "EUR"}
        shop.take(message("Order Completed", f"v-{number}", at=at, **order), source=SHOP)
        if number < 8:
            shop.take(message("Order Completed", f"v-{number}", at=at, **order))
    step = shop.step("orders")
    assert step.seen.startswith("8 of 10 this month, 80%")
    assert step.state == "trouble"


def test_orders_that_only_browsers_tell_of_wait_for_the_shop(storage: Storage) -> None:
    shop = Shop(storage)
    shop.take(message("Order Completed", order_id="1", revenue=10))
    assert shop.step("orders").state == "waiting"
    assert shop.step("orders").seen == "Only browsers tell of orders: 1 this month"


def test_orders_whose_money_is_not_counted_say_what_to_write(storage: Storage) -> None:
    shop = Shop(storage)
    publish(shop.house, FILES)
    assert "money" not in states(shop.setup())
    shop.take(message("Order Completed", order_id="1", revenue=10, currency="EUR"), source=SHOP)
    shop.take(message("Order Completed", order_id="2", revenue=10), source=SHOP)
    assert (shop.step("money").state, shop.step("money").seen) == (
        "done",
        "2 orders this month, all counted in EUR",
    )
    shop.take(message("Order Completed", order_id="3", revenue=10, currency="usd"), source=SHOP)
    step = shop.step("money")
    assert step.state == "trouble"
    assert step.seen.startswith("1 of 3 orders this month are in USD: their money is not counted")
    assert "“currency: USD” in team.yaml" in step.fix
    assert "“rates: {USD: 1.25}”" in step.fix
    publish(shop.house, FILES | {"plan.yaml": "rates: {USD: 0.9}\n"})
    assert shop.step("money").state == "done"


def test_an_orders_money_is_what_the_shop_says_and_not_what_its_browser_said_before(storage: Storage) -> None:
    shop = Shop(storage)
    publish(shop.house, FILES)
    shop.take(message("Order Completed", order_id="1", revenue=10))
    assert shop.step("money").state == "done"
    shop.take(message("Order Completed", order_id="1", revenue=10, currency="USD"), source=SHOP)
    assert shop.step("money").seen.startswith("1 of 1 order this month are in USD")


def test_safari_that_forgets_after_a_week_is_told_from_browsers_that_do_not(storage: Storage) -> None:
    shop = Shop(storage)
    for number in range(12):
        for at in (NOW - 20 * DAY, NOW - HOUR):
            shop.take(message("page", f"s-chrome-{number}", at=at))
        for at in (NOW - 6 * DAY, NOW - HOUR):
            shop.take(message("page", f"s-phone-{number}", at=at, agent=IPHONE))
    step = shop.step("id")
    assert step.state == "trouble"
    assert "Safari: 12 ids looked at, the oldest 6 days old" in step.seen
    assert step.seen.startswith("0% of ids were set by the shop's own server")
    shop.take(message("page", "s-phone-1", at=NOW - 9 * DAY, agent=IPHONE))
    assert shop.step("id").state == "done"


def test_ids_that_the_shops_own_server_set_need_no_week_to_be_believed(storage: Storage) -> None:
    shop = Shop(storage)
    shop.take(message("page", "5b1f2c", agent=IPHONE))
    assert shop.step("id").state == "done"
    assert shop.step("id").seen.startswith("100% of ids were set by the shop's own server")


def test_a_shop_that_tells_of_its_orders_itself_is_connected(storage: Storage) -> None:
    shop = Shop(storage)
    assert shop.step("sources").state == "waiting"
    shop.take(message("Order Completed", order_id="1", revenue=10), source=SHOP)
    assert shop.step("sources").state == "done"


def test_consent_speed_and_catalogue_are_told_as_they_are(storage: Storage) -> None:
    shop = Shop(storage)
    for number in range(10):
        consent = {"consent": {"measure": True, "personalize": number < 7}}
        shop.take(message("page", f"v-{number}", context=consent))
        shop.take(message("Web Vitals", f"v-{number}", lcp=5_000 if number > 5 else 900))
    assert "100% to measure, 70% to personalize" in shop.step("consent").seen
    assert shop.step("speed").state == "trouble"
    assert "5.0 s" in shop.step("speed").seen
    old = Product(id="1", name="Boot", price=None, updated_at=NOW - 9 * DAY)
    storage.write(lambda transaction: transaction.put_products([old])).result()
    assert shop.step("catalogue").state == "trouble"
    assert "1 without a price" in shop.step("catalogue").seen


def test_a_feed_is_fresh_when_it_was_read_though_nothing_changed(storage: Storage) -> None:
    shop = Shop(storage)
    assert shop.step("catalogue").state == "not needed"
    take_feed(shop.house, [offer(1, "10 EUR")], FEED)
    shop.now += 9 * DAY
    assert shop.step("catalogue").state == "trouble"
    assert shop.step("catalogue").fix.startswith("What it says is too old to be shown")
    note_same(shop.house, FEED)
    assert (shop.step("catalogue").state, shop.step("catalogue").seen) == (
        "done",
        "1 product, last read 08:00",
    )


def test_rows_that_a_feed_lost_are_counted_with_the_commonest_reason(storage: Storage) -> None:
    shop = Shop(storage)
    good = [offer(number, "10 EUR") for number in range(30)]
    take_feed(shop.house, [*good, offer(30, ""), offer(31, ""), offer(32, "much")], FEED)
    step = shop.step("catalogue")
    assert step.state == "done"
    assert step.seen.endswith("The feed: 3 of 33 rows kept aside, most often: the product has no price (2)")
    take_feed(shop.house, [*good[:5], offer(5, "10 EUR"), offer(6, "")], FEED)
    assert shop.step("catalogue").state == "trouble"
    assert "opportune catalogue problems" in shop.step("catalogue").fix


def test_a_feed_in_another_currency_says_where_the_currency_is_written(storage: Storage) -> None:
    shop = Shop(storage)
    with pytest.raises(BadRequestError):
        take_feed(shop.house, [offer(1, "10 GBP"), offer(2, "12 GBP")], FEED)
    step = shop.step("catalogue")
    assert step.state == "trouble"
    assert "its price is in GBP; the reporting currency is EUR (2)" in step.seen
    assert "could not be read 08:00" in step.seen
    assert step.fix.startswith("Where the shop sells in that currency, write it in team.yaml")
    publish(shop.house, FILES | {"team.yaml": FILES["team.yaml"] + "currency: GBP\n"})
    take_feed(shop.house, [offer(1, "10 GBP"), offer(2, "12 GBP")], FEED)
    assert shop.step("catalogue").state == "done"


def offer(number: int, price: str) -> dict[str, str]:
    return {"id": str(number), "title": f"Product {number}", "price": price}


def visits(shop: Shop, *counts: tuple[str, str, int], days_ago: int = 1, has_gpc: bool = False) -> None:
    """(banner, answer, how many) of a day."""
    day = to_iso(NOW - days_ago * DAY)[:10]
    rows = [ConsentCount(day, banner, has_gpc, answer, number) for banner, answer, number in counts]
    shop.storage.write(lambda transaction: transaction.add_consents(rows)).result()


def test_those_who_did_not_agree_are_a_number_too(storage: Storage) -> None:
    shop = Shop(storage)
    visits(shop, ("cookiebot", "yes", 20), ("none", "no", 980), ("cookiebot", "later yes", 610))
    visits(shop, ("cookiebot", "later no", 10), ("cookiebot", "yes", 9), days_ago=0)
    visits(shop, ("cookiebot", "later no", 10))
    step = shop.step("consent")
    assert step.state == "done"
    assert step.seen == (
        "Of 1,000 visits yesterday 620 agreed to being measured, 380 did not or did not answer: "
        "nothing of them is kept"
    )
    assert (shop.step("banner").state, shop.step("banner").seen) == (
        "done",
        "Visitors are asked by Cookiebot",
    )


@pytest.mark.parametrize("at", ["2027-10-31T22:30:00Z", "2027-03-28T22:30:00Z"])
def test_yesterday_is_the_day_before_also_where_a_day_has_25_hours_or_23(storage: Storage, at: str) -> None:
    """In Berlin half an hour before midnight, and half an hour after it: 24 hours ago is not the day before."""
    shop = Shop(storage)
    publish(shop.house, FILES)
    shop.now = from_iso(at)
    before = str(date.fromisoformat(to_day(shop.now, BERLIN)) - timedelta(days=1))
    rows = [ConsentCount(before, "cookiebot", False, "yes", 40)]
    shop.storage.write(lambda transaction: transaction.add_consents(rows)).result()
    assert shop.step("consent").seen == "Of 40 visits yesterday 40 agreed to being measured"


def test_the_first_day_is_told_while_it_lasts(storage: Storage) -> None:
    shop = Shop(storage)
    visits(shop, ("google", "no", 2), days_ago=0)
    visits(shop, ("google", "no", 1), days_ago=0, has_gpc=True)
    step = shop.step("consent")
    assert step.state == "waiting"
    assert step.seen.startswith("Of 3 visits today 0 agreed")
    assert step.seen.endswith("(1 of these by a setting of their browser)")
    assert shop.step("snippet").state == "done"
    assert shop.step("snippet").seen.startswith("3 visits came by it. Nobody agreed")


def test_a_banner_that_cannot_be_read_is_trouble_with_what_to_write_instead(storage: Storage) -> None:
    shop = Shop(storage)
    visits(shop, ("unknown", "no", 40), days_ago=0)
    step = shop.step("banner")
    assert step.state == "trouble"
    assert "cannot read: nothing is kept of 40 visits today" in step.seen
    assert 'data-consent="own"' in step.fix
    assert "opportune.consent({measure: true" in step.fix


def test_a_shop_without_a_banner_is_told_what_that_means(storage: Storage) -> None:
    shop = Shop(storage)
    visits(shop, ("none", "yes", 40))
    assert shop.step("banner").state == "not needed"
    assert "everybody counts as agreed" in shop.step("banner").seen
    assert shop.step("consent").seen == "Of 40 visits yesterday 40 agreed to being measured"


@pytest.mark.parametrize(
    ("said", "identifier", "state", "words"),
    [
        ("", "5b1f2c", "done", "browsers keep them for 13 months"),
        ("set by our server", "5b1f2c", "done", "100% of the ids"),
        ("set by script", "5b1f2c", "trouble", "Write “visitor id: set by our server”"),
        ("set by our server", "s-1", "trouble", "7 days in Safari"),
        ("set by script", "s-1", "done", "7 days in Safari"),
        ("", "s-1", "waiting", "write “visitor id: set by script”"),
    ],
)
def test_who_sets_the_id_is_what_the_team_says(
    storage: Storage, said: str, identifier: str, state: str, words: str
) -> None:
    shop = Shop(storage)
    stated = f"visitor id: {said}\n" if said else ""
    publish(shop.house, FILES | {"team.yaml": FILES["team.yaml"] + stated})
    shop.take(message("page", identifier))
    step = shop.step("visitor id")
    assert step.state == state
    assert words in f"{step.seen} {step.fix}"


def test_the_script_tells_what_it_costs_itself(storage: Storage) -> None:
    shop = Shop(storage)
    for number in range(12):
        shop.take(message("Web Vitals", f"v-{number}", lcp=900, busy=number / 3))
    step = shop.step("own cost")
    assert step.state == "done"
    assert "no more than 3 ms (12 measured)" in step.seen
    for number in range(12):
        shop.take(message("Web Vitals", f"slow-{number}", lcp=900, busy=80))
    assert shop.step("own cost").state == "trouble"


def test_what_was_set_aside_names_the_commonest_reason(storage: Storage) -> None:
    aside = SetAside(
        reason="no id",
        code="no_id",
        raw=b"{}",
        message_id="m",
        name="x",
        source="browser",
        received_at=NOW - HOUR,
    )
    storage.write(lambda transaction: transaction.set_aside([aside, aside])).result()
    step = Shop(storage).step("set aside")
    assert (step.state, step.seen) == ("trouble", "2 events in 7 days, most often: no id (2)")


def test_what_bots_sent_is_no_trouble_of_the_shops(storage: Storage) -> None:
    sent = SetAside(
        reason="a bot",
        code=MACHINE,
        raw=b"{}",
        message_id="m",
        name="x",
        source="browser",
        received_at=NOW - HOUR,
    )
    storage.write(lambda transaction: transaction.set_aside([sent])).result()
    step = Shop(storage).step("set aside")
    assert step.state == "done"
    assert step.seen.endswith("1 of bots were left out")


def test_checklists_tick_themselves(storage: Storage) -> None:
    shop = Shop(storage)
    publish(shop.house, FILES)
    set_run_state(shop.house, "Quiet", "live")
    shop.take(message("page"))
    done = {task.title for checklist in shop.setup().checklists for task in checklist.tasks if task.is_done}
    assert "The first rule that hides something is live" in done
    assert "A control group shows what all rules do together" in done
    assert "Product views, carts and orders arrive" not in done
