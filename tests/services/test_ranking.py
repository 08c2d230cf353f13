"""Which rule is worth taking on next: people times money over time, with a reason, on every store."""

from __future__ import annotations

import msgspec
import pytest
from tests.services.test_backtesting import FILES, HERO, Clock, ask, looked, pass_by, track

from opportune.app.house import build_house
from opportune.core.moment import DAY, HOUR, MINUTE
from opportune.services.house import House
from opportune.services.operating import set_run_state
from opportune.services.publishing import publish
from opportune.services.traffic.ranking import Ranked, rank
from opportune.storage.base import Storage

EVENTS = ("Product Viewed", "Product Added", "Page Viewed", "Order Completed")


@pytest.fixture
def house(storage: Storage) -> House:
    made = build_house(storage, clock=Clock())
    made.deadline_seconds = 30
    made.seen_events |= set(EVENTS)
    publish(made, FILES)
    return made


def a_week(house: House) -> None:
    """A week of twenty visitors; every fifth buys for 40."""
    for day in range(2):
        for number in range(10):
            visitor = f"v-{day}-{number}"
            track(house, "Page Viewed", visitor, house.clock())
            looked(house, visitor, 1 + number % 2)
            if number % 5 == 0:
                track(house, "Product Added", visitor, house.clock() + MINUTE)
                sold = {"order_id": visitor, "revenue": 40, "currency": "EUR"}
                track(house, "Order Completed", visitor, house.clock() + 2 * MINUTE, **sold)
            ask(house, visitor)
        pass_by(house, 4 * DAY)
    pass_by(house, HOUR)


def ranked(house: House) -> Ranked:
    return rank(house.storage, house.clock())


def test_what_a_rule_of_another_name_does_already_is_not_offered(house: House) -> None:
    a_week(house)
    assert "welcome" in {each.name for each in ranked(house).candidates}
    hero = HERO.replace("variants:\n", "variants:\n  First visit: Hello\n")
    ours = "rule: Ours\nwhen: a new visitor has not bought\nshow:\n  home hero: First visit\n"
    publish(house, FILES | {"slots/hero.yaml": hero, "rules/ours.yaml": ours})
    assert "welcome" not in {each.name for each in ranked(house).candidates}


def test_ready_rules_and_drafts_are_ranked_together_each_with_a_reason(house: House) -> None:
    set_run_state(house, "Returner", "draft")
    a_week(house)
    found = ranked(house)
    assert {each.origin for each in found.candidates} == {"recipe", "draft"}
    scores = [each.score for each in found.candidates]
    assert scores == sorted(scores, reverse=True)
    assert all(each.reason.endswith(".") and "a day" in each.reason for each in found.candidates)
    [draft] = [each for each in found.candidates if each.origin == "draft"]
    assert (draft.name, draft.how) == ("Returner", 'opportune rule "Returner" live')


def test_what_people_spend_is_asked_of_the_log(house: House) -> None:
    a_week(house)
    found = ranked(house)
    assert found.spent == 800, "of the 10 whose week is over 2 bought for 40"
    welcome = next(each for each in found.candidates if each.name == "welcome")
    assert welcome.money_a_month == pytest.approx(welcome.people_a_day * 800 * 0.2 * 30, rel=0.06)


def test_what_is_in_use_is_no_candidate(house: House) -> None:
    a_week(house)
    assert not {"Returner", "Saved"} & {each.name for each in ranked(house).candidates}


def test_what_lacks_its_events_waits_and_says_for_which(house: House) -> None:
    track(house, "Page Viewed", "v-1", house.clock())
    found = ranked(house)
    assert "welcome waits for Order Completed, never seen here." in found.waiting
    assert "welcome" not in {each.name for each in found.candidates}


def test_a_rule_that_was_rolled_back_is_not_offered_again(house: House) -> None:
    a_week(house)
    set_run_state(house, "Returner", "paused")
    assert "Returner" in {each.name for each in ranked(house).candidates}
    state = house.storage.list_run_states()["Returner"]
    rolled_back = msgspec.structs.replace(state, state="rolled back")
    house.storage.write(lambda transaction: transaction.put_run_state(rolled_back)).result()
    assert "Returner" not in {each.name for each in ranked(house).candidates}


def test_a_shop_nobody_came_to_has_nothing_to_rank(house: House) -> None:
    assert ranked(house).candidates == ()
