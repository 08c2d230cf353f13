"""Comparing: a number against a comparator, a value against a test; shared by every condition that does either."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import msgspec

from opportune.core.history.values import to_moment
from opportune.core.language.phrases.wording import plain_number

Comparator = Literal["at least", "at most", "exactly", "more than", "fewer than"]
Test = Literal[
    "is", "is not", "contains", "does not contain", "starts with", "ends with",
    "at least", "at most", "more than", "less than", "between", "before", "after",
    "at least ago", "at most ago", "more than ago", "less than ago", "yes", "no", "known", "not known",
]  # fmt: skip
Value = str | int | float
Holds = Callable[[object, int], bool]
"""Whether a value passes, at a moment (ms)."""

NO_VALUES = frozenset({"yes", "no", "known", "not known"})
LIST_TESTS = frozenset({"is", "is not", "contains", "does not contain", "starts with", "ends with"})
TEXT_TESTS = LIST_TESTS - {"is", "is not"}
ORDER_TESTS = frozenset({"at least", "at most", "more than", "less than", "between"})
MOMENT_TESTS = frozenset({"before", "after"})
AGO_TESTS = frozenset({"at least ago", "at most ago", "more than ago", "less than ago"})
_UNBOUND = 2**62


class Range(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Which whole numbers satisfy a comparator: `low <= n <= high`."""

    low: int
    high: int

    def next_change(self, number: int, falls_below: Callable[[int], int | None]) -> int | None:
        """When `n`, which can only fall without a new event, starts or stops to satisfy.

        `falls_below(k)` is the moment it becomes smaller than `k`, for 1 <= k <= n; None: never.
        """
        low, high = self.low, self.high
        if number < low:
            return None
        if number <= high:
            return falls_below(low) if low > 0 else None
        if high < 0:
            return None
        begins = falls_below(high + 1)
        if begins is None or low <= 0:
            return begins
        ends = falls_below(low)
        return None if ends is not None and ends <= begins else begins


def range_of(comparator: Comparator, number: int) -> Range:
    """The whole numbers a comparator allows."""
    match comparator:
        case "at least":
            return Range(number, _UNBOUND)
        case "at most":
            return Range(-_UNBOUND, number)
        case "exactly":
            return Range(number, number)
        case "more than":
            return Range(number + 1, _UNBOUND)
        case "fewer than":
            return Range(-_UNBOUND, number - 1)


def nearness(comparator: Comparator, number: float, wanted: float) -> float:
    """How much of the way there is behind: 1 of 2 is 0.5; too much is as near as what is wanted is of it."""
    if number <= 0 or wanted <= 0:
        return 0.0
    goal = wanted + 1 if comparator == "more than" else wanted
    return min(number / goal, goal / number, 0.99)


def compile_comparator(comparator: Comparator, wanted: float) -> Callable[[float], bool]:
    """A comparator over any numbers."""
    match comparator:
        case "at least":
            return lambda number: number >= wanted
        case "at most":
            return lambda number: number <= wanted
        case "exactly":
            return lambda number: number == wanted
        case "more than":
            return lambda number: number > wanted
        case "fewer than":
            return lambda number: number < wanted


def check_values(test: str, values: Sequence[object]) -> None:
    """Raises ValueError unless a test has as many values as it needs."""
    wanted = 0 if test in NO_VALUES else 2 if test == "between" else 1
    if len(values) != wanted and not (test in LIST_TESTS and values):
        msg = (
            f"the test `{test}` needs {'at least one value' if test in LIST_TESTS else f'{wanted} value(s)'}"
        )
        raise ValueError(msg)
    is_text = test in TEXT_TESTS
    if is_text and not all(isinstance(value, str) and value for value in values):
        msg = f"the test `{test}` needs texts"
        raise ValueError(msg)
    if test not in LIST_TESTS and any(isinstance(value, str) for value in values):
        msg = f"the test `{test}` needs a number"
        raise ValueError(msg)


def compile_test(test: Test, values: Sequence[Value]) -> Holds:
    """A closure over what can be worked out once. Upper and lower case are the same; of a list any item may pass."""
    match test:
        case "is":
            return _among(values)
        case "is not":
            return _not(_among(values))
        case "contains":
            return _any_text(values, str.__contains__)
        case "does not contain":
            return _not(_any_text(values, str.__contains__))
        case "starts with":
            return _any_text(values, str.startswith)
        case "ends with":
            return _any_text(values, str.endswith)
        case "yes" | "no":
            wanted = test
            return lambda value, _: value is not None and as_text(value) == wanted
        case "known":
            return lambda value, _: is_known(value)
        case "not known":
            return lambda value, _: not is_known(value)
        case _:
            return _compile_order(test, [value for value in values if not isinstance(value, str)])


def _compile_order(test: str, numbers: Sequence[float]) -> Holds:
    first, last = numbers[0], numbers[-1]
    match test:
        case "at least":
            return _number_test(lambda number, _: number >= first)
        case "at most":
            return _number_test(lambda number, _: number <= first)
        case "more than":
            return _number_test(lambda number, _: number > first)
        case "less than":
            return _number_test(lambda number, _: number < first)
        case "between":
            return _number_test(lambda number, _: first <= number <= last)
        case "before":
            return _moment_test(lambda at, _: at < first)
        case "after":
            return _moment_test(lambda at, _: at >= first)
        case "at least ago":
            return _moment_test(lambda at, now: now - at >= first)
        case "at most ago":
            return _moment_test(lambda at, now: now - at <= first)
        case "more than ago":
            return _moment_test(lambda at, now: now - at > first)
        case _:
            return _moment_test(lambda at, now: now - at < first)


def ago_change(test: str, span_ms: float, at: object, now: int) -> int | None:
    """When a comparison of "so long ago" turns over without anything new; None: never."""
    moment = _moment(at)
    if moment is None:
        return None
    turns = moment + int(span_ms) + (1 if test in ("more than ago", "at most ago") else 0)
    return turns if turns > now else None


def is_known(value: object) -> bool:
    """Whether a signal has an answer at all."""
    return value is not None and value not in ("", [])


def _not(holds: Holds) -> Holds:
    return lambda value, now: not holds(value, now)


def _among(values: Sequence[Value]) -> Holds:
    texts = frozenset(as_text(value) for value in values)
    exact = frozenset(value for value in values if isinstance(value, str)) | texts

    def holds(value: object, _: int) -> bool:
        if isinstance(value, str):
            return value in exact or value.casefold() in texts
        if value is None:
            return False
        if isinstance(value, list):
            return any(as_text(item) in texts for item in value)
        return as_text(value) in texts

    return holds


def _any_text(values: Sequence[Value], passes: Callable[[str, str], bool]) -> Holds:
    wanted = tuple(as_text(value) for value in values)

    def holds(value: object, _: int) -> bool:
        items = value if isinstance(value, list) else [value]
        texts = [as_text(item) for item in items if item is not None]
        return any(passes(text, part) for text in texts for part in wanted)

    return holds


def _number_test(passes: Callable[[float, int], bool]) -> Holds:
    def holds(value: object, now: int) -> bool:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return passes(value, now)
        number = _number(value)
        return number is not None and passes(number, now)

    return holds


def _moment_test(passes: Callable[[float, int], bool]) -> Holds:
    def holds(value: object, now: int) -> bool:
        at = _moment(value)
        return at is not None and passes(at, now)

    return holds


def as_text(value: object) -> str:
    """A value as it is compared with words: yes and no, figures without needless zeros, lower case."""
    if isinstance(value, str):
        return value.casefold()
    if isinstance(value, bool):
        return "yes" if value else "no"
    return plain_number(value) if isinstance(value, int | float) else str(value).casefold()


def _number(value: object) -> float | None:
    if not isinstance(value, str):
        return None
    try:
        return float(value)
    except ValueError:
        return None


def _moment(value: object) -> int | None:
    return value if type(value) is int else to_moment(value)
