"""Recorded decisions made again on a busy history: the same comes out, or the cause is named."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from random import Random
from typing import Any

import pytest
from tests.building import decided
from tests.stores import settle

from opportune.app.house import build_house
from opportune.core.history.key import key_of
from opportune.core.moment import DAY, HOUR, MINUTE, to_iso
from opportune.core.receipt import decode
from opportune.core.situation import Context
from opportune.core.traffic.backtest import Backtest
from opportune.errors import NotFoundError
from opportune.services.capturing import CaptureSource, capture
from opportune.services.catalogue.feeding import FEED, take_feed
from opportune.services.deciding import Question
from opportune.services.explaining import replay_receipt
from opportune.services.house import House
from opportune.services.operating import set_run_state, switch_off, switch_on
from opportune.services.people.erasing import erase
from opportune.services.people.identifying import find_people
from opportune.services.publishing import publish
from opportune.services.traffic.backtesting import backtest
from opportune.services.traffic.trying import Asked
from opportune.storage.base import Storage

BROWSER = CaptureSource(name="site")
SHOP = CaptureSource(name="shop", is_secret=True)
VISITORS = 24
STEPS = 260
TEAM = """\
owner: Mia
reviewer: Tom
purpose: To test
safety limit: none
rollback: by hand
control group: 20%
"""
HERO = """\
slot: home hero
type: text
tags: promo
fallback: Welcome
variants:
  Shoes: More shoes
  Again: Welcome back
  Saved: Your cart is saved
rules:
  - Saved
  - Returner
  - Looked
"""
NOTE = """\
slot: note
type: text
fallback: Welcome
variants:
  Reduced: "{sale price} instead of {price}"
"""
RULES = {
    "rules/saved.yaml": "rule: Saved\nwhen: a visitor added to cart in the last 30 days and has not bought\n"
    "show:\n  home hero: Saved\nat most: 2 times in 7 days\n",
    "rules/returner.yaml": "rule: Returner\nwhen: a visitor viewed the same category at least 2 times in 7 days\n"
    "show:\n  home hero: Again\ntest: half and half\n",
    "rules/looked.yaml": "rule: Looked\nwhen: a visitor viewed in this visit\nshow:\n  home hero: Shoes\n"
    "launch: 50%\n",
    "rules/quiet.yaml": "rule: Quiet\nwhen: a visitor asked for a refund in the last 7 days\n"
    "hide: everything marked promo\nalways: yes\n",
    "rules/reduced.yaml": "rule: Reduced\nwhen: everyone\nshow:\n  note: Reduced\n",
}
FILES = {"team.yaml": TEAM, "slots/hero.yaml": HERO, "slots/note.yaml": NOTE, **RULES}
BEGIN = 1_795_355_000_000


class Clock:
    def __init__(self) -> None:
        self.now = BEGIN

    def __call__(self) -> int:
        return self.now


class Bustle:
    """A shop's weeks by chance: visitors who come back, sign in, share devices, and send events too late."""

    def __init__(self, storage: Storage, seed: int) -> None:
        self.random = Random(seed)
        self.clock = Clock()
        self.house: House = build_house(storage, clock=self.clock)
        self.house.deadline_seconds = 30
        publish(self.house, FILES)
        self.price(9)

    def price(self, euros: int) -> None:
        rows = [
            {"id": "1", "title": "Mug", "price": "12 EUR", "sale_price": f"{euros} EUR"},
            {"id": "2", "title": "Pot", "price": "20 EUR"},
        ]
        take_feed(self.house, rows, FEED)

    def visitor(self) -> str:
        return f"v-{self.random.randrange(VISITORS)}"

    def user(self) -> str:
        return f"u-{self.random.randrange(VISITORS // 2)}"

    def send(self, **message: Any) -> None:
        late = self.random.choice((0, 0, 0, 5 * MINUTE, 2 * DAY))
        message.setdefault("timestamp", to_iso(self.clock.now - late))
        capture(self.house, SHOP if "userId" in message else BROWSER, [message]).result()

    def track(self, event: str, **properties: Any) -> None:
        named = {"userId": self.user()} if self.random.random() < 0.2 else {}
        self.send(type="track", event=event, anonymousId=self.visitor(), properties=properties, **named)

    def view(self) -> None:
        product = self.random.choice("12")
        category = self.random.choice(("shoes", "boots"))
        self.track("Product Viewed", product_id=product, category=category)

    def add(self) -> None:
        self.track("Product Added", product_id="1")

    def refund(self) -> None:
        self.track("Refund Requested", order_id="1")

    def reprice(self) -> None:
        self.price(self.random.choice((9, 30)))

    def order(self) -> None:
        """Told twice: by the browser, and with other values by the shop."""
        number = str(self.random.randrange(40))
        source = self.random.choice((BROWSER, SHOP))
        message = {
            "type": "track",
            "event": "Order Completed",
            "anonymousId": self.visitor(),
            "timestamp": to_iso(self.clock.now),
            "properties": {"order_id": number, "revenue": self.random.randrange(9, 99), "currency": "EUR"},
        }
        capture(self.house, source, [message]).result()

    def identify(self) -> None:
        self.send(type="identify", anonymousId=self.visitor(), userId=self.user(), traits={"city": "Graz"})

    def ask(self) -> None:
        named = self.user() if self.random.random() < 0.1 else None
        context = Context(
            page_product=self.random.choice(("", "1", "2")), is_machine=self.random.random() < 0.02
        )
        decided(self.house, Question(anonymous_id=self.visitor(), user_id=named, context=context))

    def operate(self) -> None:
        rule = self.random.choice(("Saved", "Returner", "Looked", "Quiet"))
        set_run_state(self.house, rule, self.random.choice(("live", "paused", "20%", "60%")))

    def turn_off(self) -> None:
        switch_off(self.house)
        for _ in range(3):
            self.ask()
        switch_on(self.house)

    def forget(self) -> None:
        with suppress(NotFoundError):
            erase(self.house, find_people(self.house.storage, self.visitor(), "anonymous"))

    def live(self, acts: dict[str, int]) -> None:
        names = list(acts)
        for _ in range(STEPS):
            self.clock.now += self.random.choice((MINUTE, 20 * MINUTE, 3 * HOUR))
            getattr(self, self.random.choices(names, [acts[name] for name in names])[0])()
        settle(self.house.storage)

    def again(self) -> list[Backtest]:
        self.clock.now += HOUR
        now, storage = self.clock.now, self.house.storage
        return [
            backtest(storage, now, Asked(rule=rule, days=90), is_full=True) for rule in ("Saved", "Reduced")
        ]


USUAL = {"view": 8, "ask": 12, "identify": 2, "order": 2, "add": 3, "refund": 1}
CHANGES = {"operate": 2, "turn_off": 1, "reprice": 2, "forget": 1}


@pytest.mark.parametrize("seed", [1, 2])
def test_what_nobody_changed_comes_out_the_same_however_late_and_double_events_come(
    storage: Storage, seed: int
) -> None:
    bustle = Bustle(storage, seed)
    for instrument in (bustle.view, bustle.order, bustle.add, bustle.refund):
        instrument()
    bustle.clock.now += DAY
    bustle.live(USUAL)
    hero, note = bustle.again()
    assert hero.compared > 40
    assert note.compared > 40
    assert set(hero.causes) | set(note.causes) <= {
        "asked in the name of an account not joined with the device"
    }


@pytest.mark.parametrize("seed", [3, 4])
def test_every_difference_has_a_cause(storage: Storage, seed: int) -> None:
    bustle = Bustle(storage, seed)
    bustle.live(USUAL | CHANGES)
    found = bustle.again()
    causes = sum((Counter(each.causes) for each in found), Counter[str]())
    assert causes["unexplained"] == 0, [
        each for each in (*found[0].differences, *found[1].differences) if each.cause == "unexplained"
    ]
    assert causes["launched, paused or ramped since"] > 0
    assert causes["everything was switched off then"] > 0
    assert causes["the catalogue, or what all visitors did, changed since"] > 0
    listed = sum(len(each.differences) for each in found)
    assert listed == causes.total()


def test_a_place_decided_one_page_ahead_is_recorded_as_it_was_decided(storage: Storage) -> None:
    """The script asks in the cart for the front page: the place's own page is what its rule looked at."""
    front = "slot: front\ntype: text\nfallback: Welcome\npage:\n  paths: /\nvariants:\n  Home: You are home\n"
    home = "rule: Home\nwhen: a visitor is on the home page\nshow:\n  front: Home\n"
    house = build_house(storage, clock=Clock())
    house.deadline_seconds = 30
    publish(
        house, {"team.yaml": TEAM.replace("20%", "none"), "slots/front.yaml": front, "rules/home.yaml": home}
    )
    capture(house, BROWSER, [{"type": "track", "event": "Product Viewed", "anonymousId": "v"}]).result()
    cart = Context(page_path="/cart", page_type="cart")
    decided(house, Question(anonymous_id="v", context=cart, is_for_page=True))
    settle(storage)
    found = backtest(storage, house.clock() + HOUR, Asked(rule="Home"), is_full=True)
    assert (found.compared, found.causes, found.people.value) == (1, {}, 1)
    [exposure] = storage.list_exposures([key_of("anonymous", "v")])
    assert replay_receipt(house, decode(exposure.receipt)).is_equal
