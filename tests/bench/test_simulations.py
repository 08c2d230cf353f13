"""Simulated tests go through the product, and splitting one stream of visitors again gives what the product gives."""

from __future__ import annotations

from dataclasses import replace

import pytest
from bench.simulations import Figures, Split, Stream, live, repeated_visits, single_visits

from opportune.core.experiments.measured import EVERYBODY
from opportune.services.experiments.keeping_measured import keep_measured


@pytest.fixture(scope="module")
def shop() -> Stream:
    return live(single_visits(0, days=7, a_day=60, share=0.1, gain=0.2), rules=3, weeks=1)


def test_a_split_drawn_again_has_the_sums_the_product_measured(shop: Stream) -> None:
    keep_measured(shop.house)
    everybody = {key: replace(each, only_if_treated=False) for key, each in shop.visitors.items()}
    for experiment in shop.experiments:
        known = shop.house.storage.find_measured(experiment.id)
        assert known is not None
        assert not known.not_counted
        again = Split.of(
            shop._replace(experiments=[experiment], visitors=everybody), experiment.id
        ).measured()
        assert dict(again.cells) == {
            cell: sums for cell, sums in known.cells.items() if cell.part == EVERYBODY
        }


def test_what_changes_nothing_is_seldom_called_and_what_works_more_often(shop: Stream) -> None:
    figures = Figures(looks=4)
    for seed in range(120):
        figures.add_visitors(Split.of(shop, f"test {seed}"))
    assert figures.call.of == 120
    assert figures.call.share < 0.12
    assert figures.off.share < 0.1
    assert figures.alarm.share < 0.05
    assert figures.power.share > figures.call.share


def test_counting_visits_instead_of_visitors_calls_chance_a_result() -> None:
    often = live(repeated_visits(0, days=7, a_day=60), weeks=1)
    figures = Figures(looks=4)
    for seed in range(300):
        figures.add_visits(Split.of(often, f"test {seed}"))
    assert figures.by_visit.share > figures.by_visitor.share
    assert figures.by_visitor.share < 0.09
