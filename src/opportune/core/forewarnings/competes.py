"""Two rules want the same place for the same visitors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from opportune.core.forewarnings.base import Ahead, Forewarning, Kind, Warned
from opportune.core.forewarnings.rivals import often_together


class Competes(Forewarning):
    kind: ClassVar[Kind] = "competes"
    meaning: ClassVar[str] = "Two rules match for one place, in at least 5 of 100 visits of the rarer one."

    def look(self, ahead: Ahead) -> Iterator[Warned]:
        for place, winner, other, visits in often_together(ahead, ahead.sample.beaten):
            yield Warned(
                kind=self.kind,
                where=ahead.lines.rule(other),
                what=f"“{winner}” and “{other}” both match for {place} in about {visits:,} visits; “{winner}” wins",
                why="a number of one of them says nothing of those it lost",
                right="order them in the place's `rules` as you mean it, or narrow one",
                count=visits,
            )
