"""Deciding: the candidate first, then the gates, each leaving its finding; both sides of a split exposed."""

from __future__ import annotations

from typing import Any

import pytest
from tests.building import NOW, Flag, asked, hiding, programme, rule, situation, unit_in

from opportune.core.allocation import bucket_of
from opportune.core.conditions.base import Check
from opportune.core.conditions.signal import SignalTest
from opportune.core.decision import Decision, decide
from opportune.core.finding import Finding
from opportune.core.history.timeline import Timeline, TimelineEvent
from opportune.core.language.vocabulary import Vocabulary
from opportune.core.moment import DAY, HOUR
from opportune.core.programme import Programme
from opportune.core.receipt import content_hash, decode, receipt_of, replay
from opportune.core.rule import CONTROL, TREATMENT, Hide, Limits, Rule, RunState, Show, Test
from opportune.core.signals.base import Reading
from opportune.core.situation import Assignment, Context, PastExposure, Situation, Trait
from opportune.core.team import Team


def arms(decision: Decision) -> list[tuple[str, str, str]]:
    return [(exposed.subject, exposed.rule, exposed.arm) for exposed in decision.exposures]


def test_without_a_match_the_place_shows_its_normal_content() -> None:
    answer = asked(programme(rule("Shoe fan")))
    assert (answer.value, answer.outcome, answer.reason) == ({"headline": "Welcome"}, "normal", "DEFAULT")
    assert answer.exposures == ()


def test_the_first_matching_rule_in_the_slots_order_wins() -> None:
    answer = asked(programme(rule("B", variant="Boots"), rule("A")), "keen")
    assert (answer.rule, answer.variant, answer.reason) == ("A", "Shoes", "TARGETING_MATCH")
    assert arms(answer) == [("rule", "A", TREATMENT)]


def test_everything_off_answers_normal_content_and_says_disabled() -> None:
    answer = asked(programme(rule("A"), is_off=True), "keen")
    assert (answer.value, answer.reason, answer.exposures) == ({"headline": "Welcome"}, "DISABLED", ())


def test_both_arms_of_a_test_are_exposed_and_control_sees_the_next_rule() -> None:
    of = programme(rule("A", test=Test()), rule("B", variant="Boots"))
    context = Context(attributes={"keen": True, "name": "Ann"})
    treated = asked(of, unit=unit_in("A/1", control=False), context=context)
    control = asked(of, unit=unit_in("A/1", control=True), context=context)
    assert (treated.variant, treated.reason, arms(treated)) == ("Shoes", "SPLIT", [("rule", "A", TREATMENT)])
    assert control.value == {"headline": "Boots for Ann"}
    assert arms(control) == [("rule", "A", CONTROL), ("rule", "B", TREATMENT)]
    assert control.gate == "control"


def test_an_arm_once_given_is_kept_whatever_the_hash_says() -> None:
    of = programme(rule("A", test=Test()))
    unit = unit_in("A/1", control=True)
    kept = {"A/1": Assignment("A/1", TREATMENT, 1, 99)}
    answer = asked(of, "keen", unit=unit, assignments=kept)
    assert answer.variant == "Shoes"
    assert answer.assignments == ()


def test_a_new_test_draws_everybody_afresh() -> None:
    unit = unit_in("A/1", control=True)
    state = RunState(rule="A", run=next(n for n in range(2, 50) if bucket_of(f"A/{n}", unit) >= 5_000))
    answer = asked(programme(rule("A", test=Test()), states={"A": state}), "keen", unit=unit)
    assert answer.variant == "Shoes"


def test_outside_the_share_the_rule_is_as_if_it_were_not_there() -> None:
    state = RunState(rule="A", state="share", share=2_000)
    of = programme(rule("A"), states={"A": state})
    outside = asked(of, "keen", unit=unit_in("A/1/coverage", control=False, share=2_000))
    inside = asked(of, "keen", unit=unit_in("A/1/coverage", control=True, share=2_000))
    assert (outside.outcome, outside.exposures) == ("normal", ())
    assert inside.outcome == "shown"


def test_the_control_group_is_exposed_on_both_sides_whatever_matched() -> None:
    of = programme(rule("A"), team=Team(holdout=1_000))
    out = asked(of, "keen", unit=unit_in("programme/1", control=True, share=1_000))
    held_in = asked(of, unit=unit_in("programme/1", control=False, share=1_000))
    assert (out.outcome, out.gate, arms(out)) == ("normal", "holdout", [("programme", "", "out")])
    assert (out.reason, out.variant) == ("SPLIT", "normal")
    assert arms(held_in) == [("programme", "", "in")]


def test_hiding_replaces_what_carries_the_tag() -> None:
    answer = asked(programme(hiding("No promo")), "subscribed")
    assert (answer.value, answer.outcome, answer.variant) == (None, "hidden", "hidden")
    assert arms(answer) == [("hide", "No promo", TREATMENT)]


def test_the_control_of_a_tested_hiding_rule_sees_what_would_have_been_hidden() -> None:
    of = programme(hiding("No promo", test=Test()))
    answer = asked(of, "subscribed", unit=unit_in("No promo/1", control=True))
    assert answer.outcome == "normal"
    assert arms(answer) == [("hide", "No promo", CONTROL)]


def test_an_always_rule_hides_even_for_the_control_group() -> None:
    of = programme(hiding("Quiet", always=True), team=Team(holdout=1_000))
    answer = asked(of, "subscribed", unit=unit_in("programme/1", control=True, share=1_000))
    assert (answer.outcome, answer.gate) == ("hidden", "always")


def test_hiding_by_product_hides_only_on_the_page_of_a_product_they_bought() -> None:
    bought = TimelineEvent(NOW - DAY, 1, "Order Completed", "server", {"product": ["p-1", "p-2"]})
    of = programme(Rule(name="No discount", when=Flag("keen"), hide=(Hide(tag="promo", product="bought"),)))
    timeline = Timeline([bought])
    pages = {
        product: asked(
            of, timeline=timeline, context=Context(page_product=product, attributes={"keen": 1})
        ).outcome
        for product in ("p-1", "p-3", "")
    }
    assert pages == {"p-1": "hidden", "p-3": "normal", "": "normal"}


def test_without_consent_nothing_is_personalized() -> None:
    of = programme(rule("A"))
    context = Context(attributes={"keen": True}, purposes=frozenset({"measure"}))
    assert asked(of, context=context).gate == "consent"
    kept = {"consent": Trait(["measure"], "server", NOW - DAY)}
    assert asked(of, "keen", traits=kept).gate == "consent"
    assert asked(programme(rule("A"), team=Team(needs_consent=True)), "keen").gate == "consent"


def test_a_previewer_sees_rules_in_preview_and_is_never_exposed() -> None:
    of = programme(
        rule("A", test=Test()), states={"A": RunState(rule="A", state="preview")}, team=Team(holdout=10_000)
    )
    ordinary = asked(of, "keen")
    previewer = asked(of, context=Context(attributes={"keen": True}, is_preview=True))
    assert ordinary.outcome == "normal"
    assert (previewer.outcome, previewer.exposures, previewer.assignments) == ("shown", (), ())


def test_a_bold_version_needs_signals_that_are_sure() -> None:
    def of(confidence: Any) -> Decision:
        loud = Rule(
            name="A", when=Flag("keen", frozenset({"mood"})), show=(Show(slot="hero", variant="Loud"),)
        )
        built = programme(loud)
        here = situation("keen", of=built)
        here.readings["mood"] = Reading("good", "profile", confidence)
        return decide(built.places["hero"], here, built)

    assert of("high").variant == "Loud"
    assert of("medium").outcome == "normal"
    assert of("medium").steps == (("A", "not sure enough", ""),)


def test_a_version_whose_text_cannot_be_filled_gives_way_to_the_next_rule() -> None:
    of = programme(rule("A", variant="Boots"), rule("B"))
    assert asked(of, "keen").rule == "B"
    assert asked(of, context=Context(attributes={"keen": 1, "name": "Ann"})).rule == "A"


def test_a_rule_seen_often_enough_cools_off_between_visits_only() -> None:
    of = programme(rule("A", limits=Limits(at_most=2, at_most_days=7)))

    def given(*days_ago: float, session: int = 0) -> list[PastExposure]:
        return [
            PastExposure(
                "rule", "hero", "A", "hash of A", TREATMENT, session or NOW - int(d * DAY), NOW - int(d * DAY)
            )
            for d in days_ago
        ]

    assert asked(of, "keen", exposures=given(1)).outcome == "shown"
    limited = asked(of, "keen", exposures=given(1, 2))
    assert (limited.outcome, limited.gate, limited.exposures) == ("normal", "limits", ())
    assert asked(of, "keen", exposures=given(1, 8)).outcome == "shown"
    this_visit = given(1) + given(0.01, session=NOW - HOUR)
    assert asked(of, "keen", exposures=this_visit).outcome == "shown"


def test_a_dismissed_place_stays_away() -> None:
    dismissed = Timeline([TimelineEvent(NOW - 10 * DAY, 1, "Slot Dismissed", "browser", {"slot": "hero"})])
    never = programme(rule("A", limits=Limits(not_after_dismissed_days=0)))
    a_week = programme(rule("A", limits=Limits(not_after_dismissed_days=7)))
    assert asked(never, "keen", timeline=dismissed).gate == "limits"
    assert asked(a_week, "keen", timeline=dismissed).outcome == "shown"


def test_a_rule_ends_with_its_last_moment() -> None:
    assert asked(programme(rule("A", until_at=NOW)), "keen").outcome == "normal"
    assert asked(programme(rule("A", until_at=NOW + 1)), "keen").outcome == "shown"


def test_a_rule_that_lasts_goes_on_after_its_condition_stopped_holding() -> None:
    old = Timeline([TimelineEvent(NOW - 30 * HOUR, 1, "keen", "browser", {})])

    class Just(Flag, frozen=True, tag="just now in tests"):
        def compile(self, vocabulary: Vocabulary) -> Check:
            def check(here: Situation) -> Finding:
                found = here.timeline.last((self.name,))
                return Finding(found is not None and here.now - found.occurred_at < HOUR)

            return check

    def lasting(hours: int) -> Programme:
        return programme(
            Rule(
                name="A", when=Just("keen"), show=(Show(slot="hero", variant="Shoes"),), lasts_ms=hours * HOUR
            )
        )

    kept = asked(lasting(48), timeline=old)
    assert (kept.outcome, kept.holds_until) == ("shown", NOW + 18 * HOUR)
    assert asked(lasting(24), timeline=old).outcome == "normal"


def test_an_exception_keeps_a_matching_rule_away() -> None:
    of = programme(rule("A", not_if=Flag("in support")))
    answer = asked(of, "keen", "in support")
    assert (answer.outcome, answer.steps) == ("normal", (("A", "not if", ""),))


def test_a_request_without_an_id_is_decided_on_context_and_never_exposed_to_a_test() -> None:
    answer = asked(programme(rule("A", test=Test())), "keen", unit="")
    assert (answer.outcome, answer.exposures) == ("normal", ())


def test_a_rule_waits_until_every_event_it_needs_was_seen() -> None:
    needy = Rule(
        name="A",
        when=Flag("keen", events=frozenset({"Order Completed"})),
        show=(Show(slot="hero", variant="Shoes"),),
    )
    of = programme(needy)
    assert [(found.rule, found.events) for found in of.waiting] == [("A", ("Order Completed",))]
    assert asked(of, "keen").outcome == "normal"
    awake = of.with_seen(frozenset({"Order Completed"}))
    assert asked(awake, "keen").outcome == "shown"
    unseen = programme(needy, states={"A": RunState(rule="A", may_act_unseen=True)})
    assert asked(unseen, "keen").outcome == "shown"


@pytest.mark.parametrize(
    "flags", [(), ("keen",), ("subscribed",), ("keen", "subscribed"), ("keen", "in support")]
)
@pytest.mark.parametrize("unit", ["u-1", "u-2", "u-3", ""])
@pytest.mark.parametrize("holdout", [0, 5_000])
def test_a_receipt_decides_again_to_equal_bytes(flags: tuple[str, ...], unit: str, holdout: int) -> None:
    of = programme(
        rule("A/B", test=Test(), not_if=Flag("in support"), limits=Limits(at_most=1, at_most_days=7)),
        rule("C", variant="Boots"),
        hiding("No promo", test=Test()),
        team=Team(holdout=holdout),
    )
    here = situation(
        *flags, of=of, unit=unit, context=Context(attributes=dict.fromkeys(flags, True) | {"name": "Ann"})
    )
    first = receipt_of(decide(of.places["hero"], here, of), here, of)
    again = replay(decode(first.to_json()), of.playbook)
    assert again.to_json() == first.to_json()
    assert first.content == content_hash(decide(of.places["hero"], here, of).value)


def test_a_receipt_keeps_what_the_request_said_of_the_signals_a_rule_asks_for() -> None:
    on_mobile = SignalTest(signal="device type", test="is", values=("mobile",))
    of = programme(Rule(name="A", when=on_mobile, show=(Show(slot="hero", variant="Shoes"),)))
    asking = situation(of=of, context=Context(device_type="mobile", country="DE"))
    decision = decide(of.places["hero"], asking, of)
    assert receipt_of(decision, asking, of).signals == {
        "device type": Reading("mobile", "session", "high", NOW)
    }
