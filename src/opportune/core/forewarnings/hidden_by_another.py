"""One rule shows what another takes from the page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from opportune.core.forewarnings.base import Ahead, Forewarning, Kind, Warned
from opportune.core.forewarnings.rivals import often_together


class HiddenByAnother(Forewarning):
    kind: ClassVar[Kind] = "hidden by another"
    meaning: ClassVar[str] = (
        "A rule hides what another shows, in at least 5 of 100 visits of the rarer one: one says it, one takes it back."
    )

    def look(self, ahead: Ahead) -> Iterator[Warned]:
        for place, winner, other, visits in often_together(ahead, ahead.sample.hidden):
            yield Warned(
                kind=self.kind,
                where=ahead.lines.rule(other),
                what=f"“{winner}” hides what “{other}” shows in {place}, in about {visits:,} visits",
                why="one rule says it and another takes it back",
                right=f"add `not if` to “{other}”, or take the tag from its version, unless this is meant",
                count=visits,
            )
