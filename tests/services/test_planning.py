"""The plan of a shop: what can be answered, in the order in which it is worth asking; on every store."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
import yaml
from tests.services.test_backtesting import FILES, Clock, ask, looked, pass_by, track

from opportune.app.house import build_house
from opportune.cli.plan import say
from opportune.core.moment import DAY, HOUR, MINUTE
from opportune.services.experiments.foreseeing import keep_experiments
from opportune.services.house import House
from opportune.services.publishing import check_files, publish
from opportune.services.traffic.planning import Planned, plan
from opportune.storage.base import Storage


@pytest.fixture
def house(storage: Storage) -> House:
    made = build_house(storage, clock=Clock())
    made.deadline_seconds = 30
    made.seen_events |= {"Product Viewed", "Product Added", "Page Viewed"}
    publish(made, FILES)
    return made


def two_weeks(house: House) -> Planned:
    for day in range(2):
        for number in range(8):
            visitor = f"v-{day}-{number}"
            looked(house, visitor, 1 + number % 2)
            if number % 4 == 0:
                track(house, "Product Added", visitor, house.clock() + MINUTE)
            ask(house, visitor)
        pass_by(house, 7 * DAY)
    pass_by(house, HOUR)
    return plan(house.storage, house.clock())


def test_first_the_same_against_the_same_then_the_programme_then_rules_by_step_and_by_orders(
    house: House,
) -> None:
    planned = two_weeks(house)
    everything = (*planned.offers, *planned.not_offered)
    assert planned.offers[0].kind == "same against same"
    assert [offer.kind for offer in everything if not offer.rule] == [
        "same against same",
        "the whole programme",
    ]
    found = [(offer.rule, offer.kind, offer.metric) for offer in everything if offer.rule]
    assert sorted(found) == [
        ("Returner", "nearest step", "added to cart within 7 days"),
        ("Returner", "orders", "orders within 7 days"),
        ("Saved", "nearest step", "added to cart within 7 days"),
        ("Saved", "orders", "orders within 7 days"),
    ]
    order = ["same against same", "the whole programme", "nearest step", "as planned", "orders"]
    places = [order.index(offer.kind) for offer in planned.offers]
    assert places == sorted(places)


def test_what_is_offered_has_a_date_from_today_on_and_the_rest_is_named_apart(house: House) -> None:
    planned = two_weeks(house)
    assert planned.today == date(2026, 12, 6)
    for offer in planned.offers:
        assert offer.shows_by is not None
        assert offer.weeks is not None
        assert offer.shows_by == planned.today + timedelta(weeks=offer.weeks)
    assert all(offer.shows_by is None for offer in planned.not_offered)
    assert {offer.kind for offer in planned.not_offered} >= {"orders"}


def test_people_are_counted_new_once_each(house: House) -> None:
    planned = two_weeks(house)
    assert round(planned.visitors_a_day * planned.days) == 16
    returner = next(offer for offer in (*planned.offers, *planned.not_offered) if offer.rule == "Returner")
    assert 0 < returner.people_a_day < planned.visitors_a_day


def test_with_nobody_here_no_test_is_listed_and_it_is_said_why(house: House) -> None:
    assert list(say(plan(house.storage, house.clock()))) == [
        "Nobody came in the last days: dates follow once there are visitors."
    ]


def test_what_runs_says_until_when_and_what_is_over_where_it_is_read(house: House) -> None:
    two_weeks(house)
    keep_experiments(house)
    [test] = house.storage.list_experiments()
    assert test.rule == "Returner"

    def now_of() -> set[str]:
        found = plan(house.storage, house.clock())
        return {
            each.now for each in (*found.offers, *found.not_offered) if each.rule == "Returner" and each.now
        }

    [runs] = now_of()
    assert runs.startswith("It runs: the answer comes on ")
    pass_by(house, 40 * DAY)
    keep_experiments(house)
    assert now_of() == {'Its test is over: opportune report "Returner"'}


def test_the_same_against_the_same_is_a_playbook_that_checks(house: House) -> None:
    how = two_weeks(house).offers[0].how
    version, rule = how.split("\n\n")
    place = yaml.safe_load(FILES["slots/hero.yaml"])
    place["variants"] |= yaml.safe_load(version)["variants"]
    files = FILES | {"slots/hero.yaml": yaml.safe_dump(place), "rules/same-against-same.yaml": rule}
    checked = check_files(files)
    assert checked.playbook is not None, checked.problems
    tested = checked.playbook.rules["Same against same"]
    assert tested.design is not None
    assert checked.playbook.slots["home-hero"].find_variant("Same as now").value == "Welcome"  # type: ignore[union-attr]  # it is there


def test_a_shop_without_visitors_is_told_that_dates_follow(house: House) -> None:
    planned = plan(house.storage, house.clock())
    assert planned.visitors_a_day == 0
    assert [offer.kind for offer in planned.offers] == ["same against same"]
    assert "Nobody came in the last days" in planned.notes[0]
