"""A timeline: by name, by former names, and as it was at one of its own moments."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from opportune.core.history.timeline import Timeline, TimelineEvent

NAMES = st.sampled_from(["a", "b", "c"])
MOMENTS = st.lists(st.tuples(st.integers(0, 5), NAMES), max_size=12)


def timeline_of(moments: list[tuple[int, str]]) -> Timeline:
    events = [TimelineEvent(at, seq, name, "browser", {}) for seq, (at, name) in enumerate(moments)]
    return Timeline.merged([events[::2], events[1::2]])


@given(MOMENTS, st.lists(NAMES, min_size=1, max_size=3, unique=True))
def test_an_earlier_timeline_answers_as_one_made_of_its_events_alone(
    moments: list[tuple[int, str]], names: list[str]
) -> None:
    whole = timeline_of(moments)
    whole.named(("a",))
    for place in range(len(whole.events)):
        alone = Timeline(whole.events[place:])
        earlier = whole.back_to(place)
        assert list(earlier.events) == list(alone.events)
        assert list(earlier.named(names)) == list(alone.named(names))
        assert earlier.last(names) == alone.last(names)


@given(MOMENTS)
def test_several_names_are_told_together_newest_first(moments: list[tuple[int, str]]) -> None:
    whole = timeline_of(moments)
    for _ in range(2):
        assert list(whole.named(("a", "b", "c"))) == list(whole.events)
