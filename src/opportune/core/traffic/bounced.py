"""Bounced: which of somebody's visits ended after one page, of those a rule acted in and of all others."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Sequence

import msgspec

from opportune.core.history.visit import IDLE_MS, Visit
from opportune.core.statistics.moments import NO_UNITS, Moments

Pair = tuple[int, int]
"""Of one visitor: visits of one page, and visits."""


class Bounced(msgspec.Struct, frozen=True, kw_only=True):
    """Visits of one page (y) of visits (d), by visitor: of visits a rule acted in, and of all others."""

    reached: Moments = NO_UNITS
    others: Moments = NO_UNITS

    def __add__(self, other: Bounced) -> Bounced:
        return Bounced(reached=self.reached + other.reached, others=self.others + other.others)


def bounces_of(
    made: Sequence[Visit],
    acted: Collection[int],
    since_at: int,
    until_at: int,
    *,
    left_out: Collection[int] = (),
) -> tuple[Pair, Pair]:
    """One visitor's visits in which a rule acted in `[since_at, until_at)`, and others begun in it.

    Visits are newest first; `acted` and `left_out` are moments, and visits with one of the latter count nowhere.
    """
    nowhere = {_visit_at(made, at) for at in left_out}
    places = {at: _visit_at(made, at) for at in acted}
    reached = {place for at, place in places.items() if place is not None and since_at <= at < until_at}
    known = nowhere.union(places.values())
    others = [
        visit for place, visit in enumerate(made) if place not in known and since_at <= visit.id < until_at
    ]
    return _pair([made[place] for place in reached - nowhere]), _pair(others)


def _pair(made: Sequence[Visit]) -> Pair:
    return sum(len(visit.events) == 1 for visit in made), len(made)


def _visit_at(made: Sequence[Visit], at: int) -> int | None:
    """The place of the visit that a moment lies in or is nearest to, as a page is often told after it was decided."""
    after = bisect_left(made, -at, key=lambda visit: -visit.id)
    near = [
        (max(made[place].id - at, at - made[place].last_at, 0), place)
        for place in (after - 1, after)
        if 0 <= place < len(made)
    ]
    nearest = min(near, default=(IDLE_MS + 1, 0))
    return nearest[1] if nearest[0] <= IDLE_MS else None
