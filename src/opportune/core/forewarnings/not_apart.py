"""Tests whose answers cannot be told apart: too many at once, or two with the same people."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import ClassVar

from opportune.core.forewarnings.base import Ahead, Forewarning, Kind, Warned
from opportune.core.forewarnings.tested import is_hopeless, scale_of, tested_rules
from opportune.core.rule import Rule

MOST_TESTS = 3
SHARED = 0.5
MOST_PAIRS = 5
"""The pairs with the most people are named; with many tests there are hundreds."""


class NotApart(Forewarning):
    kind: ClassVar[Kind] = "tests cannot be told apart"
    meaning: ClassVar[str] = "More than 3 tests run at once, or two share at least half of the people of one."

    def look(self, ahead: Ahead) -> Iterator[Warned]:
        tested = tested_rules(ahead)
        if len(tested) > MOST_TESTS:
            yield self._too_many(tested, ahead)
        answered = [rule for rule in tested if not is_hopeless(rule, ahead)]
        found = [warned for pair in combinations(answered, 2) for warned in self._shared(*pair, ahead)]
        found.sort(key=lambda warned: -(warned.count or 0))
        yield from found[:MOST_PAIRS]
        if len(found) > MOST_PAIRS:
            yield self._more(len(found) - MOST_PAIRS, found[MOST_PAIRS].count)

    def _too_many(self, tested: list[Rule], ahead: Ahead) -> Warned:
        a_day = len(ahead.sample.people) * scale_of(ahead) / ahead.days
        return Warned(
            kind=self.kind,
            where=", ".join(rule.name for rule in tested),
            what=f"{len(tested)} tests run at once, for {a_day:,.0f} people a day",
            why="visitors are in several of them, and each takes people and gains from the others",
            right=f"run one to {MOST_TESTS} at a time, or the whole programme half and half",
            count=len(tested),
        )

    def _more(self, pairs: int, most: int | None) -> Warned:
        are = "pair of tests shares" if pairs == 1 else "pairs of tests share"
        return Warned(
            kind=self.kind,
            where="team.yaml",
            what=f"{pairs:,} more {are} people, about {most:,} and fewer",
            why="what one does to them moves the number of the other",
            right=f"run one to {MOST_TESTS} at a time",
            count=pairs,
        )

    def _shared(self, one: Rule, other: Rule, ahead: Ahead) -> Iterator[Warned]:
        people_of = ahead.sample.people_of
        ours, theirs = people_of.get(one.name, set()), people_of.get(other.name, set())
        both, fewer = len(ours & theirs), min(len(ours), len(theirs))
        if not fewer or both < SHARED * fewer:
            return
        people = round(both * scale_of(ahead))
        yield Warned(
            kind=self.kind,
            where=ahead.lines.rule(other.name),
            what=f"about {people:,} people are in the tests of both “{one.name}” and “{other.name}”",
            why="what one does to them moves the number of the other",
            right="run one after the other",
            count=people,
        )
