"""Offers: a date or none at all, long ones named so, and the harm a limit would notice."""

from __future__ import annotations

from datetime import date

import pytest

from opportune.core.metrics.base import Words
from opportune.core.metrics.reading import parse_metric
from opportune.core.moment import DAY
from opportune.core.statistics.power import people_per_arm
from opportune.core.traffic.offer import LONG_WEEKS, Offer, Outcome, offer_of, spread_from

TODAY = date(2026, 11, 23)
ORDERS = parse_metric("orders within 7 days", Words())
CART = parse_metric("added to cart within 7 days", Words())
REVENUE = parse_metric("revenue a visitor within 7 days", Words())


def share(units: int, of_a_thousand: int) -> Outcome:
    total = units * of_a_thousand // 1_000
    return Outcome(units, total, total)


def offered(a_day: float, outcome: Outcome | None = None, **other: object) -> Offer:
    return offer_of("orders", ORDERS, outcome or share(1_000, 20), a_day, TODAY, **other)  # type: ignore[arg-type]  # as given


def test_a_gain_shows_once_enough_people_came_and_the_last_ones_window_closed() -> None:
    """2 of 100 buy: both arms need twice `people_per_arm`; whole weeks, with a week for the window."""
    found = offered(1_000)
    days = 2 * people_per_arm(0.02) / 1_000 + ORDERS.window_ms / DAY
    assert found.weeks == -(-days // 7) == 8
    assert found.shows_by == date(2027, 1, 18)
    assert found.sentence == "A gain of 20% would show by 18 January 2027 (8 weeks)."
    assert not found.is_too_long


@pytest.mark.parametrize("a_day", [0.0, 0.2, 3, 12, 40, 80, 200, 1_000, 90_000])
def test_never_a_test_without_a_date_and_never_a_long_one_without_saying_so(a_day: float) -> None:
    found = offered(a_day)
    if found.shows_by is None:
        assert "would not show here" in found.sentence
    else:
        assert f"{found.shows_by.day} " in found.sentence
    is_long = found.weeks is None or found.weeks >= LONG_WEEKS
    assert found.is_too_long is is_long
    assert is_long is ("too long to trust" in found.sentence or "would not show" in found.sentence)


def test_a_larger_harm_is_caught_sooner_and_nobody_catches_nothing() -> None:
    found = offered(1_000)
    small, large = found.days_to_catch["20%"], found.days_to_catch["50%"]
    assert small is not None
    assert large is not None
    assert 0 < large < small
    assert "a harm of 50% after about" in found.harm
    assert set(offered(0).days_to_catch.values()) == {None}
    assert "would not be caught by counting" in offered(0).harm


def test_few_people_borrow_what_all_visitors_do_and_a_new_shop_what_a_typical_one_does() -> None:
    few, everybody = share(20, 500), share(5_000, 100)
    assert spread_from(few, everybody, CART)[0].value == 0.1
    assert [
        spread_from(each, all_, CART)[1] for each, all_ in ((everybody, few), (few, everybody), (few, few))
    ] == [
        "these people",
        "all visitors",
        "a typical shop",
    ]
    assert spread_from(few, few, CART)[0].value == 0.12


def test_money_is_planned_with_its_own_spread() -> None:
    outcome = Outcome()
    for number in range(1_000):
        outcome.add(0 if number % 50 else 4_000 + 40 * number)
    found = offer_of("orders", REVENUE, outcome, 1_000, TODAY)
    assert found.of == "these people"
    assert found.baseline == outcome.total / 1_000
    slower, sooner = found.days_to_catch["20%"], offered(1_000).days_to_catch["20%"]
    assert slower is not None
    assert sooner is not None
    assert slower > sooner, "what buyers spend varies besides"


def test_everybody_doing_it_or_nobody_is_no_baseline_to_plan_with() -> None:
    for outcome in (share(1_000, 1_000), share(1_000, 0)):
        assert offered(1_000, outcome).of == "a typical shop"


def test_outcomes_of_several_parts_add_up() -> None:
    one, other = share(10, 500), share(30, 200)
    one.join(other)
    assert (one.units, one.total, one.squares) == (40, 11, 11)
