"""Visits: half an hour of silence ends one, a day does too, and a visit once used is never cut again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opportune.core.history.timeline import TimelineEvent
from opportune.core.history.visit import IDLE_MS, LONGEST_MS, count_visits, current_visit, find_before, visits
from opportune.core.moment import DAY, HOUR, MINUTE

NOW = 1_800_000_000_000


def events_at(*moments: int, source: str = "browser") -> list[TimelineEvent]:
    """Page views at these moments, newest first."""
    return [TimelineEvent(at, at, "Page Viewed", source, {}) for at in sorted(moments, reverse=True)]


def ago(*minutes: float) -> list[TimelineEvent]:
    return events_at(*(NOW - round(each * MINUTE) for each in minutes))


def test_a_visitor_without_any_events_begins_a_visit_now() -> None:
    assert current_visit([], NOW).id == NOW


def test_a_visit_begins_with_its_first_event() -> None:
    visit = current_visit(ago(1, 5, 20, 45), NOW)
    assert visit.id == NOW - 45 * MINUTE
    assert visit.last_at == NOW - MINUTE
    assert len(visit.events) == 4


def test_half_an_hour_of_silence_ends_a_visit() -> None:
    assert current_visit(ago(1, 32), NOW).id == NOW - MINUTE
    assert current_visit(ago(1, 31), NOW).id == NOW - 31 * MINUTE
    assert current_visit(ago(30.1), NOW).id == NOW


def test_a_visit_closes_after_a_day() -> None:
    every_quarter = ago(*range(0, 25 * 60, 15))
    visit = current_visit(every_quarter, NOW)
    assert visit.id == NOW - 45 * MINUTE
    assert len(visit.events) == 4
    assert [len(each.events) for each in visits(every_quarter)] == [4, 96]


def test_server_events_make_no_visit() -> None:
    assert current_visit(events_at(NOW - MINUTE, source="server"), NOW).id == NOW
    assert visits(events_at(NOW - MINUTE, source="import")) == []


def test_a_recorded_visit_keeps_its_id_when_an_earlier_event_arrives_late() -> None:
    recorded = [(NOW - 5 * MINUTE, NOW - 5 * MINUTE)]
    visit = current_visit(ago(2, 7), NOW, recorded)
    assert visit.id == NOW - 5 * MINUTE
    assert visit.began_at == NOW - 7 * MINUTE
    assert len(visit.events) == 2


def test_asking_keeps_a_visit_alive_without_any_event() -> None:
    start = NOW - 50 * MINUTE
    assert current_visit([], NOW, [(start, start), (start, NOW - 25 * MINUTE)]).id == start
    assert current_visit([], NOW, [(start, start)]).id == NOW


def test_a_late_event_between_two_recorded_visits_joins_neither_anew() -> None:
    first, second = NOW - 60 * MINUTE, NOW - 5 * MINUTE
    visit = current_visit(ago(5, 32, 60), NOW, [(second, second), (first, first)])
    assert visit.id == second
    assert [event.occurred_at for event in visit.events] == [second]


def test_a_recorded_visit_ends_after_a_day_and_the_next_begins_with_the_next_event() -> None:
    start = NOW - 24 * HOUR - 10 * MINUTE
    busy = ago(*range(0, 24 * 60 + 11, 10))
    visit = current_visit(busy, NOW, [(start, start)])
    assert visit.id == start + LONGEST_MS
    assert visit.events[-1].occurred_at == visit.id


def test_visits_before_a_moment_are_counted() -> None:
    events = ago(1, 2, 100, 101, 3_000)
    start = current_visit(events, NOW).began_at
    assert count_visits(events, start) == 2
    assert count_visits([], start) == 0


def test_the_last_event_before_a_moment_is_found() -> None:
    events = [*ago(1), *events_at(NOW - HOUR, source="server"), *ago(100)]
    found = find_before(events, NOW - MINUTE)
    assert found is not None
    assert found.occurred_at == NOW - 100 * MINUTE


moments = st.lists(st.integers(NOW - 3 * DAY, NOW), max_size=40)
busy_moments = st.lists(st.integers(NOW - 26 * HOUR, NOW), max_size=80)


@given(st.one_of(moments, busy_moments), st.randoms())
def test_any_order_of_arrival_gives_the_same_visits(times: list[int], shuffle: object) -> None:
    arrived = list(times)
    shuffle.shuffle(arrived)  # type: ignore[attr-defined]
    events = [TimelineEvent(at, seq, "Page Viewed", "browser", {}) for seq, at in enumerate(arrived)]
    events.sort(key=lambda event: event.order, reverse=True)
    assert [visit.id for visit in visits(events)] == [visit.id for visit in visits(events_at(*times))]
    assert current_visit(events, NOW).id == current_visit(events_at(*times), NOW).id


@given(st.one_of(moments, busy_moments), st.one_of(moments, busy_moments), st.integers(0, IDLE_MS))
def test_late_events_never_cut_a_recorded_visit_again(early: list[int], late: list[int], passed: int) -> None:
    visit = current_visit(events_at(*early), NOW)
    recorded = [(visit.id, NOW)]
    later = NOW + passed
    again = current_visit(events_at(*early, *late), later, recorded)
    if later - visit.id < LONGEST_MS:
        assert again.id == visit.id
    else:
        assert again.id >= visit.id + LONGEST_MS


@given(st.one_of(moments, busy_moments))
def test_the_visit_going_on_is_the_newest_of_all_visits(times: list[int]) -> None:
    events = events_at(*times)
    visit, all_visits = current_visit(events, NOW), visits(events)
    if all_visits and visit.events:
        is_same_chain = len(all_visits) == 1 or all_visits[0].id - all_visits[1].last_at > IDLE_MS
        if is_same_chain:
            assert visit.id == all_visits[0].id
            assert list(visit.events) == list(all_visits[0].events)
    else:
        assert visit.id == NOW


@given(st.one_of(moments, busy_moments))
def test_visits_hold_every_event_once_and_never_last_longer_than_a_day(times: list[int]) -> None:
    events = events_at(*times)
    found = visits(events)
    assert [event for visit in found for event in visit.events] == events
    for visit in found:
        assert visit.last_at - visit.id < LONGEST_MS
        assert visit.id == visit.events[-1].occurred_at


@given(
    moments, st.lists(st.tuples(st.integers(), st.integers()), max_size=10), st.integers(NOW - DAY, NOW + DAY)
)
def test_any_record_gives_a_visit_that_has_begun(
    times: list[int], recorded: list[tuple[int, int]], now: int
) -> None:
    visit = current_visit(events_at(*times), now, recorded)
    assert visit.began_at <= visit.id
    assert count_visits(events_at(*times), visit.began_at) >= 0


@pytest.mark.parametrize("count", [0, 1, 500])
def test_only_the_events_of_this_visit_are_walked(count: int) -> None:
    walked = []

    def walk() -> object:
        for event in [*ago(1, 2), *ago(*(1_000 + each for each in range(count)))]:
            walked.append(event)
            yield event

    current_visit(walk(), NOW)  # type: ignore[arg-type]
    assert len(walked) <= 3
