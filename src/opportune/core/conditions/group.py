"""How conditions inside `all` and `any` are told: commas where a list would be misread, parentheses around groups."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import TYPE_CHECKING

from opportune.core.conditions.base import Condition, Needs
from opportune.core.language.words import Words

if TYPE_CHECKING:
    from opportune.core.language.vocabulary import Vocabulary


def grouped(condition: Condition) -> bool:
    """Whether a condition stands in parentheses inside a longer sentence."""
    return hasattr(condition, "conditions")


def said_of_first(condition: Condition, words: Words) -> bool:
    """Whether what comes first can follow a subject, looking into a group."""
    if grouped(condition):
        return said_of_first(condition.conditions[0], words)  # type: ignore[attr-defined]  # grouped() just looked
    return condition.is_said_of_visitor(words)


def join_clauses(parts: Sequence[Condition], joint: str, words: Words) -> str:
    """`A and B`; with a comma before `or` where a part has an "or" of its own."""
    clauses = [_inside(part, words) for part in parts]
    for index in range(1, len(parts)):
        if _needs_subject(parts[index - 1], parts[index], words):
            clauses[index] = f"the visitor {clauses[index]}"
    comma = "," if any(f" {joint} " in clause for clause in clauses) else ""
    return f"{comma} {joint} ".join(clauses)


def _needs_subject(before: Condition, part: Condition, words: Words) -> bool:
    """Whether a clause about the visitor follows one about something else."""
    if grouped(part) or not part.is_said_of_visitor(words):
        return False
    return grouped(before) or not before.is_said_of_visitor(words)


def _inside(part: Condition, words: Words) -> str:
    return f"({part.describe(words.vocabulary)})" if grouped(part) else part.clause(words)


def needs_of_all(parts: Sequence[Condition], vocabulary: Vocabulary) -> Needs:
    return reduce(Needs.union, (part.needs(vocabulary) for part in parts))
