"""A rule matches and is seen by nobody: always behind another, or without what its content needs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import ClassVar

from opportune.core.forewarnings.base import Ahead, Forewarning, Kind, Warned
from opportune.core.traffic.sample import Sample

FEWEST_MATCHES = 5


class NeverWins(Forewarning):
    kind: ClassVar[Kind] = "never wins"
    meaning: ClassVar[str] = "A rule matched in at least 5 visits looked at and was seen in none."

    def look(self, ahead: Ahead) -> Iterator[Warned]:
        sample = ahead.sample
        for name in ahead.playbook.rules if sample.is_telling else ():
            if sample.matched[name] < FEWEST_MATCHES or sample.won[name]:
                continue
            first, visits = _first_before(name, sample), sample.of_all(sample.matched[name])
            behind = f", always behind “{first}”" if first else ", and lacked what its content needs"
            yield Warned(
                kind=self.kind,
                where=ahead.lines.rule(name),
                what=f"“{name}” matches in about {visits:,} visits and is seen in none{behind}",
                why="it costs upkeep and shows nothing",
                right="put it first in the place's `rules`, narrow the other one, or remove it"
                if first
                else "give its text a default, such as {city|your town}, or fill the list it needs",
                count=visits,
            )


def _first_before(rule: str, sample: Sample) -> str:
    """Who is most often in its way."""
    ahead: Counter[str] = Counter()
    for (_, winner, other), count in (*sample.beaten.items(), *sample.hidden.items()):
        if other == rule:
            ahead[winner] += count
    return ahead.most_common(1)[0][0] if ahead else ""
