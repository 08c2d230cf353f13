"""The quarter's review of what really was decided, on every store."""

from __future__ import annotations

from typing import Any

import pytest
from tests.building import NOW, programme
from tests.experiments import experiment, measured
from tests.services.test_reporting import FILES, Clock, take, viewed

from opportune.core.history.key import key_of
from opportune.core.learnings.review import Reviewed
from opportune.core.moment import DAY, HOUR
from opportune.services.house import House
from opportune.services.learnings.reviewing import review
from opportune.services.operating import set_run_state
from opportune.services.publishing import publish
from opportune.storage.base import Exposure, Storage

ENDED = "rule: Summer\nwhen: everyone\nshow:\n  home hero: Shoes\nuntil: 31 August 2026\n"


@pytest.fixture
def house(storage: Storage) -> House:
    house = House(
        storage=storage, clock=Clock(), secret=b"s" * 32, programme=programme(), deadline_seconds=30
    )
    take(house, viewed("v-0", NOW - HOUR))
    publish(house, {**FILES, "rules/summer.yaml": ENDED})
    return house


def decide_for(house: House, rule: str, *visitors: int) -> None:
    def put(transaction: Any) -> None:
        transaction.add_exposures(
            Exposure(
                subject="rule", unit=key_of("anonymous", f"v-{visitor}"), slot="home-hero", rule=rule,
                rule_hash="h", arm="treatment", session=NOW, at=NOW - HOUR, receipt=b"{}",
            )
            for visitor in visitors
        )  # fmt: skip

    house.storage.write(put, about=[key_of("anonymous", f"v-{visitor}") for visitor in visitors]).result()


def of(house: House, rule: str) -> Reviewed:
    return next(each for each in review(house.storage, NOW).rules if each.rule == rule)


def test_a_rule_past_its_end_is_to_be_retired(house: House) -> None:
    found = of(house, "Summer")
    assert (found.verdict, found.reasons[0]) == ("retire", "its end has passed")


def test_two_rules_that_reach_the_same_people_in_one_place_are_one(house: House) -> None:
    decide_for(house, "Viewed something", *range(40))
    decide_for(house, "Plain one", *range(2, 40))
    found = of(house, "Plain one")
    assert (found.verdict, found.merge_with, found.people) == ("merge", "Viewed something", 38)
    decide_for(house, "Plain one", *range(100, 150))
    assert of(house, "Plain one").verdict == "keep"


def test_a_test_that_showed_a_gain_keeps_its_rule_and_pays_for_its_signals_and_place(house: House) -> None:
    tested = experiment(NOW - 40 * DAY)
    sums = measured(tested, people=(1000, 1000), bought=(20, 30))

    def put(transaction: Any) -> None:
        transaction.put_experiment(tested)
        transaction.put_measured(sums)

    house.storage.write(put).result()
    found = review(house.storage, NOW)
    kept = next(each for each in found.rules if each.rule == "Viewed something")
    assert (kept.verdict, kept.reasons, kept.lift_words) == (
        "keep",
        ("its test showed a gain",),
        "+50% in its test",
    )
    assert found.signals[0].words == "Product Viewed: 2 rules, +50% on average in 1 test"
    assert found.places[0].words == "home hero: 3 rules, +50% on average in 1 test"


def test_a_rule_that_is_paused_says_what_to_do_with_it(house: House) -> None:
    set_run_state(house, "Plain one", "paused")
    assert of(house, "Plain one").reasons == ("it is paused: launch it, or take it out",)


def test_what_is_collected_for_nothing_is_listed(house: House) -> None:
    take(house, viewed("v-1", NOW - HOUR, event="Wheel Spun"))
    assert "event Wheel Spun" in review(house.storage, NOW).unused
