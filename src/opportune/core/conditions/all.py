"""Several conditions at once: `A and B`; a leading kind of visitor becomes the subject: `a returning visitor ...`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from opportune.core import conditions
from opportune.core.conditions.any import Any
from opportune.core.conditions.base import Check, Condition, Needs, Readers
from opportune.core.conditions.group import grouped, join_clauses, needs_of_all, said_of_first
from opportune.core.conditions.visitor import Visitor
from opportune.core.finding import Finding
from opportune.core.language.words import Words, words_of

if TYPE_CHECKING:
    from opportune.core.language.vocabulary import Vocabulary
    from opportune.core.situation import Situation


class All(Condition, frozen=True, kw_only=True, tag="all"):
    """Holds while each of at least two conditions does; asked in their order, up to the first that fails."""

    conditions: tuple[conditions.AnyCondition, ...]

    meaning = "All of these. `and` binds closer than `or`; parentheses (or `both A and B`) say it plainly."
    grammar = """
        all_group: "both" clause _AND clause -> all_group
        ?conjunction: clauses -> all
        clauses: clause (_AND clause)* -> clauses
        of_kind: KIND -> kind_alone
            | KIND clauses (_OR conjunction)* -> kind_subject
    """
    examples = (
        "a visitor bought in the last 30 days and is on a phone",
        "a returning visitor added to cart in the last 7 days and has not bought in the last 7 days",
        "a returning visitor viewed today or searched today",
        "(a visitor viewed today or searched today) and the cart value is more than €50",
    )
    synonyms = (
        "both viewed today and searched today",
        "customers who viewed today but didn't buy today",
    )

    @classmethod
    def readers(cls) -> Readers:
        return {
            "all_group": lambda _, *parts: All(conditions=parts),
            "all": _read,
            "clauses": lambda _, *parts: list(parts),
            "kind_alone": lambda _, kind: Visitor.of_subject(str(kind)),
            "kind_subject": _read_of_kind,
        }

    def __post_init__(self) -> None:
        if len(self.conditions) < 2:
            msg = "`all` needs at least two conditions"
            raise ValueError(msg)

    def compile(self, vocabulary: Vocabulary) -> Check:
        checks = tuple(part.compile(vocabulary) for part in self.conditions)
        unrolled = _UNROLLED.get(len(checks))
        return unrolled(*checks) if unrolled is not None else _compile(checks)

    def compile_whole(self, vocabulary: Vocabulary) -> Check:
        checks = tuple(part.compile_whole(vocabulary) for part in self.conditions)

        def check(situation: Situation) -> Finding:
            parts = tuple(each(situation) for each in checks)
            missing = [part for part in parts if not part.held]
            near = sum(part.near for part in parts) / len(parts)
            return Finding(
                not missing, (), near, missing[0].holds_until if missing else _earliest(parts), parts
            )

        return check

    def clause(self, words: Words) -> str:
        return join_clauses(self.conditions, "and", words)

    def describe(self, vocabulary: Vocabulary) -> str:
        words = words_of(vocabulary)
        kind, rest = self.conditions[0], self.conditions[1:]
        if not isinstance(kind, Visitor) or not kind.is_subject or not said_of_first(rest[0], words):
            return super().describe(vocabulary)
        is_choice = len(rest) == 1 and isinstance(rest[0], Any)
        said = rest[0].clause(words) if is_choice else join_clauses(rest, "and", words)
        return f"a {kind.is_kind} visitor {said}"

    def is_said_of_visitor(self, words: Words) -> bool:
        return not grouped(self.conditions[0]) and self.conditions[0].is_said_of_visitor(words)

    def explain(self, finding: Finding, vocabulary: Vocabulary, now: int) -> str:
        pairs = zip(self.conditions, finding.parts, strict=False)
        return "; ".join(words for part, found in pairs if (words := part.explain(found, vocabulary, now)))

    def needs(self, vocabulary: Vocabulary) -> Needs:
        return needs_of_all(self.conditions, vocabulary)

    def problems(self, vocabulary: Vocabulary) -> list[str]:
        return [problem for part in self.conditions for problem in part.problems(vocabulary)]

    def doubts(self, vocabulary: Vocabulary) -> list[str]:
        return [doubt for part in self.conditions for doubt in part.doubts(vocabulary)]

    def equality(self) -> tuple[str, str] | None:
        found = (part.equality() for part in self.conditions)
        return next((equality for equality in found if equality is not None), None)


Parts = Sequence["conditions.AnyCondition"]


def _compile(checks: Sequence[Check]) -> Check:
    count = len(checks)

    def check(situation: Situation) -> Finding:
        parts: list[Finding] = []
        for each in checks:
            found = each(situation)
            parts.append(found)
            if not found.held:
                return _failed(count, *parts)
        return Finding(True, (), 1.0, _earliest(parts), tuple(parts))

    return check


def _compile_two(first: Check, second: Check) -> Check:
    def check(situation: Situation) -> Finding:
        one = first(situation)
        if not one.held:
            return _failed(2, one)
        two = second(situation)
        if not two.held:
            return _failed(2, one, two)
        until, other = one.holds_until, two.holds_until
        if until is None or (other is not None and other < until):
            until = other
        return Finding(True, (), 1.0, until, (one, two))

    return check


def _compile_three(first: Check, second: Check, third: Check) -> Check:
    def check(situation: Situation) -> Finding:
        one = first(situation)
        if not one.held:
            return _failed(3, one)
        two = second(situation)
        if not two.held:
            return _failed(3, one, two)
        three = third(situation)
        if not three.held:
            return _failed(3, one, two, three)
        parts = (one, two, three)
        is_steady = one.holds_until is two.holds_until is three.holds_until is None
        return Finding(True, (), 1.0, None if is_steady else _earliest(parts), parts)

    return check


_UNROLLED: Mapping[int, Callable[..., Check]] = {2: _compile_two, 3: _compile_three}
"""The usual lengths without a loop, which takes twice as long."""


def _failed(count: int, *parts: Finding) -> Finding:
    """Not held, because the last of the parts checked so far is not."""
    last = parts[-1]
    return Finding(False, (), (len(parts) - 1 + last.near) / count, last.holds_until, parts)


def _earliest(parts: Sequence[Finding]) -> int | None:
    until = None
    for part in parts:
        ends = part.holds_until
        if ends is not None and (until is None or ends < until):
            until = ends
    return until


def _read(_: Words, clauses: Parts) -> conditions.AnyCondition:
    return clauses[0] if len(clauses) == 1 else All(conditions=tuple(clauses))


def _read_of_kind(words: Words, kind: object, clauses: Parts, *others: conditions.AnyCondition) -> All:
    visitor = Visitor.of_subject(str(kind))
    if others:
        return All(conditions=(visitor, Any(conditions=(_read(words, clauses), *others))))
    return All(conditions=(visitor, *clauses))
