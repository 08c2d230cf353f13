"""Experiments and their sums for tests: so many visitors a day in each arm, of whom so many bought."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from opportune.core.experiments.experiment import Experiment, Limit, Phase
from opportune.core.experiments.measured import CROSSED, SHOWN, Cell, CellSums, Measured
from opportune.core.metrics import Metric, Words
from opportune.core.metrics.reading import parse_metric
from opportune.core.moment import DAY, SECOND
from opportune.core.rule import CONTROL, TREATMENT
from opportune.core.statistics.moments import Moments, moments_of_units

ARMS = ((CONTROL, 5_000), (TREATMENT, 5_000))
ORDERS, CARTS, REVENUE = (
    parse_metric(text, Words())
    for text in ("orders within 7 days", "added to cart within 7 days", "revenue a visitor within 7 days")
)
SENTENCE = "A visitor viewed a product at least 2 times in 7 days: home hero shows Shoes"


def experiment(started_at: int, **other: Any) -> Experiment:
    """Of the rule "Viewed something", four weeks long, on orders."""
    days = other.get("days", 28)
    return Experiment(
        **{
            "id": "Viewed something/1",
            "subject": "rule",
            "rule": "Viewed something",
            "sentence": SENTENCE,
            "arms": ARMS,
            "metric": ORDERS,
            "limits": (Limit(metric=CARTS, margin=0.1),),
            "others": (REVENUE,),
            "days": days,
            "people": 8_000,
            "started_at": started_at,
            "planned_end_at": None if days is None else started_at + days * DAY,
            "phases": (Phase(number=1, since_at=started_at, arms=other.get("arms", ARMS)),),
            **other,
        }
    )


def measured(
    of: Experiment,
    *,
    days: int = 28,
    people: Sequence[int] = (100, 100),
    bought: Sequence[int] = (2, 3),
    paid: int = 5_000,
    shown: bool = False,
    crossed: Sequence[int] = (0, 0),
    is_frozen: bool = False,
) -> Measured:
    """Every day alike: of so many visitors in each arm so many bought, each for so much.

    A running server measures anew what is not frozen.
    """
    first = datetime.fromtimestamp(of.started_at / SECOND, UTC).date()
    cells: dict[Cell, CellSums] = {}
    for number in range(days):
        for place, (arm, _) in enumerate(of.arms):
            sums = cell_sums(of, people[place], bought[place], paid)
            day = (first + timedelta(days=number)).isoformat()
            cells[Cell(1, arm, day)] = sums
            if shown:
                cells[Cell(1, arm, day, SHOWN)] = sums
            if crossed[place]:
                cells[Cell(1, arm, day, CROSSED)] = cell_sums(of, crossed[place], 0, paid)
    return Measured(experiment=of.id, made_at=of.started_at, cells=cells, is_frozen=is_frozen)


def cell_sums(of: Experiment, people: int, bought: int, paid: int) -> CellSums:
    by_metric = {metric.name: _moments(metric, people, bought, paid) for metric in of.metrics}
    return CellSums(
        units=people,
        by_metric=by_metric,
        raw={name: by_metric[name] for name in of.caps},
        largest={metric.name: (paid if metric.is_money else 1) * bool(bought) for metric in of.metrics},
    )


def _moments(metric: Metric, people: int, bought: int, paid: int) -> Moments:
    value = paid if metric.is_money else 1
    return moments_of_units([value] * bought + [0] * (people - bought), per=[1] * people)
