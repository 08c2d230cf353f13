"""Experiments follow the tests that run: begun as designed, gone on with, ended, never begun twice; on every store."""

from __future__ import annotations

import msgspec
import pytest
from tests.building import decided
from tests.stores import settle

from opportune.core.allocation import IN, OUT
from opportune.core.experiments.experiment import Experiment
from opportune.core.history.key import key_of
from opportune.core.moment import DAY, HOUR, from_iso, to_iso
from opportune.core.programme import empty_programme
from opportune.core.rule import PROGRAMME
from opportune.core.situation import Context
from opportune.core.statistics.power import people_per_arm
from opportune.errors import RunningTestError
from opportune.process.commands.rules import list_rules
from opportune.services.capturing import CaptureSource, capture
from opportune.services.deciding import Question
from opportune.services.experiments.experimenting import reconcile
from opportune.services.experiments.foreseeing import TYPICAL_SHARE, keep_experiments
from opportune.services.house import House
from opportune.services.operating import set_run_state
from opportune.services.publishing import load_running, publish
from opportune.storage.base import Storage

NOW = from_iso("2026-11-22T12:00:00Z")
TEAM = "owner: Mia\nreviewer: Tom\npurpose: Help\nrollback: by hand\nsafety limit: bounces a visit up by at most 5%\n"
RULE = """\
rule: Returner
when: a visitor viewed at least 2 times in 7 days
show:
  home hero: Promise
test: half and half, on added to cart within 2 days, for 7 weeks, to find 10%
"""
FILES = {
    "team.yaml": TEAM,
    "slots/hero.yaml": "slot: home hero\ntype: text\nfallback: Welcome\nvariants:\n  Promise: More shoes\n",
    "rules/returner.yaml": RULE,
}
BROWSER = CaptureSource(name="site")


class Clock:
    now = NOW

    def __call__(self) -> int:
        return self.now

    def wait(self, span_ms: int) -> int:
        self.now += span_ms
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def house(storage: Storage, clock: Clock) -> House:
    house = House(
        storage=storage,
        clock=clock,
        secret=b"a secret of thirty-two bytes.....",
        programme=empty_programme(),
        deadline_seconds=30,
    )
    load_running(house)
    for event in ("Product Viewed", "Order Completed"):
        track(house, "somebody", event, NOW - 60 * DAY, order_id="0")
    return house


def track(house: House, visitor: str, event: str, at: int, **properties: object) -> None:
    message = {
        "type": "track",
        "event": event,
        "anonymousId": visitor,
        "timestamp": to_iso(at),
        "properties": properties,
        "messageId": f"{visitor}-{event}-{at}",
    }
    assert capture(house, BROWSER, [message]).result().accepted == 1


def files(rule: str = RULE, team: str = TEAM) -> dict[str, str]:
    return {**FILES, "team.yaml": team, "rules/returner.yaml": rule}


def experiments(house: House) -> dict[str, Experiment]:
    return {each.id: each for each in house.storage.list_experiments()}


def ends(house: House) -> dict[str, tuple[str, str, int | None]]:
    return {
        name: (each.ended_as, each.reason, each.ended_at and each.ended_at - NOW)
        for name, each in experiments(house).items()
    }


# -- beginning --------------------------------------------------------------------------------


def test_a_test_that_goes_live_is_one_experiment_as_it_was_designed(house: House) -> None:
    published = publish(house, FILES)
    [found] = house.storage.list_experiments()
    rule = house.programme.playbook.rules["Returner"]
    assert rule.design is not None
    assert (found.id, found.subject, found.rule, found.revision) == (
        "Returner/1",
        "rule",
        "Returner",
        published.revision,
    )
    assert found.sentence == "a visitor viewed at least 2 times in 7 days"
    assert found.behaviour == house.programme.playbook.behaviours["Returner"]
    assert found.metric.name == "added to cart within 2 days"
    assert (found.limits, found.others) == (rule.design.limits, rule.design.others)
    assert (found.days, found.smallest_gain, found.started_at) == (49, 0.1, NOW)
    assert found.planned_end_at == NOW + 49 * DAY
    assert [(phase.number, phase.share) for phase in found.phases] == [(1, 10_000)]
    assert found.is_open


def test_looking_again_changes_nothing(house: House, clock: Clock) -> None:
    publish(house, files(team=TEAM + "control group: 10%\n"))
    before = experiments(house)
    clock.wait(HOUR)
    assert reconcile(house) == []
    publish(house, files(team=TEAM + "control group: 10%\n"))
    assert experiments(house) == before


def test_drafts_previews_always_rules_and_rules_without_a_test_are_no_experiment(house: House) -> None:
    untested = RULE.replace("test: half and half", "purpose: half and half")
    for text in (RULE + "launch: draft\n", RULE + "launch: preview\n", untested):
        publish(house, files(text.replace("Returner", f"R{len(text)}")))
    assert experiments(house) == {}


def test_a_rule_that_hides_is_an_experiment_of_hiding(house: House) -> None:
    hides = "rule: Calm\nwhen: a visitor viewed at least 2 times in 7 days\nhide: home hero\ntest: half and half\n"
    publish(house, files(hides))
    assert [(each.id, each.subject) for each in house.storage.list_experiments()] == [("Calm/1", "hide")]


def test_a_test_that_waits_for_an_event_begins_when_that_is_first_seen(house: House, clock: Clock) -> None:
    publish(house, files(RULE.replace("viewed at least", "searched at least")))
    assert experiments(house) == {}
    seen_at = clock.wait(5 * DAY)
    track(house, "v-1", "Products Searched", seen_at, query="shoes")
    clock.wait(HOUR)
    load_running(house)
    [found] = reconcile(house)
    assert (found.started_at, found.planned_end_at) == (seen_at, seen_at + 49 * DAY)


# -- going on ---------------------------------------------------------------------------------


def test_a_ramp_changes_the_share_and_not_the_phase(house: House, clock: Clock) -> None:
    publish(house, files(RULE + "launch: 5%\n"))
    clock.wait(DAY)
    set_run_state(house, "Returner", "20%")
    clock.wait(DAY)
    set_run_state(house, "Returner", "live")
    [found] = house.storage.list_experiments()
    assert [(phase.number, phase.share, phase.since_at - NOW) for phase in found.phases] == [
        (1, 500, 0),
        (1, 2_000, DAY),
        (1, 10_000, 2 * DAY),
    ]
    assert found.started_at == NOW


def test_team_defaults_that_change_are_for_tests_to_come(house: House) -> None:
    publish(house, FILES)
    before = experiments(house)
    published = publish(house, files(team=TEAM.replace("5%", "9%") + "goal: orders\n"))
    assert published.notes[-1] == (
        'The test of "Returner" goes on with the metric, limits and length it began with.'
    )
    assert experiments(house) == before


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("added to cart", "orders"),
        ("for 7 weeks", "for 2 weeks"),
        ("to find 10%", "to find 30%"),
        ("test:", "safety limit: orders down by at most 50%\ntest:"),
    ],
)
def test_a_design_cannot_change_while_its_test_runs(house: House, old: str, new: str) -> None:
    publish(house, FILES)
    edited = files(RULE.replace(old, new))
    with pytest.raises(RunningTestError):
        publish(house, edited)
    assert [each.id for each in house.storage.list_experiments(open_only=True)] == ["Returner/1"]
    publish(house, edited, new_test=True)
    assert ends(house) == {
        "Returner/1": ("replaced", "the rule or its test changed", 0),
        "Returner/2": ("", "", None),
    }


# -- ending -----------------------------------------------------------------------------------


def test_a_paused_test_ends_and_begins_anew_with_other_halves(house: House, clock: Clock) -> None:
    publish(house, FILES)
    clock.wait(DAY)
    set_run_state(house, "Returner", "paused", reason="the supplier is late")
    assert ends(house) == {"Returner/1": ("stopped", "the supplier is late", DAY)}
    clock.wait(DAY)
    state = set_run_state(house, "Returner", "live")
    assert (state.seed, state.phase) == ("Returner/2", 1)
    assert ends(house)["Returner/2"] == ("", "", None)
    assert experiments(house)["Returner/2"].started_at == NOW + 2 * DAY


def test_a_test_that_never_ran_keeps_its_number(house: House) -> None:
    publish(house, files(RULE + "launch: draft\n"))
    set_run_state(house, "Returner", "preview")
    assert set_run_state(house, "Returner", "live").seed == "Returner/1"


def test_a_rolled_back_test_says_so(house: House, clock: Clock) -> None:
    publish(house, FILES)
    clock.wait(DAY)
    state = msgspec.structs.replace(
        house.storage.list_run_states()["Returner"],
        state="rolled back",
        reason="bounces doubled",
        since_at=clock(),
    )
    house.storage.write(lambda transaction: transaction.put_run_state(state)).result()
    load_running(house)
    clock.wait(HOUR)
    reconcile(house)
    assert ends(house) == {"Returner/1": ("rolled back", "bounces doubled", DAY)}
    assert set_run_state(house, "Returner", "live", reason="mended").seed == "Returner/2"


def test_a_test_ends_as_planned_and_its_rule_may_then_be_changed(house: House, clock: Clock) -> None:
    publish(house, FILES)
    clock.wait(49 * DAY + HOUR)
    reconcile(house)
    assert ends(house) == {"Returner/1": ("finished", "", 49 * DAY)}
    assert reconcile(house) == []
    [row] = list_rules(house)
    assert (row["testEnds"], row["testIsOver"]) == ("2027-01-10", True)
    set_run_state(house, "Returner", "50%")
    assert ends(house) == {"Returner/1": ("finished", "", 49 * DAY)}
    publish(house, files(RULE.replace("2 times", "3 times")))
    assert ends(house)["Returner/2"] == ("", "", None)


def test_what_ended_it_first_counts(house: House, clock: Clock) -> None:
    publish(house, FILES)
    clock.wait(50 * DAY)
    set_run_state(house, "Returner", "paused")
    assert ends(house)["Returner/1"] == ("finished", "", 49 * DAY)


def test_a_test_ends_with_its_rule(house: House, clock: Clock) -> None:
    publish(house, files(RULE + "until: 30 November 2026\n"))
    clock.wait(20 * DAY)
    reconcile(house)
    [found] = house.storage.list_experiments()
    assert (found.ended_as, found.reason) == ("stopped", "the rule's last day is over")
    assert found.ended_at == from_iso("2026-12-01T00:00:00Z")


def test_a_test_taken_out_or_a_rule_taken_away_ends_it(house: House, clock: Clock) -> None:
    publish(house, FILES)
    clock.wait(DAY)
    publish(house, files(RULE.split("test:", maxsplit=1)[0]), new_test=True)
    assert ends(house) == {"Returner/1": ("stopped", "its test was taken out of the rule", DAY)}
    publish(house, FILES)
    publish(house, files(RULE.replace("Returner", "Other")), new_test=True)
    ended = [(each.ended_as, each.reason) for each in house.storage.list_experiments() if not each.is_open]
    assert ("stopped", "the rule is gone") in ended


# -- the programme ----------------------------------------------------------------------------


def held_out(share: int, name: str = "") -> dict[str, str]:
    named = f"control group name: {name}\n" if name else ""
    return files(
        RULE.split("test:", maxsplit=1)[0], f"{TEAM}goal: revenue a visitor\ncontrol group: {share}%\n{named}"
    )


def given(house: House, visitor: str) -> tuple[str, int]:
    """A visitor's arm of the control group and the phase it was given in."""
    track(house, visitor, "Product Viewed", house.clock() - HOUR)
    decided(house, Question(anonymous_id=visitor, slots=("home-hero",), context=Context()))
    settle(house.storage)
    key = key_of("anonymous", visitor)
    kept = house.storage.recall([key], now=house.clock()).assignments["programme/1"]
    return kept.arm, kept.phase


def test_the_programme_is_an_experiment_against_its_control_group(house: House) -> None:
    publish(house, held_out(10))
    [found] = house.storage.list_experiments()
    assert (found.id, found.subject, found.rule) == ("programme/1", "programme", "")
    assert found.arms == ((OUT, 1_000), (IN, 9_000))
    assert (found.metric.name, found.days, found.started_at) == ("revenue a visitor within 7 days", 91, NOW)


def test_another_share_of_the_control_group_is_another_phase(house: House, clock: Clock) -> None:
    publish(house, held_out(10))
    early = [given(house, f"early-{n}") for n in range(6)]
    assert {phase for _, phase in early} == {1}
    clock.wait(DAY)
    publish(house, held_out(50))
    [found] = house.storage.list_experiments()
    assert [(phase.number, phase.arms[0], phase.since_at - NOW) for phase in found.phases] == [
        (1, (OUT, 1_000), 0),
        (2, (OUT, 5_000), DAY),
    ]
    assert found.arms_at(1) == ((OUT, 1_000), (IN, 9_000))
    assert found.arms_at(2) == ((OUT, 5_000), (IN, 5_000))
    late = [given(house, f"late-{n}") for n in range(20)]
    assert {phase for _, phase in late} == {2}
    assert {arm for arm, _ in late} == {IN, OUT}
    assert [given(house, f"early-{n}") for n in range(6)] == early


def test_a_control_group_under_another_name_replaces_it(house: House, clock: Clock) -> None:
    publish(house, held_out(10))
    clock.wait(DAY)
    publish(house, held_out(10, "programme/2"))
    assert ends(house) == {
        "programme/1": ("replaced", "the control group is now programme/2", DAY),
        "programme/2": ("", "", None),
    }
    assert house.storage.list_run_states()[PROGRAMME].phase == 1


def test_without_a_control_group_its_experiment_ends(house: House, clock: Clock) -> None:
    publish(house, held_out(10))
    clock.wait(DAY)
    publish(house, files(RULE.split("test:", maxsplit=1)[0]))
    assert ends(house) == {"programme/1": ("stopped", "there is no control group any more", DAY)}


def test_a_control_group_from_before_there_were_experiments_is_taken_over(house: House, clock: Clock) -> None:
    publish(house, held_out(10))
    [before] = house.storage.list_experiments()
    clock.wait(DAY)
    house.programme = house.programme.with_run({}, is_off=False)
    assert reconcile(house) == []
    forgotten = msgspec.structs.replace(before, id="programme/0")
    house.storage.write(lambda transaction: transaction.put_experiment(forgotten)).result()
    assert [each.id for each in reconcile(house)] == ["programme/0"]
    assert ends(house)["programme/0"][0] == "replaced"


# -- what is foreseen -------------------------------------------------------------------------


def test_what_a_test_asks_for_comes_from_the_days_before_it(house: House, clock: Clock) -> None:
    """400 visitors, 1 in 10 of whom puts something into the cart; orders of €10 to €1,300."""
    for number in range(400):
        track(house, f"v-{number}", "Page Viewed", NOW - 20 * DAY)
        if number % 10 == 0:
            track(house, f"v-{number}", "Product Added", NOW - 20 * DAY + HOUR)
        if number < 130:
            paid = {"order_id": f"o-{number}", "revenue": 10 * (number + 1)}
            track(house, f"v-{number}", "Order Completed", NOW - 20 * DAY + HOUR, **paid)
    publish(house, FILES)
    [found] = house.storage.list_experiments()
    assert (found.people, dict(found.caps)) == (0, {})
    clock.wait(DAY)
    track(house, "v-late", "Order Completed", NOW + HOUR, order_id="late", revenue=9_999)
    [foreseen] = keep_experiments(house)
    assert 25_000 < foreseen.people < 32_000
    assert dict(foreseen.caps) == {
        "revenue a visitor within 7 days": 129_000,
    }
    assert msgspec.structs.replace(foreseen, people=0, caps={}) == found
    assert house.storage.list_experiments() == [foreseen]
    assert keep_experiments(house) == []


def test_without_history_a_typical_shop_stands_in_and_nothing_is_capped(house: House) -> None:
    publish(house, FILES)
    [foreseen] = keep_experiments(house)
    assert foreseen.caps == {}
    assert 0 <= 2 * people_per_arm(TYPICAL_SHARE, lift=0.1) - foreseen.people < 2
