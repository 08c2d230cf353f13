"""How many different things: `viewed at least 3 different products in 7 days`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lark import Token

from opportune.core.comparing import Comparator, nearness, range_of
from opportune.core.conditions.base import Check, Needs, Readers
from opportune.core.conditions.happening import (
    Happening,
    Narrowing,
    describe_window,
    explain_events,
    fact_problem,
    items_of,
    joined,
    number_problems,
    window_problems,
)
from opportune.core.finding import Finding
from opportune.core.spoken import read_whole
from opportune.core.window import EVER, Window
from opportune.core.words import Words, words_of

if TYPE_CHECKING:
    from opportune.core.situation import Situation
    from opportune.core.vocabulary import Vocabulary


class Distinct(Happening, frozen=True, kw_only=True, omit_defaults=True, tag="distinct"):
    """Different values of one fact among the events inside a window."""

    of: str
    comparator: Comparator = "at least"
    number: int = 2
    window: Window = EVER

    meaning = "Counts different values of one fact inside a window; each product of an order is one."
    grammar = """
        distinct_predicate: happening [comparator] NUMBER "different|distinct" facts [window] -> distinct
    """
    examples = (
        "a visitor viewed at least 3 different products in 7 days",
        "a visitor bought more than 2 different categories in 90 days",
        "a visitor viewed with category shoes at least 2 different products in this visit",
    )

    @classmethod
    def readers(cls) -> Readers:
        return {"distinct": _read}

    def __post_init__(self) -> None:
        if self.number < 0:
            msg = "`number` is 0 or more"
            raise ValueError(msg)

    def compile(self, vocabulary: Vocabulary) -> Check:
        find, leave = self.find(vocabulary, self.window)
        wanted, fact = range_of(self.comparator, self.number), self.of
        comparator, aim = self.comparator, self.number

        def check(situation: Situation) -> Finding:
            newest: dict[str | float, int] = {}
            for event in find(situation):
                for item in items_of(event.facts.get(fact)):
                    if item not in newest:
                        newest[item] = event.occurred_at
            number = len(newest)
            moments = list(newest.values())
            held = wanted.low <= number <= wanted.high
            until = wanted.next_change(number, lambda size: leave(situation, moments[size - 1]))
            near = 1.0 if held else nearness(comparator, number, aim)
            return Finding(held, (number, moments[0] if moments else None), near, until)

        return check

    def clause(self, words: Words) -> str:
        return joined(
            self.words_for(words, words.says(self.event)),
            f"{self.comparator} {self.number} different {words.says_facts(self.of)}",
            describe_window(self.window, words, is_short=True),
        )

    def explain(self, finding: Finding, vocabulary: Vocabulary, now: int) -> str:
        number, at = finding.facts
        said = f"{number} different {words_of(vocabulary).says_facts(self.of)}"
        return explain_events(self.event, at, vocabulary, now, said)

    def needs(self, vocabulary: Vocabulary) -> Needs:  # noqa: ARG002 - the window says it all
        return self.needs_of(self.window)

    def problems(self, vocabulary: Vocabulary) -> list[str]:
        found = super().problems(vocabulary)
        if problem := fact_problem(self.event, self.of, words_of(vocabulary)):
            found.append(problem)
        found += window_problems(self.event, self.window, vocabulary)
        return found + number_problems(self.event, self.number, vocabulary)


def _read(
    _: Words,
    happening: Narrowing,
    comparator: Comparator | None,
    number: Token,
    fact: str,
    window: Window | None,
) -> Distinct:
    return Distinct(
        **happening._asdict(),
        of=fact,
        comparator=comparator or "at least",
        number=read_whole(number, "a number of different things"),
        window=window or EVER,
    )
