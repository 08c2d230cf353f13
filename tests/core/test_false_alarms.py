"""What the guard does to tests in which nothing happens, and to those that harm: looked at every minute for 14 days.

A small shop: 1,000 visitors a day in a test half and half, 2 of 100 buy, 45 of 100 bounce; safety limits as the first
playbook has them. Sums are simulated, minute by minute; the bounds are worked out for all minutes at once, and held to
the house's own. More shops are simulated in `make soak`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from tests.experiments import ARMS, experiment

from opportune.core.experiments.experiment import Experiment, Limit
from opportune.core.experiments.measured import Cell, CellSums, Measured
from opportune.core.experiments.watched import Watched
from opportune.core.metrics import Words
from opportune.core.metrics.reading import parse_metric
from opportune.core.moment import DAY
from opportune.core.rule import CONTROL, TREATMENT
from opportune.core.signs.limit import USUAL_PEOPLE, Broken
from opportune.core.signs.split import SplitOff
from opportune.core.statistics.always_valid import FEWEST_EVENTS, rho_squared
from opportune.core.statistics.moments import Moments, moments_of_share
from opportune.core.statistics.sample_ratio import SPLIT_ALPHA, SPLIT_ALPHA_AT_ONCE

NOW = 1_800_000_000_000
DAYS = 14
MINUTES = DAYS * 1_440
A_DAY = 1_000
BUY, BOUNCE = 0.02, 0.45
IS_SOAK = settings().max_examples > 1_000
SHOPS = 2_000 if IS_SOAK else 200
ORDERS = parse_metric("orders within 7 days", Words())
BOUNCES = parse_metric("bounces a visit within 7 days", Words())
A_VISITOR = parse_metric("orders a visitor within 7 days", Words())
LIMITS = (Limit(metric=BOUNCES, margin=0.05), Limit(metric=A_VISITOR, margin=0.1))
TEST = experiment(NOW - DAYS * DAY, metric=ORDERS, limits=LIMITS, others=(), people=0)
ALPHA = 0.05 / 3

Sums = dict[str, Any]
"""By arm: units, buyers and bounces up to each minute."""


def simulated(random: np.random.Generator, harm: float = 0.0, a_day: int = A_DAY) -> Sums:
    sums: Sums = {}
    for arm, share in ((CONTROL, BUY), (TREATMENT, BUY * (1 - harm))):
        came = random.poisson(a_day / 2 / 1_440, MINUTES)
        sums[arm] = tuple(
            np.cumsum(each) for each in (came, random.binomial(came, share), random.binomial(came, BOUNCE))
        )
    return sums


def broken_at(sums: Sums, which: int, *, margin: float, sign: int) -> Any:
    """In which minutes the bound of a limit lies beyond it; `which` is what is counted of units."""
    n_c, n_t = (sums[arm][0].astype(float) for arm in (CONTROL, TREATMENT))
    y_c, y_t = (sums[arm][which].astype(float) for arm in (CONTROL, TREATMENT))
    n, factor = n_c + n_t, 1 - sign * margin
    with np.errstate(all="ignore"):
        variance_c = y_c * (1 - y_c / n_c) / (n_c - 1)
        variance_t = y_t * (1 - y_t / n_t) / (n_t - 1)
        error = np.sqrt(variance_t / n_t + factor**2 * variance_c / n_c)
        at_work = n * rho_squared(USUAL_PEOPLE, alpha=2 * ALPHA)
        k = at_work + 1
        reach = error * np.sqrt(2 * k * np.log1p(np.sqrt(k) / (2 * ALPHA)) / at_work)
        upper = sign * (y_t / n_t - factor * y_c / n_c) + reach
        had = y_c + y_t
        rarer = np.minimum(had, n - had) if which == 1 and margin == 0 else had
        is_enough = rarer * np.minimum(n_c, n_t) / n >= FEWEST_EVENTS
    return is_enough & (upper < 0)


def split_at(sums: Sums) -> Any:
    """In which minutes the split looks off: on full days, or at once."""
    n_c, n_t = (sums[arm][0].astype(float) for arm in (CONTROL, TREATMENT))
    with np.errstate(all="ignore"):
        chi_square = (n_c - n_t) ** 2 / (n_c + n_t)
    off = (chi_square > np.float64(23.928)) & (n_c + n_t >= 16)  # p = 0.000001, one degree
    day_ends = np.arange(1_439, MINUTES, 1_440)
    off[day_ends] |= chi_square[day_ends] > np.float64(10.8276)  # p = 0.001
    return off


def first_off(sums: Sums) -> int | None:
    """The minute in which it would be switched off."""
    found = (
        broken_at(sums, 1, margin=0.0, sign=1)
        | broken_at(sums, 1, margin=0.1, sign=1)
        | broken_at(sums, 2, margin=0.05, sign=-1)
        | split_at(sums)
    )
    return int(np.argmax(found)) if found.any() else None


def measured_at(sums: Sums, minute: int) -> Measured:
    cells = {}
    for arm, _ in ARMS:
        units, orders, bounces = (int(each[minute]) for each in sums[arm])
        bounced = Moments(n=units, y=bounces, yy=bounces, d=units, dd=units, yd=bounces)
        by_metric = {
            ORDERS.name: moments_of_share(units, orders),
            A_VISITOR.name: moments_of_share(units, orders),
            BOUNCES.name: bounced,
        }
        cells[Cell(1, arm, "2027-01-01")] = CellSums(units=units, by_metric=by_metric)
    return Measured(experiment=TEST.id, cells=cells)


def is_seen(sums: Sums, minute: int, of: Experiment = TEST) -> bool:
    """What the house's own signs say in that minute."""
    watched = Watched(
        now=NOW, rule=of.rule, run=of.id, experiment=of, measured=measured_at(sums, minute), until_day="2026"
    )
    is_day_end = minute % 1_440 == 1_439
    full = Watched(
        now=NOW, rule=of.rule, run=of.id, experiment=of, measured=watched.measured, until_day="9999"
    )
    return any([*Broken().look(watched), *SplitOff().look(full if is_day_end else watched)])


def test_the_bounds_of_all_minutes_are_those_of_the_house() -> None:
    random = np.random.default_rng(1)
    checked = 0
    for harm in (0.0, 0.5, 0.9):
        sums = simulated(random, harm, a_day=4_000)
        found = (
            broken_at(sums, 1, margin=0.0, sign=1)
            | broken_at(sums, 1, margin=0.1, sign=1)
            | broken_at(sums, 2, margin=0.05, sign=-1)
            | split_at(sums)
        )
        turns = np.flatnonzero(found[1:] != found[:-1])[:20]
        for minute in {*turns, *(turns + 1), *range(500, MINUTES, 1_999)}:
            assert is_seen(sums, int(minute)) == bool(found[minute]), (harm, minute)
            checked += 1
    assert checked > 30
    assert pytest.approx(23.928, abs=1e-3) == 23.9281
    assert (SPLIT_ALPHA, SPLIT_ALPHA_AT_ONCE) == (0.001, 1e-6)


def test_of_tests_in_which_nothing_happens_few_are_switched_off() -> None:
    random = np.random.default_rng(20_261_123)
    off = sum(first_off(simulated(random)) is not None for _ in range(SHOPS))
    assert off <= 0.05 * SHOPS + (0 if IS_SOAK else 2), f"{off} of {SHOPS} for nothing"


def test_a_version_that_costs_half_of_the_orders_is_found_within_the_time_that_was_said() -> None:
    """At 120 visitors an hour, 2 of 100 buying: by its power one limit needs 4,785 visitors, one of three 6,075."""
    random = np.random.default_rng(7)
    shops = SHOPS // 4
    minutes = sorted(
        minute for _ in range(shops) if (minute := first_off(simulated(random, 0.5, a_day=2_880))) is not None
    )
    assert len(minutes) >= 0.95 * shops
    median = minutes[len(minutes) // 2]
    assert median * 2 <= 6_075 * 1.25
