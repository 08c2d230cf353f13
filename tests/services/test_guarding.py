"""Off by itself: what does harm is off at the next decision, stays off until somebody says why, and is told once."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from tests.building import Flag, decided
from tests.contract.stored import NOW as STARTED
from tests.experiments import measured

from opportune.core.experiments.experiment import Experiment
from opportune.core.experiments.measured import Measured
from opportune.core.experiments.watched import (
    ASKED,
    DISMISSED,
    FAILED,
    GIVEN,
    HAPPENED,
    REACHED,
    SET_ASIDE,
    SHOWN,
    TROUBLE,
)
from opportune.core.moment import DAY, HOUR, MINUTE, to_iso
from opportune.core.note import Note
from opportune.core.product import Product
from opportune.core.programme import empty_programme
from opportune.core.situation import Context
from opportune.errors import BadRequestError, FrozenError, StorageBusyError
from opportune.services.capturing import CaptureSource, capture
from opportune.services.catalogue.cataloguing import put_products
from opportune.services.deciding import Question
from opportune.services.guard.gathering import EXPECTED, Gathering
from opportune.services.guard.guarding import guard
from opportune.services.guard.watching import tally_watched
from opportune.services.house import House
from opportune.services.operating import freeze, roll_back, set_run_state, switch_off, unfreeze
from opportune.services.publishing import load_running, publish
from opportune.storage.base import RuleCount, Storage

START = STARTED // DAY * DAY
RULE = "Returner"
FILES = {
    "team.yaml": "owner: Mia\nreviewer: Tom\npurpose: Help\nsafety limit: bounces a visit up by at most 5%\n"
    "rollback: by hand\n",
    "slots/hero.yaml": "slot: home hero\nfields: headline, link\nfallback:\n  headline: Welcome\n  link: /\nvariants:\n"
    "  Shoes:\n    headline: Shoes for you\n    link: /products/boot\n",
    "rules/returner.yaml": f"rule: {RULE}\nwhen: a visitor viewed a product at least 1 time in 7 days\n"
    "show:\n  home hero: Shoes\n",
}
SECOND = "rule: Bought\nwhen: a visitor has not bought in the last 7 days\nshow:\n  home hero: Shoes\nlaunch: live\n"
TESTED = FILES | {
    "rules/returner.yaml": FILES["rules/returner.yaml"] + "test: half and half, on orders, for 4 weeks\n"
}
SERVER = CaptureSource(name="backend", is_secret=True)


class Clock:
    now = START

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def house(storage: Storage) -> House:
    house = House(
        storage=storage,
        clock=Clock(),
        secret=b"s" * 32,
        programme=empty_programme(),
        deadline_seconds=30,
    )
    send(house, "Product Viewed", "somebody")
    return house


def pass_time(house: House, ms: int) -> None:
    assert isinstance(house.clock, Clock)
    house.clock.now += ms


def send(house: House, event: str, who: str, **properties: Any) -> None:
    message = {"type": "track", "event": event, "anonymousId": who, "properties": properties}
    capture(house, SERVER, [{"timestamp": to_iso(house.clock()), **message}]).result()


def shown(house: House, who: str = "v-1") -> str:
    """The headline somebody gets who has viewed a product."""
    send(house, "Product Viewed", who, product_id="boot")
    answer = decided(house, Question(anonymous_id=who, slots=("home-hero",), context=Context()))
    return str(answer.decisions[0].decision.value["headline"])


def told(
    house: House, what: dict[str, int], *, rule: str = "", slot: str = "home-hero", at: int | None = None
) -> None:
    hour = (house.clock() if at is None else at) // HOUR * HOUR
    counts = [RuleCount(hour, rule, slot, name, count) for name, count in what.items()]
    house.storage.write(lambda transaction: transaction.add_rule_counts(counts)).result()


def notes_of(house: House, kind: str = "switched off") -> list[Note]:
    return [note for note in house.storage.list_notes() if note.kind == kind]


def keep(house: House, found: Measured) -> None:
    house.storage.write(lambda transaction: transaction.put_measured(found)).result()


def open_test(house: House) -> Experiment:
    [experiment] = [each for each in house.storage.list_experiments() if each.rule == RULE and each.is_open]
    return experiment


def test_a_rule_that_does_no_harm_goes_on(house: House) -> None:
    publish(house, FILES)
    assert shown(house) == "Shoes for you"
    told(house, {GIVEN: 500, SHOWN: 400, DISMISSED: 4, REACHED: 300}, rule=f"{RULE}/1")
    pass_time(house, HOUR)
    assert guard(house) == []
    assert shown(house) == "Shoes for you"


def test_a_rule_whose_answers_fail_is_off_at_the_next_decision(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(house, FILES)
    condition = Flag("anything")

    def broken(_self: Any, _vocabulary: Any) -> Any:
        def check(_situation: Any) -> Any:
            raise RuntimeError("no such thing")

        return check

    monkeypatch.setattr(Flag, "compile", broken)
    playbook = house.programme.playbook
    rules = {RULE: msgspec.structs.replace(playbook.rules[RULE], when=condition)}
    house.programme = type(house.programme)(
        msgspec.structs.replace(playbook, rules=rules),
        house.programme.run_states,
        frozenset(house.seen_events),
    )
    for number in range(6):
        assert shown(house, f"v-{number}") == "Welcome"
    tally_watched(house)
    assert (f"{RULE}/1", "home-hero", FAILED, 6) in house.storage.list_rule_counts(0, 2**62)
    [note] = guard(house)
    assert (note.kind, note.rules) == ("switched off", (RULE,))
    assert note.words == f'"{RULE}" was switched off: its answers failed: 6 of 6 answers.'
    assert house.programme.run_states[RULE].state == "rolled back"


def test_it_stays_off_whatever_is_published_until_somebody_says_why_not(house: House) -> None:
    publish(house, FILES)
    roll_back(house, RULE, reason="it blinked", by="Mia")
    assert shown(house) == "Welcome"
    changed = FILES | {"rules/returner.yaml": FILES["rules/returner.yaml"].replace("1 time", "2 times")}
    published = publish(house, changed)
    assert any("stays switched off" in note for note in published.notes)
    assert shown(house) == shown(house) == "Welcome"
    for wanted in ("live", "slowly", "20%", "paused"):
        with pytest.raises(BadRequestError, match=r"was switched off \(it blinked\)"):
            set_run_state(house, RULE, wanted)
    set_run_state(house, RULE, "live", reason="the picture is smaller now", by="Mia")
    assert shown(house) == "Shoes for you"
    acts = [(entry.act, entry.detail) for entry in house.storage.list_audit()]
    assert ("rule rolled back", "it blinked") in acts
    assert ("rule live", "the picture is smaller now") in acts
    assert house.programme.run_states[RULE].run == 2


def test_it_is_switched_off_while_frozen_and_while_everything_is_off(house: House) -> None:
    publish(house, FILES)
    freeze(house, reason="Black Friday")
    switch_off(house)
    told(house, {GIVEN: 10, FAILED: 10}, rule=f"{RULE}/1")
    assert [note.rules for note in guard(house)] == [(RULE,)]
    assert house.programme.run_states[RULE].state == "rolled back"


def test_another_process_hears_of_it(house: House) -> None:
    publish(house, FILES)
    other = House(storage=house.storage, clock=house.clock, secret=house.secret, programme=empty_programme())
    load_running(other)
    version = house.storage.changed_at()
    roll_back(house, RULE, reason="it blinked")
    assert house.storage.changed_at() != version
    load_running(other)
    assert other.programme.run_states[RULE].state == "rolled back"


def test_what_is_switched_off_by_hand_meanwhile_is_left_alone(house: House) -> None:
    publish(house, FILES)
    set_run_state(house, RULE, "paused", reason="holiday")
    told(house, {GIVEN: 10, FAILED: 10}, rule=f"{RULE}/1")
    assert guard(house) == []
    assert roll_back(house, RULE, reason="late") is None
    assert house.programme.run_states[RULE].reason == "holiday"


def test_a_safety_limit_that_breaks_ends_the_test(house: House) -> None:
    publish(house, TESTED)
    experiment = open_test(house)
    pass_time(house, 9 * DAY)
    keep(house, measured(experiment, days=9, people=(300, 300), bought=(18, 4)))
    [note] = guard(house)
    assert note.words.startswith(
        f'"{RULE}" was switched off: orders within 7 days: 1.3 of 100 visitors with it'
    )
    [ended] = [each for each in house.storage.list_experiments() if each.rule == RULE]
    assert (ended.ended_as, ended.ended_at) == ("rolled back", house.clock())
    assert "6 without" in ended.reason
    assert guard(house) == []
    assert shown(house) == "Welcome"


def test_a_test_without_a_difference_goes_on(house: House) -> None:
    publish(house, TESTED)
    keep(house, measured(open_test(house), days=9, people=(300, 300), bought=(9, 9)))
    assert guard(house) == []


def test_a_split_that_is_off_switches_off(house: House) -> None:
    publish(house, TESTED)
    keep(house, measured(open_test(house), days=9, people=(100, 50), bought=(3, 2)))
    [note] = guard(house)
    assert "sides hold 900 and 450 visitors, where 675 and 675 were planned" in note.words


def test_a_product_that_is_sold_out_switches_off_who_links_to_it(house: House) -> None:
    boot = Product(id="boot", name="Boot", url="https://shop.example/products/boot", source="feed")
    put_products(house, [msgspec.structs.replace(boot, updated_at=house.clock())])
    publish(house, FILES)
    assert guard(house) == []
    put_products(house, [msgspec.structs.replace(boot, in_stock=False, updated_at=house.clock())])
    [note] = guard(house)
    assert note.words == f'"{RULE}" was switched off: sold out: Boot, which its version “Shoes” shows.'


def week_of_orders(house: House, a_day: int = 24) -> None:
    """Four weeks of orders, hour by hour, up to now."""
    now = house.clock() // HOUR * HOUR
    counts = [
        RuleCount(now - hours * HOUR, "", "Order Completed", HAPPENED, a_day // 24)
        for hours in range(1, 28 * 24 + 1)
    ]
    house.storage.write(lambda transaction: transaction.add_rule_counts(counts)).result()
    send(house, "Order Completed", "buyer", order_id=f"o-{now}")
    tally_watched(house)


def go_on_without_orders(house: House, hours: int) -> None:
    for _ in range(hours):
        told(house, {ASKED: 40})
        pass_time(house, HOUR)


def test_a_silent_event_switches_off_who_was_launched_lately_or_reads_it(house: House) -> None:
    publish(house, FILES)
    pass_time(house, 2 * DAY)
    week_of_orders(house)
    publish(house, FILES | {"rules/bought.yaml": SECOND})
    go_on_without_orders(house, 19)
    assert [note.kind for note in guard(house)] == ["warning"]
    assert guard(house) == [], "each once"
    go_on_without_orders(house, 3)
    [note] = guard(house)
    assert note.rules == ("Bought",)
    assert note.words.startswith('"Bought" was switched off: no orders for 2')
    assert house.programme.run_states[RULE].state == "live", "it was there long before, and reads no orders"


def test_hours_in_which_the_server_was_not_asked_are_not_silent(house: House) -> None:
    publish(house, FILES | {"rules/bought.yaml": SECOND})
    week_of_orders(house)
    pass_time(house, 2 * DAY)
    assert guard(house) == []


def test_a_broken_plan_switches_off_who_reads_the_event(house: House) -> None:
    publish(house, FILES | {"rules/bought.yaml": SECOND})
    told(house, {HAPPENED: 10, SET_ASIDE: 30}, slot="Product Viewed")
    told(house, {HAPPENED: 10, SET_ASIDE: 30}, slot="Products Searched")
    notes = {note.kind: note for note in guard(house)}
    assert notes["switched off"].rules == (RULE,)
    assert notes["warning"].words.startswith("30 of 40 “Products Searched” were set aside")


def test_what_is_set_aside_is_counted_by_the_name_of_the_event(house: House) -> None:
    strict = {"plan.yaml": "events:\n  Product Viewed:\n    properties:\n      product: {required: yes}\n"}
    publish(house, FILES | strict)
    send(house, "Product Viewed", "v-1")
    tally_watched(house)
    assert ("", "Product Viewed", SET_ASIDE, 1) in house.storage.list_rule_counts(0, 2**62)


def test_a_reach_far_beyond_what_the_log_made_expect_switches_off(house: House) -> None:
    publish(house, FILES)
    expected = '{"share":0.03,"high":0.04,"visits":80,"people_a_day":30.0}'
    house.storage.write(lambda transaction: transaction.put_setting(f"{EXPECTED}{RULE}/1", expected)).result()
    told(house, {ASKED: 1_000})
    told(house, {REACHED: 150}, rule=f"{RULE}/1")
    assert guard(house) == []
    told(house, {REACHED: 50}, rule=f"{RULE}/1")
    [note] = guard(house)
    assert "it reached 200 of 1,000 visits in 24 hours, where about 30 were expected" in note.words


def test_what_the_log_makes_expect_is_kept_once(house: House) -> None:
    publish(house, FILES)

    def ask(function: Any, *given: Any) -> Any:
        return function(house.storage, *given)

    guard(house, ask=ask)
    assert house.storage.find_setting(f"{EXPECTED}{RULE}/1") == "null", (
        "the log is too short to expect anything"
    )
    assert Gathering(house).find_expected(f"{RULE}/1") is None


def test_a_log_that_cannot_be_asked_now_is_asked_later_and_holds_up_no_other_rule(house: House) -> None:
    keen = FILES["rules/returner.yaml"].replace(RULE, "Keen").replace("1 time", "3 times")
    publish(house, FILES | {"rules/keen.yaml": keen})
    refused: list[str] = []

    def ask(function: Any, now: int, rule: str, *given: Any) -> Any:
        if rule == RULE and len(refused) < 2:
            refused.append(rule)
            raise StorageBusyError
        return function(house.storage, now, rule, *given)

    names = [f"{EXPECTED}{RULE}/1", f"{EXPECTED}Keen/1"]
    for _ in range(5):
        guard(house, ask=ask)
        kept = [house.storage.find_setting(name) for name in names]
        assert kept[0] is None or len(refused) == 2
        pass_time(house, MINUTE)
    assert refused == [RULE, RULE]
    assert kept == ["null", "null"]


def test_real_decisions_are_counted_for_the_guard(house: House) -> None:
    publish(house, FILES)
    assert shown(house) == shown(house) == "Shoes for you"
    tally_watched(house)
    counts = {(rule, slot, what): n for rule, slot, what, n in house.storage.list_rule_counts(0, 2**62)}
    assert counts[f"{RULE}/1", "home-hero", GIVEN] == 2
    assert counts[f"{RULE}/1", "home-hero", REACHED] == 1
    assert counts["", "home-hero", ASKED] == 1
    assert counts["", "Product Viewed", HAPPENED] == 3


def test_content_that_a_page_cannot_put_is_counted_for_its_place(house: House) -> None:
    publish(house, FILES)
    for what in ("part not found", "refused", "rewritten", "no storage"):
        send(house, "Page Trouble", "v-1", what=what, slot="home-hero", where="/")
    send(house, "Page Trouble", "v-1", what="refused", slot="nowhere", where="/")
    tally_watched(house)
    counts = house.storage.list_rule_counts(0, 2**62)
    assert [each for each in counts if each[2] == TROUBLE] == [("", "home-hero", TROUBLE, 3)]


def test_the_whole_programme_that_loses_switches_off_all_but_what_always_acts(house: House) -> None:
    always = "rule: Calm\nwhen: a visitor is on a help page\nhide: home hero\nalways: yes\n"
    team = {"team.yaml": FILES["team.yaml"] + "control group: 50%\n"}
    publish(house, FILES | team | {"rules/calm.yaml": always, "rules/bought.yaml": SECOND})
    [programme] = [each for each in house.storage.list_experiments() if each.subject == "programme"]
    names = [name for name, _ in programme.arms]
    assert names == ["out", "in"]
    keep(house, measured(programme, days=9, people=(300, 300), bought=(24, 3)))
    [note] = guard(house)
    assert note.rules == ("Bought", RULE)
    assert "all rules together, against the control group" in note.words
    assert house.programme.run_states["Calm"].state == "live"


def test_a_split_of_the_programme_is_a_warning(house: House) -> None:
    publish(house, FILES | {"team.yaml": FILES["team.yaml"] + "control group: 50%\n"})
    [programme] = [each for each in house.storage.list_experiments() if each.subject == "programme"]
    keep(house, measured(programme, days=9, people=(100, 50), bought=(3, 2)))
    assert [note.kind for note in guard(house)] == ["warning"]


# -- slow launches ----------------------------------------------------------------------------------


def slowly(house: House, files: dict[str, str] = FILES) -> None:
    publish(house, files | {"team.yaml": files["team.yaml"] + "launch: slowly\n"})
    house.storage.write(lambda transaction: transaction.put_setting(f"{EXPECTED}{RULE}/1", "null")).result()


def share_of(house: House) -> tuple[str, int]:
    state = house.programme.run_states[RULE]
    return state.state, state.share


def test_a_slow_launch_steps_up_while_nothing_is_wrong(house: House) -> None:
    slowly(house, TESTED)
    assert share_of(house) == ("share", 500)
    told(house, {REACHED: 3}, rule=f"{RULE}/1")
    shares = []
    for _ in range(8):
        guard(house)
        shares.append(share_of(house)[1])
        pass_time(house, DAY)
    assert shares == [500, 500, 2_000, 2_000, 5_000, 5_000, 10_000, 10_000]
    assert share_of(house) == ("live", 10_000)
    phases = open_test(house).phases
    assert [(phase.number, phase.share) for phase in phases] == [
        (1, 500),
        (1, 2_000),
        (1, 5_000),
        (1, 10_000),
    ]
    assert [phase.since_at - START for phase in phases] == [0, 2 * DAY, 4 * DAY, 6 * DAY]
    steps = [note.words for note in notes_of(house, "step")]
    assert steps[0] == f'"{RULE}" is live for all visitors now, with no sign of harm at 50%.'
    assert [entry.by for entry in house.storage.list_audit() if entry.act == "rule 20%"] == ["opportune"]


def test_a_step_says_what_harm_it_could_hide(house: House) -> None:
    for hours in range(1, 200):
        at = house.clock() - hours * HOUR
        told(house, {ASKED: 400}, at=at)
        told(house, {HAPPENED: 20}, slot="Order Completed", at=at)
    slowly(house, TESTED)
    expected = '{"share":0.5,"high":0.6,"visits":8000,"people_a_day":20000.0}'
    house.storage.write(lambda transaction: transaction.put_setting(f"{EXPECTED}{RULE}/1", expected)).result()
    [note] = guard(house)
    assert note.words == (
        f'"{RULE}" is live for 5% of visitors: '
        "at 5% of visitors a loss of up to 60% of orders could go unseen for 2 days."
    )


def test_harm_ends_a_slow_launch(house: House) -> None:
    slowly(house)
    told(house, {GIVEN: 10, FAILED: 10, REACHED: 9}, rule=f"{RULE}/1")
    pass_time(house, 2 * DAY)
    guard(house)
    assert share_of(house) == ("rolled back", 500)


def test_a_step_that_reached_nobody_is_not_over(house: House) -> None:
    slowly(house)
    pass_time(house, 5 * DAY)
    guard(house)
    assert share_of(house) == ("share", 500)


def test_on_a_frozen_day_a_slow_launch_waits(house: House) -> None:
    slowly(house)
    told(house, {REACHED: 3}, rule=f"{RULE}/1")
    freeze(house)
    pass_time(house, 5 * DAY)
    guard(house)
    assert share_of(house) == ("share", 500)
    unfreeze(house)
    guard(house)
    assert share_of(house) == ("share", 2_000)


def test_an_operator_launches_slowly(house: House) -> None:
    publish(house, FILES | {"team.yaml": FILES["team.yaml"] + "launch: preview\n"})
    assert house.programme.run_states[RULE].state == "preview"
    state = set_run_state(house, RULE, "slowly", by="Mia")
    assert (state.state, state.share, state.ramp_days, state.stepped_at) == ("share", 500, 2, house.clock())
    assert set_run_state(house, RULE, "live").ramp_days == 0


def test_a_freeze_has_a_first_and_a_last_day(house: House) -> None:
    publish(house, FILES)
    day = to_iso(house.clock() + 2 * DAY)[:10]
    frozen = freeze(house, first=day, last=to_iso(house.clock() + 3 * DAY)[:10], reason="Black Friday")
    assert frozen.until_at is not None
    set_run_state(house, RULE, "live")
    pass_time(house, 2 * DAY)
    with pytest.raises(FrozenError, match="Black Friday"):
        set_run_state(house, RULE, "live")
    pass_time(house, 2 * DAY)
    set_run_state(house, RULE, "live")


@pytest.mark.parametrize(("first", "last"), [("never", ""), ("", "1 May 2001"), ("2031-01-02", "2031-01-01")])
def test_days_that_are_none_are_refused(house: House, first: str, last: str) -> None:
    with pytest.raises(BadRequestError):
        freeze(house, first=first, last=last)
