"""A receipt of every way a decision can go, decided again to equal bytes after being stored."""

from __future__ import annotations

from typing import Any

import pytest
from tests.building import NOW, Flag, hiding, programme, rule, situation

from opportune.core.decision import decide
from opportune.core.history.timeline import Timeline, TimelineEvent
from opportune.core.moment import HOUR
from opportune.core.programme import Programme
from opportune.core.receipt import decode, receipt_of, replay
from opportune.core.rule import TREATMENT, Hide, Limits, Rule, RunState, Test
from opportune.core.situation import Assignment, Context, PastExposure


def viewed(name: str, **facts: Any) -> Timeline:
    return Timeline([TimelineEvent(NOW - HOUR, 1, name, "browser", facts)])


KEEN = Context(
    attributes={"keen": True, "name": "Jürgen ☂ \u2028", "share": 0.1, "big": 2.0**53, "tiny": 5e-324}
)
GIVEN = PastExposure("rule", "hero", "A", "hash of A", TREATMENT, NOW - HOUR * 30, NOW - HOUR * 30)
WAYS: dict[str, tuple[Programme, dict[str, Any], str]] = {
    "off": (programme(rule("A"), is_off=True), {"context": KEEN}, "off"),
    "bot": (programme(rule("A")), {"context": Context(attributes={"keen": 1}, is_machine=True)}, "bot"),
    "always": (programme(hiding("Quiet / süß", "keen", always=True)), {"context": KEEN}, "hidden"),
    "product": (
        programme(Rule(name="No", when=Flag("keen"), hide=(Hide(tag="promo", product="viewed"),))),
        {
            "context": Context(page_product="p", attributes={"keen": 1.5}, scroll_depth=50.0),
            "timeline": viewed("Product Viewed", product="p"),
        },
        "hidden",
    ),
    "in cart": (
        programme(Rule(name="No", when=Flag("keen"), hide=(Hide(tag="promo", product="in cart"),))),
        {
            "context": Context(page_product="p", attributes={"keen": 1}),
            "timeline": viewed("Product Added", product="p", value=4_990, quantity=1.5),
        },
        "hidden",
    ),
    "dismissed": (
        programme(rule("A/limits/hero", limits=Limits(not_after_dismissed_days=0))),
        {"context": KEEN, "timeline": viewed("Slot Dismissed", slot="hero")},
        "normal",
    ),
    "often enough": (
        programme(rule("A", limits=Limits(at_most=1, at_most_days=7))),
        {"context": KEEN, "exposures": [GIVEN]},
        "normal",
    ),
    "preview": (
        programme(rule("A", test=Test()), states={"A": RunState(rule="A", state="preview")}),
        {"context": Context(attributes={"keen": 1}, is_preview=True)},
        "shown",
    ),
    "share": (
        programme(rule("A"), states={"A": RunState(rule="A", state="share", share=1)}),
        {"context": KEEN},
        "normal",
    ),
    "kept arm": (
        programme(rule("A", test=Test(), variant="Boots")),
        {"context": KEEN, "assignments": {"A/1": Assignment("A/1", TREATMENT, 1, 99)}},
        "shown",
    ),
    "another run": (
        programme(rule("A", test=Test()), states={"A": RunState(rule="A", run=7, phase=2, share=9_000)}),
        {"context": KEEN, "unit": "ünit 7"},
        "shown",
    ),
    "ended": (programme(rule("A", until_at=NOW)), {"context": KEEN}, "normal"),
    "lasting": (
        programme(rule("A", lasts_ms=48 * HOUR)),
        {"context": Context(attributes={"é": "e\u0301"}), "timeline": viewed("keen")},
        "shown",
    ),
}


def test_the_buckets_that_decided_are_told() -> None:
    of, given, _ = WAYS["another run"]
    here = situation(of=of, **given)
    receipt = receipt_of(decide(of.places["hero"], here, of), here, of)
    assert receipt.buckets == {"A/7": 9_022, "A/7/coverage": 8_865}
    of, given, _ = WAYS["kept arm"]
    here = situation(of=of, **given)
    assert receipt_of(decide(of.places["hero"], here, of), here, of).buckets == {}


@pytest.mark.parametrize("way", WAYS)
def test_it_is_decided_again_to_equal_bytes(way: str) -> None:
    of, given, outcome = WAYS[way]
    here = situation(of=of, **given)
    first = receipt_of(decide(of.places["hero"], here, of), here, of)
    assert first.outcome == outcome
    assert replay(decode(first.to_json()), of.playbook).to_json() == first.to_json()
