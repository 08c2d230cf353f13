"""One condition of several: `A or B`, `either A or B`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opportune.core import conditions
from opportune.core.conditions.base import Check, Condition, Needs, Readers
from opportune.core.conditions.group import grouped, join_clauses, needs_of_all
from opportune.core.finding import Finding
from opportune.core.language.words import Words

if TYPE_CHECKING:
    from opportune.core.language.vocabulary import Vocabulary
    from opportune.core.situation import Situation


class Any(Condition, frozen=True, kw_only=True, tag="any"):
    """Holds while one of at least two conditions does; checked in their order, stopping at the first that holds."""

    conditions: tuple[conditions.AnyCondition, ...]

    meaning = "One of these is enough. `either A or B` groups two; parentheses group any number."
    grammar = """
        any_group: "either" clause _OR clause -> any
        ?disjunction: conjunction
            | conjunction (_OR conjunction)+ -> any
    """
    examples = (
        "a visitor viewed today or searched today",
        "a visitor is on a help or returns page, or has an open ticket, or asked for a refund in the last 7 days",
        "(a visitor viewed today and searched today) or the visitor is on a phone",
    )
    synonyms = ("either viewed today or searched today",)

    @classmethod
    def readers(cls) -> Readers:
        return {"any": lambda _, *parts: Any(conditions=parts)}

    def __post_init__(self) -> None:
        if len(self.conditions) < 2:
            msg = "`any` needs at least two conditions"
            raise ValueError(msg)

    def compile(self, vocabulary: Vocabulary) -> Check:
        checks = tuple(part.compile(vocabulary) for part in self.conditions)

        def check(situation: Situation) -> Finding:
            parts: list[Finding] = []
            for each in checks:
                found = each(situation)
                parts.append(found)
                if found.held:
                    return Finding(True, (), 1.0, found.holds_until, tuple(parts))
            return _none_held(tuple(parts))

        return check

    def compile_whole(self, vocabulary: Vocabulary) -> Check:
        checks = tuple(part.compile_whole(vocabulary) for part in self.conditions)

        def check(situation: Situation) -> Finding:
            parts = tuple(each(situation) for each in checks)
            first = next((part for part in parts if part.held), None)
            return _none_held(parts) if first is None else Finding(True, (), 1.0, first.holds_until, parts)

        return check

    def clause(self, words: Words) -> str:
        return join_clauses(self.conditions, "or", words)

    def is_said_of_visitor(self, words: Words) -> bool:
        return not grouped(self.conditions[0]) and self.conditions[0].is_said_of_visitor(words)

    def explain(self, finding: Finding, vocabulary: Vocabulary, now: int) -> str:
        pairs = list(zip(self.conditions, finding.parts, strict=False))
        shown = [pair for pair in pairs if pair[1].held] if finding.held else pairs
        return "; ".join(words for part, found in shown if (words := part.explain(found, vocabulary, now)))

    def needs(self, vocabulary: Vocabulary) -> Needs:
        return needs_of_all(self.conditions, vocabulary)

    def problems(self, vocabulary: Vocabulary) -> list[str]:
        return [problem for part in self.conditions for problem in part.problems(vocabulary)]

    def doubts(self, vocabulary: Vocabulary) -> list[str]:
        return [doubt for part in self.conditions for doubt in part.doubts(vocabulary)]


def _none_held(parts: tuple[Finding, ...]) -> Finding:
    until = min((part.holds_until for part in parts if part.holds_until is not None), default=None)
    return Finding(False, (), max(part.near for part in parts), until, parts)
