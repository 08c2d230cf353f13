"""Feeding the catalogue: what a feed or an export says becomes products; what it does not say any more is sold out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from opportune.core.feeds.offer import MAX_ID_CHARS, Offer
from opportune.core.feeds.taking import FeedProblem, Taken, Taking
from opportune.core.history.values import to_text
from opportune.core.moment import DAY
from opportune.core.product import Product
from opportune.errors import BadRequestError
from opportune.services.catalogue.cataloguing import PAGE_PRODUCTS, confirm, put_products
from opportune.services.house import House
from opportune.storage.base import EventQuery, Storage

FEED = "feed"
VIEW = "Product Viewed"
LATELY_MS = 7 * DAY
MOST_VIEWS = 500
MOST_NAMED = 5
SOURCES = (FEED, "shopify", "woocommerce")
"""Where products come from; what a source does not list any more is only that source's."""


class FeedState(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a source's last reading. `error` is why the last attempt failed, empty when it did not."""

    source: str
    read_at: int = 0
    tried_at: int = 0
    rows: int = 0
    products: int = 0
    changed: int = 0
    gone: int = 0
    problems: dict[str, int] = {}
    kept: tuple[FeedProblem, ...] = ()
    error: str = ""
    etag: str = ""
    modified: str = ""
    """What the server said of the feed's version, so that it need not send the same again."""


def currency_of(house: House) -> str:
    return house.programme.playbook.team.currency


def take_feed(
    house: House, offers: Iterable[Offer], source: str, *, etag: str = "", modified: str = ""
) -> FeedState:
    """Reads a whole feed into the catalogue, a page at a time. Raises what reading raises, and BadRequestError.

    When that happens half-way, the products read so far stand, and none is taken for sold out.
    """
    taking = Taking(currency=currency_of(house), source=source, at=house.clock())
    changed, page = 0, []
    for product in taking.take(offers):
        page.append(product)
        if len(page) == PAGE_PRODUCTS:
            changed += put_page(house, page)
            page = []
    changed += put_page(house, page)
    return finish_feed(house, taking.result, changed, etag=etag, modified=modified)


def put_page(house: House, products: Sequence[Product]) -> int:
    """Those that differ from what is known; how many that were."""
    known = {product.id: product for product in house.storage.find_products([each.id for each in products])}
    changed = [
        product
        for product in products
        if product.id not in known or not product.says_the_same_as(known[product.id])
    ]
    put_products(house, changed)
    return len(changed)


def finish_feed(house: House, taken: Taken, changed: int, *, etag: str = "", modified: str = "") -> FeedState:
    """After the last page: what the source does not list any more is out of stock. Raises BadRequestError."""
    if not taken.ids:
        reasons = ", ".join(f"{count} {code}" for code, count in taken.problems.items()) or "it has no rows"
        wrong = f"No product could be taken ({reasons}); the catalogue stays as it is."
        put_state(house, msgspec.structs.replace(_attempt(house, taken), error=wrong))
        raise BadRequestError(wrong=wrong)
    listed = set(taken.ids)
    gone = [
        msgspec.structs.replace(product, in_stock=False, stock=None, updated_at=taken.at)
        for product in house.catalogue.list_products()
        if product.source == taken.source and product.in_stock and product.id not in listed
    ]
    put_products(house, gone)
    state = FeedState(
        source=taken.source,
        read_at=taken.at,
        tried_at=taken.at,
        rows=taken.rows,
        products=len(taken.ids),
        changed=changed,
        gone=len(gone),
        problems=taken.problems,
        kept=taken.kept,
        etag=etag,
        modified=modified,
    )
    put_state(house, state)
    confirm(house, taken.source, taken.at)
    return state


def _attempt(house: House, taken: Taken) -> FeedState:
    known = find_state(house.storage, taken.source)
    return msgspec.structs.replace(
        known, tried_at=taken.at, rows=taken.rows, problems=taken.problems, kept=taken.kept
    )


def note_same(house: House, source: str) -> None:
    """The feed was asked for and had not changed: all of it is as true as if it had been read now."""
    now = house.clock()
    state = find_state(house.storage, source)
    put_state(house, msgspec.structs.replace(state, read_at=now, tried_at=now, error=""))
    confirm(house, source, now)


def note_failure(house: House, source: str, error: str) -> None:
    state = find_state(house.storage, source)
    put_state(house, msgspec.structs.replace(state, tried_at=house.clock(), error=error[:500]))


def find_state(storage: Storage, source: str) -> FeedState:
    text = storage.find_setting(_setting(source))
    return msgspec.json.decode(text, type=FeedState) if text else FeedState(source=source)


def list_states(storage: Storage) -> list[FeedState]:
    """Of every source that was ever read, or tried."""
    return [state for source in SOURCES if (state := find_state(storage, source)).tried_at]


class Match(msgspec.Struct, frozen=True):
    """Of the products that pages named lately: how many there were, and how many the catalogue has."""

    named: int
    known: int
    unknown: tuple[str, ...] = ()
    """Some of the others, those named most first."""


def match_pages(house: House) -> Match:
    """Whether feed and pages mean the same by a product's id; facts and recommendations rest on it."""
    if VIEW not in house.seen_events:
        return Match(0, 0)
    query = EventQuery(name=VIEW, since_at=house.clock() - LATELY_MS, limit=MOST_VIEWS)
    named: Counter[str] = Counter()
    for event in house.storage.list_events(query):
        properties = msgspec.json.decode(event.body).get("properties")
        said = properties if isinstance(properties, dict) else {}
        product = to_text(said.get("product_id") or said.get("sku"), MAX_ID_CHARS)
        named.update([product] if product else [])
    unknown = [product for product, _ in named.most_common() if house.catalogue.find(product) is None]
    return Match(len(named), len(named) - len(unknown), tuple(unknown[:MOST_NAMED]))


def put_state(house: House, state: FeedState) -> None:
    text = msgspec.json.encode(state).decode()
    house.storage.write(lambda transaction: transaction.put_setting(_setting(state.source), text)).result()


def _setting(source: str) -> str:
    return f"catalogue of {source}"
