"""What the set-up looks at, read once in a few bounded queries; the steps themselves only read this."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import msgspec

from opportune.core.history.visit import SOURCES
from opportune.core.moment import DAY, SECOND, to_clock, to_day
from opportune.core.playbook import Playbook
from opportune.core.programme import empty_programme
from opportune.core.rule import RunState
from opportune.core.visitor.context import purposes_of
from opportune.core.visitor.user_agent import agent_of
from opportune.errors import PlaybookError
from opportune.services.catalogue.feeding import FeedState, list_states
from opportune.services.connecting import list_sources
from opportune.services.reading import Sent
from opportune.services.understanding import SENTENCES, understood
from opportune.storage.base import (
    ApiKey,
    ConsentCount,
    EventQuery,
    Storage,
    StoredEvent,
    StoredPlaybook,
    StoredSetAside,
)

PAGE_EVENTS = 1_000
MOST_PAGES = 4
"""Of the newest events: four thousand, of whatever age."""
MOST_ORDERS = 3_000
MOST_IDS = 60
"""Whose age is looked up, of each kind of browser."""
MOST_SET_ASIDE = 500
PRODUCTS = 1_000
MOST_CONSENTS = 2_000
ORDER = "Order Completed"
CHANGED = "Consent Updated"
CONSENT = "consent"
MADE_BY_SCRIPT = "s-"
"""How ids begin that the page script made."""
VERIFIED = frozenset({"server", "shop", "import"})


class Recent(msgspec.Struct, frozen=True, kw_only=True):
    """One of the newest events, with what its body says of the page and the browser."""

    at: int
    key: int
    name: str
    source: str
    is_script: bool
    """It came from our own script."""
    url: str
    path: str
    host: str
    browser: str
    system: str
    properties: Mapping[str, Any]
    context: Mapping[str, Any]

    @property
    def is_safari(self) -> bool:
        """Every browser of an iPhone has Safari's limits."""
        return "Safari" in self.browser or self.system == "iOS"


class Order(msgspec.Struct, kw_only=True):
    """An order of this month, and who told of it."""

    id: str
    at: int
    by_browser: bool = False
    by_shop: bool = False
    browser: str = ""
    """The kind of browser that told of it."""
    currency: str = ""
    """Of the version whose values count, where that is not the reporting one and has no rate."""
    is_counted: bool = True
    """Its money is."""


class Products(msgspec.Struct, frozen=True, kw_only=True):
    """The catalogue; `count` is at least so many where there are more."""

    count: int = 0
    is_more: bool = False
    newest_at: int = 0
    without_price: int = 0


class Looked(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the steps read. `recent` is newest first, `url` the address the server is reached at."""

    now: int
    url: str
    zone: ZoneInfo
    playbook: Playbook
    is_published: bool
    states: Mapping[str, RunState]
    keys: Sequence[ApiKey]
    seen: Mapping[str, tuple[int, int, int]]
    recent: Sequence[Recent]
    orders: Sequence[Order]
    consents: Mapping[int, frozenset[str]]
    """By device or user: the purposes they agreed to, of those who were asked."""
    ages: Mapping[str, Sequence[float]]
    """By kind of browser (`Safari`, `others`): for how many days each of some ids is known."""
    by_server: float | None
    """The share of these ids that the shop's own server set; None where there are none."""
    today: str
    yesterday: str
    """Days by the team's clock, as `visits` are counted."""
    visits: Sequence[ConsentCount]
    """Of these two days."""
    sources: Sequence[str]
    aside: Sequence[StoredSetAside]
    products: Products
    feeds: Sequence[FeedState]
    """What came of the last reading of each feed and export."""

    def when(self, at: int) -> str:
        return to_clock(at, self.now, self.zone)

    def seen_of(self, name: str) -> tuple[int, int, int] | None:
        """(first, last, how many) of an event under any of its names."""
        found = [self.seen[each] for each in self.playbook.plan.names_of(name) if each in self.seen]
        if not found:
            return None
        return min(row[0] for row in found), max(row[1] for row in found), sum(row[2] for row in found)

    def newest(self, name: str) -> Recent | None:
        names = self.playbook.plan.names_of(name)
        return next((event for event in self.recent if event.name in names), None)

    def launched(self) -> Sequence[str]:
        return [
            name
            for name in self.playbook.rules
            if (state := self.states.get(name)) is not None and state.state in ("live", "share")
        ]


_decode = msgspec.json.Decoder(Sent).decode


def look(storage: Storage, url: str, now: int) -> Looked:
    """For the reading process: bounded reads, whatever the installation holds."""
    stored = storage.find_playbook()
    playbook = playbook_of(storage, stored)
    zone = playbook.vocabulary.zone
    recent = list(_recent(storage))
    devices = _devices(recent)
    yesterday, today = _day_before(now, zone), to_day(now, zone)
    return Looked(
        now=now,
        url=url,
        zone=zone,
        playbook=playbook,
        is_published=stored is not None,
        states=storage.list_run_states(),
        keys=[key for key in storage.list_api_keys() if key.revoked_at is None],
        seen=storage.list_seen_events(),
        recent=recent,
        orders=orders_since(storage, playbook, _month_began(now, zone)),
        consents=_consents(storage, playbook, recent, _month_began(now, zone)),
        ages={
            kind: [(at - _first_at(storage, key, at, now)) / DAY for key, at in found.items()]
            for kind, found in devices.items()
        },
        by_server=_by_server(storage, [key for found in devices.values() for key in found]),
        today=today,
        yesterday=yesterday,
        visits=storage.list_consents(yesterday, today),
        sources=[source.name for source in list_sources(storage)],
        aside=storage.list_set_aside(limit=MOST_SET_ASIDE),
        products=_products(storage),
        feeds=list_states(storage),
    )


def playbook_of(storage: Storage, stored: StoredPlaybook | None) -> Playbook:
    """The published one; none, or one that another version wrote and this cannot read, is empty."""
    if stored is None:
        return _nothing()
    return _read(stored.revision, tuple(sorted(stored.files.items())), storage.find_setting(SENTENCES))


@lru_cache(maxsize=2)
def _read(revision: str, files: tuple[tuple[str, str], ...], kept: str | None) -> Playbook:
    try:
        return understood(revision, dict(files), kept)
    except PlaybookError:
        return _nothing()


def _nothing() -> Playbook:
    return empty_programme().playbook


def _recent(storage: Storage) -> Iterator[Recent]:
    before = None
    for _ in range(MOST_PAGES):
        page = storage.list_events(EventQuery(before_seq=before, limit=PAGE_EVENTS))
        yield from (_recent_of(row) for row in page)
        if len(page) < PAGE_EVENTS:
            return
        before = page[-1].seq


def _recent_of(row: StoredEvent) -> Recent:
    sent = _decode(row.body)
    context, said = _mapping(sent.context), _mapping(sent.properties)
    page = _mapping(context.get("page"))
    url = _text(page.get("url") or said.get("url"))
    agent = agent_of(_text(context.get("userAgent")))
    return Recent(
        at=row.occurred_at,
        key=row.key,
        name=row.name,
        source=row.source,
        is_script=_mapping(context.get("library")).get("name") == "o.js",
        url=url,
        path=_text(page.get("path") or said.get("path")),
        host=_host(url),
        browser=agent.browser,
        system=agent.operating_system,
        properties=said,
        context=context,
    )


def _host(url: str) -> str:
    try:
        return urlsplit(url).netloc
    except ValueError:
        return ""


def orders_since(storage: Storage, playbook: Playbook, since_at: int) -> list[Order]:
    """Since a moment, oldest first, from the newest versions of each, within bounds."""
    orders: dict[str, Order] = {}
    for name in playbook.plan.names_of(ORDER):
        for row, is_read in storage.list_versions(name, since_at, MOST_ORDERS):
            sent = _decode(row.body)
            identifier = _text(_mapping(sent.properties).get("order_id")) or f"{row.seq}"
            order = orders.setdefault(identifier, Order(id=identifier, at=row.occurred_at))
            order.at = min(order.at, row.occurred_at)
            order.by_browser |= row.source in SOURCES
            order.by_shop |= row.source in VERIFIED
            currency = _text(_mapping(sent.properties).get("currency")).upper()
            if is_read and not playbook.plan.counts_money_in(currency, row.occurred_at):
                order.is_counted, order.currency = False, currency
            if row.source in SOURCES:
                order.browser = agent_of(_text(_mapping(sent.context).get("userAgent"))).browser
    return sorted(orders.values(), key=lambda order: order.at)


def _day_before(now: int, zone: ZoneInfo) -> str:
    """Not 24 hours ago: a day in which clocks change is longer or shorter."""
    return (datetime.fromtimestamp(now / SECOND, zone).date() - timedelta(days=1)).isoformat()


def _month_began(now: int, zone: ZoneInfo) -> int:
    today = datetime.fromtimestamp(now / SECOND, zone)
    first = today.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return round(first.timestamp() * SECOND)


def _consents(
    storage: Storage, playbook: Playbook, recent: Sequence[Recent], since_at: int
) -> dict[int, frozenset[str]]:
    """What events said beside themselves, and what was said when somebody changed their mind: the newest counts."""
    said = [(event.at, event.key, event.context.get(CONSENT)) for event in recent]
    for name in playbook.plan.names_of(CHANGED):
        for row, _ in storage.list_versions(name, since_at, MOST_CONSENTS):
            sent = _decode(row.body)
            said.append((row.occurred_at, row.key, sent.properties))
            said.append((row.occurred_at, row.key, _mapping(sent.context).get(CONSENT)))
    answers: dict[int, frozenset[str]] = {}
    for _, key, stated in sorted(said, key=lambda each: each[0]):
        purposes = purposes_of(stated)
        if purposes is not None:
            answers[key] = purposes
    return answers


def _devices(recent: Sequence[Recent]) -> dict[str, dict[int, int]]:
    """By kind of browser some of the newest ids, and when each was last seen."""
    found: dict[str, dict[int, int]] = {"Safari": {}, "others": {}}
    for event in recent:
        if event.is_script and event.browser:
            known = found["Safari" if event.is_safari else "others"]
            if event.key in known or len(known) < MOST_IDS:
                known[event.key] = max(event.at, known.get(event.key, 0))
    return found


def _by_server(storage: Storage, keys: Sequence[int]) -> float | None:
    found = [identity for key in keys if (identity := storage.find_key_id(key)) is not None]
    devices = [identifier for namespace, identifier in found if namespace == "anonymous"]
    if not devices:
        return None
    return sum(not identifier.startswith(MADE_BY_SCRIPT) for identifier in devices) / len(devices)


def _first_at(storage: Storage, key: int, at: int, now: int) -> int:
    """The oldest event of an id's own, whoever it belongs to."""
    rows = storage.recall([key], now=now).events.get(key, ())
    return min((row.occurred_at for row in rows if row.source in SOURCES), default=at)


def _products(storage: Storage) -> Products:
    found = storage.list_products(limit=PRODUCTS)
    products = [product for _, product in found]
    return Products(
        count=len(products),
        is_more=len(products) == PRODUCTS,
        newest_at=max((product.updated_at for product in products), default=0),
        without_price=sum(product.price is None for product in products),
    )


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""
