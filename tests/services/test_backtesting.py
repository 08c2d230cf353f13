"""Backtests: the real deciding code over what was recorded, on every store; sampled, in full and in parts."""

from __future__ import annotations

from typing import Any

import pytest
from tests.building import decided
from tests.stores import ON_MEMORY, settle

from opportune.app.house import build_house
from opportune.core.moment import DAY, HOUR, MINUTE, to_iso
from opportune.core.situation import Context
from opportune.core.traffic.backtest import Backtest
from opportune.core.traffic.tally import Tally
from opportune.errors import NotFoundError, PlaybookError
from opportune.services.capturing import CaptureSource, capture
from opportune.services.deciding import Question
from opportune.services.house import House
from opportune.services.operating import set_run_state
from opportune.services.publishing import publish
from opportune.services.traffic.backtesting import backtest, conclude, count_part
from opportune.services.traffic.trying import Asked
from opportune.storage.base import Storage

BROWSER = CaptureSource(name="site")
TEAM = "owner: Mia\nreviewer: Tom\npurpose: To test\nsafety limit: none\nrollback: by hand\ncontrol group: none\n"
HERO = """\
slot: home hero
type: text
tags: promo
fallback: Welcome
variants:
  Again: Welcome back
  Saved: Your cart is saved
  Named: "{city} loves this"
rules:
  - Saved
  - Returner
"""
RETURNER = """\
rule: Returner
when: a visitor viewed the same category at least 2 times in 7 days
show:
  home hero: Again
test: half and half, on added to cart, for 4 weeks
"""
SAVED = "rule: Saved\nwhen: a visitor added to cart in the last 30 days\nshow:\n  home hero: Saved\n"
FILES = {"team.yaml": TEAM, "slots/hero.yaml": HERO, "rules/a.yaml": RETURNER, "rules/b.yaml": SAVED}


class Clock:
    now = 1_795_355_000_000

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def house(storage: Storage) -> House:
    made = build_house(storage, clock=Clock())
    made.deadline_seconds = 30
    made.seen_events |= {"Product Viewed", "Product Added", "Page Viewed"}
    publish(made, FILES)
    return made


def track(house: House, event: str, visitor: str, at: int, **properties: Any) -> None:
    about = {"path": properties.pop("path", "/"), "url": "https://shop.example/"}
    message = {
        "type": "track",
        "event": event,
        "anonymousId": visitor,
        "timestamp": to_iso(at),
        "properties": properties,
        "context": {"page": about},
    }
    assert capture(house, BROWSER, [message]).result().accepted == 1


def looked(house: House, visitor: str, times: int, at: int | None = None) -> None:
    for number in range(times):
        track(house, "Product Viewed", visitor, (at or house.clock()) + number, category="shoes")


def ask(house: House, visitor: str) -> None:
    decided(house, Question(anonymous_id=visitor, slots=("home-hero",), context=Context(page_path="/")))
    settle(house.storage)


def pass_by(house: House, ms: int) -> None:
    assert isinstance(house.clock, Clock)
    house.clock.now += ms


def tried(house: House, rule: str = "Returner", **asked: Any) -> Backtest:
    return backtest(house.storage, house.clock() + HOUR, Asked(rule=rule, **asked), is_full=True)


def shop_day(house: House) -> None:
    """Ten visitors ask for the place: 5 looked once, 3 twice, 1 three times, and 1 twice with something in the cart."""
    for number, times in enumerate((1, 1, 1, 1, 1, 2, 2, 2, 3, 2)):
        looked(house, f"v-{number}", times)
    track(house, "Product Added", "v-9", house.clock())
    pass_by(house, MINUTE)
    for number in range(10):
        ask(house, f"v-{number}")


def test_it_acts_for_those_the_rule_would_have_acted_for_in_the_places_asked_for(house: House) -> None:
    shop_day(house)
    found = tried(house)
    assert (found.visitors, found.visits, found.people.value) == (10, 10, 4)
    assert found.people_a_day.value == 4
    assert found.share_of_visits.value == 0.4
    assert [place.is_estimated for place in found.places] == [False]
    assert not found.is_sampled
    assert (found.people.low, found.people.high) == (4, 4)


def test_a_test_of_the_rule_holds_nobody_back_from_a_backtest_of_it(house: House) -> None:
    """Half of them are in its control group, and would still be in the test."""
    shop_day(house)
    outcomes = {
        asked.outcome
        for lane in range(256)
        for asked in house.storage.list_lane_opportunities(lane, ("home-hero",), 0)
    }
    assert outcomes == {"normal", "shown"}
    assert tried(house).people.value == 4


def test_who_else_has_the_place_is_told_with_how_often_it_was_taken_from_the_rule(house: House) -> None:
    shop_day(house)
    [place] = tried(house).places
    assert [(winner.rule, winner.visits, winner.lost) for winner in place.winners] == [
        ("", 5, 0),
        ("Returner", 4, 0),
        ("Saved", 1, 1),
    ]


def test_who_sees_nothing_is_told_why(house: House) -> None:
    shop_day(house)
    found = tried(house)
    assert {each.reason: each.visits for each in found.unseen} == {"does not match": 5, "another rule won": 1}
    assert [(each.part, each.share) for each in found.missing] == [
        ("a visitor viewed the same category at least 2 times in 7 days", 1.0)
    ]
    assert found.nearly == 1.0


def test_another_number_is_tried_beside_the_rules_own(house: House) -> None:
    shop_day(house)
    assert [(each.part, each.people_a_day.value) for each in tried(house).thresholds] == [
        ("a visitor viewed the same category in the last 7 days", 9),
        ("a visitor viewed the same category at least 3 times in 7 days", 1),
    ]


def test_what_came_after_the_question_was_not_known_to_it(house: House) -> None:
    ask(house, "v-1")
    track(house, "Product Viewed", "v-1", house.clock(), category="shoes")
    pass_by(house, 2 * HOUR)
    ask(house, "v-1")
    looked(house, "v-1", 5, at=house.clock() - DAY)
    assert tried(house).people.value == 0


def test_later_pages_of_the_same_visit_count_and_are_told_apart(house: House) -> None:
    looked(house, "v-1", 1)
    pass_by(house, MINUTE)
    ask(house, "v-1")
    pass_by(house, MINUTE)
    looked(house, "v-1", 1)
    pass_by(house, MINUTE)
    track(house, "Page Viewed", "v-1", house.clock())
    found = tried(house)
    assert (found.people.value, found.at_first) == (1, 0.0)


def test_a_place_nobody_asked_for_is_imagined_on_the_pages_that_were_seen(house: House) -> None:
    looked(house, "v-1", 2)
    looked(house, "v-2", 1)
    pass_by(house, MINUTE)
    for visitor in ("v-1", "v-2"):
        track(house, "Page Viewed", visitor, house.clock())
    found = tried(house)
    assert [place.is_estimated for place in found.places] == [True]
    assert (found.visits, found.people.value, found.compared) == (2, 1, 0)


def test_a_draft_is_asked_about_without_being_published(house: House) -> None:
    shop_day(house)
    draft = FILES | {"rules/a.yaml": RETURNER.replace("at least 2 times", "at least 3 times")}
    found = tried(house, files=draft)
    assert (found.is_draft, found.people.value, found.compared) == (True, 1, 0)
    assert house.programme.playbook.rules["Returner"].when != draft


def test_a_rule_that_waits_for_its_events_says_so_and_acts_for_nobody(house: House) -> None:
    files = FILES | {
        "rules/c.yaml": "rule: Quiz\nwhen: a visitor started checkout today\nshow:\n  home hero: Again\n"
    }
    shop_day(house)
    found = tried(house, "Quiz", files=files)
    assert (found.waits_for, found.people.value) == (("Checkout Started",), 0)


def test_a_text_that_lacks_a_value_and_a_rule_that_is_paused_are_told(house: House) -> None:
    named = "rule: Named\nwhen: everyone\nshow:\n  home hero: Named\n"
    shop_day(house)
    set_run_state(house, "Saved", "paused")
    files = FILES | {"rules/c.yaml": named, "plan.yaml": "customer details: city\n"}
    found = tried(house, "Named", files=files)
    reasons = {each.reason: each.visits for each in found.unseen}
    assert reasons == {"no value for “city”": 7, "another rule won": 3}, (
        "a test shows 3 of 5 returners theirs"
    )


def test_a_sample_covers_the_truth_and_its_parts_add_up_to_the_whole(house: House) -> None:
    for number in range(120):
        looked(house, f"v-{number}", 1 + number % 3)
    pass_by(house, MINUTE)
    for number in range(120):
        ask(house, f"v-{number}")
    now, asked = house.clock() + HOUR, Asked(rule="Returner")
    whole = backtest(house.storage, now, asked, is_full=True)
    sample = backtest(house.storage, now, asked, seconds=0.0)
    assert sample.is_sampled
    assert sample.people.low <= whole.people.value <= sample.people.high
    tally, rounds = Tally(), 0
    while tally.lanes < 256:
        tally.join(count_part(house.storage, now, asked, tally.lanes, 40e-6))
        rounds += 1
    assert rounds > 1
    assert conclude(house.storage, now, asked, tally) == whole


@ON_MEMORY
def test_an_unknown_rule_and_a_broken_draft_are_refused_in_words(house: House) -> None:
    with pytest.raises(NotFoundError, match='did you mean "Returner"'):
        tried(house, "Returned")
    with pytest.raises(PlaybookError):
        tried(house, files=FILES | {"rules/a.yaml": "rule: Returner\nwhen: purple\n"})


def test_where_nobody_was_nothing_is_promised(house: House) -> None:
    found = tried(house)
    assert (found.visits, found.people.value, found.share_of_visits.value) == (0, 0, 0)
