"""Spoken tests: `is gold or platinum`, `is between €20 and €50`; read by the type of what is tested, and read back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeVar, cast

from opportune.core.conditions.comparing import (
    AGO_TESTS,
    LIST_TESTS,
    MOMENT_TESTS,
    NO_VALUES,
    ORDER_TESTS,
    TEXT_TESTS,
    Test,
    Value,
    is_known,
)
from opportune.core.language.phrases.date import describe_date, parse_date
from opportune.core.language.phrases.duration import describe_duration, parse_duration
from opportune.core.language.phrases.money import describe_money, parse_money
from opportune.core.language.phrases.wording import NUMBER_WORDS, join_words, misread, plain_number, unquote
from opportune.core.language.words import Words
from opportune.errors import SentenceError

if TYPE_CHECKING:
    from lark import Token  # only the grammar loads Lark

T = TypeVar("T")

_SIGNAL_WORDS: dict[str, tuple[str, str]] = {
    "is": ("is", "are"),
    "is not": ("is not", "are not"),
    "contains": ("contains", "contain"),
    "does not contain": ("does not contain", "do not contain"),
    "starts with": ("starts with", "start with"),
    "ends with": ("ends with", "end with"),
}
_FACT_WORDS = {
    "is": "",
    "is not": "not",
    "contains": "containing",
    "does not contain": "not containing",
    "starts with": "starting with",
    "ends with": "ending with",
}
_TESTS_OF: dict[str, frozenset[str]] = {
    "text": LIST_TESTS | {"known", "not known"},
    "list": LIST_TESTS | {"known", "not known"},
    "number": ORDER_TESTS | {"is", "is not", "known", "not known"},
    "money": ORDER_TESTS | {"is", "is not", "known", "not known"},
    "duration": ORDER_TESTS | {"is", "is not", "known", "not known"},
    "yes/no": NO_VALUES,
    "moment": MOMENT_TESTS | AGO_TESTS | {"known", "not known"},
}
_EXAMPLES = {
    "number": ("is at least 2", "is between 2 and 5", "is known"),
    "duration": ("is at least 30 seconds", "is more than 2 minutes"),
    "yes/no": ("is yes", "is no"),
    "moment": ("is before 31 March 2027", "is more than 3 days ago"),
    "text": ('is "summer sale"', 'contains "shoes"', 'is not "other"'),
    "list": ('is "shoes"', 'contains "shoes"'),
}


class Said(NamedTuple):
    """A test as it was said: its name, its values as tokens, and where it stands."""

    test: str
    values: tuple[Token, ...] = ()


def at_of(token: Token) -> int:
    return token.start_pos or 0


def read_inside(token: Token, read: Callable[[str], T]) -> T:
    """Reads a part of a sentence; a complaint is moved to where the part stands."""
    try:
        return read(str(token))
    except SentenceError as error:
        raise misread("", at_of(token) + error.at, str(error), error.suggestions) from None


def read_number(token: Token) -> int | float:
    """A number in figures or words."""
    text = str(token).casefold().replace(",", "").removesuffix("%").strip()
    if text in NUMBER_WORDS:
        return NUMBER_WORDS[text]
    return float(text) if "." in text else int(text)


def read_whole(token: Token, thing: str = "a number of times") -> int:
    """A whole number, 0 or more."""
    number = read_number(token)
    if not isinstance(number, int) or number < 0:
        raise misread("", at_of(token), f"“{token}”: {thing} is a whole number", ("2",))
    if number > 10**9:
        raise misread("", at_of(token), f"“{token}” is more than can be counted", ("500",))
    return number


def read_test(said: Said, kind: str, name: str, at: int, words: Words) -> tuple[Test, tuple[Value, ...]]:
    """A test with its values in the units of what is tested; raises SentenceError where they do not fit."""
    test = said.test
    if test in ("yes", "no") and kind in ("text", "list"):
        return "is", (test,)
    if test == "exactly":
        test = "is"
    if kind and test not in _TESTS_OF[kind]:
        where = at_of(said.values[0]) if said.values else at
        raise misread(
            "",
            where,
            f"“{name}” is {_kind_words(kind)}, which cannot be compared like this",
            _examples(kind, words),
        )
    values = tuple(_read_value(token, test, kind, name, words) for token in said.values)
    if test == "between" and _is_turned(values):
        raise misread("", at_of(said.values[0]), "the smaller one comes first behind “between”")
    return cast("Test", test), values


def _is_turned(values: Sequence[Value]) -> bool:
    return all(isinstance(value, int | float) for value in values) and values[0] > values[1]  # type: ignore[operator]


def _read_value(token: Token, test: str, kind: str, name: str, words: Words) -> Value:
    if test in MOMENT_TESTS:
        return read_inside(token, lambda text: parse_date(text, words.vocabulary.zone))
    if test in AGO_TESTS:
        return read_inside(token, parse_duration)
    if kind in ("text", "list") or test in TEXT_TESTS:
        return read_text(token)
    if kind == "money" and token.type in ("MONEY", "NUMBER"):
        return read_inside(token, lambda text: parse_money(text, words.currency))
    if kind == "duration" and token.type == "DURATION":
        return read_inside(token, parse_duration)
    if kind == "number" and token.type in ("NUMBER", "PERCENT"):
        return read_number(token)
    if not kind and token.type == "NUMBER":
        return read_number(token)
    if not kind and test in LIST_TESTS:
        return read_text(token)
    raise misread(
        "", at_of(token), f"“{token}” does not fit: “{name}” is {_kind_words(kind)}", _examples(kind, words)
    )


def read_text(token: Token) -> str:
    """A text value, quoted or not."""
    text = unquote(str(token)) if token.type == "QUOTED" else " ".join(str(token).split())
    if not text:
        raise misread("", at_of(token), "an empty text compares with nothing", ("is not known",))
    return text


def _examples(kind: str, words: Words) -> tuple[str, ...]:
    if kind == "money":
        return tuple(
            f"is {test} {describe_money(5_000, words.currency)}" for test in ("at least", "more than")
        )
    return _EXAMPLES.get(kind, ("is 5", 'is "gold"'))


def _kind_words(kind: str) -> str:
    return {
        "text": "a text", "list": "a list of texts", "number": "a number", "money": "an amount of money",
        "duration": "a length of time", "moment": "a moment", "yes/no": "yes or no",
    }.get(kind, "a text or a number")  # fmt: skip


def describe_test(
    test: str,
    values: Sequence[Value],
    kind: str,
    words: Words,
    *,
    is_fact: bool = False,
    is_many: bool = False,
) -> str:
    """`is gold or platinum` behind a signal, `gold or platinum` behind a fact of an event."""
    verb = "" if is_fact else "are " if is_many else "is "
    if test in LIST_TESTS:
        said = _FACT_WORDS[test] if is_fact else _SIGNAL_WORDS[test][1 if is_many else 0]
        listed = join_words([_describe_value(value, kind, words) for value in values])
        return f"{said} {listed}" if said else listed
    if test in NO_VALUES:
        return f"{verb}{test}"
    if test == "between":
        low, high = (_describe_value(value, kind, words) for value in values)
        return f"{verb}between {low} and {high}"
    if test in MOMENT_TESTS:
        return f"{verb}{test} {describe_date(int(values[0]), words.vocabulary.zone)}"
    if test in AGO_TESTS:
        return f"{verb}{test.removesuffix('ago')}{describe_duration(int(values[0]))} ago"
    return f"{verb}{test} {_describe_value(values[0], kind, words)}"


def _describe_value(value: Value, kind: str, words: Words) -> str:
    if isinstance(value, str):
        return words.says_text(value)
    if kind == "money":
        return describe_money(int(value), words.currency)
    return describe_duration(int(value)) if kind == "duration" else plain_number(value)


def describe_known(value: object, kind: str, words: Words) -> str:
    """A signal's value as it is told in an explanation."""
    if not is_known(value):
        return "not known"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return join_words([str(item) for item in value[:5]], "and") + (" ..." if len(value) > 5 else "")
    if isinstance(value, str):
        return value
    if kind == "moment" and isinstance(value, int):
        return describe_date(value // 60_000 * 60_000, words.vocabulary.zone)
    return _describe_value(value, kind, words) if isinstance(value, int | float) else str(value)


def type_problem(test: str, values: Sequence[Value], kind: str, words: Words) -> str:
    """Empty unless a structured test does not fit the type of what it tests."""
    if kind and test not in _TESTS_OF[kind]:
        return f"{_kind_words(kind)} cannot be tested with “{test}”; say {join_words(_examples(kind, words))}"
    wants_text = kind in ("text", "list") or test in TEXT_TESTS
    wants_whole = kind in ("money", "duration", "moment") or test in MOMENT_TESTS | AGO_TESTS
    for value in values:
        if wants_text and not isinstance(value, str):
            return f"{value} is compared with a text; write it in quotes"
        if kind and not wants_text and isinstance(value, str):
            return f"“{value}” is compared with {_kind_words(kind)}; say {join_words(_examples(kind, words))}"
        if wants_whole and not isinstance(value, int):
            return f"{value} is not a whole number of the smallest unit"
        if (kind == "duration" or test in AGO_TESTS) and isinstance(value, int) and value < 0:
            return "a length of time is never below nothing"
    return ""
