"""It was decided and hardly ever reached the page: something on the page keeps its content from being put there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from opportune.core.experiments.watched import (
    AHEAD,
    AHEAD_CONTROL,
    APPLIED,
    APPLIED_CONTROL,
    Sighting,
    Watched,
)
from opportune.core.signs.base import Sign, of_hundred

FEWEST = 100
FEWEST_EXPECTED = 20
TIMES = 4


class Unapplied(Sign):
    name: ClassVar[str] = "content does not reach the page"
    meaning: ClassVar[str] = (
        "Decided in 100 visits or more and put on the page 4 times more rarely than what the control group or "
        "other rules have in the same places, where 20 times or more were to be expected. A place in which nothing "
        "was ever reported as put on the page tells nothing."
    )
    is_harm: ClassVar[bool] = True

    def look(self, watched: Watched) -> Iterator[Sighting]:
        ahead, applied = watched.total(AHEAD), watched.total(APPLIED)
        others = [
            (watched.total(AHEAD_CONTROL), watched.total(APPLIED_CONTROL), "without it"),
            (watched.beside.get(AHEAD, 0), watched.beside.get(APPLIED, 0), "with other rules there"),
        ]
        known = next((each for each in others if each[0] >= FEWEST), None)
        if ahead < FEWEST or known is None:
            return
        decided, put, who = known
        expected = ahead * min(1.0, put / decided)
        if expected >= FEWEST_EXPECTED and applied * TIMES < expected:
            words = (
                f"its content hardly reaches the page: put there in {of_hundred(applied, ahead)} of 100 visits "
                f"it was decided in ({applied:,} of {ahead:,}), {of_hundred(min(put, decided), decided)} {who}"
            )
            yield Sighting(words=words, is_harm=True)
