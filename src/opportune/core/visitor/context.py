"""Reads what a request says about the page, the visitor and the device into a `Context`.

Tolerant: callers are many and libraries differ, so names are taken nested, dotted and in the usual spellings,
a value of the wrong type is ignored, and nothing here raises. What is larger than any sane caller sends is dropped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec

from opportune.core.signals.base import SignalValue
from opportune.core.signals.consent import PURPOSES
from opportune.core.signals.place import language_of
from opportune.core.situation import Context
from opportune.core.visitor.arrival import CLICK_IDS, UTM
from opportune.core.visitor.user_agent import is_ahead, is_machine

MOST_ATTRIBUTES = 64
MOST_ATTRIBUTE_CHARS = 8_192
"""Of all attributes together: what a stranger's request says is remembered for a while."""
MOST_VALUES = 256
MOST_ITEMS = 100
DEEPEST = 4
LONGEST_NAME = 64
LONGEST_TEXT = 1_024
LONGEST_ADDRESS = 4_096
LARGEST_NUMBER = 2**53
LONGEST_SECONDS = 86_400.0
KEPT_ADDRESSES = 1_024
"""Few, as each may be long: what strangers send must not fill the memory."""

SEARCH_PARAMETERS = ("q", "s", "query", "search", "search_query", "keyword", "keywords")

PageWords = Mapping[str, str]
PAGE_WORDS: PageWords = {
    "help": "help", "hilfe": "help", "support": "help", "faq": "help", "faqs": "help", "contact": "help",
    "contact-us": "help", "kontakt": "help", "aide": "help", "help-center": "help", "hc": "help",
    "returns": "returns", "return": "returns", "refund": "returns", "refunds": "returns", "return-policy": "returns",
    "refund-policy": "returns", "retoure": "returns", "retouren": "returns", "retours": "returns",
    "shipping": "shipping", "delivery": "shipping", "versand": "shipping", "livraison": "shipping",
    "shipping-policy": "shipping", "tracking": "shipping", "track-order": "shipping",
    "account": "account", "my-account": "account", "konto": "account", "login": "account", "profile": "account",
    "orders": "account", "compte": "account", "signin": "account", "register": "account",
    "thank-you": "thank-you", "thankyou": "thank-you", "thanks": "thank-you", "order-received": "thank-you",
    "thank_you": "thank-you", "danke": "thank-you",
    "checkout": "checkout", "checkouts": "checkout", "kasse": "checkout", "payment": "checkout",
    "cart": "cart", "basket": "cart", "bag": "cart", "warenkorb": "cart", "panier": "cart",
    "search": "search", "suche": "search", "recherche": "search",
    "product": "product", "products": "product", "item": "product", "items": "product", "p": "product",
    "produkt": "product", "produit": "product", "dp": "product",
    "category": "category", "categories": "category", "collection": "category", "collections": "category",
    "product-category": "category", "c": "category", "catalog": "category", "kategorie": "category",
    "categorie": "category", "shop": "category",
}  # fmt: skip
"""What a word of the path says about the page. Of several words the one that is listed last in `STRENGTH` wins."""
STRENGTH = (
    "category",
    "product",
    "search",
    "account",
    "shipping",
    "cart",
    "checkout",
    "thank-you",
    "help",
    "returns",
)
HOME_PATHS = frozenset({"", "/", "/index.html", "/index.php", "/home"})

NAMES: dict[str, str] = {
    "page.url": "url", "pageurl": "url", "page_url": "url", "url": "url",
    "page.path": "path", "pagepath": "path", "page_path": "path", "path": "path",
    "page.title": "title", "pagetitle": "title", "page_title": "title",
    "page.type": "type", "pagetype": "type", "page_type": "type", "page.pagetype": "type",
    "page.category": "category", "pagecategory": "category", "page_category": "category",
    "page.product": "product", "pageproduct": "product", "page_product": "product",
    "category": "category", "product": "product", "productid": "product", "product_id": "product",
    "page.productid": "product", "page.product_id": "product",
    "page.referrer": "referrer", "pagereferrer": "referrer", "page_referrer": "referrer",
    "referrer": "referrer", "referer": "referrer", "referrer.url": "referrer",
    "page.search": "query", "search": "search", "query": "search", "searchterms": "search", "search_terms": "search",
    "page.searchterms": "search", "page.search_terms": "search", "page.query": "search",
    "useragent": "user_agent", "user_agent": "user_agent",
    "devicetype": "device_type", "device_type": "device_type", "device.type": "device_type",
    "locale": "language", "language": "language", "lang": "language",
    "country": "country", "countrycode": "country", "country_code": "country", "location.country": "country",
    "scrolldepth": "scroll", "scroll_depth": "scroll", "page.scrolldepth": "scroll", "page.scroll_depth": "scroll",
    "exitintent": "exit", "exit_intent": "exit", "page.exitintent": "exit", "page.exit_intent": "exit",
    "timeonpage": "time", "timeonpageseconds": "time", "time_on_page": "time", "time_on_page_seconds": "time",
    "page.timeonpage": "time", "page.time_on_page": "time",
    "secpurpose": "ahead", "sec_purpose": "ahead", "sec-purpose": "ahead",
    "preview": "preview", "ispreview": "preview",
}  # fmt: skip
"""Lower-cased name of the wire -> what it is here. Anything else is an attribute under its own name."""
CAMPAIGN_PARTS = {
    "source": "source", "medium": "medium", "name": "name", "campaign": "name", "term": "term", "content": "content",
    "click_id": "click_id", "clickid": "click_id", **UTM,
}  # fmt: skip
LOWERED = frozenset({"exit", "preview", "type", "device_type"})
ADDRESSES = frozenset({"url", "referrer"})
CAMPAIGN_PLACE, CONSENT_PLACE, AHEAD_PLACE, NO_PLACE = "campaign", "consent", "ahead", "-"
UNREAD = frozenset({"targetingkey", "usertoken", "user_token", "ip", "library", "writekey"})
"""Never attributes: ids and secrets that would otherwise stand in receipts."""


class Address(NamedTuple):
    """A web address taken apart. `page_type` is guessed from its path."""

    url: str = ""
    path: str = ""
    page_type: str = ""
    search: str = ""
    campaign: Mapping[str, str] = {}


NO_ADDRESS = Address()


def from_request(
    context: Any,
    *,
    headers: Mapping[str, str] | None = None,
    country_header: str = "",
    headless_is_machine: bool = True,
    may_preview: bool = False,
    words: tuple[tuple[str, str], ...] = (),
) -> Context:
    """The context of a decide request, native or OFREP's; `context` is its JSON value, whatever that is.

    `headers` (lower-case names) are those of the visitor's own browser: leave them out when a shop's server asks.
    `country_header` names the header a trusted proxy sets. `may_preview`: the caller proved who it is, so
    its `preview` counts. `words` adds (word of a path, page type) to the built-in ones.
    """
    reader = _Reader()
    reader.read(context)
    said, campaign = reader.said, reader.campaign
    headers = headers if headers is not None else {}
    url = said.get("url") or ""
    address = read_address(url, words) if url else NO_ADDRESS
    path = said.get("path") or address.path
    user_agent = said.get("user_agent") or headers.get("user-agent", "")[:LONGEST_TEXT]
    return Context(
        page_url=url,
        page_path=path,
        page_title=said.get("title", ""),
        page_type=said.get("type") or address.page_type or (page_type_of(path, words) if path else ""),
        page_category=said.get("category", ""),
        page_product=said.get("product", ""),
        referrer=said.get("referrer", ""),
        campaign={**address.campaign, **campaign} if campaign else address.campaign,
        user_agent=user_agent,
        device_type=said.get("device_type", ""),
        language=language_of(said.get("language", "")) or _accepted_language(headers),
        country=said.get("country") or _country(headers, country_header),
        search=said.get("search") or address.search or _search_of(said.get("query", "")),
        scroll_depth=_number(said.get("scroll"), 100.0),
        exit_intent=said.get("exit") == "true",
        time_on_page_seconds=_number(said.get("time"), LONGEST_SECONDS),
        purposes=_without_ads(reader.purposes, headers),
        is_preview=may_preview and said.get("preview") == "true",
        is_machine=reader.is_ahead
        or is_machine(user_agent, headers, headless_is_machine=headless_is_machine),
        attributes=reader.attributes,
    )


def on_path(context: Context, path: str) -> Context:
    """The same visitor looking at another page, of which only the path is known."""
    return msgspec.structs.replace(
        context,
        page_url="",
        page_path=path,
        page_title="",
        page_type=page_type_of(path),
        page_category="",
        page_product="",
        scroll_depth=None,
        exit_intent=False,
        time_on_page_seconds=None,
    )


class _Reader:
    """Walks the caller's JSON once and sorts each value to its place, bounded in number, depth and size."""

    def __init__(self) -> None:
        self.said: dict[str, str] = {}
        self.attributes: dict[str, SignalValue] = {}
        self.campaign: dict[str, str] = {}
        self.purposes: frozenset[str] | None = None
        self.is_ahead = False
        self.seen = 0
        self.room = MOST_ATTRIBUTE_CHARS

    def read(self, context: Any) -> None:
        if isinstance(context, dict):
            self._walk("", context, 1)

    def _walk(self, before: str, values: dict[Any, Any], depth: int) -> None:
        for name, value in values.items():
            self.seen += 1
            if self.seen > MOST_VALUES:
                return
            if value is None or not isinstance(name, str) or not name or len(name) > LONGEST_NAME:
                continue
            if before:
                name = f"{before}.{name}"  # noqa: PLW2901  one flat name for what callers nest or not
            place = _place_of(name)
            if place == CAMPAIGN_PLACE:
                self._take_campaign(name.lower(), value)
            elif place == CONSENT_PLACE:
                self.purposes = purposes_of(value)
            elif isinstance(value, dict):
                if depth < DEEPEST:
                    self._walk(name, value, depth + 1)
            elif place == AHEAD_PLACE:
                self.is_ahead = self.is_ahead or is_ahead({"purpose": str(value)[:LONGEST_NAME]})
            elif place:
                self._say(place, value)
            elif len(self.attributes) < MOST_ATTRIBUTES and (kept := _plain(value)) is not None:
                self._keep(name, kept)

    def _keep(self, name: str, value: SignalValue) -> None:
        texts = value if isinstance(value, list) else (value,)
        size = len(name) + sum(len(text) if isinstance(text, str) else 1 for text in texts)
        if size <= self.room:
            self.room -= size
            self.attributes[name] = value

    def _say(self, place: str, value: Any) -> None:
        if isinstance(value, str):
            text = clean(value.strip())
            longest = LONGEST_ADDRESS if place in ADDRESSES else LONGEST_TEXT
            if text and len(text) <= longest:
                self.said.setdefault(place, text.lower() if place in LOWERED else text)
        elif isinstance(value, bool):
            self.said[place] = "true" if value else ""
        elif isinstance(value, int | float) and abs(value) <= LARGEST_NUMBER:
            self.said[place] = str(value)

    def _take_campaign(self, low: str, value: Any) -> None:
        if isinstance(value, dict):
            for part, each in list(value.items())[:MOST_ATTRIBUTES]:
                if isinstance(part, str):
                    self._put_campaign(part.lower(), each)
        elif low == "campaign":
            self._put_campaign("name", value)
        else:
            self._put_campaign(low.removeprefix("campaign").lstrip("._"), value)

    def _put_campaign(self, part: str, value: Any) -> None:
        known = CAMPAIGN_PARTS.get(part)
        if known is not None and isinstance(value, str) and (text := clean(value.strip())[:LONGEST_TEXT]):
            self.campaign[known] = text
        elif part in CLICK_IDS and value:
            self.campaign["click_id"] = CLICK_IDS[part]


@lru_cache(maxsize=4_096)
def _place_of(name: str) -> str:
    """Where a value of this (dotted) name belongs; empty for an attribute."""
    low = name.lower()
    if low.startswith(("campaign", "utm_")) or low in CLICK_IDS:
        return CAMPAIGN_PLACE
    if low in ("consent", "purposes"):
        return CONSENT_PLACE
    return NO_PLACE if low in UNREAD else NAMES.get(low, "")


@lru_cache(maxsize=KEPT_ADDRESSES)
def read_address(url: str, words: tuple[tuple[str, str], ...] = ()) -> Address:
    """A page's address taken apart; empty parts for one that cannot be read."""
    try:
        parts = urlsplit(url)
        query = parse_qsl(parts.query, max_num_fields=100) if parts.query else []
    except ValueError:
        return NO_ADDRESS
    campaign: dict[str, str] = {}
    search = ""
    for name, value in query:
        low, text = name.lower(), clean(value.strip())[:LONGEST_TEXT]
        if low in UTM and text:
            campaign.setdefault(UTM[low], text)
        elif low in CLICK_IDS:
            campaign.setdefault("click_id", CLICK_IDS[low])
        elif low in SEARCH_PARAMETERS and not search:
            search = text
    path = parts.path[:LONGEST_TEXT] or ("/" if parts.netloc else "")
    page_type = page_type_of(path, words)
    if search and page_type in ("home", "other"):
        page_type = "search"
    return Address(url, path, page_type, search, campaign)


@lru_cache(maxsize=4_096)
def page_type_of(path: str, words: tuple[tuple[str, str], ...] = ()) -> str:
    """What kind of page a path is likely to be, from the words in it; `other` when none tells."""
    if path.lower() in HOME_PATHS:
        return "home"
    known = {**PAGE_WORDS, **dict(words)} if words else PAGE_WORDS
    pieces = unquote(path).lower().removesuffix("/").strip("/").split("/")
    found = {
        known[word] for piece in pieces if (word := piece.removesuffix(".html").removesuffix(".php")) in known
    }
    if not found:
        return "other"
    return max(found, key=lambda kind: STRENGTH.index(kind) if kind in STRENGTH else len(STRENGTH))


def clean(text: str) -> str:
    """The text without characters that cannot be stored: NUL and halves of surrogate pairs."""
    if text.isascii() and "\0" not in text:
        return text
    return "".join(mark for mark in text if mark != "\0" and not "\ud800" <= mark <= "\udfff")


def _plain(value: Any) -> SignalValue:
    """A value as a signal may hold it, or None."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return clean(value) if len(value) <= LONGEST_TEXT else None
    if isinstance(value, int | float):
        return value if -LARGEST_NUMBER <= value <= LARGEST_NUMBER else None
    if isinstance(value, list) and len(value) <= MOST_ITEMS:
        texts = [clean(each) for each in value if isinstance(each, str) and len(each) <= LONGEST_TEXT]
        return texts if len(texts) == len(value) else None
    return None


def _number(text: str | None, largest: float) -> float | None:
    if not text:
        return None
    try:
        number = float(text.removesuffix("%"))
    except ValueError:
        return None
    return min(number, largest) if number >= 0 else None


def purposes_of(value: Any) -> frozenset[str] | None:
    """Stated purposes: a list of names, or yes/no by name, also as Segment nests it; None when it says neither."""
    if isinstance(value, dict):
        nested = value.get("categoryPreferences", value)
        if isinstance(nested, dict) and any(purpose in nested for purpose in PURPOSES):
            return frozenset(purpose for purpose in PURPOSES if nested.get(purpose) is True)
        return None
    if isinstance(value, str):
        value = value.replace(",", " ").split()
    if isinstance(value, list):
        return frozenset(purpose for purpose in PURPOSES if purpose in value)
    return None


def _without_ads(purposes: frozenset[str] | None, headers: Mapping[str, str]) -> frozenset[str] | None:
    """Global Privacy Control takes back advertising, whatever else was agreed to."""
    return purposes - {"ads"} if purposes is not None and headers.get("sec-gpc") == "1" else purposes


def _search_of(query: str) -> str:
    """The search words in the query part of an address (`?q=shoes`), as Segment's `page.search` holds it."""
    return read_address(f"/{query}").search if query.startswith("?") else ""


def _accepted_language(headers: Mapping[str, str]) -> str:
    accepted = headers.get("accept-language", "")
    return language_of(accepted.split(",", 1)[0].split(";", 1)[0]) if accepted else ""


def _country(headers: Mapping[str, str], name: str) -> str:
    """A trusted proxy's two letters; `XX` and `T1` are its words for not knowing."""
    code = headers.get(name.lower(), "").strip().upper() if name else ""
    return code if len(code) == 2 and code.isalpha() and code != "XX" else ""


def accepted_names() -> Sequence[str]:
    """Every name read as more than an attribute, for documentation."""
    return tuple(NAMES)
