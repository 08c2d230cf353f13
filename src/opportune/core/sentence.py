"""Sentences: a condition in a marketer's words, read and read back; `parse_condition(describe(c)) == c`."""

from __future__ import annotations

from opportune.core.conditions.base import Condition
from opportune.core.vocabulary import Vocabulary


def parse_condition(text: str, vocabulary: Vocabulary) -> Condition:
    """The condition a sentence states; raises SentenceError with the place and the nearest phrases."""
    raise NotImplementedError


def describe(condition: Condition, vocabulary: Vocabulary) -> str:
    """The canonical sentence of a condition."""
    raise NotImplementedError


def reach_problems(condition: Condition, vocabulary: Vocabulary) -> list[str]:
    """What a condition asks of the past that no decision reads, each with what would be right."""
    raise NotImplementedError
