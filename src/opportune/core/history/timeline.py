"""A timeline: one person's events, newest first, and the questions conditions ask of them.

Rows are slim on purpose (facts, not bodies): a decision reads tens to hundreds of them.
Reading rows from a file is storage's work; what a question means is settled here.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from operator import attrgetter

import msgspec

FactValue = str | int | float | bool | list[str] | None
"""Text, number, yes/no, or several texts (an order's products). Money is integer minor units."""


class TimelineEvent(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One event as a decision sees it. Order is `(occurred_at, seq)`."""

    occurred_at: int
    seq: int
    name: str
    source: str
    facts: dict[str, FactValue]

    @property
    def order(self) -> tuple[int, int]:
        return self.occurred_at, self.seq


_order = attrgetter("occurred_at", "seq")
NONE: Sequence[TimelineEvent] = ()


class Timeline:
    """Events newest first, with an index by name that is built at the first question."""

    __slots__ = ("_by_name", "_together", "events")

    def __init__(self, events: Sequence[TimelineEvent] = ()) -> None:
        self.events = events
        self._by_name: dict[str, list[TimelineEvent]] | None = None
        self._together: dict[tuple[str, ...], Sequence[TimelineEvent]] = {}

    @classmethod
    def merged(cls, timelines: Sequence[Sequence[TimelineEvent]]) -> Timeline:
        """One timeline from those of several keys."""
        if len(timelines) == 1:
            return cls(timelines[0])
        events = [event for timeline in timelines for event in timeline]
        events.sort(key=lambda event: (event.occurred_at, event.seq), reverse=True)
        return cls(events)

    def named(self, names: Sequence[str]) -> Sequence[TimelineEvent]:
        """Events of one name, newest first; `names` holds the current name and its former ones."""
        index = self._by_name
        if index is None:
            index = self._by_name = {}
            for event in self.events:
                try:
                    index[event.name].append(event)
                except KeyError:
                    index[event.name] = [event]
        if len(names) == 1:
            return index.get(names[0], NONE)
        found = [events for name in names if (events := index.get(name)) is not None]
        if len(found) <= 1:
            return found[0] if found else NONE
        together = self._together.get(tuple(names))
        if together is None:
            merged = [event for events in found for event in events]
            merged.sort(key=lambda event: (event.occurred_at, event.seq), reverse=True)
            together = self._together[tuple(names)] = merged
        return together

    def last(self, names: Sequence[str]) -> TimelineEvent | None:
        """The newest event of that name."""
        found = self.named(names)
        return found[0] if found else None

    def back_to(self, place: int) -> Timeline:
        """The timeline as it was just after the event at this place of `events`."""
        return _Earlier(self, place)


class _Earlier(Timeline):
    """Shares the index of the whole: looking back from fifty moments must not build it fifty times."""

    __slots__ = ("_order", "_whole")

    def __init__(self, whole: Timeline, place: int) -> None:
        super().__init__(whole.events[place:])
        self._whole = whole
        self._order = whole.events[place].order

    def named(self, names: Sequence[str]) -> Sequence[TimelineEvent]:
        found = self._whole.named(names)
        if not found or found[0].order <= self._order:
            return found
        return found[bisect_left(found, _newest_first(self._order), key=_age) :]


def _newest_first(order: tuple[int, int]) -> tuple[int, int]:
    return -order[0], -order[1]


def _age(event: TimelineEvent) -> tuple[int, int]:
    return -event.occurred_at, -event.seq
