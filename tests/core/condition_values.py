"""Vocabularies, situations and Hypothesis strategies for conditions: ordinary ones and hostile ones."""

from __future__ import annotations

from collections.abc import Sequence as Listed
from zoneinfo import ZoneInfo

import msgspec
from hypothesis import strategies as st

from opportune.core.conditions.all import All
from opportune.core.conditions.any import Any
from opportune.core.conditions.base import Condition
from opportune.core.conditions.cart import Cart
from opportune.core.conditions.comparing import AGO_TESTS, LIST_TESTS, MOMENT_TESTS, NO_VALUES, ORDER_TESTS
from opportune.core.conditions.consent import Consent
from opportune.core.conditions.count import Count
from opportune.core.conditions.distinct import Distinct
from opportune.core.conditions.everyone import Everyone
from opportune.core.conditions.happening import FactTest
from opportune.core.conditions.not_ import Not
from opportune.core.conditions.page import Page
from opportune.core.conditions.recency import Recency
from opportune.core.conditions.schedule import Schedule
from opportune.core.conditions.sequence import Sequence
from opportune.core.conditions.signal import SignalTest
from opportune.core.conditions.stage import Stage
from opportune.core.conditions.total import Total
from opportune.core.conditions.visitor import Visitor
from opportune.core.conditions.window import Window
from opportune.core.history.plan import EventPlan, Plan, PropertyPlan
from opportune.core.history.standard_plan import STANDARD_PLAN
from opportune.core.history.timeline import Timeline, TimelineEvent
from opportune.core.history.visit import current_visit
from opportune.core.language.idioms import IDIOMS
from opportune.core.language.vocabulary import Vocabulary
from opportune.core.language.words import words_of
from opportune.core.moment import DAY, HOUR, MINUTE, from_iso
from opportune.core.signals import SIGNALS, readers
from opportune.core.situation import Context, Situation

BERLIN = ZoneInfo("Europe/Berlin")
NOW = from_iso("2026-11-22T13:02:00Z")

HOSTILE_EVENTS = (
    EventPlan(name="Looked", says=("viewed",), properties=(PropertyPlan(name="weird_fact", type="money"),)),
    EventPlan(name="Not", says=("has not bought", "not", "is new")),
    EventPlan(name='Said "hello", or left', says=()),
    EventPlan(
        name="Ümlaut Ereignis 🎉", says=("machte ümläute",), has_not="ümläute gemacht", things="ümlaut"
    ),
    EventPlan(
        name="Quiz",
        says=("did a quiz", "finished a quiz"),
        properties=(PropertyPlan(name="score", type="number"),),
    ),
)
ATTRIBUTES = (
    "loyalty_tier",
    "stage",
    "not",
    "cart holds",
    'a "b" or c',
    "Größe",
    "shirt size",
    "is",
    "customer type",
    "user",
    "new visitor score",
    "basket size",
    "people",
    "visitor",
)
STAGES = ("loyal", "new buyer", "at risk", "in support", 'odd "one"', "or", "Gold/2")

VOCABULARY = Vocabulary(
    plan=msgspec.structs.replace(
        STANDARD_PLAN, events={**STANDARD_PLAN.events, **{event.name: event for event in HOSTILE_EVENTS}}
    ),
    signals={signal.name: signal for signal in SIGNALS},
    attributes=ATTRIBUTES,
    stages=STAGES,
    slots=("home hero", "offer bar", "newsletter popup"),
    tags=("promo", "upsell", "discount"),
    zone=BERLIN,
)
BARE_VOCABULARY = Vocabulary(plan=Plan(currency="USD"), signals={})
"""A shop that declared nothing at all."""
WORDS = words_of(VOCABULARY)
READERS = readers(VOCABULARY.plan)


def event(name: str, at: int, seq: int = 0, **facts: object) -> TimelineEvent:
    return TimelineEvent(at, seq or at, name, "browser", facts)  # type: ignore[arg-type]


def situation(events: Listed[TimelineEvent] = (), now: int = NOW, **more: object) -> Situation:
    """A situation at a moment; events may come in any order."""
    ordered = sorted(events, key=lambda each: each.order, reverse=True)
    values = {"context": Context(), "visit": current_visit(ordered, now), **more}
    return Situation(now=now, readers=READERS, timeline=Timeline(ordered), zone=BERLIN, **values)  # type: ignore[arg-type]


texts = st.one_of(
    st.sampled_from(
        ["shoes", "or", "and", "not", "today", 'say "hi"', "a, b or c", "it's", "2xl", "50", "€50", "7 days", "\\",
         '"', "  ", " x ", "new", "viewed", "at", "the", "yes", "no", "known", "shoes or boots", "(a)", "a.",
         "31 March 2027", "“quoted”", "line\nbreak", "tab\t", "Ж", "🎉", "ﬀ", "İstanbul", "ß", "a\u200bb", "none",
         "has not bought since", "people", "not-x", "user-x", "in-store", "worth", "basket"]
    ),
    st.text(min_size=1, max_size=12),
)  # fmt: skip
numbers = st.one_of(st.integers(-(10**9), 10**9), st.floats(allow_nan=False, allow_infinity=False, width=32))
spans = st.one_of(
    st.integers(1, 90).map(lambda days: days * DAY),
    st.integers(1, 10_000).map(lambda count: count * MINUTE),
    st.integers(1, 10**10),
)
moments = st.one_of(
    st.integers(0, 20_000).map(lambda days: days * DAY),
    st.integers(0, 2 * 10**12),
    st.sampled_from(
        [from_iso("2026-10-25T00:30:00Z"), from_iso("2026-10-25T01:30:00Z"), from_iso("2026-03-29T01:00:00Z")]
    ),
)
event_names = st.one_of(
    st.sampled_from([*VOCABULARY.plan.events, "Undeclared", "quote \" and 'or'"]),
    st.text(min_size=1, max_size=8),
)
fact_names = st.one_of(
    st.sampled_from([*WORDS.facts.values(), "undeclared", "a b"]), st.text(min_size=1, max_size=6)
)
comparators = st.sampled_from(["at least", "at most", "exactly", "more than", "fewer than"])


@st.composite
def tests_of(draw: st.DrawFn, kind: str) -> tuple[str, tuple[object, ...]]:
    """A test that fits a type, with values."""
    if kind in ("text", "list"):
        name = draw(st.sampled_from([*sorted(LIST_TESTS), "known", "not known"]))
        values = () if name in NO_VALUES else tuple(draw(st.lists(texts, min_size=1, max_size=3)))
        return name, values
    if kind == "yes/no":
        return draw(st.sampled_from(sorted(NO_VALUES))), ()
    if kind == "moment":
        name = draw(st.sampled_from([*sorted(MOMENT_TESTS | AGO_TESTS), "known"]))
        value = moments if name in MOMENT_TESTS else spans
        return name, () if name == "known" else (draw(value),)
    if not kind and draw(st.booleans()):
        return draw(tests_of(draw(st.sampled_from(["text", "yes/no", "moment"]))))
    value = {"money": st.integers(-(10**9), 10**9), "duration": st.one_of(st.just(0), spans)}.get(
        kind, numbers
    )
    name = draw(st.sampled_from([*sorted(ORDER_TESTS), "is", "is not", "known", "not known"]))
    if name in NO_VALUES:
        return name, ()
    if name == "between":
        return name, tuple(sorted(draw(st.tuples(value, value))))
    size = 3 if name in LIST_TESTS else 1
    return name, tuple(draw(st.lists(value, min_size=1, max_size=size)))


@st.composite
def narrowings(draw: st.DrawFn) -> dict[str, object]:
    name = draw(event_names)
    where = []
    for _ in range(draw(st.integers(0, 2))):
        fact = draw(fact_names)
        test, values = draw(tests_of(WORDS.fact_type(name, fact)))
        where.append(FactTest(fact, test, values))  # type: ignore[arg-type]
    return {
        "event": name,
        "where": tuple(where),
        "on_page": draw(st.sampled_from(["", "", "product", "category"])),
    }


windows = st.one_of(
    spans.map(lambda span: Window("last", span)),
    st.sampled_from([Window(), Window("visit"), Window("today")]),
    event_names.map(lambda name: Window("since", 0, name)),
)
counts = st.builds(
    lambda narrowing, **more: Count(**narrowing, **more),
    narrowings(),
    same=st.one_of(st.just(""), fact_names),
    comparator=comparators,
    times=st.integers(0, 5),
    window=windows,
)
distincts = st.builds(
    lambda narrowing, **more: Distinct(**narrowing, **more),
    narrowings(),
    of=fact_names,
    comparator=comparators,
    number=st.integers(0, 5),
    window=windows,
)
recencies = st.builds(
    lambda narrowing, **more: Recency(**narrowing, **more),
    narrowings(),
    comparator=st.sampled_from(["more than", "at least", "less than", "at most"]),
    ms=spans,
)
sequences = st.builds(
    lambda narrowing, **more: Sequence(**narrowing, **more),
    narrowings(),
    comparator=comparators,
    times=st.integers(0, 4),
    window=windows,
    then_not=event_names,
    wait_ms=st.one_of(st.just(0), spans),
)


@st.composite
def totals(draw: st.DrawFn) -> Total:
    narrowing = draw(narrowings())
    name = str(narrowing["event"])
    numeric = [fact for fact in WORDS.facts.values() if WORDS.fact_type(name, fact) in ("number", "money")]
    fact = draw(st.sampled_from(numeric))
    amount = st.integers(-(10**9), 10**9) if WORDS.fact_type(name, fact) == "money" else numbers
    return Total(
        **narrowing, of=fact, comparator=draw(comparators), amount=draw(amount), window=draw(windows)
    )  # type: ignore[arg-type]


@st.composite
def signal_tests(draw: st.DrawFn) -> SignalTest:
    if draw(st.integers(0, 9)) == 0:
        idiom = draw(st.sampled_from(IDIOMS))
        return SignalTest(signal=idiom.signal, test=idiom.test, values=idiom.values)
    known = [name for name in VOCABULARY.signals if name != "stage"]
    name = draw(st.one_of(st.sampled_from([*known, *ATTRIBUTES]), st.text(min_size=1, max_size=8)))
    name = (
        name
        if name in VOCABULARY.signals or name not in {a for s in SIGNALS for a in s.aliases}
        else "unheard"
    )
    test, values = draw(tests_of(WORDS.signal_type(name)))
    return SignalTest(signal=name, test=test, values=values, within_ms=draw(st.one_of(st.none(), spans)))  # type: ignore[arg-type]


some_texts = st.lists(texts, min_size=1, max_size=3).map(tuple)
pages = st.one_of(
    st.lists(st.sampled_from(VOCABULARY.page_types), min_size=1, max_size=4).map(
        lambda kinds: Page(types=tuple(kinds))
    ),
    some_texts.map(lambda values: Page(paths=values)),
    some_texts.map(lambda values: Page(categories=values)),
    some_texts.map(lambda values: Page(products=values)),
)
visitors = st.sampled_from(["new", "returning", "returning after a purchase"]).map(
    lambda kind: Visitor(is_kind=kind)
)
stages = st.lists(st.sampled_from(STAGES), min_size=1, max_size=3).map(
    lambda names: Stage(stages=tuple(names))
)
carts = st.one_of(
    st.just(Cart()),
    some_texts.map(lambda values: Cart(products=values)),
    some_texts.map(lambda values: Cart(categories=values)),
)
consents = st.sampled_from(["measure", "personalize", "message", "ads"]).map(
    lambda purpose: Consent(purpose=purpose)
)


@st.composite
def schedules(draw: st.DrawFn) -> Schedule:
    days = tuple(sorted(draw(st.sets(st.integers(0, 6)))))
    hours = draw(
        st.one_of(
            st.none(),
            st.tuples(st.integers(0, 1439), st.integers(0, 1439)).filter(lambda pair: pair[0] != pair[1]),
        )
    )
    start, end = draw(st.one_of(st.none(), moments)), draw(st.one_of(st.none(), moments))
    if not days and hours is None and start is None and end is None:
        days = (0,)
    first, last = hours or (None, None)
    return Schedule(days=days, from_minute=first, until_minute=last, from_at=start, until_at=end)


leaves: st.SearchStrategy[Condition] = st.one_of(
    st.just(Everyone()),
    counts,
    distincts,
    recencies,
    sequences,
    totals(),
    signal_tests(),
    pages,
    visitors,
    stages,
    carts,
    consents,
    schedules(),
)


def _grow(inner: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
    several = st.lists(inner, min_size=2, max_size=3).map(tuple)
    return st.one_of(
        several.map(lambda parts: All(conditions=parts)),
        several.map(lambda parts: Any(conditions=parts)),
        inner.map(lambda part: Not(condition=part)),
    )


conditions: st.SearchStrategy[Condition] = st.recursive(leaves, _grow, max_leaves=6)

SOME_LISTS = st.lists(st.sampled_from(["p1", "p2", "shoes"]), max_size=3)
_facts = st.fixed_dictionaries(
    {},
    optional={
        "category": st.one_of(st.sampled_from(["shoes", "boots", ""]), SOME_LISTS),
        "product": st.one_of(
            st.sampled_from(["p1", "p2"]),
            st.lists(st.sampled_from(["p1", "p2", "p3"]), max_size=3),
            st.none(),
        ),
        "value": st.one_of(st.integers(-5_000, 50_000), st.none(), st.just("odd")),
        "quantity": st.one_of(st.integers(0, 9), st.floats(0, 9), st.booleans()),
    },
)
_names = st.sampled_from(
    ["Product Viewed", "Viewed Product", "Product Added", "Order Completed", "Looked", "Quiz", "Page Viewed"]
)
timelines = st.lists(
    st.builds(
        TimelineEvent,
        st.one_of(st.integers(0, 3 * HOUR), st.integers(0, 100 * DAY)).map(lambda age: NOW - age),
        st.integers(1, 50),
        _names,
        st.sampled_from(["browser", "server"]),
        _facts,
    ),
    max_size=12,
)
