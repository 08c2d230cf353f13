"""The demo shop's past: sixty days of a typical small shop, the same for the same seed, as Segment messages.

A thousand visitors a day; one in four comes back; two of a hundred buy; some use two devices. On the page they land
on they are asked for, and what they do then depends on what they were shown: `TRUE_EFFECTS` says how, and it is what
the shop's tests are there to find out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import prod
from operator import itemgetter
from random import Random

from opportune.demo.catalogue import CATEGORIES, PRODUCTS, Product, products_in
from opportune.demo.walk import ADDING, SECOND, Message, Person, Said, Walk, cart_of, facts_of

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
DAYS, VISITORS_A_DAY = 60, 1_000
RETURNING, RETURNING_WITH_TWO_DEVICES, BOUNCING = 0.2, 0.55, 0.42
SEEING = 0.94
"""How many stay long enough to see what stands in a place."""
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


@dataclass(frozen=True, slots=True)
class Effect:
    """What a version does to those who are shown it, as factors.

    `adding`: how many of the products they look at go into the cart. `leaving`: how often they leave after the first
    page.
    """

    adding: float = 1.0
    leaving: float = 1.0


NO_EFFECT = Effect()
TRUE_EFFECTS: Mapping[str, Effect] = {
    "First time here": Effect(adding=1.45),
    "Seen before": NO_EFFECT,
    "Category promise": Effect(adding=1.35),
    "Pop-up": Effect(leaving=1.4),
}
"""By version. Nobody is told: a shop never knows either."""

TESTED: Mapping[str, tuple[str, ...]] = {"home": ("home-hero", "offer-bar", "signup-banner")}
EVERYWHERE = ("offer-bar", "signup-banner")
"""The places a landing page asks for in the past: those in which something is tested."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A page on which somebody lands: when, who, the places it has, and what its question says of it."""

    at: int
    device: str
    places: tuple[str, ...]
    context: Message


@dataclass(frozen=True, slots=True)
class Given:
    """What stood in a place: the version, the decision's token, and whether a test asks who saw it."""

    version: str
    decision: str = ""
    is_tested: bool = False


Asking = Callable[[Sequence[Asked]], Sequence[Mapping[str, Given]]]
"""Decides for pages in ascending time, by place. What was said until then has been taken in."""


def ask_nobody(pages: Sequence[Asked]) -> Sequence[Mapping[str, Given]]:
    """A shop without personalization."""
    return [{} for _ in pages]


@dataclass(frozen=True, slots=True)
class Part:
    """Half a day's messages, each half in ascending time: first the pages on which visits begin, then the rest.

    `day_over_at` is set with the second half: the end of the day, or of all.
    """

    messages: list[Said]
    day: int
    day_over_at: int = 0


def past_parts(
    until_at: int,
    *,
    days: int = DAYS,
    visitors_a_day: int = VISITORS_A_DAY,
    seed: int = 1,
    ask: Asking = ask_nobody,
) -> Iterator[Part]:
    """So many whole days and the begun one, up to `until_at` (milliseconds); the same for the same arguments.

    Between a day's two parts its pages ask: whoever takes a part in before the next one decides by all of it.
    """
    return _Past(seed, until_at, days, visitors_a_day, ask).parts_in_turn()


def past_traffic(
    until_at: int, *, days: int = DAYS, visitors_a_day: int = VISITORS_A_DAY, seed: int = 1
) -> Iterator[Message]:
    """The same without personalization, as one stream in ascending time, ready for `opportune import`."""
    day: list[Said] = []
    for part in past_parts(until_at, days=days, visitors_a_day=visitors_a_day, seed=seed):
        day += part.messages
        if part.day_over_at:
            yield from (message for _, message in sorted(day, key=itemgetter(0)))
            day = []


def begin_of_past(until_at: int, days: int) -> int:
    """Midnight (UTC) on which the past begins."""
    return until_at - until_at % DAY - days * DAY


def earlier_visit(device: str, until: datetime) -> list[Message]:
    """A visit of two days before, for somebody who shall have been here already: a shelf and one lamp."""
    start = int((until - timedelta(days=2, hours=1)).timestamp() * SECOND)
    person = Person(device, DESKTOPS[0], "lamps")
    walk = Walk(person, device, person.agent, start, "https://duckduckgo.com/", {})
    walk.open("/", "home")
    walk.wait(20)
    walk.open("/categories/lamps", "category", category="lamps")
    walk.wait(25)
    walk.look_at(PRODUCTS["table-lantern"])
    return [message for _, message in walk.said]


@dataclass(slots=True)
class _Arrival:
    """Somebody is about to land on a page."""

    walk: Walk
    path: str
    page_type: str
    category: str = ""
    product: Product | None = None

    def ask(self) -> Asked:
        walk = self.walk
        page = {"path": self.path.split("?", 1)[0], "type": self.page_type, "referrer": walk.referrer}
        page |= {"category": self.category} if self.category else {}
        page |= {"product": self.product.id} if self.product else {}
        context = {"page": page, "userAgent": walk.agent}
        if walk.campaign:
            context["campaign"] = walk.campaign
        return Asked(walk.at, walk.device, TESTED.get(self.page_type, EVERYWHERE), context)


class _Past:
    """Writes the past day by day; who will come back waits in a diary."""

    def __init__(
        self, seed: int, until_at: int, days: int, visitors_a_day: int, ask: Asking = ask_nobody
    ) -> None:
        self.seed = seed
        self.ask = ask
        self.until_at = until_at
        self.days = days
        self.visitors_a_day = visitors_a_day
        self.begin_at = begin_of_past(until_at, days)
        self.diary: dict[int, list[Person]] = defaultdict(list)
        self.orders = 0

    def parts_in_turn(self) -> Iterator[Part]:
        waiting: list[Said] = []
        for day in range(self.days + 1):
            arrivals = self._arrivals(day)
            for arrival in arrivals:
                self._land(arrival)
            landed = [said for arrival in arrivals for said in arrival.walk.take_said()]
            yield Part(sorted(landed, key=itemgetter(0)), day)
            for arrival, given in zip(arrivals, self.ask([each.ask() for each in arrivals]), strict=True):
                waiting += self._visit(arrival, given)
                self._come_back(arrival.walk.person, day)
            waiting.sort(key=itemgetter(0))
            end = min(self.begin_at + (day + 1) * DAY, self.until_at)
            done = next((place for place, (at, _) in enumerate(waiting) if at >= end), len(waiting))
            yield Part(waiting[:done], day, end)
            waiting = waiting[done:]

    def _arrivals(self, day: int) -> list[_Arrival]:
        """Who comes on this day, in ascending time."""
        start = self.begin_at + day * DAY
        weekday = datetime.fromtimestamp(start / SECOND, UTC).weekday()
        dice = Random(f"{self.seed} {day}")
        wanted = self.visitors_a_day * WEEKDAYS[weekday] * dice.uniform(0.93, 1.07)
        coming = self.diary.pop(day, [])
        coming += [self._newcomer(day, number) for number in range(max(0, round(wanted) - len(coming)))]
        arrivals = [self._arrive(person, start) for person in coming]
        return sorted(
            (each for each in arrivals if each.walk.at < self.until_at), key=lambda each: each.walk.at
        )

    def _come_back(self, person: Person, day: int) -> None:
        """Some will, on another day."""
        returning = RETURNING_WITH_TWO_DEVICES if person.other_device else RETURNING
        if person.random.random() < returning:
            self.diary[day + 1 + min(int(person.random.expovariate(0.28)), 20)].append(person)

    def _newcomer(self, day: int, number: int) -> Person:
        random = Random(f"{self.seed} {day} {number}")
        is_phone = random.random() < 0.6
        taste = random.choices(CATEGORIES, TASTES)[0].slug
        phone, desktop = random.choice(PHONES), random.choice(DESKTOPS)
        person = Person(_id(random, "d"), phone if is_phone else desktop, taste, random)
        if random.random() < TWO_DEVICES:
            person.other_device, person.other_agent = _id(random, "d"), desktop if is_phone else phone
        return person

    def _arrive(self, person: Person, day_at: int) -> _Arrival:
        random = person.random
        hour = random.choices(range(24), HOURS)[0]
        at = day_at + hour * HOUR + random.randrange(HOUR)
        is_other = bool(person.other_device) and random.random() < 0.4
        device, agent = (
            (person.other_device, person.other_agent) if is_other else (person.device, person.agent)
        )
        kind = random.choices([name for name, _ in ARRIVALS], [weight for _, weight in ARRIVALS])[0]
        walk = Walk(
            person,
            device,
            agent,
            at,
            random.choice(REFERRERS.get(kind, ("",))),
            self._campaign(kind, person),
            is_other=is_other,
        )
        place = random.random()
        if kind == "paid" or place < 0.3:
            return _Arrival(walk, f"/categories/{person.taste}", "category", person.taste)
        if place < 0.6:
            product = random.choice(products_in(self._shelf(person)))
            return _Arrival(walk, product.url, "product", product.category, product)
        return _Arrival(walk, "/", "home")

    def _visit(self, arrival: _Arrival, given: Mapping[str, Given]) -> list[Said]:
        walk, person = arrival.walk, arrival.walk.person
        rolled = person.random.random
        effects = [TRUE_EFFECTS.get(each.version, NO_EFFECT) for each in given.values()]
        leaving = BOUNCING * prod(effect.leaving for effect in effects)
        walk.adding = ADDING * prod(effect.adding for effect in effects)
        if rolled() < SEEING:
            for place, each in given.items():
                _see(walk, place, each)
        if arrival.product is not None:
            self._maybe_add(walk, arrival.product)
        if rolled() < leaving:
            return walk.said
        if person.user and (walk.is_other or rolled() < 0.2):
            self._log_in(walk)
        for _ in range(1 + min(int(person.random.expovariate(0.55)), 9)):
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

    def _land(self, arrival: _Arrival) -> None:
        walk = arrival.walk
        if arrival.product is None:
            about = {"category": arrival.category} if arrival.category else {}
            walk.open(arrival.path, arrival.page_type, **about)
        else:
            walk.look_at(arrival.product)

    def _step(self, walk: Walk) -> None:
        self._pause(walk, 8, 70)
        random = walk.person.random
        place = random.random()
        if place < 0.55:
            self._look_around(walk)
        elif place < 0.85:
            shelf = self._shelf(walk.person)
            walk.open(f"/categories/{shelf}", "category", category=shelf)
        elif place < 0.93:
            words = random.choice(SEARCHES)
            walk.open(f"/search?q={words}", "search")
            walk.say("Products Searched", {"query": words})
        else:
            page = random.choice(("shipping", "returns", "help"))
            walk.open(f"/{page}", page)

    def _shelf(self, person: Person) -> str:
        if person.random.random() < 0.7:
            return person.taste
        return person.random.choices(CATEGORIES, TASTES)[0].slug

    def _look_around(self, walk: Walk) -> None:
        product = walk.person.random.choice(products_in(self._shelf(walk.person)))
        walk.look_at(product)
        self._maybe_add(walk, product)

    def _maybe_add(self, walk: Walk, product: Product) -> None:
        if walk.person.random.random() < walk.adding:
            self._pause(walk, 5, 40)
            walk.person.cart.append(product)
            walk.say("Product Added", {**facts_of(product), "quantity": 1})

    def _shop(self, walk: Walk) -> None:
        person = walk.person
        if not person.cart or person.random.random() > 0.38:
            return
        self._pause(walk, 10, 60)
        walk.open("/cart", "cart")
        walk.say("Cart Viewed", cart_of(person.cart))
        self._pause(walk, 15, 60)
        walk.open("/checkout", "checkout")
        walk.say("Checkout Started", cart_of(person.cart))
        if person.random.random() > 0.62:
            return
        self._pause(walk, 60, 200)
        self.orders += 1
        number = f"S{10_000 + self.orders}"
        if not person.user:
            person.user = _id(person.random, "c")
        walk.identify()
        facts = cart_of(person.cart)
        walk.say("Order Completed", {"order_id": number, "revenue": facts["total"], **facts})
        person.orders.append((number, person.cart))
        person.cart = []

    def _log_in(self, walk: Walk) -> None:
        self._pause(walk, 5, 30)
        walk.open("/account", "account")
        walk.identify()

    def _sign_up(self, walk: Walk) -> None:
        self._pause(walk, 10, 60)
        walk.open("/sign-up", "other")
        walk.person.user = walk.person.user or _id(walk.person.random, "c")
        walk.person.is_subscribed = True
        self._pause(walk, 10, 40)
        walk.identify(subscribed=True)
        walk.say("Signed Up", {"method": "letter"})
        walk.say("Subscribed", {"list": "letters"})

    def _ask_for_help(self, walk: Walk) -> None:
        self._pause(walk, 20, 90)
        walk.open("/help", "help")
        orders = walk.person.orders
        if orders and walk.person.random.random() < 0.4:
            number, bought = orders[-1]
            walk.say("Refund Requested", {"order_id": number})
            self._pause(walk, 3_600, 90_000)
            walk.say("Order Refunded", {"order_id": number, **cart_of(bought)})
            orders.pop()
        elif walk.person.random.random() < 0.3:
            ticket = _id(walk.person.random, "h")
            walk.say("Support Ticket Opened", {"ticket_id": ticket})
            self._pause(walk, 3_600, 90_000)
            walk.say("Support Ticket Closed", {"ticket_id": ticket})

    def _pause(self, walk: Walk, least: int, most: int) -> None:
        walk.wait(walk.person.random.randint(least, most))


def _see(walk: Walk, place: str, given: Given) -> None:
    """As the page script tells it, where a test wants to know."""
    if given.is_tested:
        seen = {"slot": place, "variant": given.version, "decision": given.decision}
        walk.say("Slot Viewed", seen)


def _id(random: Random, kind: str) -> str:
    return f"{kind}-{random.getrandbits(48):012x}"
