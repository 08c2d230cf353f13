"""A text tells visitors that they were watched."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from opportune.core.content import placeholders_of, texts_of
from opportune.core.forewarnings.base import Ahead, Forewarning, Kind, Warned
from opportune.core.traffic.tact import MEASURED, reveals_tracking


class RevealsTracking(Forewarning):
    kind: ClassVar[Kind] = "copy reveals tracking"
    meaning: ClassVar[str] = (
        "A text such as “we saw you looking at” or {visits} tells visitors that they were watched."
    )
    is_loud: ClassVar[bool] = True

    def look(self, ahead: Ahead) -> Iterator[Warned]:
        for slot in ahead.playbook.slots.values():
            for variant in slot.variants:
                for _, text in texts_of(variant.value):
                    words = reveals_tracking(text)
                    if words is not None:
                        yield self._warned(ahead.lines.text(slot, text), f"“{words}” in “{variant.name}”")
                for _, gap in placeholders_of(variant.value):
                    if gap.signal in MEASURED:
                        where = ahead.lines.text(slot, gap.signal)
                        yield self._warned(where, f"{{{gap.signal}}} in “{variant.name}”")

    def _warned(self, where: str, what: str) -> Warned:
        return Warned(
            kind=self.kind,
            where=where,
            what=f"{what} tells visitors that they were watched",
            why="being helped is welcome, being watched is not",
            right="say what it is good for (“Boots for wet days”) and not how you came to know",
        )
