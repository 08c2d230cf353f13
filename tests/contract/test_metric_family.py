"""What every metric promises: it reads its words back, never fails, counts in whole numbers, and minds its window."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.searching import examples

from opportune.core.history.standard_plan import STANDARD_PLAN
from opportune.core.history.timeline import TimelineEvent
from opportune.core.metrics import METRICS, AnyMetric, Metric
from opportune.core.metrics.base import BEFORE_MS, Words
from opportune.core.metrics.reading import parse_metric
from opportune.core.metrics.reference import metrics_page
from opportune.core.moment import DAY, HOUR

REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "metrics.md"
FIRST_AT = 1_790_000_000_000
WORDS = Words(places=("home-hero",), titles={"home-hero": "home hero", "offer-bar": "offer bar"})
EXAMPLES = [(member, words) for member in METRICS for words in member.examples]
READ = [parse_metric(words, WORDS) for _, words in EXAMPLES]

values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**15), 10**15),
    st.floats(),
    st.sampled_from(["home-hero", "o-1", "p-1", "3", "", "x"]),
    st.lists(st.sampled_from(["p-1", "p-2", "2", "-1", "x"]), max_size=3),
)
FACTS = ("value", "discount", "margin", "order_id", "product", "quantity", "slot", "lcp", "path", "category")
happenings = st.builds(
    TimelineEvent,
    occurred_at=st.integers(FIRST_AT - 40 * DAY, FIRST_AT + 200 * DAY),
    seq=st.integers(1, 50),
    name=st.sampled_from([*STANDARD_PLAN.events, "Quiz Finished", "Completed Order"]),
    source=st.sampled_from(["browser", "app", "server", "shop", "import"]),
    facts=st.dictionaries(st.sampled_from(FACTS), values, max_size=5),
)
histories = st.lists(happenings, max_size=25)
metrics = st.sampled_from(READ)
SLOW = [HealthCheck.too_slow]


@pytest.mark.parametrize("member", METRICS, ids=lambda member: member.__name__)
def test_every_member_says_what_it_is(member: type[Metric]) -> None:
    assert member.meaning
    assert member.examples
    assert member.__doc__


@pytest.mark.parametrize("member", METRICS, ids=lambda member: member.__name__)
def test_a_member_lies_in_the_file_of_its_kind(member: type[Metric]) -> None:
    kind = str(member.__struct_config__.tag)
    assert member.__module__.rsplit(".", 1)[1] == kind.replace(" ", "_")


@pytest.mark.parametrize(("member", "words"), EXAMPLES, ids=[words for _, words in EXAMPLES])
def test_examples_are_canonical_and_read_back(member: type[Metric], words: str) -> None:
    metric = parse_metric(words, WORDS)
    assert type(metric) is member
    assert metric.describe() == metric.name == words
    assert msgspec.json.decode(msgspec.json.encode(metric), type=AnyMetric) == metric
    assert metric.did
    assert metric.stored()


@pytest.mark.parametrize(
    "words", [words for member in METRICS for words in (*member.synonyms, *member.phrases(WORDS))]
)
def test_other_words_are_read_into_canonical_ones(words: str) -> None:
    metric = parse_metric(words, WORDS)
    assert parse_metric(metric.describe(), WORDS) == metric


@given(metrics, histories, st.integers(-(2**40), 2**41))
@settings(max_examples=examples(150), deadline=None, suppress_health_check=SLOW)
def test_a_value_is_two_whole_numbers_whatever_happened(
    metric: Metric, happened: list[TimelineEvent], off: int
) -> None:
    for first_at in (FIRST_AT, FIRST_AT + off):
        for value in (metric.value(first_at, happened), metric.before(first_at, happened)):
            assert [type(number) for number in value] == [int, int]
            assert value[1] >= 0
            assert metric.is_ratio or value[1] == 1
            assert metric.unit != "share" or 0 <= value[0] <= max(value[1], 1)


@given(metrics, histories)
@settings(max_examples=examples(100), deadline=None, suppress_health_check=SLOW)
def test_only_what_lies_in_the_window_counts(metric: Metric, happened: list[TimelineEvent]) -> None:
    inside = [
        event
        for event in happened
        if FIRST_AT - metric.lead_ms <= event.occurred_at < FIRST_AT + metric.window_ms
    ]
    before = [
        event for event in happened if FIRST_AT - BEFORE_MS - metric.lead_ms <= event.occurred_at < FIRST_AT
    ]
    assert metric.value(FIRST_AT, happened) == metric.value(FIRST_AT, inside)
    assert metric.before(FIRST_AT, happened) == metric.before(FIRST_AT, before)


@given(metrics, histories, st.randoms(use_true_random=False))
@settings(max_examples=examples(50), deadline=None, suppress_health_check=SLOW)
def test_the_order_in_which_events_are_given_changes_nothing(metric: Metric, happened, chance) -> None:  # type: ignore[no-untyped-def]
    happened = list({(event.occurred_at, event.seq): event for event in happened}.values())
    mixed = chance.sample(happened, len(happened))
    assert metric.value(FIRST_AT, mixed) == metric.value(FIRST_AT, happened)


@given(metrics, histories)
@settings(max_examples=examples(50), deadline=None, suppress_health_check=SLOW)
def test_only_the_events_it_names_count(metric: Metric, happened: list[TimelineEvent]) -> None:
    bound = metric.bound(STANDARD_PLAN)
    named = [event for event in happened if event.name in bound.events(STANDARD_PLAN)]
    assert bound.value(FIRST_AT, named) == bound.value(FIRST_AT, happened)


@pytest.mark.parametrize("metric", READ, ids=lambda metric: metric.name)
def test_events_under_a_former_name_are_read_too(metric: Metric) -> None:
    for event in metric.stored():
        assert set(STANDARD_PLAN.names_of(event)) <= metric.events(STANDARD_PLAN)


def test_no_window_is_shorter_than_an_hour_or_longer_than_a_year() -> None:
    assert all(HOUR <= metric.window_ms <= 365 * DAY for metric in READ)


def test_the_reference_page_is_current_and_holds_every_example() -> None:
    page = REFERENCE.read_text()
    assert page == metrics_page(), "the page is stale: run `python tools/write_reference.py`"
    assert all(example in page for member in METRICS for example in (*member.examples, *member.synonyms))
