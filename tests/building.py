"""Small playbooks and situations for tests: one place, rules that match when a flag is up."""

from __future__ import annotations

import asyncio
from typing import Any

from opportune.core.allocation import bucket_of
from opportune.core.conditions.base import Check, Condition, Needs
from opportune.core.decision import Decision, decide
from opportune.core.finding import Finding
from opportune.core.history.standard_plan import STANDARD_PLAN
from opportune.core.language.vocabulary import Vocabulary
from opportune.core.moment import HOUR
from opportune.core.playbook import Playbook
from opportune.core.programme import Programme
from opportune.core.rule import Hide, Rule, RunState, Show
from opportune.core.signals import FAMILY
from opportune.core.situation import Context, Situation, Unit, Visit
from opportune.core.slot import Slot, Variant
from opportune.core.team import Team
from opportune.services.deciding import Answer, Question, decide_slots
from opportune.services.house import House

NOW = 1_800_000_000_000


class Flag(Condition, frozen=True, tag="flag in tests"):
    """True while the context carries an attribute, or the timeline an event, of that name."""

    name: str
    signals: frozenset[str] = frozenset()
    events: frozenset[str] = frozenset()

    def compile(self, vocabulary: Vocabulary) -> Check:
        def check(situation: Situation) -> Finding:
            held = self.name in situation.context.attributes or bool(situation.timeline.named((self.name,)))
            return Finding(held, (self.name,), float(held))

        return check

    def describe(self, vocabulary: Vocabulary) -> str:
        return f"a visitor is {self.name}"

    def explain(self, finding: Finding, vocabulary: Vocabulary, now: int) -> str:
        return f"flag {finding.facts[0]}"

    def needs(self, vocabulary: Vocabulary) -> Needs:
        return Needs(self.events, self.signals)


HERO = Slot(
    name="hero",
    fallback={"headline": "Welcome"},
    hidden=None,
    tags=frozenset({"promo"}),
    variants=(
        Variant(name="Shoes", value={"headline": "Shoes for you"}),
        Variant(name="Boots", value={"headline": "Boots for {name}"}),
        Variant(name="Loud", value={"headline": "SHOES!"}, intensity="bold"),
    ),
)


def programme(
    *rules: Rule, team: Team | None = None, states: dict[str, RunState] | None = None, **other: Any
) -> Programme:
    plan = STANDARD_PLAN
    playbook = Playbook(
        revision="abc",
        team=team or Team(),
        plan=plan,
        vocabulary=Vocabulary(plan=plan, signals=FAMILY, attributes=("name",)),
        slots={"hero": HERO},
        rules={rule.name: rule for rule in rules},
        behaviours={rule.name: f"hash of {rule.name}" for rule in rules},
    )
    runs = {rule.name: RunState(rule=rule.name) for rule in rules} | (states or {})
    return Programme(playbook, runs, **other)


def rule(name: str, flag: str = "keen", variant: str = "Shoes", **other: Any) -> Rule:
    return Rule(name=name, when=Flag(flag), show=(Show(slot="hero", variant=variant),), **other)


def hiding(name: str, flag: str = "subscribed", **other: Any) -> Rule:
    return Rule(name=name, when=Flag(flag), hide=(Hide(tag="promo"),), **other)


def situation(*flags: str, of: Programme, unit: str = "u-1", **other: Any) -> Situation:
    context = other.pop("context", None) or Context(attributes=dict.fromkeys(flags, True))
    other.setdefault("visit", Visit(NOW - HOUR, NOW))
    return Situation(
        now=NOW, readers=of.readers, context=context, unit=Unit(1, unit) if unit else None, **other
    )


def asked(of: Programme, *flags: str, **other: Any) -> Decision:
    return decide(of.places["hero"], situation(*flags, of=of, **other), of)


def unit_in(seed: str, *, control: bool, share: int = 5_000) -> str:
    return next(f"u-{n}" for n in range(10_000) if (bucket_of(seed, f"u-{n}") < share) is control)


def decided(house: House, question: Question) -> Answer:
    """What a server's event loop would have answered."""
    return asyncio.run(decide_slots(house, question))
