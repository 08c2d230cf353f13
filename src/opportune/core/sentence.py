"""Sentences: a condition in a marketer's words, read and read back; `parse_condition(describe(c)) == c`.

The small phrases beside conditions (durations, dates, limits, tests ...) are read by `core/phrases` and offered
here too, so that whoever reads a playbook has one door.
"""

from __future__ import annotations

import re
from typing import cast

from lark import Token
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from opportune.core.conditions.base import Condition
from opportune.core.grammar import Grammar, assemble
from opportune.core.phrases.date import describe_date, describe_last_day, parse_date, parse_last_day
from opportune.core.phrases.duration import describe_duration, parse_duration
from opportune.core.phrases.hide import describe_hide, parse_hide
from opportune.core.phrases.limits import describe_limits, parse_limits
from opportune.core.phrases.money import describe_money, parse_money
from opportune.core.phrases.share import describe_share, parse_share
from opportune.core.phrases.test import describe_test, parse_test
from opportune.core.phrases.wording import misread, nearest, quote
from opportune.core.reach import reach_problems
from opportune.core.vocabulary import Vocabulary
from opportune.core.words import Words, words_of
from opportune.errors import SentenceError

_JOINT = re.compile(r",|\b(?:and|or|but|with|in|today)\b|[()]", re.IGNORECASE)
LONGEST_SENTENCE = 5_000
_ODD = frozenset(
    {"_SUBJECT", "KIND", "_LPAR", "_RPAR", "NOT_COLON", "QUOTED", "BARE", "COMMA", "LIST_OR", "$END"}
)
"""Terminals that are not offered unless nothing else could stand there."""

_MAY_GO_ON = ("SIGNAL", "EVENT_DID", "EVENT_DONE", "IDIOM", "_IN")
EXAMPLES = (
    "a visitor bought in the last 30 days",
    "a returning visitor viewed the same category at least 2 times in 7 days",
    "the device type is mobile",
)
"""Offered where a whole condition could stand and nothing is near."""

_MOST_KNOWN = 4
_GRAMMARS: dict[int, tuple[Words, Grammar]] = {}
"""By identity of the words, which are kept beside the grammar so that the identity stays theirs."""


def parse_condition(text: str, vocabulary: Vocabulary) -> Condition:
    """The condition a sentence states; raises SentenceError with the place and the nearest phrases."""
    grammar = _grammar_of(vocabulary)
    if len(text) > LONGEST_SENTENCE:
        raise misread(text, LONGEST_SENTENCE, f"a sentence has at most {LONGEST_SENTENCE} characters")
    said = text.rstrip()
    said = said.removesuffix(".") if said.endswith(".") else said
    try:
        return cast("Condition", grammar.parser.parse(said))
    except UnexpectedInput as error:
        raise _stopped(text, said, error, grammar) from None
    except SentenceError as error:
        raise SentenceError(text=text, at=error.at, wrong=str(error), suggestions=error.suggestions) from None
    except (RecursionError, ValueError) as error:
        raise SentenceError(text=text, at=0, wrong=f"this cannot be meant: {error}") from None


def describe(condition: Condition, vocabulary: Vocabulary) -> str:
    """The canonical sentence of a condition."""
    return condition.describe(vocabulary)


def _grammar_of(vocabulary: Vocabulary) -> Grammar:
    words = words_of(vocabulary)
    known = _GRAMMARS.get(id(words))
    if known is None:
        while len(_GRAMMARS) >= _MOST_KNOWN:
            _GRAMMARS.pop(next(iter(_GRAMMARS)))
        known = _GRAMMARS[id(words)] = (words, assemble(words))
    return known[1]


def _stopped(text: str, said: str, error: UnexpectedInput, grammar: Grammar) -> SentenceError:
    """Where it stopped understanding, at which words, and what could have stood there."""
    at, expected = _place_of(error, said)
    rest = said[at:].strip()
    usable = [name for name in expected if name not in _ODD] or expected
    choices = [phrase for name in usable for phrase in grammar.phrases.get(name, ())]
    usual = EXAMPLES if "EVENT_DID" in expected else tuple(dict.fromkeys(choices))[:5]
    if not rest:
        return SentenceError(text=text, at=at, wrong="the sentence stops too early", suggestions=usual)
    stopped = f"not understood from “{_shortened(rest)}” on (character {at + 1})"
    near = _meant_longer(said, at, grammar) or nearest(rest, choices)
    if near or "BARE" not in expected:
        return SentenceError(text=text, at=at, wrong=stopped, suggestions=near or usual)
    wrong = f"{stopped}; a text that is more than one plain word stands in quotes"
    return SentenceError(text=text, at=at, wrong=wrong, suggestions=(quote(_JOINT.split(rest)[0].strip()),))


def _meant_longer(said: str, at: int, grammar: Grammar) -> tuple[str, ...]:
    """Longer phrases that begin before the place: `device tpye` stops behind "device" and means "device type"."""
    phrases = [phrase for name in _MAY_GO_ON for phrase in grammar.phrases[name] if " " in phrase]
    before = said[:at].split()
    for words in range(1, min(len(before), 3) + 1):
        begun = " ".join(before[-words:])
        longer = [phrase for phrase in phrases if phrase.startswith(f"{begun.casefold()} ")]
        near = nearest(f"{begun} {said[at:]}", longer, likeness_at_least=0.8)
        if near:
            return near
    return ()


def _place_of(error: UnexpectedInput, said: str) -> tuple[int, list[str]]:
    if isinstance(error, UnexpectedToken):
        is_end = error.token.type == "$END"
        start = len(said) if is_end else cast("Token", error.token).start_pos
        return start or 0, sorted(error.accepts or error.expected)
    if isinstance(error, UnexpectedCharacters):
        return error.pos_in_stream or 0, sorted(error.allowed or ())
    return len(said), []


def _shortened(words: str) -> str:
    listed = words.split()
    return " ".join(listed[:6]) + (" ..." if len(listed) > 6 else "")


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
