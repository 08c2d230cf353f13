"""The built-in plan: phrases that mean one event each, classes, and how events are judged by a plan."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from opportune.core.history.event import Event
from opportune.core.history.plan import BEHAVIOUR, KEY_EVENT, TELEMETRY, EventPlan, Plan, PropertyPlan, judge
from opportune.core.history.reference import events_page
from opportune.core.history.standard_plan import STANDARD_EVENTS, STANDARD_PLAN


def track(name: str, **properties: object) -> Event:
    return Event(
        type="track", name=name, message_id="m", anonymous_id="a", occurred_at=1, received_at=1, source="browser",
        properties=properties,
    )  # fmt: skip


def test_every_phrase_means_one_event() -> None:
    counts = Counter(phrase for event in STANDARD_EVENTS for phrase in event.says)
    assert [phrase for phrase, count in counts.items() if count > 1] == []


def test_names_and_former_names_are_unique() -> None:
    names = Counter(name for event in STANDARD_EVENTS for name in (event.name, *event.was))
    assert [name for name, count in names.items() if count > 1] == []


def test_there_are_five_to_seven_key_events() -> None:
    assert 5 <= sum(event.is_key_event for event in STANDARD_EVENTS) <= 7


@pytest.mark.parametrize(
    ("name", "event_class"),
    [
        ("Order Completed", KEY_EVENT), ("Signed Up", KEY_EVENT), ("Consent Updated", KEY_EVENT),
        ("Support Ticket Opened", KEY_EVENT), ("Product Viewed", BEHAVIOUR), ("Slot Clicked", BEHAVIOUR),
        ("Slot Dismissed", BEHAVIOUR), ("Email Link Clicked", BEHAVIOUR), ("Email Opened", TELEMETRY),
        ("Scrolled", TELEMETRY), ("Slot Viewed", TELEMETRY), ("Nobody Declared This", BEHAVIOUR),
    ],
)  # fmt: skip
def test_classes_say_how_long_an_event_counts(name: str, event_class: int) -> None:
    assert STANDARD_PLAN.class_of(name) == event_class


def test_orders_have_their_number_as_business_key_and_fact() -> None:
    order = STANDARD_PLAN.events["Order Completed"]
    assert order.business_key in {each.name for each in order.properties}


def test_former_names_lead_to_the_current_one() -> None:
    assert STANDARD_PLAN.current_name("Completed Order") == "Order Completed"
    assert "Completed Order" in STANDARD_PLAN.names_of("Order Completed")
    assert STANDARD_PLAN.current_name("Something Else") == "Something Else"


def test_nothing_is_set_aside_for_the_standard_plans_sake() -> None:
    assert all(judge(STANDARD_PLAN, track(event.name)) is None for event in STANDARD_EVENTS)


@pytest.mark.parametrize("mode", ["learning", "strict"])
def test_a_required_property_must_be_there_and_of_its_type(mode: str) -> None:
    wanted = PropertyPlan(name="size", type="number", path="size|shoe.size", is_required=True)
    plan = Plan(mode=mode, events={"Fitted": EventPlan(name="Fitted", properties=(wanted,))})  # type: ignore[arg-type]
    assert judge(plan, track("Fitted", shoe={"size": 42})) is None
    missing = judge(plan, track("Fitted", shoe={}))
    assert missing is not None
    assert missing.reason == "Fitted lacks size or shoe.size, which the plan requires"
    wrong = judge(plan, track("Fitted", size="large"))
    assert wrong is not None
    assert wrong.reason == "Fitted: size should be number, but is 'large'"


def test_only_a_strict_plan_minds_optional_types_and_unknown_names() -> None:
    events = {"Fitted": EventPlan(name="Fitted", properties=(PropertyPlan(name="size", type="number"),))}
    for event in (track("Fitted", size="large"), track("Unknown")):
        assert judge(Plan(events=events), event) is None
        assert judge(Plan(mode="strict", events=events), event) is not None
    assert judge(Plan(mode="strict", events=events), track("Fitted", size=None)) is None


def test_the_page_of_events_says_what_the_plan_says() -> None:
    page = Path(__file__).parents[2] / "docs" / "reference" / "events.md"
    assert page.read_text() == events_page(), "the page is stale: run `python tools/write_reference.py`"
