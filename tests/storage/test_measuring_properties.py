"""Measuring, searched for counterexamples: whatever happens in whatever order, the sums are those a plain list gives.

The list knows nothing of stores, lanes, groups or stretches: it holds every event that counts and goes through all of
them for every visitor.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any, NamedTuple

from hypothesis import event, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.building import NOW, decided, programme, rule
from tests.searching import SOAKS
from tests.storage.test_storage_properties import EXAMPLES, Opening, opening
from tests.stores import settle

from opportune.core.experiments.experiment import Experiment
from opportune.core.experiments.measured import Cell, CellSums
from opportune.core.history.key import key_of
from opportune.core.history.timeline import TimelineEvent
from opportune.core.metrics import Words
from opportune.core.metrics.reading import parse_metric
from opportune.core.moment import DAY, HOUR, to_iso
from opportune.core.rule import CONTROL, TREATMENT, Test
from opportune.core.situation import Context
from opportune.services.capturing import CaptureSource, capture
from opportune.services.deciding import Question
from opportune.services.experiments.keeping_measured import keep_measured
from opportune.services.house import House
from opportune.services.people.erasing import erase
from opportune.services.people.identifying import find_people
from opportune.services.retiring import retire
from opportune.storage.base import Exposure, Storage
from opportune.storage.personal import Share

__all__ = ["opening"]

BROWSER, SERVER = CaptureSource(name="site"), CaptureSource(name="backend", is_secret=True)
SEED, RULE = "Keen/1", "Keen"
ARMS = ((CONTROL, 5_000), (TREATMENT, 5_000))
ORDERS, REVENUE, CARTS = (
    parse_metric(text, Words())
    for text in ("orders within 2 days", "revenue a visitor within 3 days", "added to cart within 1 day")
)
CAP = 2_500
LATER = NOW + 30 * DAY
"""When everything is captured: what happened before may come in any order."""
DEVICES, USERS = ("d-0", "d-1", "d-2", "d-3"), ("u-0", "u-1", "u-2")
KEYS = {
    **{name: key_of("anonymous", name) for name in DEVICES},
    **{name: key_of("user", name) for name in USERS},
}
WINDOWS = {ORDERS.name: 2 * DAY, REVENUE.name: 3 * DAY, CARTS.name: DAY}


class Said(NamedTuple):
    """One message of the site or of the shop's server."""

    name: str
    who: str
    at: int
    order: int = 0
    cents: int = 0
    device: str = ""

    @property
    def is_verified(self) -> bool:
        return self.who in USERS

    def to_message(self) -> dict[str, Any]:
        ids = {"userId": self.who} if self.is_verified else {"anonymousId": self.who}
        if self.device:
            ids["anonymousId"] = self.device
        known = {**ids, "messageId": repr(self), "timestamp": to_iso(self.at)}
        if self.name == "identify":
            return {"type": "identify", **known}
        properties: dict[str, Any] = {"order_id": f"of {self.order}", "revenue": self.cents / 100}
        if self.name == "Order Refunded":
            properties["refund_id"] = repr(self)
        if self.name == "Product Added":
            properties = {"product_id": "boot"}
        return {"type": "track", "event": self.name, **known, "properties": properties}


class Entry:
    """An event in the list; `place` is when it came in."""

    def __init__(self, said: Said, who: str, at: int, place: int) -> None:
        self.said, self.who, self.at, self.place = said, who, at, place

    def to_event(self) -> TimelineEvent:
        facts: dict[str, Any] = {}
        if self.said.name.startswith("Order"):
            facts = {"order_id": f"of {self.said.order}", "value": self.said.cents}
        return TimelineEvent(self.at, self.place, self.said.name, "", facts)


class PlainList:
    """Everything that was ever said, read from its beginning whenever something is asked."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.turns: dict[str, list[tuple[str, int]]] = defaultdict(list)
        self.first_seen: dict[str, int] = {}
        self.erased: dict[Cell, list[dict[str, tuple[int, int]]]] = defaultdict(list)
        self.place = 0

    def next_place(self) -> int:
        self.place += 1
        return self.place

    def owner(self, who: str, place: int) -> str:
        """The first user of a device has it from its beginning, each other one from there on."""
        turns = self.turns[who]
        found = turns[0][0] if turns else who
        for user, since in turns:
            if since <= place:
                found = user
        return found

    def take(self, said: Said) -> None:
        place = self.next_place()
        if any(entry.said == said for entry in self.entries):
            return
        if said.name == "Order Completed":
            self.take_order(said, place)
            return
        self.entries.append(Entry(said, said.who, said.at, place))
        self.link(said, place)

    def link(self, said: Said, place: int) -> None:
        if said.device and (not self.turns[said.device] or self.turns[said.device][-1][0] != said.who):
            self.turns[said.device].append((said.who, place))

    def take_order(self, said: Said, place: int) -> None:
        """All versions of an order are one: the server's values win, and the earliest time stands."""
        known = next((e for e in self.entries if e.said[:1] == said[:1] and e.said.order == said.order), None)
        if known is None:
            self.entries.append(Entry(said, said.who, said.at, place))
            self.link(said, place)
        elif known.said.is_verified or not said.is_verified:
            own = {said.who, said.device, self.owner(said.who, place)}
            if known.who in own or self.owner(known.who, place) == self.owner(said.who, place):
                self.put_earlier(known, said.at, place)
        else:
            self.entries.remove(known)
            self.entries.append(Entry(said, said.who, min(known.at, said.at), place))
            self.link(said, place)

    def put_earlier(self, known: Entry, at: int, place: int) -> None:
        if at < known.at:
            known.at, known.place = at, place

    def note_exposed(self, exposed: dict[str, list[Exposure]]) -> None:
        place = self.next_place()
        for who in exposed:
            self.first_seen.setdefault(who, place)

    def outcomes(
        self, exposed: dict[str, list[Exposure]], assigned: dict[str, tuple[int, str]], only: str = ""
    ) -> dict[Cell, list[dict[str, tuple[int, int]]]]:
        """By cell, for each visitor and metric what they did in the window, and in the 30 days before."""
        persons: dict[str, list[tuple[int, int, str]]] = defaultdict(list)
        for who, given_ in exposed.items():
            if who in assigned:
                place = self.first_seen[who]
                persons[self.owner(who, place)].append((min(each.at for each in given_), place, who))
        found: dict[Cell, list[dict[str, tuple[int, int]]]] = defaultdict(list)
        for person, units in persons.items():
            if only in ("", person):
                first_at, _, first = min(units)
                phase, arm = assigned[first]
                arms = {each.arm for _, _, who in units for each in exposed[who]}
                is_shown = any(each.shown_at is not None for _, _, who in units for each in exposed[who])
                parts = ["", *(["crossed"] if arms != {arm} else []), *(["shown"] if is_shown else [])]
                day = to_iso(first_at)[:10]
                for part in parts:
                    found[Cell(phase, arm, day, part)].append(self.visitor(person, first_at))
        return found

    def visitor(self, person: str, first_at: int) -> dict[str, tuple[int, int]]:
        theirs = [entry for entry in self.entries if self.owner(entry.who, entry.place) == person]
        return {
            metric.name: (
                self.worth(metric, theirs, first_at, first_at + WINDOWS[metric.name]),
                self.worth(metric, theirs, first_at - 30 * DAY, first_at),
            )
            for metric in (ORDERS, REVENUE, CARTS)
        }

    def worth(self, metric: Any, entries: list[Entry], since: int, until: int) -> int:
        inside = [entry for entry in entries if since <= entry.at < until]
        if metric is REVENUE:  # which refund is of which order is the metric's own to say
            return int(metric.between([entry.to_event() for entry in inside], since, until)[0])
        wanted = "Order Completed" if metric is ORDERS else "Product Added"
        return int(any(entry.said.name == wanted for entry in inside))

    def erase(self, person: str, outcomes: dict[Cell, list[dict[str, tuple[int, int]]]]) -> None:
        for cell, visitors in outcomes.items():
            self.erased[cell] += visitors
        self.entries = [entry for entry in self.entries if self.owner(entry.who, entry.place) != person]


def squared(cells: dict[Cell, list[dict[str, tuple[int, int]]]]) -> object:
    """What the sums of so many visitors have to be."""
    return {
        cell: {
            "units": len(visitors),
            **{
                name: _sums([visitor[name] for visitor in visitors], CAP if name == REVENUE.name else None)
                for name in WINDOWS
            },
            "largest": {name: max(0, *(visitor[name][0] for visitor in visitors)) for name in WINDOWS},
        }
        for cell, visitors in cells.items()
        if visitors
    }


def of_everybody(
    cells: dict[Cell, list[dict[str, tuple[int, int]]]],
) -> list[list[dict[str, tuple[int, int]]]]:
    return [visitors for cell, visitors in cells.items() if not cell.part]


def _sums(values: list[tuple[int, int]], cap: int | None) -> tuple[int, ...]:
    capped = [(y, x) if cap is None else (min(y, cap), min(x, cap)) for y, x in values]
    return (
        len(capped),
        sum(y for y, _ in capped),
        sum(y * y for y, _ in capped),
        sum(x for _, x in capped),
        sum(x * x for _, x in capped),
        sum(y * x for y, x in capped),
    )


def plain(cells: Any) -> object:
    """What was measured, in the same form."""

    def sums_of(sums: CellSums, name: str) -> tuple[Any, ...]:
        moments = sums.by_metric[name]
        return moments.n, moments.y, moments.yy, moments.x, moments.xx, moments.yx

    return {
        cell: {
            "units": sums.units,
            **{name: sums_of(sums, name) for name in WINDOWS},
            "largest": {name: sums.largest[name] for name in WINDOWS},
        }
        for cell, sums in cells.items()
        if sums.units and cell.part in {"", "shown", "crossed"}
    }


# -- what happens -----------------------------------------------------------------------------------

inside = st.integers(0, 8).map(lambda hours: NOW + hours * 6 * HOUR)
around = st.integers(-8, 24).map(lambda hours: NOW + hours * 6 * HOUR + 1)
cents = st.sampled_from([100, 900, 5_000])
everybody, numbers = st.sampled_from(DEVICES + USERS), st.integers(0, 2)
orders = st.tuples(st.just("Order Completed"), everybody, around, numbers, cents)
refunds = st.tuples(st.just("Order Refunded"), st.sampled_from(USERS), around, numbers, cents)
carts = st.tuples(st.just("Product Added"), everybody, around)
identifies = st.tuples(
    st.just("identify"), st.sampled_from(USERS), around, st.just(0), st.just(0), st.sampled_from(DEVICES)
).map(lambda values: Said(*values))
others = st.one_of(orders, carts, refunds).map(lambda values: Said(*values))  # type: ignore[arg-type]  # tuples of several lengths
said = st.one_of(others, others, identifies).map(
    lambda each: (
        each._replace(order=each.order + 10 * DEVICES.index(each.who)) if each.who in DEVICES else each
    )
)
"""Two strangers never name the same order; the server knows those of the first device."""
steps = st.one_of(
    st.tuples(st.just("asks"), st.tuples(st.sampled_from(DEVICES), inside)),
    st.tuples(st.just("says"), st.lists(said, min_size=1, max_size=4)),
    st.tuples(st.just("says"), st.lists(identifies, min_size=1, max_size=2)),
    st.tuples(st.just("says again"), st.integers(0, 9)),
    st.tuples(st.just("sees"), st.sampled_from(DEVICES)),
    st.tuples(st.just("is erased"), st.sampled_from(DEVICES + USERS)),
    st.tuples(st.just("is measured"), st.none()),
)


class Clock:
    now = LATER

    def __call__(self) -> int:
        return self.now


class Played:
    """A house in which things happen, and the plain list beside it."""

    def __init__(self, storage: Storage) -> None:
        self.clock = Clock()
        self.storage = storage
        self.house = House(
            storage=storage,
            clock=self.clock,
            secret=b"s" * 32,
            programme=programme(rule(RULE, test=Test())),
            deadline_seconds=30,
        )
        self.list = PlainList()
        self.sent: list[Said] = []
        self.gone: set[str] = set()
        experiment = Experiment(
            id=SEED,
            subject="rule",
            rule=RULE,
            arms=ARMS,
            metric=ORDERS,
            others=(REVENUE, CARTS),
            caps={REVENUE.name: CAP},
            started_at=NOW,
            planned_end_at=LATER,
        )
        storage.write(lambda transaction: transaction.put_experiment(experiment)).result()

    def play(self, kind: str, what: Any) -> None:
        if kind == "asks" and what[0] not in self.gone:
            self.ask(*what)
        elif kind == "says":
            self.say([each for each in what if not {each.who, each.device} & self.gone])
        elif kind == "says again" and self.sent:
            again = self.sent[what % len(self.sent)]
            self.say([again] if not {again.who, again.device} & self.gone else [])
        elif kind == "sees" and what not in self.gone:
            self.see(what)
        elif kind == "is erased" and what not in self.gone:
            self.erase(what)
        elif kind == "is measured":
            self.check()

    def ask(self, device: str, at: int) -> None:
        self.clock.now = at
        question = Question(
            anonymous_id=device,
            slots=("hero",),
            context=Context(attributes={"keen": True}, device_type="mobile"),
        )
        for _ in range(2):
            decided(self.house, question)
        settle(self.storage)
        self.clock.now = LATER
        self.list.note_exposed(self.exposed())

    def say(self, messages: list[Said]) -> None:
        for source in (BROWSER, SERVER):
            batch = [each for each in messages if each.is_verified == (source is SERVER)]
            if batch:
                capture(self.house, source, [each.to_message() for each in batch]).result()
                for each in batch:
                    self.list.take(each)
        self.sent += messages

    def see(self, device: str) -> None:
        given_ = self.storage.list_exposures([KEYS[device]], limit=1)
        if given_:
            self.storage.write(lambda transaction: transaction.mark_shown(given_[0], NOW)).result()

    def erase(self, who: str) -> None:
        if self.storage.find_key_id(KEYS[who]) is None:
            return
        person = self.list.owner(who, self.list.place)
        theirs = {
            each
            for each in DEVICES
            if self.list.turns[each] and any(u == person for u, _ in self.list.turns[each])
        }
        outcomes = self.list.outcomes(self.exposed(), self.assigned(), only=person)
        erase(self.house, find_people(self.storage, who))
        self.list.erase(person, outcomes)
        self.gone |= {who, person, *theirs}
        event("somebody counted was erased" if outcomes else "somebody was erased")

    def exposed(self) -> dict[str, list[Exposure]]:
        found = {who: self.storage.list_exposures([key], limit=1_000) for who, key in KEYS.items()}
        return {who: given_ for who, given_ in found.items() if given_}

    def assigned(self) -> dict[str, tuple[int, str]]:
        found: dict[str, tuple[int, str]] = {}
        for who, key in KEYS.items():
            for kept in self.storage.list_belongings(Share(key)).assignments:
                found[who] = (kept.assignment.phase, kept.assignment.arm)
        return found

    def check(self) -> None:
        [measured] = keep_measured(self.house)
        wanted = self.list.outcomes(self.exposed(), self.assigned())
        for cell, visitors in self.list.erased.items():
            wanted[cell] += visitors
        assert plain(measured.cells) == squared(wanted)
        by_device = {cell: sums for cell, sums in measured.cells.items() if cell.part.startswith("device")}
        assert all(sums == measured.cells[replace(cell, part="")] for cell, sums in by_device.items())
        assert sum(sums.units for sums in by_device.values()) == sum(map(len, of_everybody(wanted)))
        assert self.storage.find_measured(SEED) == measured


@settings(max_examples=EXAMPLES // 4 if SOAKS else 12)
@given(st.lists(steps, min_size=4, max_size=16))
def test_sums_are_what_a_plain_list_of_all_events_gives(
    opening: Opening,
    happens: list[tuple[str, Any]],
) -> None:
    with opening() as storage:
        played = Played(storage)
        for kind, what in happens:
            played.play(kind, what)
        played.check()
        before = storage.find_measured(SEED)
        played.clock.now = LATER + 40 * DAY * 12
        assert before is not None
        retire(played.house, 2, may_go_on=lambda: True)
        keep_measured(played.house)
        after = storage.find_measured(SEED)
        assert after is not None
        assert after.cells == before.cells, "what has left is not missed"
