"""Bounces of visits a rule acts in against those of the same visits before its launch, through the product."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from tests.building import decided
from tests.contract.stored import NOW as STARTED
from tests.stores import settle

from opportune.core.experiments.watched import ASKED, REACHED
from opportune.core.history.key import key_of
from opportune.core.moment import DAY, HOUR, MINUTE, SECOND, to_iso
from opportune.core.programme import empty_programme
from opportune.core.receipt import context_facts
from opportune.core.situation import Context
from opportune.core.traffic.bounced import Bounced
from opportune.services.capturing import CaptureSource, capture
from opportune.services.deciding import Question
from opportune.services.guard.bouncing import SETTLED_MS, Followed, count_since, is_followed, lanes_for
from opportune.services.guard.expecting import expect
from opportune.services.guard.gathering import Gathering
from opportune.services.guard.guarding import guard
from opportune.services.guard.watching import tally_watched
from opportune.services.house import House
from opportune.services.operating import set_run_state
from opportune.services.preparing import plan_of
from opportune.services.publishing import publish
from opportune.storage.base import Exposure, Opportunity, RuleCount, Storage, Transaction

START = STARTED // DAY * DAY
RULE = "Help reader"
FILES = {
    "team.yaml": "owner: Mia\nreviewer: Tom\npurpose: Help\nsafety limit: none\nrollback: by hand\n",
    "slots/hero.yaml": "slot: home hero\nfields: headline\nfallback:\n  headline: Welcome\nvariants:\n"
    "  Shoes:\n    headline: Shoes for you\n",
    "rules/guide.yaml": f"rule: {RULE}\nwhen: a visitor is on a help page\nshow:\n  home hero: Shoes\n"
    "launch: preview\n",
}
BROWSER = CaptureSource(name="shop")
Seen = Callable[[House, str], bool]


class Clock:
    now = START

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def house(storage: Storage) -> House:
    house = House(
        storage=storage, clock=Clock(), secret=b"s" * 32, programme=empty_programme(), deadline_seconds=30
    )
    publish(house, FILES)
    return house


def pass_time(house: House, ms: int) -> None:
    assert isinstance(house.clock, Clock)
    house.clock.now += ms


def record(house: House, keys: list[int], page: str, *, reached: bool) -> None:
    now = house.clock()
    context = msgspec.json.encode(context_facts(Context(page_path=f"/{page}", page_type=page)), enc_hook=str)

    def put(transaction: Transaction) -> None:
        said = {"slot": "home-hero", "session": now, "at": now}
        revision, seq = house.programme.revision, transaction.head_seq
        transaction.add_opportunities(
            Opportunity(key=key, **said, seq=seq, outcome="normal", context=context, revision=revision)
            for key in keys
        )
        given = {"subject": "rule", "rule": RULE, "rule_hash": "1", "arm": ""}
        transaction.add_exposures(Exposure(unit=key, **said, **given) for key in keys if reached)

    house.storage.write(put, about=keys).result()


def looked(house: House, who: list[str], page: str) -> None:
    """A page seen by all of them."""
    messages = [
        {
            "type": "page",
            "anonymousId": each,
            "timestamp": to_iso(house.clock()),
            "properties": {"path": f"/{page}", "page_type": page},
        }
        for each in who
    ]
    assert capture(house, BROWSER, messages).result().accepted == len(who)


def visit(house: House, who: list[str], *, bounced: int, page: str = "help", reached: bool = False) -> None:
    """Each asks for the place and looks at a page; so many of them leave, the others see another page.

    What decisions record is written at once for all of them.
    """
    record(house, [key_of("anonymous", each) for each in who], page, reached=reached)
    pass_time(house, SECOND)
    looked(house, who, page)
    pass_time(house, MINUTE)
    looked(house, who[bounced:], "shelf")
    pass_time(house, HOUR)


def people(house: House, count: int) -> list[str]:
    return [f"v-{house.clock()}-{number}" for number in range(count)]


def usual_days(house: House, *, reached: bool = False) -> None:
    """A week in which 40 of 100 visits to help pages bounce, and 50 of 100 others."""
    for _ in range(7):
        visit(house, people(house, 40), bounced=16, reached=reached)
        visit(house, people(house, 20), bounced=10, page="cart")
        pass_time(house, DAY - house.clock() % DAY)


def asking(house: House) -> Callable[..., Any]:
    def ask(function: Any, *given: Any) -> Any:
        patience = {"seconds": 60.0} if function is expect else {}
        return function(house.storage, *given, **patience)

    return ask


def look(house: House) -> list[str]:
    """What four looks within two hours say."""
    told = []
    for _ in range(4):
        tally_watched(house)
        told += [note.words for note in guard(house, ask=asking(house))]
        pass_time(house, 30 * MINUTE)
    return told


def launch(house: House) -> None:
    usual_days(house)
    set_run_state(house, RULE, "live")
    assert look(house) == []


def test_a_rule_that_drives_visitors_away_is_off(house: House) -> None:
    launch(house)
    expected = Gathering(house).find_expected(f"{RULE}/1")
    assert expected is not None
    assert expected.before is not None
    assert (expected.before.reached.y, expected.before.reached.d) == (7 * 16, 7 * 40)
    assert (expected.before.others.y, expected.before.others.d) == (7 * 10, 7 * 20)
    assert (expected.is_estimated, expected.lanes) == (False, 256)
    visit(house, people(house, 180), bounced=162, reached=True)
    visit(house, people(house, 30), bounced=15, page="cart")
    [words] = look(house)
    assert words == (
        f'"{RULE}" was switched off: 90 of 100 visits it reached ended after one page (162 of 180), '
        "40 of 100 such visits before its launch."
    )
    assert house.programme.run_states[RULE].state == "rolled back"


def test_a_rule_that_changes_nothing_goes_on_and_visits_that_may_go_on_do_not_count_yet(house: House) -> None:
    launch(house)
    launched_at = house.programme.run_states[RULE].since_at
    visit(house, people(house, 180), bounced=81, reached=True)
    began = house.clock() - HOUR - MINUTE - SECOND
    assert look(house) == []

    def since(now: int) -> Bounced:
        rules = [Followed(rule=RULE, since_at=launched_at)]
        return count_since(house.storage, now, rules, plan_of(house))[RULE]

    assert since(began + SETTLED_MS).reached.d == 0
    assert (since(began + SETTLED_MS + 1).reached.y, since(began + SETTLED_MS + 1).reached.d) == (81, 180)


def test_rules_counted_together_are_counted_as_each_alone(house: House) -> None:
    launch(house)
    launched_at = house.clock()
    visit(house, people(house, 30), bounced=12, reached=True)
    visit(house, [*people(house, 18), "again", "and again"], bounced=5, page="cart")
    later_at = house.clock()
    visit(house, ["again", "and again"], bounced=1, reached=True)
    visit(house, people(house, 9), bounced=4, page="cart")
    rules = [
        Followed(rule=RULE, since_at=launched_at),
        Followed(rule="Acts for nobody", since_at=launched_at),
        Followed(rule="Came later", since_at=later_at),
    ]

    def count(rules: list[Followed]) -> dict[str, Bounced]:
        return count_since(house.storage, house.clock(), rules, plan_of(house))

    together = count(rules)
    assert together == {name: found for each in rules for name, found in count([each]).items()}
    sums = [
        (each.reached.n, each.reached.y, each.reached.d, each.others.n, each.others.y, each.others.d)
        for each in together.values()
    ]
    assert sums == [(32, 13, 32, 29, 9, 29), (0, 0, 0, 59, 22, 61), (0, 0, 0, 11, 5, 11)]


def test_a_rule_that_was_live_before_has_nothing_to_be_compared_with(house: House) -> None:
    set_run_state(house, RULE, "live")
    usual_days(house, reached=True)
    set_run_state(house, RULE, "paused")
    set_run_state(house, RULE, "live", reason="again")
    storage = house.storage
    storage.write(lambda transaction: transaction.put_setting(f"expected {RULE}/1", "")).result()
    guard(house, ask=asking(house))
    expected = Gathering(house).find_expected(f"{RULE}/1")
    assert expected is not None
    assert (expected.visits, expected.before) == (280, None)


def test_of_a_rule_that_is_changed_while_live_something_else_is_expected(house: House) -> None:
    launch(house)
    changed = FILES | {"rules/guide.yaml": FILES["rules/guide.yaml"].replace("help page", "cart page")}
    publish(house, changed)
    state = house.programme.run_states[RULE]
    assert state.seed == f"{RULE}/1"
    assert Gathering(house).expected_of(state) is None
    hour = house.clock() // HOUR * HOUR
    counts = [
        RuleCount(hour, f"{RULE}/1", "home-hero", REACHED, 900),
        RuleCount(hour, "", "home-hero", ASKED, 1_000),
    ]
    house.storage.write(lambda transaction: transaction.add_rule_counts(counts)).result()
    pass_time(house, MINUTE)
    changed_at = house.clock()
    guard(house, ask=asking(house))
    expected = Gathering(house).expected_of(state)
    assert expected is not None
    assert expected.before is not None
    assert (expected.since_at, expected.before.reached.y, expected.before.reached.d) == (changed_at, 70, 140)
    watched = Gathering(house).watched(house.programme.playbook.rules[RULE], state)
    assert watched.today == {REACHED: 0, ASKED: 0}, "what it did before in this hour is not its reach now"


def test_real_decisions_are_among_the_visits_in_which_it_acted(house: House) -> None:
    set_run_state(house, RULE, "live")
    looked(house, ["v-1", "v-2"], "help")
    for who, page in (("v-1", "help"), ("v-2", "cart")):
        asked = Question(
            anonymous_id=who, slots=("home-hero",), context=Context(page_path=f"/{page}", page_type=page)
        )
        decided(house, asked)
    settle(house.storage)
    assert house.storage.list_acted([RULE], START, (0, 256)) == [
        (RULE, key_of("anonymous", "v-1"), house.clock())
    ]


def test_big_shops_are_looked_at_in_some_lanes_and_old_launches_more_rarely() -> None:
    assert [lanes_for(visits) for visits in (0, 1_000, 5_000, 50_000, 10_000_000)] == [256, 256, 256, 26, 1]
    followed = Followed(rule=RULE, since_at=START)
    looks = [
        sum(is_followed(followed, START + day * DAY + minute * MINUTE) for minute in range(1_440))
        for day in (0, 1, 6, 27, 29)
    ]
    assert looks == [1_440 - 36, 720, 206, 52, 0]
