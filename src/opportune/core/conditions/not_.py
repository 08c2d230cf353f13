"""The opposite: `has not bought in the last 30 days`, `is not on a help page`, `not (...)`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opportune.core import conditions
from opportune.core.conditions.base import Check, Condition, Needs, Readers
from opportune.core.finding import Finding
from opportune.core.language.words import Words

if TYPE_CHECKING:
    from opportune.core.language.vocabulary import Vocabulary
    from opportune.core.situation import Situation


class Not(Condition, frozen=True, kw_only=True, tag="not"):
    """Holds while its condition does not."""

    condition: conditions.AnyCondition

    meaning = "Turns a condition around. Most can be said with “not” inside; `not (...)` works for all."
    grammar = """
        not_group: "not|it is not so that|it is not true that" "(" body ")" -> not_group
        not_body: NOT_COLON body -> not_body
    """
    examples = (
        "a visitor has not bought",
        "a visitor is not on a checkout page",
        "not (the cart value is more than €50)",
        "not (a visitor viewed today or bought today)",
    )
    synonyms = ("not: a visitor bought",)

    @classmethod
    def readers(cls) -> Readers:
        return {"not_group": _read, "not_body": lambda words, _, condition: _read(words, condition)}

    def compile(self, vocabulary: Vocabulary) -> Check:
        return _turned(self.condition.compile(vocabulary))

    def compile_whole(self, vocabulary: Vocabulary) -> Check:
        return _turned(self.condition.compile_whole(vocabulary))

    def clause(self, words: Words) -> str:
        return self.condition.clause_not(words) or f"not ({self.condition.describe(words.vocabulary)})"

    def is_said_of_visitor(self, words: Words) -> bool:
        return self.condition.clause_not(words) is not None and self.condition.is_said_of_visitor(words)

    def explain(self, finding: Finding, vocabulary: Vocabulary, now: int) -> str:
        return self.condition.explain(finding.parts[0], vocabulary, now) if finding.parts else ""

    def needs(self, vocabulary: Vocabulary) -> Needs:
        return self.condition.needs(vocabulary)

    def problems(self, vocabulary: Vocabulary) -> list[str]:
        return self.condition.problems(vocabulary)

    def doubts(self, vocabulary: Vocabulary) -> list[str]:
        return self.condition.doubts(vocabulary)


def _turned(check: Check) -> Check:
    def turned(situation: Situation) -> Finding:
        found = check(situation)
        return Finding(not found.held, (), 0.0 if found.held else 1.0, found.holds_until, (found,))

    return turned


def _read(_: Words, condition: conditions.AnyCondition) -> Not:
    return Not(condition=condition)
