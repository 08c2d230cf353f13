"""A rule waits for events never seen, and only for those it cannot be answered without."""

from __future__ import annotations

import msgspec
import pytest
from tests.building import programme

from opportune.core.history.standard_plan import STANDARD_PLAN
from opportune.core.language.sentence import parse_condition
from opportune.core.language.vocabulary import Vocabulary
from opportune.core.programme import Programme
from opportune.core.rule import Hide, Rule, RunState
from opportune.core.signals import SIGNALS
from opportune.core.waiting import missing_events

VOCABULARY = Vocabulary(plan=STANDARD_PLAN, signals={signal.name: signal for signal in SIGNALS})


@pytest.mark.parametrize(
    ("sentence", "seen", "missing"),
    [
        ("a visitor viewed at least 2 times in 7 days", {"Product Viewed"}, ()),
        ("a visitor viewed at least 2 times in 7 days", set(), ("Product Viewed",)),
        ("a visitor added to cart and has not bought since", {"Product Added"}, ("Order Completed",)),
        ("a visitor is on a help page or asked for a refund in the last 7 days", set(), ()),
        ("a visitor viewed today or searched today", set(), ("Product Viewed", "Products Searched")),
        ("a visitor viewed today or searched today", {"Product Viewed"}, ()),
        ("a visitor viewed today or has not bought", {"Product Viewed"}, ("Order Completed",)),
        ("the device type is mobile", set(), ()),
    ],
)
def test_a_sentence_waits_for(sentence: str, seen: set[str], missing: tuple[str, ...]) -> None:
    condition = parse_condition(sentence, VOCABULARY)
    assert missing_events(condition, VOCABULARY, frozenset(seen)) == missing


def test_a_rule_starts_with_any_one_of_its_signals_events() -> None:
    condition = parse_condition("the cart value is more than €50", VOCABULARY)
    playbook = msgspec.structs.replace(
        programme(Rule(name="A", when=condition, hide=(Hide(tag="promo"),))).playbook, vocabulary=VOCABULARY
    )
    waiting = Programme(playbook, {"A": RunState(rule="A")})
    assert [found.rule for found in waiting.waiting] == ["A"]
    assert waiting.with_seen(frozenset({"Page Viewed"})) is waiting
    assert waiting.with_seen(frozenset({"Cart Viewed"})).waiting == ()
