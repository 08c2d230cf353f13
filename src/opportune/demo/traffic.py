"""The demo shop's past: sixty days of a typical small shop, the same for the same seed, as Segment messages.

A thousand visitors a day; one in four comes back; two of a hundred buy; some use two devices.
Everything comes in ascending time, ready for `opportune import`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from opportune.demo.catalogue import CATEGORIES, CURRENCY, PRODUCTS, Product, products_in

SITE = "https://shop.tarn-and-thistle.example"
SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000
DAYS, VISITORS_A_DAY = 60, 1_000
RETURNING, RETURNING_WITH_TWO_DEVICES, BOUNCING = 0.2, 0.55, 0.42
TWO_DEVICES = 0.14
HOURS = (2, 1, 1, 1, 1, 2, 4, 7, 9, 10, 10, 11, 12, 11, 10, 10, 11, 12, 14, 17, 19, 17, 11, 5)
WEEKDAYS = (1.0, 0.96, 0.95, 0.98, 0.94, 1.05, 1.15)
_WEBKIT = "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5"
_CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0"
PHONES = (
    f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) {_WEBKIT} Mobile/15E148 Safari/604.1",
    f"Mozilla/5.0 (Linux; Android 15; Pixel 9) {_CHROME} Mobile Safari/537.36",
)
DESKTOPS = (
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_CHROME} Safari/537.36",
    f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {_WEBKIT} Safari/605.1.15",
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
)
ARRIVALS: tuple[tuple[str, int], ...] = (
    ("search", 38),
    ("direct", 22),
    ("paid", 14),
    ("social", 14),
    ("mail", 7),
    ("other site", 5),
)
REFERRERS = {
    "search": ("https://www.google.com/", "https://duckduckgo.com/", "https://www.bing.com/"),
    "paid": ("https://www.google.com/",),
    "social": ("https://www.instagram.com/", "https://www.pinterest.com/"),
    "other site": ("https://hillwalkers.example/kit", "https://slow-gifts.example/"),
}
SEARCHES = (
    "boot",
    "wool",
    "rain",
    "lamp",
    "gift",
    "socks",
    "tent",
    "mug",
    "blanket",
    "bag",
    "hat",
    "notebook",
)
TASTES = (22, 14, 11, 10, 6, 8, 6, 5, 7, 5, 4, 2)
"""How much each shelf is liked, in the order of the catalogue."""

Message = dict[str, Any]


@dataclass(slots=True)
class Person:
    """One made-up visitor, as the shop would come to know them."""

    device: str
    agent: str
    taste: str
    other_device: str = ""
    other_agent: str = ""
    user: str = ""
    is_subscribed: bool = False
    cart: list[Product] = field(default_factory=list)
    orders: list[tuple[str, list[Product]]] = field(default_factory=list)


@dataclass(slots=True)
class Walk:
    """One visit being written: where its clock stands and what it has said so far."""

    person: Person
    device: str
    agent: str
    at: int
    referrer: str
    campaign: dict[str, str]
    path: str = "/"
    said: list[tuple[int, Message]] = field(default_factory=list)


def past_traffic(
    until_at: int, *, days: int = DAYS, visitors_a_day: int = VISITORS_A_DAY, seed: int = 1
) -> Iterator[Message]:
    """The past up to `until_at` (milliseconds), in ascending time; the same for the same arguments."""
    return _Past(seed, until_at, days, visitors_a_day).events()


def earlier_visit(device: str, until: datetime) -> list[Message]:
    """A visit of two days before, for somebody who shall have been here already: a shelf and one lamp."""
    start = int((until - timedelta(days=2, hours=1)).timestamp() * SECOND)
    person = Person(device, DESKTOPS[0], "lamps")
    walk = Walk(person, device, person.agent, start, "https://duckduckgo.com/", {})
    _open(walk, "/", "home")
    _wait(walk, 20)
    _open(walk, "/categories/lamps", "category", category="lamps")
    _wait(walk, 25)
    _look_at(walk, PRODUCTS["table-lantern"])
    return [message for _, message in walk.said]


class _Past:
    """Writes the past day by day; who will come back waits in a diary."""

    def __init__(self, seed: int, until_at: int, days: int, visitors_a_day: int) -> None:
        self.random = Random(seed)
        self.until_at = until_at
        self.days = days
        self.visitors_a_day = visitors_a_day
        self.begin_at = until_at - days * DAY
        self.diary: dict[int, list[Person]] = defaultdict(list)
        self.orders = 0

    def events(self) -> Iterator[Message]:
        waiting: list[tuple[int, Message]] = []
        for day in range(self.days):
            waiting += self._day(day)
            waiting.sort(key=lambda each: each[0])
            end = min(self.begin_at + (day + 1) * DAY, self.until_at)
            done = next((place for place, (at, _) in enumerate(waiting) if at >= end), len(waiting))
            for _, message in waiting[:done]:
                yield message
            waiting = waiting[done:]

    def _day(self, day: int) -> list[tuple[int, Message]]:
        """Everything that visits beginning on this day say, unsorted."""
        start = self.begin_at + day * DAY
        weekday = datetime.fromtimestamp(start / SECOND, UTC).weekday()
        wanted = self.visitors_a_day * WEEKDAYS[weekday] * self.random.uniform(0.93, 1.07)
        coming = self.diary.pop(day, [])
        coming += [self._newcomer() for _ in range(max(0, round(wanted) - len(coming)))]
        said: list[tuple[int, Message]] = []
        for person in coming:
            hour = self.random.choices(range(24), HOURS)[0]
            at = start + hour * HOUR + self.random.randrange(HOUR)
            said += self._visit(person, at)
            if self.random.random() < (RETURNING_WITH_TWO_DEVICES if person.other_device else RETURNING):
                self.diary[day + 1 + min(int(self.random.expovariate(0.28)), 20)].append(person)
        return said

    def _newcomer(self) -> Person:
        is_phone = self.random.random() < 0.6
        taste = self.random.choices(CATEGORIES, TASTES)[0].slug
        phone, desktop = self.random.choice(PHONES), self.random.choice(DESKTOPS)
        person = Person(self._id("d"), phone if is_phone else desktop, taste)
        if self.random.random() < TWO_DEVICES:
            person.other_device, person.other_agent = self._id("d"), desktop if is_phone else phone
        return person

    def _id(self, kind: str) -> str:
        return f"{kind}-{self.random.getrandbits(48):012x}"

    def _visit(self, person: Person, at: int) -> list[tuple[int, Message]]:
        rolled = self.random.random
        is_other = bool(person.other_device) and rolled() < 0.4
        device, agent = (
            (person.other_device, person.other_agent) if is_other else (person.device, person.agent)
        )
        kind = self.random.choices([name for name, _ in ARRIVALS], [weight for _, weight in ARRIVALS])[0]
        campaign = self._campaign(kind, person)
        walk = Walk(person, device, agent, at, self.random.choice(REFERRERS.get(kind, ("",))), campaign)
        self._land(walk, kind)
        if rolled() < BOUNCING:
            return walk.said
        if person.user and (is_other or rolled() < 0.2):
            self._log_in(walk)
        for _ in range(1 + min(int(self.random.expovariate(0.55)), 9)):
            self._step(walk)
        self._shop(walk)
        if rolled() < 0.012 and not person.is_subscribed:
            self._sign_up(walk)
        if rolled() < (0.25 if person.orders else 0.02):
            self._ask_for_help(walk)
        return walk.said

    def _campaign(self, kind: str, person: Person) -> dict[str, str]:
        if kind == "paid":
            return {"source": "google", "medium": "cpc", "name": f"{person.taste}-autumn"}
        if kind == "mail":
            return {"source": "letter", "medium": "email", "name": "letter-of-the-month"}
        return {}

    def _land(self, walk: Walk, kind: str) -> None:
        place = self.random.random()
        if kind == "paid" or place < 0.3:
            _open(walk, f"/categories/{walk.person.taste}", "category", category=walk.person.taste)
        elif place < 0.6:
            self._look_around(walk)
        else:
            _open(walk, "/", "home")

    def _step(self, walk: Walk) -> None:
        self._pause(walk, 8, 70)
        place = self.random.random()
        if place < 0.55:
            self._look_around(walk)
        elif place < 0.85:
            shelf = self._shelf(walk.person)
            _open(walk, f"/categories/{shelf}", "category", category=shelf)
        elif place < 0.93:
            words = self.random.choice(SEARCHES)
            _open(walk, f"/search?q={words}", "search")
            _say(walk, "Products Searched", {"query": words})
        else:
            page = self.random.choice(("shipping", "returns", "help"))
            _open(walk, f"/{page}", page)

    def _shelf(self, person: Person) -> str:
        if self.random.random() < 0.7:
            return person.taste
        return self.random.choices(CATEGORIES, TASTES)[0].slug

    def _look_around(self, walk: Walk) -> None:
        product = self.random.choice(products_in(self._shelf(walk.person)))
        _look_at(walk, product)
        if self.random.random() < 0.09:
            self._pause(walk, 5, 40)
            walk.person.cart.append(product)
            _say(walk, "Product Added", {**_facts(product), "quantity": 1})

    def _shop(self, walk: Walk) -> None:
        person = walk.person
        if not person.cart or self.random.random() > 0.38:
            return
        self._pause(walk, 10, 60)
        _open(walk, "/cart", "cart")
        _say(walk, "Cart Viewed", _cart(person.cart))
        self._pause(walk, 15, 60)
        _open(walk, "/checkout", "checkout")
        _say(walk, "Checkout Started", _cart(person.cart))
        if self.random.random() > 0.62:
            return
        self._pause(walk, 60, 200)
        self.orders += 1
        number = f"S{10_000 + self.orders}"
        if not person.user:
            person.user = self._id("c")
        _identify(walk)
        facts = _cart(person.cart)
        _say(walk, "Order Completed", {"order_id": number, "revenue": facts["total"], **facts})
        person.orders.append((number, person.cart))
        person.cart = []

    def _log_in(self, walk: Walk) -> None:
        self._pause(walk, 5, 30)
        _open(walk, "/account", "account")
        _identify(walk)

    def _sign_up(self, walk: Walk) -> None:
        self._pause(walk, 10, 60)
        _open(walk, "/sign-up", "other")
        walk.person.user = walk.person.user or self._id("c")
        walk.person.is_subscribed = True
        self._pause(walk, 10, 40)
        _identify(walk, subscribed=True)
        _say(walk, "Signed Up", {"method": "letter"})
        _say(walk, "Subscribed", {"list": "letters"})

    def _ask_for_help(self, walk: Walk) -> None:
        self._pause(walk, 20, 90)
        _open(walk, "/help", "help")
        orders = walk.person.orders
        if orders and self.random.random() < 0.4:
            number, bought = orders[-1]
            _say(walk, "Refund Requested", {"order_id": number})
            self._pause(walk, 3_600, 90_000)
            _say(walk, "Order Refunded", {"order_id": number, **_cart(bought)})
            orders.pop()
        elif self.random.random() < 0.3:
            ticket = self._id("h")
            _say(walk, "Support Ticket Opened", {"ticket_id": ticket})
            self._pause(walk, 3_600, 90_000)
            _say(walk, "Support Ticket Closed", {"ticket_id": ticket})

    def _pause(self, walk: Walk, least: int, most: int) -> None:
        _wait(walk, self.random.randint(least, most))


def _wait(walk: Walk, seconds: int) -> None:
    walk.at += seconds * SECOND


def _open(walk: Walk, path: str, page_type: str, **about: str) -> None:
    """A page, as the page script reports it."""
    is_first = not walk.said
    address = SITE + path
    if is_first and walk.campaign:
        tags = "&".join(
            f"utm_{'campaign' if name == 'name' else name}={value}" for name, value in walk.campaign.items()
        )
        address += f"?{tags}"
    referrer = walk.referrer if is_first else SITE + walk.path
    walk.path = path
    page = {"url": address, "path": path.split("?", 1)[0], "referrer": referrer}
    message = _message(walk, "page", page)
    message["properties"] = {**page, "page_type": page_type, **about}
    if is_first and walk.campaign:
        message["context"]["campaign"] = walk.campaign
    walk.said.append((walk.at, message))


def _look_at(walk: Walk, product: Product) -> None:
    _open(walk, product.url, "product", category=product.category, product_id=product.id)
    _say(walk, "Product Viewed", _facts(product))


def _say(walk: Walk, event: str, properties: dict[str, Any]) -> None:
    walk.at += 40
    message = _message(walk, "track", {"path": walk.path.split("?")[0], "url": SITE + walk.path})
    message["event"] = event
    message["properties"] = properties
    walk.said.append((walk.at, message))


def _identify(walk: Walk, **traits: Any) -> None:
    walk.at += 40
    message = _message(walk, "identify", {"path": walk.path.split("?")[0], "url": SITE + walk.path})
    user = walk.person.user
    message["userId"] = user
    message["traits"] = {"email": f"{user}@post.example", **traits}
    walk.said.append((walk.at, message))


def _message(walk: Walk, kind: str, page: dict[str, str]) -> Message:
    return {
        "type": kind,
        "messageId": f"past-{walk.device}-{walk.at}-{len(walk.said)}",
        "anonymousId": walk.device,
        "timestamp": _iso(walk.at),
        "context": {"page": page, "userAgent": walk.agent, "library": {"name": "o.js", "version": "1"}},
    }


def _facts(product: Product) -> dict[str, Any]:
    return {
        "product_id": product.id,
        "name": product.name,
        "category": product.category,
        "price": product.price / 100,
        "currency": CURRENCY,
    }


def _cart(products: list[Product]) -> dict[str, Any]:
    total = sum(product.price for product in products) / 100
    lines = [{**_facts(product), "quantity": 1} for product in products]
    return {"total": total, "value": total, "currency": CURRENCY, "products": lines}


def _iso(at: int) -> str:
    return datetime.fromtimestamp(at / SECOND, UTC).isoformat(timespec="milliseconds")
