"""Placebo: without a control group, the change beside how much the same comparison moved when nothing happened."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

FEWEST_COMPARISONS = 8
"""Fewer changes of the past make no band."""
BAND_SHARE = 0.9


class PlaceboBand(msgspec.Struct, frozen=True):
    """Nine in ten changes of the past were at most `reach` up or down (a share: 0.1 is 10%)."""

    reach: float
    comparisons: int

    def holds(self, change: float) -> bool:
        """Whether a change is as large as ones that happen anyway."""
        return abs(change) <= self.reach


def matched_changes(weeks: Sequence[float | None], *, before: int, after: int) -> list[float]:
    """Every relative change of the past, compared as today's is: the mean of `after` weeks over that of `before`.

    Weeks are whole ones in order, the same weekdays on both sides; None is a week without data. A comparison
    with such a week, or with nothing before, is left out. ValueError unless both sides have a week.
    """
    if min(before, after) < 1:
        raise ValueError("both sides of a comparison have at least one week")
    changes = []
    for start in range(len(weeks) - before - after + 1):
        window = weeks[start : start + before + after]
        known = [week for week in window if week is not None]
        earlier = sum(known[:before]) / before
        if len(known) == len(window) and earlier > 0:
            changes.append(sum(known[before:]) / after / earlier - 1)
    return changes


def placebo_band(changes: Sequence[float], *, share: float = BAND_SHARE) -> PlaceboBand | None:
    """The band of the past's changes, or None with too few of them. Directional: it is not a p value."""
    if len(changes) < FEWEST_COMPARISONS:
        return None
    return PlaceboBand(percentile([abs(change) for change in changes], share), len(changes))


def percentile(values: Sequence[float], share: float) -> float:
    """Of values (at least one), with straight lines between neighbours: Hyndman and Fan's definition 7, numpy's."""
    if not values or not 0 <= share <= 1:
        raise ValueError("a percentile is asked of at least one value, for a share from 0 to 1")
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)
