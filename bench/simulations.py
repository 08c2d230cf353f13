"""`python -m bench.simulations`: tests whose truth is known, through the product, from events to conclusion.

A shop's visitors are captured, decided for, exposed and measured by the product's own code. As their events are the
same whatever they see, every further split of them is a test of its own: its arms are drawn as deciding draws them,
and its sums are added and judged as for any test. So one stream of visitors gives hundreds of tests.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import groupby
from math import exp, sqrt
from random import Random
from typing import NamedTuple

import msgspec

from opportune.app.house import build_house
from opportune.core.allocation import arm_at, bounds_of, bucket_of
from opportune.core.conclusion.concluding import conclude
from opportune.core.conclusion.judging import broken_limits, judge_trust
from opportune.core.experiments.experiment import Experiment
from opportune.core.experiments.measured import NO_SUMS, Adding, Cell, Measured, Unit
from opportune.core.history.key import key_of
from opportune.core.history.link import FOREVER
from opportune.core.history.timeline import TimelineEvent
from opportune.core.moment import DAY, HOUR, MINUTE, to_iso
from opportune.core.report.asking import Totals, asked
from opportune.core.rule import CONTROL
from opportune.core.signs.limit import reading_of
from opportune.core.situation import UTC_ZONE, Context
from opportune.core.statistics.comparing import ALPHA, Comparison, compare
from opportune.core.statistics.estimate import Estimate, Unanswerable, estimate_mean, estimate_ratio
from opportune.core.statistics.moments import moments_of_share
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
SHOP = CaptureSource(name="simulated shop", is_secret=True)
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


class Stream(NamedTuple):
    """A shop's visitors in a house that took them in, with what measuring needs of them."""

    house: House
    experiments: list[Experiment]
    visitors: dict[int, Visitor]
    first_at: dict[int, int]
    happened: dict[int, list[TimelineEvent]]
    """By key, of those of whom anything counts."""


# -- visitors -------------------------------------------------------------------------------------


def single_visits(
    seed: int, *, days: int, a_day: int, share: float = 0.03, gain: float = 0.0
) -> list[Visitor]:
    """Everybody comes once; of 100 so many order (and more if treated), three times as many fill a cart."""
    dice = Random(f"single {seed}")
    found = []
    for day in range(days):
        for number in range(a_day):
            at = BEGIN_AT + day * DAY + dice.randrange(DAY - HOUR)
            drawn = dice.random()
            orders = drawn < share * (1 + gain)
            carts = orders or dice.random() < 2 * share
            paid = round(5_000 * exp(dice.gauss(0, 0.8)))
            found.append(
                Visitor(f"s{seed}-{day}-{number}", [(at, carts, orders)], orders and drawn >= share, paid)
            )
    return sorted(found, key=lambda each: each.visits[0][0])


def repeated_visits(seed: int, *, days: int, a_day: int) -> list[Visitor]:
    """Some come often, and some buy often: visits of one person are more alike than those of two."""
    dice = Random(f"repeated {seed}")
    found = []
    for day in range(days):
        for number in range(a_day):
            at = BEGIN_AT + day * DAY + dice.randrange(HOUR)
            liking = dice.betavariate(0.2, 6.5)
            visits = []
            while True:
                orders = dice.random() < liking
                visits.append((at, orders, orders))
                at += HOUR
                if dice.random() < 0.4 or len(visits) == 20:
                    break
            found.append(Visitor(f"r{seed}-{day}-{number}", visits))
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
    by_key = {key_of("anonymous", each.id): each for each in visitors}
    experiments = sorted(house.storage.list_experiments(), key=lambda each: each.id)
    query = ExposedQuery(
        experiment=experiments[0].id,
        rule=experiments[0].rule,
        since_at=BEGIN_AT - DAY,
        until_at=BEGIN_AT + 365 * DAY,
        stretch_ms=HOUR,
    )
    units = house.storage.list_exposed(query, ALL_LANES, set(by_key)).units
    return Stream(
        house,
        experiments,
        by_key,
        {each.key: each.first_at for each in units},
        _happened(house, experiments[0]),
    )


def files_of(rules: int, weeks: int) -> dict[str, str]:
    """A playbook with so many tests, each in a place of its own."""
    files = {"team.yaml": TEAM}
    for number in range(rules):
        files[f"slots/place-{number}.yaml"] = SLOT.format(number)
        files[f"rules/rule-{number}.yaml"] = RULE.format(number, weeks)
    return files


async def _decide_for(house: House, visitors: Sequence[Visitor], rules: int) -> None:
    places = tuple(f"place-{number}" for number in range(rules))
    for each in visitors:
        _moment.set(each.visits[0][0] - 1)
        capture(house, SHOP, [_page(each, each.visits[0][0] - 1)]).result()
        await decide_slots(house, Question(anonymous_id=each.id, slots=places, context=PHONE))


def _page(visitor: Visitor, at: int) -> dict[str, object]:
    return {
        "type": "page",
        "messageId": f"{visitor.id}-{at}",
        "anonymousId": visitor.id,
        "timestamp": to_iso(at),
        "properties": {"path": "/"},
    }


def _said(visitor: Visitor) -> Iterator[dict[str, object]]:
    for number, (at, carts, orders) in enumerate(visitor.visits):
        if number:
            yield _page(visitor, at - 1)
        order = {"order_id": f"{visitor.id}-{number}", "revenue": visitor.paid / 100, "currency": "EUR"}
        for event, facts, is_done in (("Product Added", {}, carts), ("Order Completed", order, orders)):
            if is_done:
                yield {
                    "type": "track",
                    "event": event,
                    "messageId": f"{visitor.id}-{number}-{event}",
                    "anonymousId": visitor.id,
                    "timestamp": to_iso(at),
                    "properties": facts,
                }


def _happened(house: House, experiment: Experiment) -> dict[int, list[TimelineEvent]]:
    """What counts for any metric of the test, by key, as the store has it."""
    plan = terms_of(house).plan
    names = frozenset().union(*(metric.bound(plan).events(plan) for metric in experiment.metrics))
    found: dict[int, list[TimelineEvent]] = defaultdict(list)
    for lane in range(256):
        for key, _, event in house.storage.list_lane(lane, sorted(names), 0, limit=1_000_000):
            found[key].append(event)
    for events in found.values():
        events.sort(key=lambda event: event.order)
    return dict(found)


# -- many splits of one stream --------------------------------------------------------------------


@dataclass(slots=True)
class Split:
    """One test more on a stream's visitors: another seed, the same events."""

    stream: Stream
    experiment: Experiment
    arms: dict[int, str]
    looks_a_day: int = 1
    has_effect: bool = False

    @classmethod
    def of(cls, stream: Stream, seed: str) -> Split:
        first = stream.experiments[0]
        bounds = bounds_of(first.arms)
        arms = {key: arm_at(bucket_of(seed, stream.visitors[key].id), bounds) for key in stream.first_at}
        return cls(stream, msgspec.structs.replace(first, id=seed), arms)

    def measured(self, until_at: int = FOREVER) -> Measured:
        """Sums by day of first exposure, as measuring adds them; several looks a day make shorter days."""
        plan = terms_of(self.stream.house).plan
        adding = Adding([metric.bound(plan) for metric in self.experiment.metrics], self.experiment.caps)
        quiet: Counter[tuple[str, str]] = Counter()
        for key, first_at in self.stream.first_at.items():
            arm = self.arms[key]
            if first_at >= until_at:
                continue
            if events := self._events(key, arm):
                adding.add(_unit(arm, first_at, key), self._day_of(first_at), events)
            else:
                quiet[arm, self._day_of(first_at)] += 1
        for (arm, day), units in quiet.items():
            adding.add_quiet(_unit(arm, 0), day, units)
        return Measured(experiment=self.experiment.id, cells=adding.cells())

    def _events(self, key: int, arm: str) -> Sequence[TimelineEvent]:
        events = self.stream.happened.get(key, ())
        if self.stream.visitors[key].only_if_treated and (arm == CONTROL or not self.has_effect):
            return [event for event in events if event.name != "Order Completed"]
        return events

    def _day_of(self, at: int) -> str:
        return _day(at) if self.looks_a_day == 1 else f"{_day(at)} {at % DAY * self.looks_a_day // DAY:03}"

    def looked_at(self, times: int) -> Split:
        """The same test, looked at so often a day."""
        return replace(self, looks_a_day=times)

    def with_effect(self) -> Split:
        """The same test of something that works."""
        return replace(self, has_effect=True)


def _unit(arm: str, first_at: int, key: int = 0) -> Unit:
    return Unit(key=key, phase=1, arm=arm, first_at=first_at, seq=0)


@lru_cache(maxsize=10_000)
def _stamp(day: int) -> str:
    return to_iso(day * DAY)[:10]


def _day(at: int) -> str:
    return _stamp(at // DAY)


def is_called(split: Split, measured: Measured) -> bool:
    """Whether a difference is called at the planned end."""
    now = (split.experiment.planned_end_at or BEGIN_AT) + FOLLOW_UP
    conclusion = conclude(asked(split.experiment, Totals(measured), now, UTC_ZONE, "EUR"))
    p = conclusion.arms[0].p_adjusted
    return p is not None and p < ALPHA


def is_won_early_or_late(split: Split, measured: Measured) -> bool:
    """Whether anybody who looks every day, and stops at the first win, ends with one."""
    end = split.experiment.planned_end_at or BEGIN_AT
    limitless = msgspec.structs.replace(split.experiment, limits=())
    moments = [*range(split.experiment.started_at + 9 * DAY, end + DAY, DAY), end + FOLLOW_UP]
    totals = Totals(measured)
    return any(conclude(asked(limitless, totals, now, UTC_ZONE, "EUR")).state == "keep" for now in moments)


def is_split_called_off(split: Split, measured: Measured) -> bool:
    """Whether on any day the split of visitors would have been called off."""
    days = sorted({cell.day for cell in measured.cells})
    counts = {(cell.arm, cell.day): sums.units for cell, sums in measured.cells.items() if not cell.part}
    reading = asked(split.experiment, Totals(measured), BEGIN_AT + 365 * DAY, UTC_ZONE, "EUR")
    so_far = dict.fromkeys((arm for arm, _ in split.experiment.arms), 0)
    for day in days:
        for arm in so_far:
            so_far[arm] += counts.get((arm, day), 0)
        phase = msgspec.structs.replace(reading.phases[0], counts=tuple(so_far.values()))
        deciding = msgspec.structs.replace(
            reading.deciding, arms=tuple(moments_of_share(n, 0) for n in so_far.values())
        )
        if judge_trust(msgspec.structs.replace(reading, phases=(phase,), deciding=deciding)).is_split_off:
            return True
    return False


def is_rolled_back(split: Split, measured: Measured, days: int = 14) -> bool:
    """Whether in two weeks of looks the guard would have switched the rule off by what is counted."""
    cells = sorted(measured.cells.items(), key=lambda each: each[0].day)
    moments = sorted({cell.day for cell, _ in cells})[: days * split.looks_a_day]
    so_far = {Cell(1, arm, "all"): NO_SUMS for arm, _ in split.experiment.arms}
    by_moment = {day: list(found) for day, found in groupby(cells, key=lambda each: each[0].day)}
    for day in moments:
        for cell, sums in by_moment[day]:
            so_far[Cell(1, cell.arm, "all")] += sums
        if broken_limits(reading_of(split.experiment, Measured(experiment="", cells=so_far))):
            return True
    return False


def is_called_by_visit(split: Split) -> bool:
    """The mistake: every visit counts as if it were somebody else, so one keen visitor counts many times."""
    visits, orders = defaultdict(int), defaultdict(int)
    for key, arm in split.arms.items():
        for _, _, is_order in split.stream.visitors[key].visits:
            visits[arm] += 1
            orders[arm] += is_order
    control, treatment = (
        estimate_mean(moments_of_share(visits[arm], orders[arm])) for arm, _ in split.experiment.arms
    )
    return _is_called(control, treatment)


def is_called_by_visitor(split: Split, measured: Measured) -> bool:
    """The same orders a visit, with the visitor as the unit, as the product compares them."""
    metric = next(each for each in split.experiment.metrics if each.is_ratio)
    control, treatment = (
        estimate_ratio(measured.total(arm).by_metric[metric.name]) for arm, _ in split.experiment.arms
    )
    return _is_called(control, treatment)


def is_revenue_called(split: Split, measured: Measured) -> bool:
    metric = next(each for each in split.experiment.metrics if each.is_money)
    control, treatment = (
        estimate_mean(measured.total(arm).by_metric[metric.name]) for arm, _ in split.experiment.arms
    )
    return _is_called(control, treatment)


def _is_called(control: Estimate | Unanswerable, treatment: Estimate | Unanswerable) -> bool:
    found = compare(control, treatment)
    return isinstance(found, Comparison) and found.p < ALPHA


# -- figures --------------------------------------------------------------------------------------


@dataclass(slots=True)
class Figure:
    """How often something was seen, of how many, and how often it may or should be."""

    said: str
    wanted: str
    seen: int = 0
    of: int = 0

    def add(self, is_seen: bool) -> None:
        self.seen += is_seen
        self.of += 1

    @property
    def share(self) -> float:
        return self.seen / self.of if self.of else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Where the true share lies, in 95 of 100 such simulations (Wilson)."""
        z, n = 1.96, max(1, self.of)
        middle = (self.share + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * sqrt(self.share * (1 - self.share) / n + z * z / (4 * n * n))
        return max(0.0, middle - half), min(1.0, middle + half)

    def __str__(self) -> str:
        low, high = self.interval
        return (
            f"| {self.said} | {self.wanted} | **{self.share:.1%}** | {low:.1%} to {high:.1%} | {self.of:,} |"
        )


def simulate(
    *,
    streams: int,
    splits: int,
    first: int = 0,
    weeks: int = WEEKS,
    a_day: int = A_DAY,
    looks: int = 8,
    minutes: float = 60.0,
) -> list[Figure]:
    """So many shops, and so many tests on each one's visitors; whatever is done after so many minutes."""
    found = Figures(looks)
    end = time.monotonic() + 60 * minutes
    for number in range(first, first + streams):
        once = live(single_visits(number, days=7 * weeks, a_day=a_day, gain=0.2), weeks=weeks)
        often = live(repeated_visits(number, days=7 * weeks, a_day=a_day // 4), weeks=weeks)
        for each in range(splits):
            if time.monotonic() > end:
                return found.listed()
            found.add_visitors(Split.of(once, f"once {number}/{each}"))
            found.add_visits(Split.of(often, f"often {number}/{each}"))
    return found.listed()


class Figures:
    """What is counted over all tests."""

    def __init__(self, looks: int) -> None:
        self.looks = looks
        self.call = Figure("A/A: a difference is called at the planned end, orders", "at most 5.5 %")
        self.money = Figure("A/A: the same for revenue a visitor", "at most 5.5 %")
        self.win = Figure("A/A: looked at every day, and a win believed at first sight", "at most 3.3 %")
        self.off = Figure(f"A/A: switched off within 14 days, {looks} looks a day, all limits", "at most 5 %")
        self.power = Figure("A gain of 20 % is called at the planned end", "57.6 %")
        self.alarm = Figure("A/A: the split is called off on any day of four weeks", "below 1 %")
        self.by_visit = Figure(
            "A/A: every visit counted by itself (a mistake, not what we do)", "about 9.6 %"
        )
        self.by_visitor = Figure("A/A: the same orders a visit, with the visitor as the unit", "about 4.5 %")

    def add_visitors(self, split: Split) -> None:
        measured = split.measured()
        self.call.add(is_called(split, measured))
        self.money.add(is_revenue_called(split, measured))
        self.win.add(is_won_early_or_late(split, measured))
        self.alarm.add(is_split_called_off(split, measured))
        often = split.looked_at(self.looks)
        self.off.add(is_rolled_back(often, often.measured(until_at=BEGIN_AT + 14 * DAY)))
        better = split.with_effect()
        self.power.add(is_called(better, better.measured()))

    def add_visits(self, split: Split) -> None:
        self.by_visit.add(is_called_by_visit(split))
        self.by_visitor.add(is_called_by_visitor(split, split.measured()))

    def listed(self) -> list[Figure]:
        return [
            self.call,
            self.money,
            self.win,
            self.off,
            self.power,
            self.alarm,
            self.by_visit,
            self.by_visitor,
        ]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.simulations", description=__doc__)
    parser.add_argument("--streams", type=int, default=4, help="shops (default 4)")
    parser.add_argument("--splits", type=int, default=250, help="tests on each one's visitors (default 250)")
    parser.add_argument("--first", type=int, default=0, help="number of the first shop (default 0)")
    parser.add_argument("--minutes", type=float, default=60.0, help="stop after so long (default 60)")
    options = parser.parse_args()
    print("| what | should be | was | so the true share is | tests |")
    print("|---|---|---|---|---|")
    for figure in simulate(
        streams=options.streams, splits=options.splits, first=options.first, minutes=options.minutes
    ):
        print(figure)


if __name__ == "__main__":
    main()
