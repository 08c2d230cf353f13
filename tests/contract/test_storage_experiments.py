"""Experiments as every store keeps them: one of each id, with its whole design."""

from __future__ import annotations

import msgspec
from tests.contract.stored import NOW, written

from opportune.core.experiments.experiment import Experiment, Limit, Phase
from opportune.core.metrics.base import Words
from opportune.core.metrics.reading import parse_metric
from opportune.core.moment import DAY
from opportune.storage.base import Storage

ARMS = (("control", 5_000), ("treatment", 5_000))


def experiment(name: str = "Returner/1", started_at: int = NOW) -> Experiment:
    orders, revenue = (parse_metric(text, Words()) for text in ("orders within 3 days", "revenue a visitor"))
    return Experiment(
        id=name,
        subject="rule",
        rule=name.split("/", maxsplit=1)[0],
        sentence="a visitor viewed “Größe 44” at least 2 times in 7 days",
        behaviour="abc",
        revision="r1",
        arms=ARMS,
        metric=orders,
        limits=(Limit(metric=parse_metric("orders a visitor", Words()), margin=0.1),),
        others=(revenue,),
        days=49,
        smallest_gain=0.15,
        people=25_400,
        caps={revenue.name: 40_000},
        started_at=started_at,
        planned_end_at=started_at + 49 * DAY,
        phases=(Phase(number=1, since_at=started_at, arms=ARMS, share=2_000),),
    )


def put(storage: Storage, *experiments: Experiment) -> None:
    for each in experiments:
        written(storage, lambda transaction, each=each: transaction.put_experiment(each))


def test_there_is_none_at_first(storage: Storage) -> None:
    assert storage.list_experiments() == []


def test_an_experiment_comes_back_as_it_was_put(storage: Storage) -> None:
    put(storage, experiment())
    assert storage.list_experiments() == [experiment()]


def test_they_are_listed_as_they_were_started(storage: Storage) -> None:
    later, first, second = experiment("A/1", NOW + 1), experiment("B/1"), experiment("C/1")
    put(storage, later, second, first)
    assert storage.list_experiments() == [first, second, later]


def test_one_that_ended_is_no_longer_open(storage: Storage) -> None:
    running = experiment("B/2", NOW + 1)
    ended = msgspec.structs.replace(experiment(), ended_at=NOW + DAY, ended_as="rolled back", reason="harm")
    put(storage, experiment(), running, ended)
    assert storage.list_experiments() == [ended, running]
    assert storage.list_experiments(open_only=True) == [running]
