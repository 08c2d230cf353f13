"""How decisions scale with the number of live rules: many places, and many rules in two places."""

from __future__ import annotations

from collections.abc import Callable

from bench.core import NOW, programme_of
from bench.interleaving import interleave
from bench.peers import UNIT
from bench.table import Section
from opportune.core.conditions.all import All
from opportune.core.conditions.count import Count
from opportune.core.conditions.signal import SignalTest
from opportune.core.conditions.window import Window
from opportune.core.decision import decide
from opportune.core.history.timeline import Timeline, TimelineEvent
from opportune.core.moment import DAY, MINUTE
from opportune.core.programme import Programme
from opportune.core.rule import Rule, Show, Test
from opportune.core.situation import Context, Situation, Unit, Visit
from opportune.core.slot import Slot, Variant

RULES_A_SLOT = 5


def measure() -> Section:
    section = Section("rules", "Many live rules", ("us for 2 places", "x"))
    few, many = _spread(10), _spread(1_000)
    one, same = _differing(1), _differing(500)
    found = interleave({"few": few, "many": many}, calls=100, rounds=80)
    section.add("10 rules in 2 places", f"{found['few'].us:.1f}", "1.00")
    ratio = found["many"].ratio
    section.add(
        "1,000 rules in 200 places",
        f"{found['many'].us:.1f}",
        f"{ratio:.2f}",
        target="<= 1.1x",
        is_met=ratio <= 1.1,
    )
    found = interleave({"one": one, "same": same}, calls=100, rounds=80)
    section.add("2 rules in 2 places", f"{found['one'].us:.1f}", "1.00")
    ratio = found["same"].ratio
    section.add(
        "1,000 rules in 2 places that differ by a campaign or a category",
        f"{found['same'].us:.1f}",
        f"{ratio:.2f}",
        target="<= 2x",
        is_met=ratio <= 2,
    )
    section.note(
        "50 events in memory. Many places: five rules a place, each an equality and a count over the timeline. Two "
        "places: 500 rules each, `the campaign is X` in one and `on a page of category X` in the other, and a count."
    )
    return section


def _slot(name: str, rules: tuple[str, ...]) -> Slot:
    return Slot(
        name=name,
        fallback={"headline": "Welcome"},
        variants=(Variant(name="New", value={"headline": "Hello"}),),
        rules=rules,
    )


def _rule(name: str, slot: str, signal: str, value: str, times: int) -> Rule:
    viewed = Count(event="Product Viewed", comparator="at least", times=times, window=Window("last", 7 * DAY))
    when = All(conditions=(SignalTest(signal=signal, test="is", values=(value,)), viewed))
    return Rule(name=name, when=when, show=(Show(slot=slot, variant="New"),), test=Test())


def _spread(rules: int) -> Callable[[], object]:
    """Five rules a place; of each place's rules the last one matches."""
    names = [f"place-{number}" for number in range(rules // RULES_A_SLOT)]
    made = [
        _rule(f"{name} {number}", name, "page type", "home", 5 if number == RULES_A_SLOT - 1 else 400)
        for name in names
        for number in range(RULES_A_SLOT)
    ]
    slots = tuple(
        _slot(name, tuple(rule.name for rule in made if rule.name.startswith(f"{name} "))) for name in names
    )
    return _asking(programme_of(*made, slots=slots), ("place-0", "place-1"))


def _differing(rules_a_slot: int) -> Callable[[], object]:
    """The one that matches stands last."""
    made = [
        _rule(f"{slot} {number}", slot, signal, f"{value}-{rules_a_slot - number}", 5)
        for slot, signal, value in (("hero", "campaign", "Spring"), ("bar", "page category", "Shoes"))
        for number in range(rules_a_slot)
    ]
    slots = tuple(
        _slot(name, tuple(rule.name for rule in made if rule.name.startswith(f"{name} ")))
        for name in ("hero", "bar")
    )
    return _asking(programme_of(*made, slots=slots), ("hero", "bar"))


def _asking(programme: Programme, slots: tuple[str, ...]) -> Callable[[], object]:
    events = [
        TimelineEvent(
            NOW - number * 90 * MINUTE, 1_000 - number, "Product Viewed", "browser", {"category": "shoes"}
        )
        for number in range(50)
    ]
    context = Context(page_type="home", page_category="shoes-1", campaign={"name": "spring-1"})
    places = [programme.places[name] for name in slots]

    def ask() -> list[object]:
        situation = Situation(
            now=NOW,
            readers=programme.readers,
            timeline=Timeline(events),
            context=context,
            unit=Unit(1, UNIT),
            visit=Visit(NOW - 1_000, NOW),
        )
        return [decide(place, situation, programme) for place in places]

    assert all(decision.reason == "SPLIT" for decision in ask()), ask()  # type: ignore[attr-defined]
    return ask
