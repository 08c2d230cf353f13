"""Visitors close it far more often than they close what other rules show."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from opportune.core.experiments.watched import DISMISSED, SHOWN, Sighting, Watched
from opportune.core.signs.base import Sign, of_hundred
from opportune.core.statistics.always_valid import FEWEST_EVENTS, bound_harm
from opportune.core.statistics.comparing import Contrast, contrast_with_limit
from opportune.core.statistics.estimate import estimate_mean
from opportune.core.statistics.moments import moments_of_share

ALPHA = 0.001
MARGIN = 1.0
"""Twice the usual."""
FEWEST_SHOWN = 200
"""Of others' content, before there is a usual."""
PLANNED = 1_000
"""Views at which the bound is narrowest."""


class Dismissed(Sign):
    name: ClassVar[str] = "closed far too often"
    meaning: ClassVar[str] = (
        "Closed by visitors more than twice as often as the team's rules usually are (the 28 days before it, 200 "
        "views or more), shown by an always-valid bound at 0.1% and 25 closings."
    )
    is_harm: ClassVar[bool] = True

    def look(self, watched: Watched) -> Iterator[Sighting]:
        shown, dismissed = watched.total(SHOWN), watched.total(DISMISSED)
        usually, closed = watched.usual.get(SHOWN, 0), watched.usual.get(DISMISSED, 0)
        if dismissed < FEWEST_EVENTS or usually < FEWEST_SHOWN:
            return
        closed, dismissed = min(closed, usually), min(dismissed, max(shown, dismissed))
        contrast = contrast_with_limit(
            estimate_mean(moments_of_share(usually, closed)),
            estimate_mean(moments_of_share(max(shown, dismissed), dismissed)),
            margin=MARGIN,
            more_is_better=False,
        )
        if isinstance(contrast, Contrast) and bound_harm(contrast, planned=PLANNED, alpha=ALPHA).upper < 0:
            words = (
                f"closed by {of_hundred(dismissed, max(shown, dismissed))} of 100 visitors who saw it "
                f"({dismissed:,} of {max(shown, dismissed):,}), {of_hundred(closed, usually)} usually"
            )
            yield Sighting(words=words, is_harm=True)
