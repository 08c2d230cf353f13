"""Set-up: every step says its state, what was seen and the fix, from what really came in, on every store."""

from __future__ import annotations

from typing import Any

from tests.building import NOW, programme

from opportune.core.history.event import SetAside
from opportune.core.moment import DAY, HOUR, MINUTE, to_iso
from opportune.core.product import Product
from opportune.services.capturing import CaptureSource, capture
from opportune.services.house import House
from opportune.services.operating import add_key, set_run_state
from opportune.services.publishing import publish
from opportune.services.setting_up import STEPS, Setup, Step, set_up
from opportune.storage.base import Storage

BROWSER, SHOP = CaptureSource(name="site"), CaptureSource(name="backend", is_secret=True)
URL = "https://o.shop.example"
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
        self.house = House(storage=storage, clock=lambda: NOW, secret=b"s" * 32, programme=programme())

    def take(self, *messages: dict[str, Any], source: CaptureSource = BROWSER) -> None:
        assert capture(self.house, source, messages).result().set_aside == 0

    def setup(self, url: str = URL) -> Setup:
        return set_up(self.storage, url, NOW)

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
        message("Page Trouble", what="no storage", where="/"),
    )
    step = shop.step("page trouble")
    assert step.state == "trouble"
    assert "the selector of home-hero cannot be read on /sale" in step.seen
    assert "the snippet is there twice on /" in step.seen
    assert "“..x” is no CSS selector" in step.fix


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


def test_checklists_tick_themselves(storage: Storage) -> None:
    shop = Shop(storage)
    publish(shop.house, FILES)
    set_run_state(shop.house, "Quiet", "live")
    shop.take(message("page"))
    done = {task.title for checklist in shop.setup().checklists for task in checklist.tasks if task.is_done}
    assert "The first rule that hides something is live" in done
    assert "A control group shows what all rules do together" in done
    assert "Product views, carts and orders arrive" not in done
