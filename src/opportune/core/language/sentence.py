"""Sentences: a condition in a marketer's words, read and read back; `parse_condition(describe(c)) == c`.

The small phrases beside conditions (durations, dates, limits, tests ...) are read by `core/phrases` and offered
here too, so that whoever reads a playbook has one door.
"""

from __future__ import annotations

from typing import cast

from lark import Token
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from opportune.core.conditions.base import Condition
from opportune.core.conditions.reach import reach_problems
from opportune.core.language.grammar import Grammar, assemble
from opportune.core.language.offers import stopped
from opportune.core.language.phrases.date import describe_date, describe_last_day, parse_date, parse_last_day
from opportune.core.language.phrases.duration import describe_duration, parse_duration
from opportune.core.language.phrases.hide import describe_hide, parse_hide
from opportune.core.language.phrases.limits import describe_limits, parse_limits
from opportune.core.language.phrases.money import describe_money, parse_money
from opportune.core.language.phrases.share import describe_share, parse_share
from opportune.core.language.phrases.test import describe_test, parse_test
from opportune.core.language.phrases.wording import misread
from opportune.core.language.vocabulary import Vocabulary
from opportune.core.language.words import Words, words_of
from opportune.errors import SentenceError

LONGEST_SENTENCE = 5_000
_MOST_KNOWN = 4
_GRAMMARS: dict[int, tuple[Words, Grammar]] = {}
"""By identity of the words, which are kept beside the grammar so that the identity stays theirs."""


def parse_condition(text: str, vocabulary: Vocabulary) -> Condition:
    """The condition a sentence states; raises SentenceError with the place and the nearest phrases."""
    words = words_of(vocabulary)
    grammar = _grammar_of(words)
    if len(text) > LONGEST_SENTENCE:
        raise misread(text, LONGEST_SENTENCE, f"a sentence has at most {LONGEST_SENTENCE} characters")
    said = text.rstrip()
    said = said.removesuffix(".") if said.endswith(".") else said
    try:
        return cast("Condition", grammar.parser.parse(said))
    except UnexpectedInput as error:
        at, expected = _place_of(error, said)
        raise stopped(text, at, expected, grammar.phrases, words) from None
    except SentenceError as error:
        raise SentenceError(text=text, at=error.at, wrong=str(error), suggestions=error.suggestions) from None
    except (RecursionError, ValueError) as error:
        raise SentenceError(text=text, at=0, wrong=f"this cannot be meant: {error}") from None


def describe(condition: Condition, vocabulary: Vocabulary) -> str:
    """The canonical sentence of a condition."""
    return condition.describe(vocabulary)


def _grammar_of(words: Words) -> Grammar:
    known = _GRAMMARS.get(id(words))
    if known is None:
        while len(_GRAMMARS) >= _MOST_KNOWN:
            _GRAMMARS.pop(next(iter(_GRAMMARS)))
        known = _GRAMMARS[id(words)] = (words, assemble(words))
    return known[1]


def _place_of(error: UnexpectedInput, said: str) -> tuple[int, list[str]]:
    if isinstance(error, UnexpectedToken):
        is_end = error.token.type == "$END"
        start = len(said) if is_end else cast("Token", error.token).start_pos
        return start or 0, sorted(error.accepts or error.expected)
    if isinstance(error, UnexpectedCharacters):
        return error.pos_in_stream or 0, sorted(error.allowed or ())
    return len(said), []


__all__ = [
    "describe",
    "describe_date",
    "describe_duration",
    "describe_hide",
    "describe_last_day",
    "describe_limits",
    "describe_money",
    "describe_share",
    "describe_test",
    "parse_condition",
    "parse_date",
    "parse_duration",
    "parse_hide",
    "parse_last_day",
    "parse_limits",
    "parse_money",
    "parse_share",
    "parse_test",
    "reach_problems",
]
