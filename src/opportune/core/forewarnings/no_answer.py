"""A test that this traffic cannot bring to an answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from opportune.core.forewarnings.base import Ahead, Forewarning, Kind, Warned
from opportune.core.forewarnings.tested import PEOPLE_NEEDED, is_hopeless, people_a_day, tested_rules


class NoAnswer(Forewarning):
    kind: ClassVar[Kind] = "no answer at this traffic"
    meaning: ClassVar[str] = "A test would not show a gain of 20% within 40 weeks, even on a frequent step."

    def look(self, ahead: Ahead) -> Iterator[Warned]:
        for rule in tested_rules(ahead):
            if not is_hopeless(rule, ahead):
                continue
            a_day = people_a_day(rule, ahead)
            yield Warned(
                kind=self.kind,
                where=ahead.lines.rule(rule.name),
                what=f"the test of “{rule.name}” has about {a_day:,.1f} people a day",
                why=f"even a step that 12 of 100 take needs {PEOPLE_NEEDED:,} of them to show a gain of 20%",
                right="test the whole programme half and half instead: opportune plan",
                count=round(a_day * ahead.days),
            )
