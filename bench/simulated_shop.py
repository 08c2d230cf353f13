"""A made-up shop of `bench.simulations`: its visitors go through the product, which decides, records and keeps.

How many visitors order, or order only if treated, is planned and not drawn: chance is only which arm each one gets.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from math import exp
from random import Random

import msgspec

from opportune.app.house import build_house
from opportune.core.experiments.experiment import Experiment
from opportune.core.experiments.measured import Adding, CellSums, Unit
from opportune.core.history.key import key_of
from opportune.core.history.timeline import TimelineEvent
from opportune.core.metrics import AnyMetric
from opportune.core.metrics.ratio import VIEWS
from opportune.core.moment import DAY, HOUR, MINUTE, to_iso
from opportune.core.situation import Context
from opportune.core.statistics.moments import FIELDS, Moments
from opportune.services.capturing import CaptureSource, capture
from opportune.services.deciding import Question, decide_slots
from opportune.services.experiments.foreseeing import keep_experiments
from opportune.services.experiments.keeping_measured import terms_of
from opportune.services.house import House
from opportune.services.publishing import publish
from opportune.storage.measurements import ALL_LANES, ExposedQuery
from opportune.storage.memory import MemoryStorage

BEGIN_AT = 1_800_000_000_000 - 1_800_000_000_000 % DAY
WEEKS, A_DAY = 4, 600
PHONE = Context(device_type="mobile")
TOGETHER = 20
"""Visitors whose first pages are taken in at once."""
SHOP = CaptureSource(name="simulated shop")
FOLLOW_UP = 2 * DAY
"""Windows are a day long, so two days after the last visitor the last one has closed."""
TEAM = """team: Simulated
time zone: UTC
currency: EUR
safety limit: added to cart within 1 day down by at most 2%
also look at: revenue a visitor within 1 day, orders a visit within 1 day
"""
SLOT = """slot: place {0}
purpose: Something is tested here
fields: text
fallback:
  text: as for everybody
variants:
  Other:
    text: something else
"""
RULE = """rule: Rule {0}
when: a visitor is on a phone
show:
  place {0}: Other
test: half and half, on orders within 1 day, for {1} weeks
purpose: Shows something else and changes nothing
owner: Nobody
reviewer: Nobody
rollback: the owner switches it off
"""

_moment: ContextVar[int] = ContextVar("moment", default=BEGIN_AT)


@dataclass(slots=True)
class Visitor:
    """Made up: when they come, and in which of their visits they put something in the cart and order it."""

    id: str
    visits: list[tuple[int, bool, bool]]
    """Moment, whether something goes into the cart, whether it is ordered."""
    only_if_treated: bool = False
    """The order is made only by those who get the treatment: a true effect."""
    paid: int = 5_000
    before: list[tuple[int, bool]] = field(default_factory=list)
    """Visits before they first saw anything of a test: moment, and whether something was ordered."""


Row = tuple[int, ...]
"""One visitor's sums as measuring adds them: of each metric the moments in their order, and the largest value."""


@dataclass
class Stream:
    """A shop's visitors in a house that took them in, in the order of their first exposure."""

    house: House
    experiments: list[Experiment]
    visitors: list[Visitor]
    first_at: list[int]
    days: list[str]
    plain: list[int]
    """By visitor, the place of their row in `rows`: what they do in any case."""
    treated: list[int]
    """The same of what they do if they get a treatment that works."""
    rows: list[Row]
    metrics: list[AnyMetric]
    """As they are measured."""

    def sums(self, did: Mapping[int, int]) -> CellSums:
        """Of visitors, by row how many there are: sums add, whoever adds them."""
        width = len(FIELDS) + 1
        total = [0] * width * len(self.metrics)
        largest = [0] * len(self.metrics)
        for row, times in did.items():
            for place, value in self._filled[row]:
                total[place] += times * value
            for place, value in enumerate(self.rows[row][width - 1 :: width]):
                largest[place] = max(largest[place], value)
        moments = [total[start : start + width - 1] for start in range(0, len(total), width)]
        names = [metric.name for metric in self.metrics]
        return CellSums(
            units=sum(did.values()),
            by_metric={
                name: Moments(**dict(zip(FIELDS, own, strict=True)))
                for name, own in zip(names, moments, strict=True)
            },
            largest=dict(zip(names, largest, strict=True)),
        )

    @cached_property
    def does(self) -> dict[str, list[bool]]:
        """By metric and row, whether a visitor counts for it."""
        sums = [self.sums({row: 1}).by_metric for row in range(len(self.rows))]
        return {metric.name: [bool(each[metric.name].y) for each in sums] for metric in self.metrics}

    @cached_property
    def _filled(self) -> list[list[tuple[int, int]]]:
        """Of each row only what is not 0."""
        return [[(place, value) for place, value in enumerate(row) if value] for row in self.rows]


# -- visitors -------------------------------------------------------------------------------------


def single_visits(
    seed: int, *, days: int, a_day: int, share: float = 0.03, gain: float = 0.0
) -> list[Visitor]:
    """Everybody comes once; of all so many order, so many more if treated, and some of the others fill a cart."""
    dice = Random(f"single {seed}")
    units = days * a_day
    buyers, more = planned(units, share, gain)
    carts = round(2 * share * (units - buyers - more))
    sorts = ["buys"] * buyers + ["treated"] * more + ["cart"] * carts
    sorts += [""] * (units - len(sorts))
    dice.shuffle(sorts)
    found = []
    for number, sort in enumerate(sorts):
        at = BEGIN_AT + number // a_day * DAY + dice.randrange(DAY - HOUR)
        orders = sort in ("buys", "treated")
        paid = round(5_000 * exp(dice.gauss(0, 0.8)))
        visits = [(at, bool(sort), orders)]
        found.append(Visitor(f"s{seed}-{number}", visits, sort == "treated", paid))
    return sorted(found, key=lambda each: each.visits[0][0])


def planned(units: int, share: float, gain: float) -> tuple[int, int]:
    """How many of so many visitors order, and how many more would if treated."""
    return round(units * share), round(units * share * gain)


def repeated_visits(seed: int, *, days: int, a_day: int) -> list[Visitor]:
    """Some come often, and some buy often, before a test as in it: visits of one person are more alike than of two."""
    dice = Random(f"repeated {seed}")
    found = []
    for day in range(days):
        for number in range(a_day):
            at = first = BEGIN_AT + day * DAY + dice.randrange(HOUR)
            liking = dice.betavariate(0.2, 6.5)
            visits = []
            while True:
                orders = dice.random() < liking
                visits.append((at, orders, orders))
                at += HOUR
                if dice.random() < 0.4 or len(visits) == 20:
                    break
            before = [
                (first - past * 2 * DAY, dice.random() < liking) for past in (3, 2, 1) if dice.random() < 0.7
            ]
            found.append(Visitor(f"r{seed}-{day}-{number}", visits, before=before))
    return sorted(found, key=lambda each: each.visits[0][0])


# -- through the product --------------------------------------------------------------------------


def live(visitors: Sequence[Visitor], *, rules: int = 1, weeks: int = WEEKS) -> Stream:
    """Takes visitors in as a shop's server would: each visit's events, and a question for every place."""
    house = build_house(MemoryStorage(), clock=_moment.get)
    house.deadline_seconds = 60.0
    _moment.set(BEGIN_AT - MINUTE)
    publish(house, files_of(rules, weeks))
    keep_experiments(house)
    with asyncio.Runner() as runner:
        for start in range(0, len(visitors), 500):
            some = visitors[start : start + 500]
            runner.run(_decide_for(house, some, rules))
            messages = [message for each in some for message in _said(each)]
            messages.sort(key=lambda message: str(message["timestamp"]))
            _moment.set(max(at for each in some for at, _, _ in each.visits) + MINUTE)
            capture(house, SHOP, messages).result()
    return _stream(house, {key_of("anonymous", each.id): each for each in visitors})


def files_of(rules: int, weeks: int) -> dict[str, str]:
    """A playbook with so many tests, each in a place of its own."""
    files = {"team.yaml": TEAM}
    for number in range(rules):
        files[f"slots/place-{number}.yaml"] = SLOT.format(number)
        files[f"rules/rule-{number}.yaml"] = RULE.format(number, weeks)
    return files


async def _decide_for(house: House, visitors: Sequence[Visitor], rules: int) -> None:
    """Pages come a few at a time, as a busy server takes them in, and each visitor is decided for at their moment."""
    places = tuple(f"place-{number}" for number in range(rules))
    for start in range(0, len(visitors), TOGETHER):
        some = visitors[start : start + TOGETHER]
        messages = [message for each in some for message in _said_first(each)]
        _moment.set(some[-1].visits[0][0] - 1)
        capture(house, SHOP, messages).result()
        for each in some:
            _moment.set(each.visits[0][0] - 1)
            await decide_slots(house, Question(anonymous_id=each.id, slots=places, context=PHONE))


def _page(visitor: Visitor, at: int) -> dict[str, object]:
    return {
        "type": "page",
        "messageId": f"{visitor.id}-{at}",
        "anonymousId": visitor.id,
        "timestamp": to_iso(at),
        "properties": {"path": "/"},
    }


def _said_first(visitor: Visitor) -> Iterator[dict[str, object]]:
    """What was before, and the page on which they are decided for."""
    for at, orders in visitor.before:
        yield _page(visitor, at - 1)
        if orders:
            yield _ordered(visitor, f"before-{at}", at)
    yield _page(visitor, visitor.visits[0][0] - 1)


def _said(visitor: Visitor) -> Iterator[dict[str, object]]:
    for number, (at, carts, orders) in enumerate(visitor.visits):
        if number:
            yield _page(visitor, at - 1)
        if carts:
            yield _track(visitor, "Product Added", f"{number}-cart", at, {})
        if orders:
            yield _ordered(visitor, str(number), at)


def _ordered(visitor: Visitor, order: str, at: int) -> dict[str, object]:
    facts = {"order_id": f"{visitor.id}-{order}", "revenue": visitor.paid / 100, "currency": "EUR"}
    return _track(visitor, "Order Completed", f"{order}-order", at, facts)


def _track(
    visitor: Visitor, event: str, message: str, at: int, facts: dict[str, object]
) -> dict[str, object]:
    return {
        "type": "track",
        "event": event,
        "messageId": f"{visitor.id}-{message}",
        "anonymousId": visitor.id,
        "timestamp": to_iso(at),
        "properties": facts,
    }


# -- what measuring makes of each -----------------------------------------------------------------


def _stream(house: House, visitors: dict[int, Visitor]) -> Stream:
    experiments = sorted(house.storage.list_experiments(), key=lambda each: each.id)
    query = ExposedQuery(
        experiment=experiments[0].id,
        rule=experiments[0].rule,
        since_at=BEGIN_AT - DAY,
        until_at=BEGIN_AT + 365 * DAY,
        stretch_ms=HOUR,
    )
    found = house.storage.list_exposed(query, ALL_LANES, set(visitors)).units
    units = sorted(found, key=lambda unit: (unit.first_at, unit.key))
    happened = _happened(house, experiments[0], visitors)
    stream = Stream(
        house=house,
        experiments=experiments,
        visitors=[visitors[unit.key] for unit in units],
        first_at=[unit.first_at for unit in units],
        days=[to_iso(unit.first_at)[:10] for unit in units],
        plain=[],
        treated=[],
        rows=[],
        metrics=[metric.bound(terms_of(house).plan) for metric in experiments[0].metrics],
    )
    rows = _Rows(stream)
    for unit, visitor in zip(units, stream.visitors, strict=True):
        events = happened.get(unit.key, [])
        stream.treated.append(rows.place(unit.first_at, events))
        if visitor.only_if_treated:
            events = [event for event in events if event.name != "Order Completed"]
        stream.plain.append(rows.place(unit.first_at, events))
    stream.rows = rows.rows
    return stream


class _Rows:
    """What measuring adds for each visitor, and where it stands among all that differ."""

    def __init__(self, stream: Stream) -> None:
        self._metrics = stream.metrics
        self._caps = stream.experiments[0].caps
        self._places: dict[Row, int] = {}
        self._of_one_event: dict[tuple[str, int], int] = {}

    @property
    def rows(self) -> list[Row]:
        return list(self._places)

    def place(self, first_at: int, events: Sequence[TimelineEvent]) -> int:
        """Most visitors do one thing only, which is measured once."""
        if len(events) != 1 or events[0].name not in VIEWS:
            return self._places.setdefault(self._row(first_at, events), len(self._places))
        what = events[0].name, events[0].occurred_at - first_at
        if what not in self._of_one_event:
            self._of_one_event[what] = self._places.setdefault(self._row(first_at, events), len(self._places))
        return self._of_one_event[what]

    def _row(self, first_at: int, events: Sequence[TimelineEvent]) -> Row:
        adding = Adding(self._metrics, self._caps)
        adding.add(Unit(key=0, phase=1, arm="", first_at=first_at, seq=0), "", events)
        (sums,) = adding.cells().values()
        return tuple(
            chain.from_iterable(
                (*msgspec.structs.astuple(sums.by_metric[metric.name]), sums.largest[metric.name])
                for metric in self._metrics
            )
        )


def _happened(house: House, experiment: Experiment, keys: Collection[int]) -> dict[int, list[TimelineEvent]]:
    """What counts for any metric of the test, by key, as the store has it."""
    plan = terms_of(house).plan
    names = frozenset().union(*(metric.bound(plan).events(plan) for metric in experiment.metrics))
    found: dict[int, list[TimelineEvent]] = defaultdict(list)
    for key, _, event in house.storage.list_facts_of(keys, names):
        found[key].append(event)
    for events in found.values():
        events.sort(key=lambda event: event.order)
    return dict(found)
