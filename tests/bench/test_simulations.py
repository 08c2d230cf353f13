"""Simulated tests go through the product, and splitting one stream of visitors again gives what the product gives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from random import Random

import msgspec
import pytest
from bench.simulated_shop import BEGIN_AT, Stream, live, repeated_visits, single_visits
from bench.simulated_theory import (
    mean_called,
    share_called,
    split_called_off,
    visits_called,
    won_looking_daily,
)
from bench.simulations import (
    FOLLOW_UP,
    Figure,
    Figures,
    Split,
    is_switched_off,
    is_won_early_or_late,
)

from opportune.core.conclusion.concluding import conclude
from opportune.core.conclusion.judging import broken_limits
from opportune.core.experiments.measured import EVERYBODY, Measured
from opportune.core.experiments.watched import Watched
from opportune.core.moment import DAY, HOUR, to_iso
from opportune.core.report.asking import Totals, asked
from opportune.core.rule import CONTROL, TREATMENT
from opportune.core.signs.limit import reading_of
from opportune.core.signs.split import SplitOff
from opportune.core.situation import UTC_ZONE
from opportune.services.experiments.keeping_measured import keep_measured

SHARE, GAIN, TESTS = 0.3, 0.3, 120
OTHER = {CONTROL: TREATMENT, TREATMENT: CONTROL}


@pytest.fixture(scope="module")
def shop() -> Stream:
    return live(single_visits(0, days=14, a_day=60, share=SHARE, gain=GAIN), rules=2, weeks=2)


@pytest.fixture(scope="module")
def often() -> Stream:
    return live(repeated_visits(0, days=7, a_day=60), weeks=1)


def test_a_split_drawn_again_has_the_sums_the_product_measured(shop: Stream, often: Stream) -> None:
    for stream in (shop, often):
        keep_measured(stream.house)
        for experiment in stream.experiments:
            known = stream.house.storage.find_measured(experiment.id)
            assert known is not None
            assert not known.not_counted
            again = Split.of(replace(stream, experiments=[experiment], plain=stream.treated), experiment.id)
            whole = {cell: sums for cell, sums in known.cells.items() if cell.part == EVERYBODY}
            assert dict(again.measured.cells) == whole


def test_who_orders_only_if_treated_orders_in_treatment_only(shop: Stream) -> None:
    split = Split.of(shop, "any")
    orders = split.experiment.metric.name
    control, treatment = (arm for arm, _ in split.experiment.arms)
    plain, better = split.whole, split.whole_with_effect
    assert better.total(control) == plain.total(control)
    more = sum(
        visitor.only_if_treated and arm == treatment
        for visitor, arm in zip(shop.visitors, split.arms, strict=True)
    )
    gained = better.total(treatment).by_metric[orders].y - plain.total(treatment).by_metric[orders].y
    assert gained == more > 0


def test_tests_through_the_product_come_out_as_theory_has_it(shop: Stream) -> None:
    figures = Figures()
    figures.expect_visitors(shop, share=SHARE, gain=GAIN)
    for seed in range(TESTS):
        figures.add_visitors(0, Split.of(shop, f"test {seed}"))
    assert figures.call.of == TESTS
    for figure in (figures.call, figures.money, figures.win, figures.power, figures.alarm):
        theory = figure.by_theory[0]
        assert abs(figure.share - theory) < 4 * (theory * (1 - theory) / TESTS) ** 0.5, figure
    assert figures.off.share < 0.1


def test_the_visits_that_are_measured_are_those_that_were_made(often: Stream) -> None:
    """Before and in the test; else nothing is divided by, and a ratio would never be called."""
    ratio = next(metric for metric in often.metrics if metric.is_ratio)
    split = Split.of(often, "any")
    sums = [split.whole.total(arm).by_metric[ratio.name] for arm, _ in split.experiment.arms]
    assert sum(arm.d for arm in sums) == sum(len(each.visits) for each in often.visitors) > 420
    assert sum(arm.y for arm in sums) == sum(order for each in often.visitors for _, _, order in each.visits)
    assert sum(arm.w for arm in sums) == sum(len(each.before) for each in often.visitors) > 420
    assert sum(arm.x for arm in sums) == sum(order for each in often.visitors for _, order in each.before)


def test_counting_visits_instead_of_visitors_calls_chance_a_result(often: Stream) -> None:
    figures = Figures()
    for seed in range(200):
        figures.add_visits(0, Split.of(often, f"test {seed}"))
    assert figures.by_visit.share > figures.by_visitor.share
    for figure in (figures.by_visitor, figures.adjusted):
        assert 0.005 < figure.share < 0.11, figure


def test_looks_that_are_spared_would_have_seen_nothing(shop: Stream) -> None:
    looked: list[bool] = []
    won: list[bool] = []
    for seed in range(8):
        split = _harming(Split.of(shop, f"look {seed}"), share=seed / 8)
        looked.append(is_switched_off(split, look_ms=6 * HOUR))
        assert looked[-1] == any(_looks(split, 6 * HOUR))
        gaining = replace(split, arms=[OTHER[arm] for arm in split.arms])
        won.append(is_won_early_or_late(gaining))
        assert won[-1] == any(_wins(gaining, gaining.measured))
    assert not looked[0]
    assert not won[0]
    assert looked[-1]
    assert any(won)


def _harming(split: Split, share: float) -> Split:
    """Some of those who order are in control instead."""
    orders = split.stream.does[split.experiment.metric.name]
    dice = Random(split.experiment.id)
    moved = [
        CONTROL if orders[row] and dice.random() < share else arm
        for arm, row in zip(split.arms, split.stream.plain, strict=True)
    ]
    return Split(split.stream, split.experiment, moved)


def _looks(split: Split, look_ms: int) -> Iterator[bool]:
    """Every look of the guard, judged on all sums."""
    moments = [*range(BEGIN_AT + look_ms, BEGIN_AT + 14 * DAY + 1, look_ms)]
    for now in moments:
        measured = split.measured_until(now)
        yield bool(broken_limits(reading_of(split.experiment, measured)))
        yesterday = to_iso(now - now % DAY - 1)[:10]
        watched = Watched(now=now, experiment=split.experiment, measured=measured, until_day=yesterday)
        yield any(SplitOff().look(watched))


def _wins(split: Split, measured: Measured) -> Iterator[bool]:
    """Every daily look at the report, and the one at the end."""
    end = split.experiment.planned_end_at or BEGIN_AT
    limitless = msgspec.structs.replace(split.experiment, limits=())
    for now in (*range(BEGIN_AT + DAY, end + DAY, DAY), end + FOLLOW_UP):
        yield conclude(asked(limitless, Totals(measured), now, UTC_ZONE, "EUR")).state == "keep"


def test_what_shops_share_makes_an_interval_wider() -> None:
    apart, alike = Figure("apart"), Figure("alike")
    for shop in range(10):
        for test in range(100):
            apart.add(shop, test < (20 if shop % 2 else 0))
            alike.add(shop, test < 10)
    assert apart.share == alike.share == 0.1
    assert alike.widening == 1
    assert apart.widening > 10
    assert apart.interval[1] - apart.interval[0] > 3 * (alike.interval[1] - alike.interval[0])
    assert alike.interval == pytest.approx((0.0829, 0.1202), abs=1e-4)


def test_theory_agrees_with_what_is_known_otherwise() -> None:
    """Fair coins are counted out; the rest are what tables and other simulations have."""
    assert share_called(16_800, 504) == pytest.approx(0.05, abs=0.001)
    assert share_called(16_800, 504, 101) == pytest.approx(_drawn_power(16_800, 504, 101), abs=0.03)
    assert split_called_off(1, 10_000) == pytest.approx(0.001, abs=0.0002)
    assert 0.008 < split_called_off(28, 600) < 0.0095
    assert won_looking_daily(1, since_day=1) == pytest.approx(0.025, abs=0.0005)
    assert 0.025 < won_looking_daily(28, since_day=12) < 0.03
    assert mean_called([1.0] * 10_000) == pytest.approx(0.05, abs=1e-4)
    assert mean_called([1.0] * 100 + [10.0]) < 0.047
    assert visits_called([(1, 1), (1, 0)] * 500) == pytest.approx(0.05)
    assert visits_called([(4, 4), (4, 0)] * 500) == pytest.approx(0.327, abs=0.001)


def _drawn_power(units: int, buyers: int, more: int) -> float:
    """The same by tossing coins."""
    dice, found = Random(1), 0
    for _ in range(2_000):
        bought, gained = (dice.getrandbits(times).bit_count() for times in (buyers, more))
        treated = bought + gained + dice.getrandbits(units - buyers - more).bit_count()
        shares = (buyers - bought) / (units - treated), (bought + gained) / treated
        variance = shares[0] * (1 - shares[0]) / (units - treated) + shares[1] * (1 - shares[1]) / treated
        found += abs(shares[1] - shares[0]) > 1.96 * variance**0.5
    return found / 2_000
