"""What every test rests on, searched for: both sides are exposed alike, and control misses nothing but the rule."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from tests.building import NOW, Flag, programme, situation

from opportune.core.allocation import IN, OUT
from opportune.core.decision import Decision, decide
from opportune.core.history.timeline import Timeline, TimelineEvent
from opportune.core.moment import DAY
from opportune.core.programme import Programme
from opportune.core.rule import CONTROL, TREATMENT, Hide, Limits, Rule, Show, Test
from opportune.core.situation import Assignment, Context, PastExposure
from opportune.core.slot import Slot, Variant
from opportune.core.team import Team

NAMES = ("A", "B", "C", "D")
FLAGS = st.sampled_from(["up", "down"])
TAGS = st.frozensets(st.sampled_from(["promo", "upsell"]))
ARMS = st.sampled_from([CONTROL, TREATMENT])


@st.composite
def rules(draw: st.DrawFn, name: str) -> Rule:
    is_always = draw(st.booleans())
    is_tested = not is_always and draw(st.booleans())
    test = Test() if is_tested else None
    if draw(st.booleans()):
        hides = draw(
            st.lists(
                st.builds(
                    Hide,
                    tag=st.sampled_from(["promo", "upsell"]),
                    product=st.sampled_from(["", "viewed", "bought"]),
                ),
                min_size=1,
                max_size=2,
            )
        )
        return Rule(name=name, when=Flag(draw(FLAGS)), hide=tuple(hides), test=test, always=is_always)
    return Rule(
        name=name,
        when=Flag(draw(FLAGS)),
        not_if=draw(st.sampled_from([None, Flag("up"), Flag("down")])),
        show=(Show(slot="hero", variant=draw(st.sampled_from(["Plain", "Named", "Loud"]))),),
        limits=draw(st.sampled_from([Limits(), Limits(at_most=1), Limits(not_after_dismissed_days=0)])),
        test=test,
        always=is_always,
    )


@st.composite
def programmes(draw: st.DrawFn) -> Programme:
    slot = Slot(
        name="hero",
        fallback="Welcome",
        tags=draw(TAGS),
        variants=tuple(
            Variant(name=name, value=value, tags=draw(TAGS))
            for name, value in (("Plain", "Plain"), ("Named", "For {name}"), ("Loud", "Loud"))
        ),
    )
    written = [draw(rules(name)) for name in NAMES]
    made = programme(*written, team=Team(holdout=draw(st.sampled_from([0, 5_000]))))
    return of_rules(made, {rule.name: rule for rule in written}, slot)


def of_rules(made: Programme, written: dict[str, Rule], slot: Slot) -> Programme:
    playbook = msgspec.structs.replace(made.playbook, rules=written, slots={"hero": slot})
    return Programme(playbook, made.run_states)


def without(of: Programme, name: str) -> Programme:
    rules = {rule.name: rule for rule in of.playbook.rules.values() if rule.name != name}
    return of_rules(of, rules, of.playbook.slots["hero"])


ASSIGNED = st.fixed_dictionaries(
    {**{f"{name}/1": ARMS for name in NAMES}, "programme/1": st.sampled_from([IN, OUT])}
)
PASTS = st.lists(st.sampled_from(NAMES), max_size=2).map(
    lambda names: [
        PastExposure("rule", "hero", name, f"hash of {name}", TREATMENT, NOW - DAY, NOW - DAY)
        for name in names
    ]
)
EVENTS = st.lists(
    st.sampled_from(
        [
            TimelineEvent(NOW - 3, 1, "Product Viewed", "browser", {"product": "p"}),
            TimelineEvent(NOW - 2, 2, "Order Completed", "server", {"product": ["p"]}),
            TimelineEvent(NOW - 1, 3, "Slot Dismissed", "browser", {"slot": "hero"}),
        ]
    ),
    unique_by=lambda event: event.seq,
).map(lambda events: Timeline(sorted(events, key=lambda event: -event.seq)))
CONTEXTS = st.builds(
    Context,
    page_product=st.sampled_from(["", "p"]),
    attributes=st.sampled_from([{"up": 1}, {"up": 1, "name": "Ann"}]),
)
HERE = st.fixed_dictionaries({"timeline": EVENTS, "exposures": PASTS, "context": CONTEXTS})


def decided(of: Programme, arms: dict[str, str], here: dict[str, object]) -> Decision:
    kept = {seed: Assignment(seed, arm, 1, 1) for seed, arm in arms.items()}
    return decide(of.places["hero"], situation(of=of, assignments=kept, **here), of)


def is_exposed(decision: Decision, rule: str) -> bool:
    return any(each.rule == rule for each in decision.exposures)


def shown(decision: Decision) -> set[str]:
    """Rules that the unit was exposed to for what they show."""
    return {each.rule for each in decision.exposures if each.subject == "rule"}


@given(programmes(), ASSIGNED, HERE, st.sampled_from(NAMES))
def test_a_rules_two_sides_are_exposed_alike(
    of: Programme, arms: dict[str, str], here: dict[str, object], name: str
) -> None:
    control, treated = (decided(of, arms | {f"{name}/1": arm}, here) for arm in (CONTROL, TREATMENT))
    assert is_exposed(control, name) == is_exposed(treated, name)


@given(programmes(), ASSIGNED, HERE)
def test_the_programmes_two_sides_are_exposed_alike(
    of: Programme, arms: dict[str, str], here: dict[str, object]
) -> None:
    out, held_in = (decided(of, arms | {"programme/1": arm}, here) for arm in (OUT, IN))
    assert is_exposed(out, "") == is_exposed(held_in, "") == bool(of.holdout)


@given(programmes(), ASSIGNED, HERE, st.sampled_from(NAMES))
def test_an_exposed_control_gets_what_there_would_be_without_the_rule(
    of: Programme, arms: dict[str, str], here: dict[str, object], name: str
) -> None:
    control, treated = (decided(of, arms | {f"{name}/1": arm}, here) for arm in (CONTROL, TREATMENT))
    if of.playbook.rules[name].test is None:
        return
    if not is_exposed(control, name):
        assert (control.value, control.rule) == (treated.value, treated.rule)
        return
    missing = decided(without(of, name), arms, here)
    assert (control.value, control.variant, control.rule) == (missing.value, missing.variant, missing.rule)
    assert shown(control) - {name} == shown(missing)


@given(programmes(), ASSIGNED, HERE)
def test_the_control_group_gets_what_always_rules_alone_would_give(
    of: Programme, arms: dict[str, str], here: dict[str, object]
) -> None:
    if not of.holdout:
        return
    out = decided(of, arms | {"programme/1": OUT}, here)
    always = {name: rule for name, rule in of.playbook.rules.items() if rule.always}
    alone = decided(of_rules(of, always, of.playbook.slots["hero"]), arms | {"programme/1": IN}, here)
    assert (out.value, out.rule) == (alone.value, alone.rule)
