"""`python -m bench.simulations`: tests whose truth is known, through the product, from events to conclusion.

A shop's visitors are captured, decided for, exposed and measured by the product's own code. As their events are the
same whatever they see, every further split of them is a test of its own: its arms are drawn as deciding draws them,
and its sums are added and judged as for any test. So one stream of visitors gives hundreds of tests.
"""

from __future__ import annotations

import argparse
import sys
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import ceil, sqrt

import msgspec

from bench.simulated_shop import (
    A_DAY,
    BEGIN_AT,
    FOLLOW_UP,
    WEEKS,
    Stream,
    live,
    planned,
    repeated_visits,
    single_visits,
)
from bench.simulated_theory import (
    mean_called,
    share_called,
    split_called_off,
    visits_called,
    won_looking_daily,
)
from opportune.core.allocation import arm_at, bounds_of, bucket_of
from opportune.core.conclusion.concluding import FEWEST_DAYS, conclude
from opportune.core.conclusion.judging import FEWEST_FOR_A_DIRECTION, broken_limits, compare_arms, judge_trust
from opportune.core.conclusion.reading import Measured as Asked
from opportune.core.experiments.experiment import Experiment
from opportune.core.experiments.measured import Cell, CellSums, Measured
from opportune.core.experiments.watched import Watched
from opportune.core.metrics import AnyMetric
from opportune.core.moment import DAY, MINUTE, from_iso, to_iso
from opportune.core.report.asking import Totals, asked, kind_of
from opportune.core.rule import CONTROL
from opportune.core.signs.limit import reading_of
from opportune.core.signs.split import SplitOff
from opportune.core.situation import UTC_ZONE
from opportune.core.statistics.comparing import ALPHA, Comparison, compare
from opportune.core.statistics.estimate import estimate_mean
from opportune.core.statistics.moments import Moments, moments_of_share

# -- many splits of one stream --------------------------------------------------------------------


@dataclass
class Split:
    """One test more on a stream's visitors: another seed, the same events."""

    stream: Stream
    experiment: Experiment
    arms: list[str]
    """By visitor, as `stream` has them."""

    @classmethod
    def of(cls, stream: Stream, seed: str) -> Split:
        first = stream.experiments[0]
        bounds = bounds_of(first.arms)
        arms = [arm_at(bucket_of(seed, each.id), bounds) for each in stream.visitors]
        return cls(stream, msgspec.structs.replace(first, id=seed), arms)

    @cached_property
    def measured(self) -> Measured:
        """Sums by day of first exposure of a test that changes nothing."""
        return self._measured(self.stream.plain, self.stream.days)

    @cached_property
    def whole(self) -> Measured:
        """The same as if all had come on one day, for whoever looks at the end only: sums add."""
        return self._measured(self.stream.plain, self._one_day)

    @cached_property
    def whole_with_effect(self) -> Measured:
        """That of something that works: who gets it does what they do only then."""
        both = zip(self.arms, self.stream.plain, self.stream.treated, strict=True)
        done = [plain if arm == CONTROL else treated for arm, plain, treated in both]
        return self._measured(done, self._one_day)

    def measured_until(self, moment: int) -> Measured:
        """What is known at a moment of a test that changes nothing."""
        known = bisect_left(self.stream.first_at, moment)
        return self._measured(self.stream.plain[:known], self.stream.days)

    @property
    def _one_day(self) -> list[str]:
        return self.stream.days[:1] * len(self.arms)

    def _measured(self, done: Sequence[int], days: Sequence[str]) -> Measured:
        """By day and arm, how many visitors there are of each row."""
        cells: dict[Cell, Counter[int]] = {}
        for (arm, day, row), times in Counter(zip(self.arms, days, done, strict=False)).items():
            cells.setdefault(Cell(1, arm, day), Counter())[row] = times
        return Measured(
            experiment=self.experiment.id,
            cells={cell: self.stream.sums(rows) for cell, rows in cells.items()},
        )


def is_called(split: Split, measured: Measured) -> bool:
    """Whether a difference is called at the planned end."""
    now = (split.experiment.planned_end_at or BEGIN_AT) + FOLLOW_UP
    conclusion = conclude(asked(split.experiment, Totals(measured), now, UTC_ZONE, "EUR"))
    p = conclusion.arms[0].p_adjusted
    return p is not None and p < ALPHA


def is_metric_called(split: Split, measured: Measured, metric: AnyMetric) -> bool:
    """The same for a metric that does not decide, compared as if it did."""
    arms = tuple(measured.total(arm).by_metric[metric.name] for arm, _ in split.experiment.arms)
    found, _ = compare_arms(
        Asked(
            metric=metric.name,
            kind=kind_of(metric),
            arms=arms,
            has_covariate=any(arm.xx for arm in arms),
            covariate_is_a_ratio=metric.is_ratio,
        ),
        1,
    )
    return isinstance(found, Comparison) and found.p < ALPHA


FAR = 3.0
"""Standard errors below which nothing is won before the planned end, which takes 3.29."""


def is_won_early_or_late(split: Split) -> bool:
    """Whether anybody who looks every day, and stops at the first win, ends with one."""
    end = split.experiment.planned_end_at or BEGIN_AT
    closed = (from_iso(f"{day}T00:00:00Z") + 2 * DAY for day in _far_days(split))
    return _is_won(split, split.whole, end + FOLLOW_UP) or any(
        _is_won(split, split.measured, now) for now in closed if now < end + DAY
    )


def _is_won(split: Split, measured: Measured, now: int) -> bool:
    limitless = msgspec.structs.replace(split.experiment, limits=())
    return conclude(asked(limitless, Totals(measured), now, UTC_ZONE, "EUR")).state == "keep"


def _far_days(split: Split) -> Iterator[str]:
    """Days at whose end the arms are so far apart that a look is worth it (to spare nine of ten looks)."""
    counts = split.stream.does[split.experiment.metric.name]
    tally = Counter(
        (day, arm, counts[row])
        for day, arm, row in zip(split.stream.days, split.arms, split.stream.plain, strict=True)
    )
    names = [arm for arm, _ in split.experiment.arms]
    units, had = dict.fromkeys(names, 0), dict.fromkeys(names, 0)
    for day in sorted({day for day, _, _ in tally}):
        for arm in names:
            units[arm] += tally[day, arm, False] + tally[day, arm, True]
            had[arm] += tally[day, arm, True]
        found = compare(*(estimate_mean(moments_of_share(units[arm], had[arm])) for arm in names))
        if isinstance(found, Comparison) and abs(found.difference) > FAR * found.standard_error:
            yield day


def is_split_called_off(split: Split, *, look_ms: int = DAY) -> bool:
    """Whether any look at the report in four weeks would have said that the split is off."""
    units = {arm: 0 for arm, _ in split.experiment.arms}
    by_day: Counter[tuple[str, str]] = Counter()
    last = BEGIN_AT // look_ms
    stream = split.stream
    for arm, at, day in zip(split.arms, stream.first_at, stream.days, strict=True):
        if at // look_ms != last:
            last = at // look_ms
            if is_far(units) and not _is_trusted(split, by_day, at // look_ms * look_ms):
                return True
        units[arm] += 1
        by_day[arm, day] += 1
    return is_far(units) and not _is_trusted(split, by_day, BEGIN_AT + 365 * DAY)


def is_far(units: Mapping[str, int]) -> bool:
    """Whether two arms differ enough for a chi-square of 10, less than any look at the split calls off."""
    control, treatment = units.values()
    return (control - treatment) ** 2 >= 10 * (control + treatment)


def _is_trusted(split: Split, by_day: Counter[tuple[str, str]], now: int) -> bool:
    reading = asked(split.experiment, Totals(units_measured(by_day)), now, UTC_ZONE, "EUR")
    return not judge_trust(reading).is_split_off


def units_measured(by_day: Counter[tuple[str, str]]) -> Measured:
    """Only how many visitors there are, by arm and day."""
    cells = {Cell(1, arm, day): CellSums(units=n) for (arm, day), n in by_day.items()}
    return Measured(experiment="", cells=cells)


def is_called_by_visit(split: Split) -> bool:
    """The mistake: every visit counts as if it were somebody else, so one keen visitor counts many times."""
    visits, orders = Counter[str](), Counter[str]()
    for arm, (came, bought) in zip(split.arms, visits_of(split.stream), strict=True):
        visits[arm] += came
        orders[arm] += bought
    control, treatment = (
        estimate_mean(moments_of_share(visits[arm], orders[arm])) for arm, _ in split.experiment.arms
    )
    found = compare(control, treatment)
    return isinstance(found, Comparison) and found.p < ALPHA


def visits_of(stream: Stream) -> list[tuple[int, int]]:
    """By visitor, their visits and how many ended with an order."""
    return [(len(each.visits), sum(order for _, _, order in each.visits)) for each in stream.visitors]


# -- the guard's looks ----------------------------------------------------------------------------

FARTHEST_KEPT = 2.4
"""A bound that holds at any time reaches farther than this many standard errors: sqrt(2 log(1 + 1 / (2 alpha)))."""
FEWEST_EITHER = 50
"""Where fewer of both arms did what a limit counts, the guard does not judge it yet (25 in each)."""


def is_switched_off(split: Split, *, look_ms: int = MINUTE, days: int = 14) -> bool:
    """Whether in two weeks of looks the guard would have switched the rule off by what is counted.

    Most looks need no judging: nothing lies so far from where it should be that a limit or the split could be off.
    """
    guard = _Guard(split)
    stream, last = split.stream, 0
    until = BEGIN_AT + days * DAY
    for place, (arm, at) in enumerate(zip(split.arms, stream.first_at, strict=True)):
        if at >= until:
            break
        look = at // look_ms
        if look != last:
            if guard.is_off(at):
                return True
            last = look
        guard.add(arm, stream.plain[place], stream.days[place])
    return guard.is_off(until)


class _Guard:
    """What the guard knows at a look: visitors of each arm by day, and what the limits count."""

    def __init__(self, split: Split) -> None:
        experiment = split.experiment
        self.experiment = experiment
        self.names = [arm for arm, _ in experiment.arms]
        self.stream = split.stream
        self.limits = [(experiment.metric, 0.0), *((each.metric, each.margin) for each in experiment.limits)]
        does = [self.stream.does[metric.name] for metric, _ in self.limits]
        self.did = [
            [place for place, counts in enumerate(does) if counts[row]]
            for row in range(len(self.stream.rows))
        ]
        self.units = dict.fromkeys(self.names, 0)
        self.happened = {arm: [0] * len(self.limits) for arm in self.names}
        self.by_day: Counter[tuple[str, str]] = Counter()

    def add(self, arm: str, row: int, day: str) -> None:
        self.units[arm] += 1
        self.by_day[arm, day] += 1
        for place in self.did[row]:
            self.happened[arm][place] += 1

    def is_off(self, now: int) -> bool:
        return (self._is_far() and bool(broken_limits(reading_of(self.experiment, self.measured())))) or (
            is_far(self.units) and self._is_split_off(now)
        )

    def measured(self) -> Measured:
        """What the limits are judged by: they are shares, so squares are what they are of."""
        cells = {}
        for arm in self.names:
            n = self.units[arm]
            moments = {
                metric.name: Moments(n=n, y=y, yy=y)
                for (metric, _), y in zip(self.limits, self.happened[arm], strict=True)
            }
            cells[Cell(1, arm, "all")] = CellSums(units=n, by_metric=moments)
        return Measured(experiment="", cells=cells)

    def _is_far(self) -> bool:
        control, treatment = self.names
        of_control, of_treatment = self.units[control], self.units[treatment]
        for place, (_, margin) in enumerate(self.limits):
            had, has = self.happened[control][place], self.happened[treatment][place]
            if had + has < FEWEST_EITHER or not of_control or not of_treatment:
                continue
            before, after, kept = had / of_control, has / of_treatment, 1 - margin
            lost = kept * before - after
            variance = after * (1 - after) / of_treatment + kept**2 * before * (1 - before) / of_control
            if lost > 0 and lost * lost > FARTHEST_KEPT**2 * variance:
                return True
        return False

    def _is_split_off(self, now: int) -> bool:
        watched = Watched(
            now=now,
            experiment=self.experiment,
            measured=units_measured(self.by_day),
            until_day=to_iso(now - now % DAY - 1)[:10],
        )
        return any(SplitOff().look(watched))


# -- figures --------------------------------------------------------------------------------------


@dataclass
class Figure:
    """How often something was seen, of how many and in which shop, and how often it may or should be."""

    said: str
    bound: str = ""
    by_theory: list[float] = field(default_factory=list)
    """One of every shop."""
    shops: dict[int, list[bool]] = field(default_factory=dict)

    def add(self, shop: int, is_seen: bool) -> None:
        self.shops.setdefault(shop, []).append(is_seen)

    @property
    def of(self) -> int:
        return sum(len(tests) for tests in self.shops.values())

    @property
    def share(self) -> float:
        return sum(sum(tests) for tests in self.shops.values()) / self.of if self.of else 0.0

    @property
    def widening(self) -> float:
        """How many times more the shops differ than as many tests that share no visitors would (variance), or 1."""
        shops, chance = len(self.shops), self.share * (1 - self.share)
        if shops < 2 or not chance:
            return 1.0
        apart = sum((sum(tests) - self.share * len(tests)) ** 2 for tests in self.shops.values())
        return max(1.0, shops / (shops - 1) * apart / (self.of * chance))

    @property
    def interval(self) -> tuple[float, float]:
        """Where the true share lies, in 95 of 100 such simulations: Wilson's, with as many tests fewer."""
        z, n = 1.96, max(1.0, self.of / self.widening)
        middle = (self.share + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * sqrt(self.share * (1 - self.share) / n + z * z / (4 * n * n))
        return max(0.0, middle - half), min(1.0, middle + half)

    @property
    def wanted(self) -> str:
        theory = f"{sum(self.by_theory) / len(self.by_theory):.1%}" if self.by_theory else ""
        return f"{theory} ({self.bound})" if theory and self.bound else theory or self.bound

    def __str__(self) -> str:
        low, high = self.interval
        tests = f"{self.of:,} of {len(self.shops)} shops"
        return (
            f"| {self.said} | {self.wanted} | **{self.share:.2%}** | {low:.2%} to {high:.2%} | {tests} "
            f"| {self.widening:.1f} |"
        )


HEAD = """| what | should be | was | so the true share is | tests | shops differ |
|---|---|---|---|---|---|"""


class Figures:
    """What is counted over all tests."""

    def __init__(self, looks: int = 8) -> None:
        self.look_ms = DAY // looks
        bound, off = "at most 5.5%", "A/A: switched off within 14 days, looked at"
        self.call = Figure("A/A: a difference is called at the planned end, orders", bound)
        self.money = Figure("A/A: the same for revenue a visitor", bound)
        self.win = Figure("A/A: looked at every day, and a win believed at first sight", "at most 3.3%")
        self.off = Figure(f"{off} every minute", "at most 5%")
        self.off_seldom = Figure(f"{off} {looks} times a day", "at most 5%")
        self.power = Figure("A gain of 20% is called at the planned end")
        self.alarm = Figure("A/A: the split is called off in four weeks, looked at every minute", "below 1%")
        self.by_visit = Figure("A/A: every visit counted by itself (a mistake, not what we do)")
        self.by_visitor = Figure("A/A: the same orders a visit, with the visitor as the unit", bound)
        self.adjusted = Figure("A/A: whether these order at all, adjusted for orders before", bound)

    def expect_visitors(self, stream: Stream, *, share: float = 0.03, gain: float = 0.2) -> None:
        """What theory has for one shop."""
        units = len(stream.visitors)
        buyers, more = planned(units, share, gain)
        days = len(set(stream.days))
        first_look = max(FEWEST_DAYS, ceil(2 * FEWEST_FOR_A_DIRECTION / (units / days * share)))
        self.call.by_theory.append(share_called(units, buyers))
        self.money.by_theory.append(
            mean_called(
                [each.paid for each in stream.visitors if each.visits[0][2] and not each.only_if_treated]
            )
        )
        self.win.by_theory.append(won_looking_daily(days, since_day=first_look))
        self.power.by_theory.append(share_called(units, buyers, more))
        self.alarm.by_theory.append(split_called_off(days, units // days))

    def expect_visits(self, stream: Stream) -> None:
        self.by_visit.by_theory.append(visits_called(visits_of(stream)))
        self.by_visitor.by_theory.append(ALPHA)
        self.adjusted.by_theory.append(ALPHA)

    def add_visitors(self, shop: int, split: Split) -> None:
        money = next(each for each in split.experiment.metrics if each.is_money)
        self.call.add(shop, is_called(split, split.whole))
        self.money.add(shop, is_metric_called(split, split.whole, money))
        self.win.add(shop, is_won_early_or_late(split))
        self.alarm.add(shop, is_split_called_off(split, look_ms=MINUTE))
        is_off = is_switched_off(split)
        self.off.add(shop, is_off)
        self.off_seldom.add(shop, is_off and is_switched_off(split, look_ms=self.look_ms))
        self.power.add(shop, is_called(split, split.whole_with_effect))

    def add_visits(self, shop: int, split: Split) -> None:
        ratio = next(each for each in split.experiment.metrics if each.is_ratio)
        self.by_visit.add(shop, is_called_by_visit(split))
        self.by_visitor.add(shop, is_metric_called(split, split.whole, ratio))
        self.adjusted.add(shop, is_called(split, split.whole))

    def listed(self) -> list[Figure]:
        return [
            self.call,
            self.money,
            self.win,
            self.off,
            self.off_seldom,
            self.power,
            self.alarm,
            self.adjusted,
            self.by_visitor,
            self.by_visit,
        ]


def simulate(
    *, shops: range, splits: int, minutes: float, weeks: int = WEEKS, a_day: int = A_DAY
) -> Iterator[Figures]:
    """What is known after each shop, every other one with repeated visits; whatever is done after so many minutes."""
    found = Figures()
    end = time.monotonic() + 60 * minutes
    for shop in shops:
        once = live(single_visits(shop, days=7 * weeks, a_day=a_day, gain=0.2), weeks=weeks)
        found.expect_visitors(once)
        often = None
        if shop % 2 == 0:
            often = live(repeated_visits(shop, days=7 * weeks, a_day=a_day // 4), weeks=weeks)
            found.expect_visits(often)
        for each in range(splits):
            if time.monotonic() > end:
                break
            found.add_visitors(shop, Split.of(once, f"once {shop}/{each}"))
            if often is not None:
                found.add_visits(shop, Split.of(often, f"often {shop}/{each}"))
        yield found
        if time.monotonic() > end:
            return


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.simulations", description=__doc__)
    parser.add_argument("--shops", type=int, default=24, help="how many (default 24)")
    parser.add_argument("--splits", type=int, default=100, help="tests on each one's visitors (default 100)")
    parser.add_argument("--first", type=int, default=0, help="number of the first shop (default 0)")
    parser.add_argument("--minutes", type=float, default=60.0, help="stop after so long (default 60)")
    options = parser.parse_args()
    shops = range(options.first, options.first + options.shops)
    for found in simulate(shops=shops, splits=options.splits, minutes=options.minutes):
        table = "\n".join([HEAD, *map(str, found.listed())])
        print(f"{found.call.of:,} tests done", table, sep="\n", file=sys.stderr, flush=True)
    print(table)


if __name__ == "__main__":
    main()
