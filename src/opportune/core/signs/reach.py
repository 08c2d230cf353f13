"""It reaches far more visitors than it was to: its condition holds for others than were meant."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from opportune.core.allocation import BUCKETS
from opportune.core.experiments.watched import ASKED, REACHED, Sighting, Watched
from opportune.core.signs.base import Sign, counted

TIMES = 4
FEWEST = 50
FEWEST_VISITS = 20
"""Found in the log: of fewer nobody knows how many there will be, as where a rule waits for a new campaign."""


class Reach(Sign):
    name: ClassVar[str] = "reach"
    meaning: ClassVar[str] = (
        "Within 24 hours it reached 4 times as many visits, and at least 50, as the log before its launch made "
        "expect at today's traffic. Where the log had fewer than 20 visits for it, this is a warning."
    )
    is_harm: ClassVar[bool] = True

    def look(self, watched: Watched) -> Iterator[Sighting]:
        expected, reached, asked = (
            watched.expected,
            watched.today.get(REACHED, 0),
            watched.today.get(ASKED, 0),
        )
        if expected is None or reached < FEWEST or asked <= 0:
            return
        covered = watched.share / BUCKETS
        if reached >= TIMES * max(expected.high, 0.0) * asked * covered:
            planned = expected.share * asked * covered
            words = (
                f"it reached {reached:,} of {counted(asked, 'visit')} in 24 hours, "
                f"where about {planned:,.0f} were expected"
            )
            yield Sighting(words=words, is_harm=expected.visits >= FEWEST_VISITS)
