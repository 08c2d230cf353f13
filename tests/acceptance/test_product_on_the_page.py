"""A shop without a data layer: its product pages tell search engines what they show, and so tell us."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from playwright.sync_api import Browser
from tests.acceptance.browsing import launched
from tests.acceptance.shop_window import ShopWindow, shop_window

LONG_MS = 2_500
"""Until then the script has read what a page names, if it ever does. Nobody waits for it: its clock is put forward."""
BOOT = {
    "@context": "https://schema.org/",
    "@type": "Product",
    "sku": "b-1",
    "name": "Trail boot",
    "category": "Boots",
    "offers": {"@type": "Offer", "price": "89.00", "priceCurrency": "EUR"},
}
CRUMBS = {"@type": "BreadcrumbList", "itemListElement": []}
BAG = {"@type": ["Product"], "productID": "b-9", "name": "Bag", "offers": [{"lowPrice": 5}]}


@pytest.fixture(scope="module")
def browser(chromium: Path) -> Iterator[Browser]:
    with launched(chromium) as browser:
        yield browser


@pytest.fixture
def shop(browser: Browser) -> Iterator[ShopWindow]:
    with shop_window(browser) as shop:
        yield shop


def told(*each: object) -> str:
    return "".join(f'<script type="application/ld+json">{json.dumps(one)}</script>' for one in each)


def open_page(shop: ShopWindow, body: str, **more: str) -> None:
    """A page, long after it was loaded."""
    shop.page.clock.install()
    shop.open("/boots", body=body, **{"attributes": 'data-consent="none"', **more})
    shop.until(lambda: shop.page.evaluate("document.readyState === 'complete' && Boolean(opportune.track)"))
    shop.page.clock.run_for(LONG_MS)


def viewed(shop: ShopWindow) -> list[dict[str, Any]]:
    bodies = [shop.house.storage.get_body(event.seq) for event in shop.kept("Product Viewed")]
    return [msgspec.json.decode(body)["properties"] for body in bodies if body]


def test_the_one_product_a_page_names_was_viewed(shop: ShopWindow) -> None:
    open_page(shop, told(CRUMBS, BOOT))
    shop.until(lambda: viewed(shop))
    boot = {
        "product_id": "b-1",
        "name": "Trail boot",
        "category": "Boots",
        "price": "89.00",
        "currency": "EUR",
    }
    assert viewed(shop) == [boot]
    open_page(shop, "<script type='application/ld+json'>{broken</script>" + told({"@graph": [CRUMBS, BAG]}))
    shop.until(lambda: len(viewed(shop)) == 2)
    assert viewed(shop)[1] == {"product_id": "b-9", "name": "Bag", "price": 5}


def test_a_shop_that_tells_late_what_its_page_names_said_it_once(shop: ShopWindow) -> None:
    open_page(shop, told(BOOT))
    shop.until(lambda: viewed(shop))
    shop.page.evaluate("""() => {
      const view = (item_id) => dataLayer.push({ event: 'view_item', ecommerce: { items: [{ item_id }] } });
      view('b-1');
      view('another');
    }""")
    shop.until(lambda: len(viewed(shop)) == 2)
    assert [said["product_id"] for said in viewed(shop)] == ["b-1", "another"]


@pytest.mark.parametrize(
    ("body", "before", "attributes"),
    [
        (told(BOOT, BAG), "", ""),
        (told(BOOT), "window.opportune = [['track', 'Product Viewed', { product_id: 'own' }]]", ""),
        (
            told(BOOT),
            "window.dataLayer = [{ event: 'view_item', ecommerce: { items: [{ item_id: 'own' }] } }]",
            "",
        ),
        (told(BOOT), "", 'data-product="b-1"'),
    ],
    ids=["a list", "the shop's own call", "a data layer", "a page that says it in the tag"],
)
def test_nothing_is_read_where(shop: ShopWindow, body: str, before: str, attributes: str) -> None:
    open_page(shop, body, before=before, attributes=f'data-consent="none" {attributes}')
    shop.page.evaluate("opportune.track('After')")
    shop.until(lambda: shop.kept("After") and shop.kept("Page Viewed"))
    assert [said["product_id"] for said in viewed(shop)] == (["own"] if before else [])
