"""Banners in a real browser: nothing is kept before a yes, the visit is kept after it, and a no ends it at once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from tests.acceptance.banners import BANNERS
from tests.acceptance.browsing import launched
from tests.acceptance.shop_window import ShopWindow, shop_window
from tests.stores import everything_in

from opportune.services.people.tallying import tally_consents

NO_BANNER = 'data-consent="none"'


@pytest.fixture(scope="module")
def browser(chromium: Path) -> Iterator[Browser]:
    with launched(chromium) as browser:
        yield browser


@pytest.fixture
def shop(browser: Browser) -> Iterator[ShopWindow]:
    with shop_window(browser) as window:
        yield window


def stated(shop: ShopWindow) -> dict[str, object]:
    """What the last question said of consent."""
    said: dict[str, object] = shop.asked[-1]["context"]["consent"]
    return said


@pytest.mark.parametrize("banner", BANNERS)
def test_each_banners_yes_and_no_take_effect_at_once(shop: ShopWindow, banner: str) -> None:
    before = everything_in(shop.house.storage)
    named = 'data-consent="own"' if banner == "own" else ""
    shop.open("/boots", before=BANNERS[banner], attributes=named)
    shop.until(lambda: shop.asked)
    shop.page.evaluate("opportune.track('Product Viewed', {product_id: 'b-1'})")
    shop.until(lambda: len(shop.asked[-1]["events"]) == 2)
    assert "anonymousId" not in shop.asked[-1]
    assert (stated(shop)["measure"], stated(shop)["personalize"]) == (False, True)
    assert "o_id" not in shop.cookies()
    assert everything_in(shop.house.storage) == before

    shop.page.evaluate("accept()")
    shop.until(lambda: "Consent Updated" in shop.names())
    assert shop.names() == ["Page Viewed", "Product Viewed", "Consent Updated"]
    shop.until(lambda: stated(shop)["measure"])
    assert stated(shop) == {"banner": banner, "measure": True, "personalize": True, "ads": True}
    assert "o_id" in shop.cookies()

    shop.page.evaluate("decline()")
    shop.until(lambda: shop.names().count("Consent Updated") == 2)
    shop.until(lambda: "o_id" not in shop.cookies())
    shop.page.evaluate("opportune.track('Product Viewed', {product_id: 'b-2'})")
    shop.until(lambda: "b-2" in str(shop.asked[-1]["events"]))
    assert stated(shop)["measure"] is False
    assert "anonymousId" not in shop.asked[-1]
    assert shop.names().count("Product Viewed") == 1
    assert shop.page.evaluate("JSON.parse(sessionStorage.opportune_banner)[0]") == banner
    assert shop.page.evaluate("opportune.consent().banner") == banner


def test_a_rule_acts_in_the_visit_of_somebody_who_was_not_asked_yet(shop: ShopWindow) -> None:
    shop.open("/boots", before=BANNERS["cookiebot"])
    shop.page.evaluate("opportune.track('Product Viewed', {product_id: 'b-1'})")
    shop.until(lambda: shop.page.evaluate("sessionStorage.opportune || ''").count("Shoes"))
    assert shop.kept() == []


def test_an_answer_of_this_visit_holds_until_a_slow_banner_speaks(shop: ShopWindow) -> None:
    shop.stand_still()
    shop.open("/", before=BANNERS["cookiebot"])
    shop.until(lambda: shop.asked)
    shop.page.evaluate("accept()")
    shop.page.clock.run_for(400)
    shop.until(lambda: "Consent Updated" in shop.names())
    shop.open("/next", before=BANNERS["cookiebot"])
    shop.until(lambda: shop.names().count("Page Viewed") == 2)
    assert shop.names().count("Consent Updated") == 1


def test_where_the_page_says_that_nobody_asks_everything_is_kept(shop: ShopWindow) -> None:
    shop.open("/", attributes=NO_BANNER)
    shop.until(lambda: shop.kept("Page Viewed") and shop.asked)
    assert shop.asked[0]["context"]["consent"] == {"banner": "none"}
    assert shop.asked[0]["anonymousId"]


def test_each_visit_is_counted_once_by_what_it_agreed_to(shop: ShopWindow) -> None:
    shop.open("/", before=BANNERS["cookiebot"])
    shop.until(lambda: shop.asked)
    shop.page.evaluate("opportune.track('Product Viewed', {product_id: 'b-1'})")
    shop.until(lambda: len(shop.asked[-1]["events"]) == 2)
    shop.open("/next", before=BANNERS["cookiebot"])
    shop.until(lambda: len(shop.asked[-1]["events"]) == 3)
    shop.until(lambda: answers(shop) == {("cookiebot", "no"): 1})
    shop.page.evaluate("accept()")
    shop.until(lambda: "Consent Updated" in shop.names())
    shop.page.evaluate("opportune.track('Product Viewed', {product_id: 'b-2'})")
    shop.until(lambda: "b-2" in str(shop.kept()))
    shop.until(lambda: answers(shop) == {("cookiebot", "no"): 1, ("cookiebot", "later yes"): 1})


def test_a_visit_is_counted_where_nobody_can_read_the_banner(shop: ShopWindow) -> None:
    shop.open("/", attributes='data-consent="somebody"')
    shop.until(lambda: shop.asked)
    shop.until(lambda: answers(shop) == {("unknown", "no"): 1})
    assert shop.kept() == []


def answers(shop: ShopWindow) -> dict[tuple[str, str], int]:
    tally_consents(shop.house)
    return {(row.banner, row.answer): row.visits for row in shop.house.storage.list_consents("", "9")}


def test_where_no_banner_comes_within_a_second_of_loading_nobody_asks(shop: ShopWindow) -> None:
    shop.stand_still()
    shop.open("/")
    shop.until(lambda: shop.asked)
    shop.page.clock.run_for(900)
    assert stated(shop)["measure"] is False
    assert "o_id" not in shop.cookies()
    shop.page.clock.run_for(500)
    shop.until(lambda: shop.kept("Page Viewed"))
    assert "o_id" in shop.cookies()


def test_global_privacy_control_outranks_a_yes(shop: ShopWindow) -> None:
    shop.page.add_init_script("Object.defineProperty(navigator, 'globalPrivacyControl', {value: true})")
    shop.open("/", before=BANNERS["cookiebot"])
    shop.until(lambda: shop.asked)
    shop.page.evaluate("accept(); opportune.track('Product Viewed')")
    shop.until(lambda: len(shop.asked[-1]["events"]) == 2)
    assert stated(shop) == {"banner": "cookiebot", "measure": False, "personalize": True, "ads": False}
    assert shop.kept() == []
    assert "o_id" not in shop.cookies()


def test_an_unknown_banner_is_warned_of_and_nothing_is_kept(shop: ShopWindow) -> None:
    shop.stand_still()
    shop.open("/", attributes='data-consent="usercentrics"')
    shop.until(lambda: shop.asked)
    shop.page.clock.run_for(1_500)
    shop.page.evaluate("opportune.track('Product Viewed')")
    shop.until(lambda: len(shop.asked[-1]["events"]) == 2)
    assert any('data-consent="usercentrics" is not' in text for text in shop.warnings)
    assert stated(shop)["banner"] == "unknown"
    assert shop.kept() == []


def test_one_trusts_groups_can_be_named(shop: ShopWindow) -> None:
    attributes = 'data-consent="onetrust" data-consent-groups="STATS PREF ADS"'
    shop.open("/", before=BANNERS["onetrust"], attributes=attributes)
    shop.until(lambda: shop.asked)
    shop.page.evaluate("say(['C0001', 'STATS'])")
    shop.until(lambda: shop.kept() and stated(shop)["measure"])
    assert stated(shop) == {"banner": "onetrust", "measure": True, "personalize": False, "ads": False}


def test_consent_mode_may_speak_before_or_after_us_and_the_strictest_default_counts(shop: ShopWindow) -> None:
    shop.open("/", attributes='data-consent="google"')
    shop.until(lambda: shop.asked)
    shop.page.evaluate(
        "dataLayer.push(['consent', 'default', {analytics_storage: 'denied', region: ['DE']}]);"
        "dataLayer.push(['consent', 'default', {analytics_storage: 'granted'}]);"
        "opportune.track('Product Viewed')"
    )
    shop.until(lambda: len(shop.asked[-1]["events"]) == 2)
    assert stated(shop)["measure"] is False
    shop.page.evaluate(
        "(function () { dataLayer.push(arguments) })('consent', 'update', {analytics_storage: 'granted'})"
    )
    shop.until(lambda: "Consent Updated" in shop.names())


def test_the_data_layer_is_read_whenever_and_however_it_was_written(shop: ShopWindow) -> None:
    before = """
      window.dataLayer = [{ event: 'view_item', ecommerce: { currency: 'EUR', items: [
        { item_id: 'b-1', item_name: 'Trail boot', item_category: 'Boots', price: 89 }] } }];
      function gtag() { return dataLayer.push(arguments); }
    """
    shop.open("/boots", before=before, attributes=NO_BANNER)
    shop.until(lambda: shop.kept("Product Viewed"))
    answer = shop.page.evaluate("""() => {
      const boot = { item_id: 'b-1', item_category: 'Boots', price: 89, quantity: 1, secret: 'x' };
      const count = dataLayer.length;
      dataLayer.push({ ecommerce: null }, null, 3, 'text', { event: 'gtm.click' });
      gtag('event', 'add_to_cart', { currency: 'EUR', value: 89, items: [boot], email: 'a@b.example' });
      dataLayer.push({ event: 'add_to_cart', ecommerce: { currency: 'EUR', value: 89, items: [boot] } });
      const checkout = { actionField: { step: 1 }, products: [{ id: 'b-1' }] };
      dataLayer.push({ event: 'checkout', ecommerce: { checkout } });
      gtag('event', 'search', { search_term: 'boots' });
      gtag('event', 'purchase', { transaction_id: 'T-1', value: 94, currency: 'EUR', items: [boot] });
      return gtag('event', 'generate_lead', { value: 5 }) - count;
    }""")
    assert answer == 11  # the page's own push did what it always did
    shop.until(lambda: shop.kept("Lead Generated"))
    said = {event.name: event for event in shop.kept()}
    assert shop.names() == [
        "Page Viewed",
        "Product Viewed",
        "Product Added",
        "Checkout Started",
        "Products Searched",
        "Order Completed",
        "Lead Generated",
    ]
    bodies = [shop.house.storage.get_body(event.seq) or b"" for event in shop.kept()]
    assert not any(b"a@b.example" in body or b"secret" in body for body in bodies)
    assert b'"order_id":"T-1"' in bodies[5]
    assert b'"category":"Boots"' in bodies[1]
    assert said["Order Completed"].source == "browser"
