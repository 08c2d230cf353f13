"""Gates that meet: what one of them puts in the candidate's place passes the others too."""

from __future__ import annotations

import msgspec
from tests.building import NOW, Flag, asked, hiding, programme, rule, unit_in

from opportune.core.conditions.base import Check
from opportune.core.decision import Decision
from opportune.core.finding import Finding
from opportune.core.history.timeline import Timeline, TimelineEvent
from opportune.core.language.vocabulary import Vocabulary
from opportune.core.moment import DAY, HOUR
from opportune.core.programme import Programme
from opportune.core.rule import CONTROL, TREATMENT, Hide, Limits, Rule, RunState, Show, Test
from opportune.core.situation import Assignment, Context, PastExposure
from opportune.core.slot import Slot, Variant
from opportune.core.team import Team

TAGGED = Slot(
    name="hero",
    fallback={"headline": "Welcome"},
    variants=(
        Variant(name="Plain", value={"headline": "Plain"}),
        Variant(name="Promo", value={"headline": "-20%"}, tags=frozenset({"promo"})),
    ),
)


class Until(Flag, frozen=True, tag="until in tests"):
    """A flag that is down until a moment."""

    at: int = 0

    def compile(self, vocabulary: Vocabulary) -> Check:
        return lambda _: Finding(False, (), 0.0, self.at)


def exposed(decision: Decision) -> list[tuple[str, str, str]]:
    return [(each.subject, each.rule, each.arm) for each in decision.exposures]


def in_tagged(*rules: Rule, team: Team | None = None) -> Programme:
    """A place without tags of its own, so that only some of its versions can be hidden."""
    of = programme(*rules, team=team)
    return Programme(msgspec.structs.replace(of.playbook, slots={"hero": TAGGED}), of.run_states)


def test_an_always_rule_hides_what_the_control_of_a_test_would_see() -> None:
    of = in_tagged(
        rule("A", variant="Plain", test=Test()), rule("B", variant="Promo"), hiding("Quiet", always=True)
    )
    answer = asked(of, "keen", "subscribed", unit=unit_in("A/1", control=True))
    assert (answer.outcome, answer.gate) == ("hidden", "always")
    assert exposed(answer) == [("rule", "A", CONTROL), ("hide", "Quiet", TREATMENT)]


def test_a_tested_hiding_rule_whose_control_sees_the_candidate_is_not_asked_again_behind_it() -> None:
    of = programme(rule("A", test=Test()), rule("B", variant="Boots"), hiding("No promo", test=Test()))
    control = next(
        name
        for name in (f"u-{number}" for number in range(10_000))
        if asked(of, "subscribed", unit=name).outcome == "normal"
        and exposed(asked(of, "keen", unit=name))[0] == ("rule", "A", CONTROL)
    )
    answer = asked(of, "keen", "subscribed", "name", unit=control)
    assert exposed(answer) == [
        ("hide", "No promo", CONTROL),
        ("rule", "A", CONTROL),
        ("rule", "B", TREATMENT),
    ]
    assert answer.steps == (("No promo", "control", CONTROL), ("A", "control", CONTROL), ("B", "shown", ""))


def test_behind_an_always_rule_that_gives_way_the_control_group_sees_nothing_personal() -> None:
    of = programme(rule("A", variant="Boots", always=True), rule("B"), team=Team(holdout=1_000))
    answer = asked(of, "keen", unit=unit_in("programme/1", control=True, share=1_000))
    assert (answer.outcome, answer.gate) == ("normal", "holdout")
    assert exposed(answer) == [("programme", "", "out")]


def test_the_control_group_gets_what_an_always_rule_shows_behind_the_candidate() -> None:
    of = programme(rule("A"), rule("B", variant="Loud", always=True), team=Team(holdout=1_000))
    out = unit_in("programme/1", control=True, share=1_000)
    answer = asked(of, "keen", unit=out)
    assert (answer.rule, answer.variant, answer.gate) == ("B", "Loud", "holdout")
    assert exposed(answer) == [("programme", "", "out"), ("rule", "B", TREATMENT)]


def test_the_control_group_is_told_apart_whatever_an_always_rule_does() -> None:
    of = programme(hiding("Quiet", always=True), team=Team(holdout=1_000))
    out, held_in = (unit_in("programme/1", control=side, share=1_000) for side in (True, False))
    assert [exposed(asked(of, "subscribed", unit=unit))[0] for unit in (out, held_in)] == [
        ("programme", "", "out"),
        ("programme", "", "in"),
    ]


def test_the_control_group_keeps_what_an_ordinary_rule_would_hide() -> None:
    of = programme(rule("A", always=True), hiding("No promo"), team=Team(holdout=1_000))
    out = unit_in("programme/1", control=True, share=1_000)
    assert asked(of, "keen", "subscribed", unit=out).outcome == "shown"


def test_two_hidings_of_one_rule_are_each_asked() -> None:
    bought_or_hero = (Hide(tag="promo", product="bought"), Hide(slot="hero"))
    answer = asked(programme(Rule(name="No", when=Flag("keen"), hide=bought_or_hero)), "keen")
    assert (answer.outcome, answer.steps) == ("hidden", (("No", "hidden", ""),))


def test_two_products_of_one_rule_are_told_apart() -> None:
    viewed = TimelineEvent(NOW - HOUR, 1, "Product Viewed", "browser", {"product": "p-1"})
    hides = (Hide(tag="promo", product="bought"), Hide(tag="promo", product="viewed"))
    context = Context(page_product="p-1", attributes={"keen": True})
    of = programme(Rule(name="No", when=Flag("keen"), hide=hides))
    assert asked(of, timeline=Timeline([viewed]), context=context).outcome == "hidden"


def test_a_limit_on_what_a_rule_shows_does_not_limit_what_it_hides() -> None:
    both = Rule(
        name="A",
        when=Flag("keen"),
        show=(Show(slot="hero", variant="Plain"),),
        hide=(Hide(tag="promo"),),
        limits=Limits(at_most=1),
    )
    given = PastExposure("rule", "hero", "A", "hash of A", TREATMENT, NOW - DAY, NOW - DAY)
    answer = asked(in_tagged(both, rule("B", variant="Promo")), "keen", exposures=[given])
    assert (answer.outcome, answer.rule) == ("hidden", "A")


def test_what_left_the_cart_is_not_in_the_cart() -> None:
    added = TimelineEvent(NOW - HOUR, 1, "Product Added", "browser", {"product": "p-1"})
    ordered = TimelineEvent(NOW - HOUR + 1, 2, "Order Completed", "server", {"product": ["p-1"]})
    of = programme(Rule(name="No", when=Flag("keen"), hide=(Hide(tag="promo", product="in cart"),)))
    context = Context(page_product="p-1", attributes={"keen": True})
    in_cart = asked(of, timeline=Timeline([added]), context=context)
    bought = asked(of, timeline=Timeline([ordered, added]), context=context)
    assert (in_cart.outcome, bought.outcome) == ("hidden", "normal")


def test_an_answer_holds_no_longer_than_its_rule_or_what_keeps_it_away() -> None:
    dismissed = TimelineEvent(NOW - DAY, 1, "Slot Dismissed", "browser", {"slot": "hero"})
    earlier = [
        PastExposure("rule", "hero", "A", "hash of A", TREATMENT, at, at) for at in (NOW - 2 * DAY, NOW - DAY)
    ]
    ends = programme(rule("A", until_at=NOW + HOUR))
    cools = programme(rule("A", limits=Limits(not_after_dismissed_days=3)))
    often = programme(rule("A", limits=Limits(at_most=2, at_most_days=7)))
    excepted = programme(rule("A", not_if=Until(name="in support", at=NOW + 2 * HOUR)))
    assert asked(ends, "keen").holds_until == NOW + HOUR
    assert asked(cools, "keen", timeline=Timeline([dismissed])).holds_until == NOW + 2 * DAY + 1
    assert asked(often, "keen", exposures=earlier).holds_until == NOW + 5 * DAY + 1
    assert asked(excepted, "keen").holds_until == NOW + 2 * HOUR


def test_narrowing_a_share_takes_out_those_beyond_it_also_when_they_are_in_the_test() -> None:
    state = RunState(rule="A", state="share", share=2_000)
    of = programme(rule("A", test=Test()), states={"A": state})
    beyond, within = ({"A/1": Assignment("A/1", TREATMENT, 1, 99, place)} for place in (2_000, 1_999))
    assert asked(of, "keen", assignments=beyond).outcome == "normal"
    assert asked(of, "keen", assignments=within).outcome == "shown"
