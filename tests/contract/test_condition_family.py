"""What every condition promises: it never fails, changes nothing, and knows how long its truth holds."""

from __future__ import annotations

from itertools import pairwise

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.core.condition_values import (
    NOW,
    VOCABULARY,
    comparators,
    conditions,
    counts,
    distincts,
    event,
    recencies,
    schedules,
    sequences,
    situation,
    timelines,
    totals,
)
from tests.searching import examples

from opportune.core.conditions import CONDITIONS, AnyCondition
from opportune.core.conditions.base import Condition
from opportune.core.conditions.recency import Recency
from opportune.core.conditions.schedule import Schedule
from opportune.core.conditions.sequence import Sequence
from opportune.core.conditions.signal import SignalTest
from opportune.core.conditions.window import Window
from opportune.core.history.timeline import TimelineEvent
from opportune.core.language.sentence import parse_condition, reach_problems
from opportune.core.moment import DAY, HOUR, MINUTE
from opportune.core.situation import Context, Trait

SLOW = [HealthCheck.too_slow]
OF_TIME = st.one_of(counts, distincts, recencies, sequences, totals())
"""Conditions whose truth turns over as time passes."""


def small_windows(condition: Condition) -> Condition:
    """The same condition over events and windows that the generated timelines have, so that much of it holds."""
    changes: dict[str, object] = {"event": "Product Viewed", "where": (), "on_page": ""}
    if hasattr(condition, "window") and condition.window.span not in ("visit", "today"):
        changes["window"] = Window("last", max(condition.window.ms % (3 * DAY), MINUTE))
    if isinstance(condition, Sequence):
        changes |= {"then_not": "Order Completed", "wait_ms": condition.wait_ms % (4 * HOUR)}
    if isinstance(condition, Recency):
        changes["ms"] = max(condition.ms % (3 * DAY), MINUTE)
    for name, value in (("same", "category"), ("of", "value"), ("number", None), ("times", None)):
        if value is not None and getattr(condition, name, ""):
            changes[name] = value
    return msgspec.structs.replace(condition, **changes)


@pytest.mark.parametrize("member", CONDITIONS, ids=lambda member: member.__name__)
def test_every_member_says_what_it_is(member: type[Condition]) -> None:
    assert member.meaning
    assert member.grammar
    assert member.examples
    assert member.__doc__


@pytest.mark.parametrize("member", CONDITIONS, ids=lambda member: member.__name__)
def test_a_member_lies_in_the_file_of_its_kind(member: type[Condition]) -> None:
    kind = str(member.__struct_config__.tag)
    assert member.__module__.rsplit(".", 1)[1].rstrip("_") == kind


@given(conditions, timelines)
@settings(max_examples=examples(120), deadline=None, suppress_health_check=SLOW)
def test_checking_never_fails_and_always_explains(condition: Condition, events: list[TimelineEvent]) -> None:
    finding = condition.compile(VOCABULARY)(situation(events))
    assert 0.0 <= finding.near <= 1.0
    assert finding.held == (finding.near == 1.0)
    assert finding.holds_until is None or finding.holds_until > NOW
    assert isinstance(condition.explain(finding, VOCABULARY, NOW), str)
    assert isinstance(reach_problems(condition, VOCABULARY), list)
    assert condition.needs(VOCABULARY)
    assert msgspec.json.decode(msgspec.json.encode(finding), type=type(finding)) == finding


@given(conditions, timelines)
@settings(max_examples=examples(100), deadline=None, suppress_health_check=SLOW)
def test_checking_twice_and_in_any_closure_finds_the_same(
    condition: Condition, events: list[TimelineEvent]
) -> None:
    check = condition.compile(VOCABULARY)
    first = check(situation(events))
    check(situation(events, NOW + DAY))
    check(situation([], NOW - DAY))
    assert check(situation(events)) == first
    assert condition.compile(VOCABULARY)(situation(events)) == first


@given(conditions, timelines)
@settings(max_examples=examples(100), deadline=None, suppress_health_check=SLOW)
def test_checking_every_part_finds_the_same_truth(condition: Condition, events: list[TimelineEvent]) -> None:
    found = condition.compile(VOCABULARY)(situation(events))
    whole = condition.compile_whole(VOCABULARY)(situation(events))
    assert whole.held == found.held
    assert isinstance(condition.explain(whole, VOCABULARY, NOW), str)
    parts = getattr(condition, "conditions", ())
    assert not parts or len(whole.parts) == len(parts)


@given(OF_TIME, timelines)
@settings(max_examples=examples(200), deadline=None, suppress_health_check=SLOW)
def test_truth_changes_exactly_when_the_finding_says(
    condition: Condition, events: list[TimelineEvent]
) -> None:
    condition = small_windows(condition)
    check = condition.compile(VOCABULARY)
    now = situation(events)
    finding = check(now)
    until = finding.holds_until

    def held_at(moment: int) -> bool:
        return check(situation(events, moment, visit=now.visit)).held

    if until is not None and not is_over_by(now, until):
        assert held_at(until) != finding.held
    for moment in moments_to_try(events, condition):
        if moment > NOW and (until is None or moment < until) and not is_over_by(now, moment):
            assert held_at(moment) == finding.held


def is_over_by(now: object, moment: int) -> bool:
    """Whether the visit would be another one by then, so that the same situation cannot be asked."""
    return moment > now.visit.last_at + 30 * MINUTE  # type: ignore[attr-defined]


def moments_to_try(events: list[TimelineEvent], condition: Condition) -> list[int]:
    """Every moment at which something could turn over, and the ones around it."""
    spans = {getattr(getattr(condition, "window", None), "ms", 0), getattr(condition, "ms", 0), 90 * DAY}
    spans.add(getattr(condition, "wait_ms", 0))
    edges = {each.occurred_at + span for each in events for span in spans}
    edges |= {NOW - NOW % DAY + hours * HOUR for hours in range(80)}
    return sorted({edge + step for edge in edges for step in (-1, 0, 1, 2)})


@given(schedules(), st.integers(0, 400))
@settings(max_examples=examples(100), deadline=None, suppress_health_check=SLOW)
def test_a_schedule_changes_exactly_when_it_says(schedule: Schedule, days: int) -> None:
    check = schedule.compile(VOCABULARY)
    now = NOW + days * DAY
    finding = check(situation((), now))
    until = finding.holds_until
    if until is not None:
        assert check(situation((), until)).held != finding.held
        assert schedule.compile(VOCABULARY)(situation((), until - 1)).held == finding.held
    for hours in range(8 * 24):
        moment = now + hours * HOUR
        if until is None or moment < until:
            assert schedule.compile(VOCABULARY)(situation((), moment)).held == finding.held


@given(conditions, timelines)
@settings(max_examples=examples(100), deadline=None, suppress_health_check=SLOW)
def test_no_nesting_changes_before_it_says(condition: Condition, events: list[TimelineEvent]) -> None:
    check = condition.compile(VOCABULARY)
    now = situation(events)
    finding = check(now)
    if finding.holds_until is not None and not is_over_by(now, finding.holds_until):
        before = situation(events, finding.holds_until - 1, visit=now.visit)
        before.readings.update(now.readings)
        assert check(before).held == finding.held


def test_an_equality_is_a_condition_of_the_whole() -> None:
    condition = parse_condition("the campaign is Shoes and bought today", VOCABULARY)
    assert condition.equality() == ("campaign", "shoes")
    assert parse_condition("the campaign is Shoes or bought today", VOCABULARY).equality() is None


def test_age_of_a_trait_is_part_of_its_truth() -> None:
    condition = parse_condition("the loyalty tier is gold, not older than 30 days", VOCABULARY)
    check = condition.compile(VOCABULARY)
    told = {"loyalty_tier": Trait("gold", "shop", NOW - 10 * DAY)}
    finding = check(situation(traits=told))
    assert finding.held
    assert finding.holds_until == NOW + 20 * DAY + 1
    assert not check(situation(traits=told, now=NOW + 21 * DAY)).held


def test_a_signal_is_read_from_the_context_first() -> None:
    check = parse_condition("the loyalty tier is gold", VOCABULARY).compile(VOCABULARY)
    assert check(situation(context=Context(attributes={"loyalty_tier": "GOLD"}))).held
    assert not check(situation()).held


def test_the_range_of_members_is_whole() -> None:
    kinds = {str(member.__struct_config__.tag) for member in CONDITIONS}
    assert set(AnyCondition.__args__) == set(CONDITIONS)
    assert kinds >= {
        "count",
        "distinct",
        "total",
        "recency",
        "sequence",
        "signal",
        "page",
        "visitor",
        "stage",
    }


@pytest.mark.parametrize(
    ("sentence", "until"),
    [
        ("the days since purchase is at least 3", NOW + DAY - 5 * HOUR),
        ("the hour is 14", NOW + 13 * MINUTE),
        ("a visitor is in support", NOW + 7 * DAY - 3 * HOUR),
    ],
)
def test_a_signal_that_time_alone_changes_says_so(sentence: str, until: int) -> None:
    events = [event("Order Completed", NOW - 5 * HOUR), event("Refund Requested", NOW - 3 * HOUR)]
    check = parse_condition(sentence, VOCABULARY).compile(VOCABULARY)
    assert check(situation(events)).holds_until == until


def test_the_facts_are_told_as_the_panel_shows_them() -> None:
    condition = parse_condition(
        "a returning visitor viewed the same category at least 2 times in 7 days", VOCABULARY
    )
    events = [
        event("Product Viewed", NOW - age * HOUR, category=name)
        for age, name in enumerate(["shoes", "bags", "shoes"])
    ]
    events.append(event("Page Viewed", NOW - 3 * DAY))
    finding = condition.compile(VOCABULARY)(situation(events))
    assert finding.held
    assert condition.explain(finding, VOCABULARY, NOW) == "Product Viewed, shoes, 2 times, last 14:02"


@pytest.mark.parametrize(
    ("sentence", "told"),
    [
        ("viewed at least 2 times in 7 days", "Product Viewed, 1 of 2 times, last 14:02"),
        ("viewed the same category more than 2 times", "Product Viewed, shoes, 1 of 3 times, last 14:02"),
        ("viewed fewer than 3 times in 7 days", "Product Viewed, once, last 14:02"),
        ("viewed at least 3 different products in 7 days", "Product Viewed, 1 of 3 different products, last 14:02"),
        (
            "viewed at least 2 times in 7 days and has not bought since",
            "Product Viewed, 1 of 2 times, last 14:02, no Order Completed since",
        ),
        ("bought at least 2 times in 7 days", "no Order Completed"),
        ("is subscribed", "subscribed: not known"),
        ("is not subscribed", "subscribed: not known"),
        ("a visitor is about to leave", "exit intent: no"),
        ("the campaign is shoes", "the campaign is not known"),
        ("is on a phone", "the device type is not known"),
        ("a visitor came from search", "came directly"),
    ],
)  # fmt: skip
def test_a_near_miss_is_told_with_what_it_needs(sentence: str, told: str) -> None:
    condition = parse_condition(sentence, VOCABULARY)
    finding = condition.compile(VOCABULARY)(
        situation([event("Product Viewed", NOW, category="shoes", product="p1")])
    )
    assert condition.explain(finding, VOCABULARY, NOW) == told


@pytest.mark.parametrize(
    ("device", "told"),
    [("mobile", "on a phone"), ("desktop", "on a computer"), ("bot", "the device type is bot")],
)
def test_a_device_is_told_as_people_call_it(device: str, told: str) -> None:
    condition = parse_condition("is on a phone", VOCABULARY)
    finding = condition.compile(VOCABULARY)(situation(context=Context(device_type=device)))
    assert condition.explain(finding, VOCABULARY, NOW) == told


def test_former_names_of_an_event_count_as_well() -> None:
    check = parse_condition("viewed exactly 2 times in 7 days", VOCABULARY).compile(VOCABULARY)
    events = [event("Product Viewed", NOW - HOUR), event("Viewed Product", NOW - 2 * HOUR)]
    assert check(situation(events)).held


@given(comparators, st.integers(0, 4), st.lists(st.integers(0, 6), max_size=8))
@settings(max_examples=examples(120), deadline=None)
def test_counting_agrees_with_counting_by_hand(comparator: str, times: int, ages: list[int]) -> None:
    check = parse_condition(f"viewed {comparator} {times} times in 3 days", VOCABULARY).compile(VOCABULARY)
    events = [event("Product Viewed", NOW - age * DAY, seq=index + 1) for index, age in enumerate(ages)]
    number = sum(1 for age in ages if age <= 3)
    wanted = {
        "at least": number >= times,
        "at most": number <= times,
        "exactly": number == times,
        "more than": number > times,
        "fewer than": number < times,
    }
    assert check(situation(events)).held == wanted[comparator]


def test_order_of_parts_is_the_order_of_asking() -> None:
    check = parse_condition(
        "the device type is mobile and viewed today and bought today", VOCABULARY
    ).compile(VOCABULARY)
    finding = check(situation())
    assert len(finding.parts) == 1
    assert all(a is not b for a, b in pairwise([*finding.parts, finding]))


def test_a_test_without_reading_is_false_for_what_is_not_known() -> None:
    for sentence in (
        "the campaign is shoes",
        "the cart changed is before 1 March 2026",
        'the "age" is more than 3',
    ):
        assert not parse_condition(sentence, VOCABULARY).compile(VOCABULARY)(situation()).held
    assert isinstance(parse_condition("the campaign is not shoes", VOCABULARY), SignalTest)
    assert parse_condition("the campaign is not shoes", VOCABULARY).compile(VOCABULARY)(situation()).held
