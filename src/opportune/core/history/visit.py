"""Visits: which events of a device belong together, and which visit is going on.

Built from browser and app events: half an hour without any ends a visit, and so does a day. A visit's id is
its start; once a visit was used (recorded with an opportunity) no event that arrives late changes its id.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from opportune.core.history.timeline import TimelineEvent
from opportune.core.moment import HOUR, MINUTE

SOURCES = frozenset({"browser", "app"})
IDLE_MS = 30 * MINUTE
LONGEST_MS = 24 * HOUR


class Visit(msgspec.Struct, frozen=True, gc=False):
    """The visit that is going on, of one device key. Its id is its start, fixed when first used (ms)."""

    id: int
    last_at: int
    events: Sequence[TimelineEvent] = ()
    """The events of this visit from browser or app, newest first."""

    @property
    def began_at(self) -> int:
        """The id, or its oldest event where that arrived late (ms); what is older belongs to earlier visits."""
        return min(self.id, self.events[-1].occurred_at) if self.events else self.id


def current_visit(
    events: Iterable[TimelineEvent], now: int, recorded: Sequence[tuple[int, int]] = ()
) -> Visit:
    """The visit going on at `now`, or a new one that starts now.

    `events` are a device key's, newest first; only those of this visit are walked. `recorded` are the
    (visit id, moment it was used) known of the key, in any order. A recorded visit goes on while no gap
    of half an hour lies between it and now, and keeps its id whatever arrives.
    """
    moments = _moments(recorded, now)
    chain, oldest = _chain(events, moments, now)
    if oldest is None:
        return Visit(now, now)
    last_at = max(chain[0].occurred_at if chain else oldest, min(moments[0], now) if moments else oldest)
    fixed = max((visit for visit, _ in recorded), default=None)
    if fixed is not None and now - fixed < LONGEST_MS:
        if oldest <= fixed:
            earlier = max((visit for visit, _ in recorded if visit < fixed), default=None)
            return Visit(fixed, last_at, _belonging(chain, fixed, earlier))
        fixed = None
    start = _start(chain, moments, oldest if fixed is None or oldest > fixed else fixed, now)
    return Visit(start, last_at, _since(chain, start))


def visits(events: Sequence[TimelineEvent]) -> list[Visit]:
    """Every visit of a timeline, newest first; `events` are newest first. The same for any order of arrival."""
    found: list[Visit] = []
    current: list[TimelineEvent] = []
    for event in reversed(events):
        if event.source not in SOURCES:
            continue
        if current and _is_over(current[0].occurred_at, current[-1].occurred_at, event.occurred_at):
            found.append(_visit(current))
            current = []
        current.append(event)
    if current:
        found.append(_visit(current))
    found.reverse()
    return found


def count_visits(events: Sequence[TimelineEvent], until: int) -> int:
    """How many visits began before a moment; `events` are newest first."""
    count, start, last = 0, 0, 0
    for event in reversed(events):
        at = event.occurred_at
        if at >= until:
            break
        if event.source not in SOURCES:
            continue
        if count == 0 or _is_over(start, last, at):
            count += 1
            start = at
        last = at
    return count


def find_before(events: Iterable[TimelineEvent], moment: int) -> TimelineEvent | None:
    """The newest browser or app event before a moment; `events` are newest first."""
    for event in events:
        if event.occurred_at < moment and event.source in SOURCES:
            return event
    return None


def _is_over(start: int, last: int, at: int) -> bool:
    return at - last > IDLE_MS or at - start >= LONGEST_MS


def _visit(events: list[TimelineEvent]) -> Visit:
    """A visit of events given oldest first."""
    return Visit(events[0].occurred_at, events[-1].occurred_at, events[::-1])


def _moments(recorded: Sequence[tuple[int, int]], now: int) -> list[int]:
    """When recorded visits were begun or used within the last day, newest first."""
    if not recorded:
        return []
    oldest = now - LONGEST_MS - IDLE_MS
    return sorted({at for pair in recorded for at in pair if at > oldest}, reverse=True)


def _chain(
    events: Iterable[TimelineEvent], moments: Sequence[int], now: int
) -> tuple[list[TimelineEvent], int | None]:
    """The visit-making events that reach back from now without a gap, newest first, and how far back that is."""
    chain: list[TimelineEvent] = []
    edge, oldest, next_moment = now, None, 0
    for event in events:
        if event.source not in SOURCES:
            continue
        at = event.occurred_at
        while (
            next_moment < len(moments)
            and moments[next_moment] >= at
            and edge - moments[next_moment] <= IDLE_MS
        ):
            oldest = edge = min(edge, moments[next_moment])
            next_moment += 1
        if edge - at > IDLE_MS:
            break
        chain.append(event)
        oldest = edge = min(edge, at)
    while next_moment < len(moments) and edge - moments[next_moment] <= IDLE_MS:
        oldest = edge = min(edge, moments[next_moment])
        next_moment += 1
    return chain, oldest


def _belonging(chain: list[TimelineEvent], fixed: int, earlier: int | None) -> list[TimelineEvent]:
    """A recorded visit's events: since its id, and those just before it that no earlier recorded visit can claim."""
    floor = fixed - LONGEST_MS if earlier is None else min(fixed, earlier + LONGEST_MS)
    return chain if not chain or chain[-1].occurred_at >= floor else _since(chain, floor)


def _since(chain: list[TimelineEvent], moment: int) -> list[TimelineEvent]:
    return [event for event in chain if event.occurred_at >= moment]


def _start(chain: list[TimelineEvent], moments: Sequence[int], start: int, now: int) -> int:
    """Where the visit going on began once visits a day long are cut off, counted from the first one's start."""
    if now - start < LONGEST_MS:
        return start
    ascending = sorted({min(at, now) for at in (*moments, *(event.occurred_at for event in chain))})
    while now - start >= LONGEST_MS:
        end = start + LONGEST_MS
        start = next((at for at in ascending if at >= end), now)
    return start
