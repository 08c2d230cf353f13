"""The page being rendered, as the request describes it; it never guesses from pages seen before."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from opportune.core.signals.base import Confidence, Reading, Signal, SignalType, Source, from_request

if TYPE_CHECKING:
    from opportune.core.situation import Situation

PAGE_TYPES = (
    "home", "category", "product", "search", "cart", "checkout", "thank-you",
    "help", "returns", "shipping", "account", "other",
)  # fmt: skip
MEANT_PAGES = {
    "homepage": "home", "front page": "home", "start": "home", "landing": "home", "listing": "category",
    "collection": "category", "detail": "product", "pdp": "product", "plp": "category", "basket": "cart",
    "bag": "cart", "payment": "checkout", "confirmation": "thank-you", "support": "help", "faq": "help",
}  # fmt: skip


class PageSignal(Signal):
    """One fact of the page now. A server asks before the browser reports, so older page views would be a page late."""

    type: ClassVar[SignalType] = "text"
    source: ClassVar[Source] = "session"
    confidence: ClassVar[Confidence] = "high"
    page_types: ClassVar[frozenset[str]] = frozenset({"*"})


class PageType(PageSignal):
    name = "page type"
    values = PAGE_TYPES
    meant = MEANT_PAGES
    meaning = (
        "What kind of page it is: home, category, product, search, cart, checkout, help, account and so on."
    )

    def read(self, situation: Situation) -> Reading:
        return from_request(situation, situation.context.page_type)


class PageCategory(PageSignal):
    name = "page category"
    meaning = "The category the page shows, or the category of its product."

    def read(self, situation: Situation) -> Reading:
        return from_request(situation, situation.context.page_category)


class PageProduct(PageSignal):
    name = "page product"
    meaning = "The product the page shows."

    def read(self, situation: Situation) -> Reading:
        return from_request(situation, situation.context.page_product)


class PageUrl(PageSignal):
    name = "page url"
    aliases = ("page address",)
    meaning = "The whole address of the page."

    def read(self, situation: Situation) -> Reading:
        return from_request(situation, situation.context.page_url)


class PagePath(PageSignal):
    name = "page path"
    meaning = "The part of the page's address after the host, such as /shoes/red."

    def read(self, situation: Situation) -> Reading:
        return from_request(situation, situation.context.page_path)


class PageTitle(PageSignal):
    name = "page title"
    meaning = "The page's title."

    def read(self, situation: Situation) -> Reading:
        return from_request(situation, situation.context.page_title)


PAGE = (PageType(), PageCategory(), PageProduct(), PageUrl(), PagePath(), PageTitle())
