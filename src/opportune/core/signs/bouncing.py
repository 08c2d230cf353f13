"""Visits it acts in end after one page far more often than such visits did before it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from opportune.core.experiments.watched import Sighting, Watched
from opportune.core.signs.base import Sign, of_hundred
from opportune.core.statistics.always_valid import FEWEST_EVENTS, bound_harm
from opportune.core.statistics.comparing import Contrast
from opportune.core.statistics.estimate import Estimate, estimate_ratio
from opportune.core.statistics.moments import Moments
from opportune.core.statistics.normal import quantile
from opportune.core.traffic.bounced import Bounced

ALPHA = 0.001
"""Half of it for what is normal, half for what is now: together they are wrong no more often."""
TIMES = 1.5
"""In odds: for every visit that goes on so many times as many end, 45 of 100 become 55. Twice the usual share would be
hard to reach where half of all visits bounce, and a rise of ten in a hundred much where few do."""
FEWEST_BEFORE = 200
FEWEST_VISITS = 100
PLANNED = 500
"""Visitors at which the bound is narrowest."""


class Bouncing(Sign):
    name: ClassVar[str] = "bounces far above normal"
    meaning: ClassVar[str] = (
        "For every visit it reached that goes on to a second page, more than one and a half times as many end after "
        "the first as in the four weeks before its launch in visits it would have reached (45 of 100 then: more than "
        "55 now), and other visits did not get as much worse: by an always-valid bound at 0.1%, with 200 visits or "
        "more before and 100 since, 25 of them bounces, in its first four weeks. Where its place is new: a warning."
    )
    is_harm: ClassVar[bool] = True

    def look(self, watched: Watched) -> Iterator[Sighting]:
        expected, now = watched.expected, watched.bounced
        before = expected.before if expected is not None else None
        if expected is None or before is None or now is None:
            return
        found, normal = now.reached, before.reached
        if normal.d < FEWEST_BEFORE or found.d < FEWEST_VISITS or found.y < FEWEST_EVENTS:
            return
        limit = _share(TIMES * _rise(before, now) * _odds(_highest(normal)))
        if _is_beyond(found, limit):
            words = (
                f"{of_hundred(found.y, found.d)} of 100 visits it reached ended after one page "
                f"({found.y:,} of {found.d:,}), {of_hundred(normal.y, normal.d)} of 100 such visits before its launch"
            )
            if expected.is_estimated:
                words += "; as its place is new, that is estimated from page views"
            yield Sighting(words=words, is_harm=not expected.is_estimated)


def _is_beyond(found: Moments, limit: float) -> bool:
    """Whether the least that the share may be, however often one looks, is more than the limit."""
    now = estimate_ratio(found + Moments(n=1, d=1, dd=1))
    if not isinstance(now, Estimate) or now.variance <= 0:
        return False
    contrast = Contrast(now.n, limit - now.value, now.standard_error)
    return bound_harm(contrast, planned=PLANNED, alpha=ALPHA / 2).upper < 0


def _highest(normal: Moments) -> float:
    """The most that the normal share may be; counted once, so that a common bound does."""
    found = estimate_ratio(normal + Moments(n=1, y=1, yy=1, d=1, dd=1, yd=1))
    if not isinstance(found, Estimate):
        return 1.0
    return found.value + quantile(1 - ALPHA / 2) * found.standard_error


def _rise(before: Bounced, now: Bounced) -> float:
    """By how much the odds of all other visits got worse meanwhile, 1 at least.

    While it is live for some, visits it would reach are among the others, too: as many as its reach lacks.
    """
    was, is_now = before.others, now.others
    everybody, then = was.d + before.reached.d, is_now.d + now.reached.d
    if not (before.reached.d and then):
        return 1.0
    lacking = max(0.0, 1 - (now.reached.d / then) / (before.reached.d / everybody))
    visits = was.d + lacking * before.reached.d
    if min(visits, is_now.d) < FEWEST_VISITS:
        return 1.0
    share = (was.y + lacking * before.reached.y) / visits
    return max(1.0, _odds(is_now.y / is_now.d) / max(_odds(share), 1e-9))


def _odds(share: float) -> float:
    share = min(max(share, 0.0), 1 - 1e-9)
    return share / (1 - share)


def _share(odds: float) -> float:
    return odds / (1 + odds)
