"""What every signal promises: a name and a meaning, an answer for any visitor, and an answer of its own type."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opportune.core.finding import Finding
from opportune.core.history.plan import EventPlan, Plan
from opportune.core.history.standard_plan import STANDARD_PLAN
from opportune.core.history.timeline import Timeline, TimelineEvent
from opportune.core.history.visit import current_visit
from opportune.core.signals import FAMILY, SIGNALS, readers
from opportune.core.signals.base import Reading, Signal
from opportune.core.signals.reference import reference_page
from opportune.core.signals.stage import stage_signal
from opportune.core.situation import Context, Situation, Trait

NOW = 1_800_000_000_000
REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "signals.md"
EVERY = (*SIGNALS, stage_signal([("never", lambda _: Finding(False)), ("always", lambda _: Finding(True))]))
family = pytest.mark.parametrize("signal", EVERY, ids=lambda signal: signal.name)


def is_of_type(value: object, kind: str) -> bool:
    if value is None:
        return True
    if kind == "yes/no":
        return isinstance(value, bool)
    if kind == "text":
        return isinstance(value, str) and value != ""
    if kind == "list":
        return isinstance(value, list) and all(isinstance(each, str) for each in value)
    if kind == "number":
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, int) and not isinstance(value, bool)


def check(reading: Reading, signal: Signal) -> None:
    assert is_of_type(reading.value, signal.type), (signal.name, reading)
    assert reading.source in {"session", "event", "profile"}
    assert reading.confidence in {"high", "medium", "low"}
    assert reading.at is None or isinstance(reading.at, int)
    msgspec.json.encode(reading)


@family
def test_it_has_a_name_of_plain_lower_case_words(signal: Signal) -> None:
    for name in (signal.name, *signal.aliases):
        assert name == name.lower()
        assert all(word.isalpha() for word in name.split())


@family
def test_it_says_what_it_means_in_one_sentence(signal: Signal) -> None:
    assert signal.meaning.endswith(".")
    assert signal.meaning[0].isupper()


@family
def test_the_events_it_needs_are_in_the_built_in_plan(signal: Signal) -> None:
    assert set(signal.events) <= set(STANDARD_PLAN.events)


@family
def test_it_has_an_answer_for_a_visitor_nobody_knows(signal: Signal) -> None:
    reading = signal.read(Situation(now=NOW, readers={}))
    check(reading, signal)
    if signal.type in ("number", "money", "list") and signal.name != "hour":
        assert reading.value in (None, 0, 1, [])


@family
def test_what_people_say_instead_leads_to_a_value_it_can_be(signal: Signal) -> None:
    assert all(signal.can_be(value) for value in (*signal.values, *signal.meant.values()))
    assert all(said == said.casefold() and not signal.can_be(said) for said in signal.meant)


def test_names_are_unique_and_all_can_be_read() -> None:
    names = [name for signal in SIGNALS for name in (signal.name, *signal.aliases)]
    assert len(names) == len(set(names))
    assert set(readers()) == set(FAMILY) == set(names)


def test_the_reference_page_is_what_the_family_says() -> None:
    assert REFERENCE.read_text() == reference_page(), (
        "the page is stale: run `python tools/write_reference.py`"
    )


EVENT_NAMES = sorted({name for event in STANDARD_PLAN.events.values() for name in (event.name, *event.was)})
FACTS = (
    "path", "page_type", "referrer", "campaign", "campaign_medium", "click_id", "product", "category", "value",
    "quantity", "order_id", "query", "ticket", "measure", "personalize",
)  # fmt: skip
TRAITS = (
    "subscribed",
    "language",
    "country",
    "city",
    "open_ticket",
    "favourite_category",
    "newsletter",
    "loyalty",
)

plain = (
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats() | st.text(max_size=12)
    | st.lists(st.text(max_size=4), max_size=3)
)  # fmt: skip
events = st.builds(
    TimelineEvent,
    st.integers(NOW - 90 * 86_400_000, NOW + 60_000),
    st.integers(0, 1_000),
    st.sampled_from(EVENT_NAMES),
    st.sampled_from(["browser", "app", "server", "shop", "import"]),
    st.dictionaries(st.sampled_from(FACTS), plain, max_size=5),
)
text = st.text(max_size=20)
request_contexts = st.builds(
    Context,
    page_url=text, page_path=text, page_type=text, page_category=text, page_product=text, referrer=text,
    campaign=st.dictionaries(st.sampled_from(["name", "medium", "click_id"]), text), user_agent=text, language=text,
    country=text, search=text, scroll_depth=st.none() | st.floats(0, 100), exit_intent=st.booleans(),
    time_on_page_seconds=st.none() | st.floats(0, 86_400),
    purposes=st.none() | st.frozensets(st.sampled_from(["measure", "ads"])),
    attributes=st.dictionaries(st.sampled_from(["city", "x"]), plain),
)  # fmt: skip
traits = st.dictionaries(
    st.sampled_from(TRAITS), st.builds(Trait, plain, st.just("crm"), st.integers(0, NOW)), max_size=4
)


@given(st.lists(events, max_size=25), request_contexts, traits, st.booleans())
def test_whatever_was_captured_every_signal_answers_in_its_type(
    captured: list[TimelineEvent], context: Context, known: dict[str, Trait], has_visit: bool
) -> None:
    captured.sort(key=lambda event: event.order, reverse=True)
    situation = Situation(
        now=NOW,
        readers=readers(),
        timeline=Timeline(captured),
        context=context,
        traits=known,
        visit=current_visit(captured, NOW) if has_visit else None,
    )
    for signal in SIGNALS:
        check(situation.read(signal.name), signal)
    assert situation.read("loyalty").source == "profile"


@given(st.lists(events, max_size=15))
def test_a_reading_does_not_depend_on_what_was_read_before(captured: list[TimelineEvent]) -> None:
    captured.sort(key=lambda event: event.order, reverse=True)

    def read_in(order: Any) -> dict[str, Reading]:
        situation = Situation(now=NOW, readers=readers(), timeline=Timeline(captured))
        return {signal.name: situation.read(signal.name) for signal in order}

    assert repr(read_in(SIGNALS)) == repr(dict(_sorted_back(read_in(reversed(SIGNALS)))))


def _sorted_back(readings: dict[str, Reading]) -> list[tuple[str, Reading]]:
    return [(signal.name, readings[signal.name]) for signal in SIGNALS]


def test_events_are_found_under_former_names_too() -> None:
    plan = Plan(events={"Order Completed": EventPlan(name="Order Completed", was=("Sold",))})
    timeline = Timeline([TimelineEvent(NOW - 1, 1, "Sold", "server", {"product": ["p1"], "value": 500})])
    situation = Situation(now=NOW, readers=readers(plan), timeline=timeline)
    assert situation.value("purchases") == 1
    assert situation.value("last product bought") == "p1"
