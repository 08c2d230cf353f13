"""Consent: the request's word, else the newest of what was ever said, else the team's default."""

from __future__ import annotations

from typing import Any

import pytest
from tests.building import NOW, asked, hiding, programme, rule, situation

from opportune.core.decision import decide
from opportune.core.history.timeline import Timeline, TimelineEvent
from opportune.core.moment import DAY, HOUR
from opportune.core.receipt import decode, receipt_of, replay
from opportune.core.situation import Context, Situation, Trait
from opportune.core.team import Team
from opportune.core.visitor.consent import MEASURE, PERSONALIZE, answer_of

EVENTS = ("Consent Updated",)
OF = programme(rule("A"))
YES, NO = {"personalize": True, "measure": True}, {"personalize": False}


def said(facts: dict[str, bool], at: int, seq: int = 1) -> TimelineEvent:
    return TimelineEvent(at, seq, "Consent Updated", "browser", dict(facts))


def test_nobody_said_anything() -> None:
    assert answer_of(situation(of=OF), PERSONALIZE, EVENTS) is None


def test_the_newest_answer_to_a_purpose_counts_and_other_purposes_keep_theirs() -> None:
    here = situation(of=OF, timeline=Timeline([said(NO, NOW - HOUR, 2), said(YES, NOW - DAY)]))
    assert (answer_of(here, PERSONALIZE, EVENTS), answer_of(here, MEASURE, EVENTS)) == (False, True)


@pytest.mark.parametrize(("trait_at", "answer"), [(NOW - DAY, False), (NOW - 1, True)])
def test_a_trait_counts_when_it_is_newer(trait_at: int, answer: bool) -> None:
    here = situation(
        of=OF,
        timeline=Timeline([said(NO, NOW - HOUR)]),
        traits={"consent": Trait(["personalize"], "server", trait_at)},
    )
    assert answer_of(here, PERSONALIZE, EVENTS) is answer


def test_the_requests_own_word_outranks_what_is_kept() -> None:
    context = Context(purposes=frozenset({"personalize"}))
    here = situation(of=OF, context=context, timeline=Timeline([said(NO, NOW)]))
    assert answer_of(here, PERSONALIZE, EVENTS) is True


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"context": Context(purposes=frozenset({"measure"}))},
        {"timeline": Timeline([said(NO, NOW - HOUR, 2), said(YES, NOW - DAY)])},
        {"traits": {"consent": Trait(["personalize"], "server", NOW - DAY)}},
        {
            "timeline": Timeline([said(YES, NOW - DAY)]),
            "traits": {"consent": Trait([], "server", NOW - HOUR)},
        },
    ],
)
def test_the_signal_says_what_the_gate_goes_by(given: dict[str, Any]) -> None:
    here = situation(of=OF, **given)
    answers = {purpose: answer_of(here, purpose, EVENTS) for purpose in (MEASURE, PERSONALIZE)}
    told = here.value("consent")
    assert told == (None if given == {} else [purpose for purpose, answer in answers.items() if answer])


def test_withdrawn_consent_ends_personalizing_at_the_next_decision() -> None:
    withdrawn, given = (
        Timeline([said(NO, NOW - 1, 2), said(YES, NOW - DAY)]),
        Timeline([said(YES, NOW - DAY)]),
    )
    for team in (Team(), Team(needs_consent=True)):
        of = programme(rule("A"), team=team)
        assert asked(of, "keen", timeline=given).outcome == "shown"
        assert asked(of, "keen", timeline=withdrawn).gate == "consent"


def test_a_rule_may_be_called_consent() -> None:
    of = programme(rule("consent", "rich"), rule("z"))
    context = Context(attributes={"keen": True}, purposes=frozenset({"personalize"}))
    assert asked(of, context=context).rule == "z"


@pytest.mark.parametrize(
    "here",
    [
        situation("keen", of=OF, traits={"consent": Trait(["measure"], "server", NOW - DAY)}),
        situation("keen", of=OF, timeline=Timeline([said(NO, NOW - DAY)])),
        situation("keen", of=OF, timeline=Timeline([said(YES, NOW - DAY)])),
    ],
)
def test_a_decision_over_consent_is_made_again_from_its_receipt(here: Situation) -> None:
    first = receipt_of(decide(OF.places["hero"], here, OF), here, OF)
    assert replay(decode(first.to_json()), OF.playbook).to_json() == first.to_json()


def test_an_always_rule_acts_whatever_was_agreed_to() -> None:
    refused = Context(attributes={"keen": True, "subscribed": True}, purposes=frozenset({"measure"}))
    shows = asked(programme(rule("A"), rule("B", variant="Loud", always=True)), context=refused)
    assert (shows.rule, shows.gate, [each.rule for each in shows.exposures]) == ("B", "consent", ["B"])
    hides = asked(programme(rule("A"), hiding("Quiet", always=True)), context=refused)
    assert (hides.outcome, hides.rule) == ("hidden", "Quiet")
    ordinary = asked(programme(rule("A"), hiding("No promo"), team=Team(holdout=5_000)), context=refused)
    assert (ordinary.outcome, ordinary.gate, ordinary.exposures) == ("normal", "consent", ())
