"""A window: which stretch of a timeline a condition looks at, and when an event in it leaves again.

Windows are open to the right: `now - window <= at`. What happens at the far side of the bounds a decision
reads (see `reach.py`) is nobody's: an event class that is read for 90 days leaves every window after 90 days.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

from opportune.core.history.timeline import TimelineEvent
from opportune.core.history.visit import IDLE_MS, LONGEST_MS
from opportune.core.moment import SECOND
from opportune.core.signals.base import visit_start
from opportune.core.situation import Situation

Span = Literal["ever", "last", "visit", "today", "since"]
Events = Sequence[TimelineEvent]
Select = Callable[[Situation, Events], Events]
Leave = Callable[[Situation, int], int | None]
"""When an event of that moment leaves the window; None: never by itself."""


class Window(msgspec.Struct, frozen=True, omit_defaults=True):
    """`last`: the last `ms`; `since`: after the newest `event`; `visit`, `today`, `ever` need nothing more."""

    span: Span = "ever"
    ms: int = 0
    event: str = ""

    def __post_init__(self) -> None:
        if (self.span == "last") != (self.ms > 0) or self.ms < 0:
            msg = "a window of the span `last`, and no other, needs a length `ms` of more than 0"
            raise ValueError(msg)
        if (self.span == "since") != bool(self.event):
            msg = "a window of the span `since`, and no other, needs an `event`"
            raise ValueError(msg)


EVER = Window()
TODAY = Window("today")
THIS_VISIT = Window("visit")


def compile_window(
    window: Window, since: Sequence[str], zone: ZoneInfo, horizon_ms: int | None
) -> tuple[Select, Leave]:
    """Two closures: the events inside, and when one leaves. `since` are the names of the window's own event."""
    match window.span:
        case "last":
            return _last(min(window.ms, horizon_ms or window.ms))
        case "visit":
            return _in_visit, _leave_visit
        case "today":
            day = Day(zone)
            return (
                lambda situation, events: cut(events, day.start(situation.now)),
                lambda situation, _: day.end(situation.now),
            )
        case "since":
            select, leave = _last(horizon_ms) if horizon_ms else (_everything, _never)
            return _since(tuple(since), select), leave
        case _:
            return _last(horizon_ms) if horizon_ms else (_everything, _never)


def cut(events: Events, start: int) -> Events:
    """The events at or after `start`, of events newest first; found by halving, so long histories cost little."""
    if not events or events[-1].occurred_at >= start:
        return events
    low, high = 0, len(events) - 1
    while low < high:
        middle = (low + high) >> 1
        if events[middle].occurred_at >= start:
            low = middle + 1
        else:
            high = middle
    return events[:low]


def after(events: Events, order: tuple[int, int]) -> Events:
    """The events later than an order, of events newest first."""
    for index, event in enumerate(events):
        if (event.occurred_at, event.seq) <= order:
            return events[:index]
    return events


def _last(span_ms: int) -> tuple[Select, Leave]:
    beyond = span_ms + 1
    return (lambda situation, events: cut(events, situation.now - span_ms), lambda _, at: at + beyond)


def _everything(_: Situation, events: Events) -> Events:
    return events


def _never(_situation: Situation, _at: int) -> int | None:
    return None


def _in_visit(situation: Situation, events: Events) -> Events:
    return cut(events, visit_start(situation))


def _leave_visit(situation: Situation, at: int) -> int:
    visit = situation.visit
    if visit is None:
        return at + IDLE_MS + 1
    return min(visit.last_at + IDLE_MS + 1, visit.began_at + LONGEST_MS)


def _since(names: Sequence[str], select: Select) -> Select:
    def inside(situation: Situation, events: Events) -> Events:
        last = situation.timeline.last(names)
        return after(select(situation, events), (last.occurred_at, last.seq)) if last is not None else ()

    return inside


class Day:
    """A day of a zone; the last one asked for is remembered, as decisions of one day follow each other."""

    __slots__ = ("_bounds", "_zone")

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._bounds = (0, 0)

    def start(self, now: int) -> int:
        return self._of(now)[0]

    def end(self, now: int) -> int:
        return self._of(now)[1]

    def _of(self, now: int) -> tuple[int, int]:
        bounds = self._bounds
        if not bounds[0] <= now < bounds[1]:
            bounds = self._bounds = day_bounds(now, self._zone)
        return bounds


def day_bounds(now: int, zone: ZoneInfo) -> tuple[int, int]:
    """The midnights (ms) around a moment."""
    local = datetime.fromtimestamp(now / SECOND, zone)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    return tuple(round(day.timestamp() * SECOND) for day in (midnight, midnight + timedelta(days=1)))  # type: ignore[return-value]  # always two
