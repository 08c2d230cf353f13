"""A rule is for so few people that they can feel meant, and that no test of it comes to an answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from opportune.core.forewarnings.base import Ahead, Forewarning, Kind, Warned

FEWEST_PEOPLE = 20
"""Fewer than so many people in four weeks could be told apart by what they are shown."""


class FewPeople(Forewarning):
    kind: ClassVar[Kind] = "few people"
    meaning: ClassVar[str] = "A rule is for fewer than 20 people in four weeks, who can feel meant."
    is_loud: ClassVar[bool] = True

    def look(self, ahead: Ahead) -> Iterator[Warned]:
        for name, reached in ahead.reached.items():
            if not 0 < reached.people < FEWEST_PEOPLE:
                continue
            people = max(round(reached.people), 1)
            persons = "1 person" if people == 1 else f"{people} people"
            yield Warned(
                kind=self.kind,
                where=ahead.lines.rule(name),
                what=f"“{name}” would be for about {persons} in {ahead.over_days} days",
                why=f"fewer than {FEWEST_PEOPLE} people can feel meant, and no test of it comes to an answer",
                right="widen its condition, such as a lower number or a longer time",
                count=people,
            )
