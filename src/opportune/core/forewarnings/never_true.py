"""A rule's condition held for nobody of the last weeks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from opportune.core.forewarnings.base import Ahead, Forewarning, Kind, Warned


class NeverTrue(Forewarning):
    kind: ClassVar[Kind] = "never true"
    meaning: ClassVar[str] = "A rule would have acted for nobody, where at least 50 visitors were looked at."

    def look(self, ahead: Ahead) -> Iterator[Warned]:
        for name, reached in ahead.reached.items():
            if reached.people:
                continue
            looked_at = max(reached.looked_at, len(ahead.sample.people))
            yield Warned(
                kind=self.kind,
                where=ahead.lines.rule(name),
                what=f"“{name}” would have acted for none of {looked_at:,} visitors looked at",
                why=f"nobody of the last {ahead.over_days} days would have seen it",
                right=f'look at what is missing: opportune backtest "{name}"',
                count=0,
            )
