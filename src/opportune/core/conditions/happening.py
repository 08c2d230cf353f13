"""What conditions about events share: which event, with which facts, inside which window."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

import msgspec

from opportune.core.conditions.base import Condition, Needs
from opportune.core.conditions.comparing import (
    AGO_TESTS,
    Comparator,
    Holds,
    Test,
    Value,
    check_values,
    compile_test,
    range_of,
)
from opportune.core.conditions.reach import CLASS_BOUNDS, class_of, horizon_ms, is_readable
from opportune.core.conditions.window import EVER, Events, Leave, Window, compile_window
from opportune.core.finding import Plain
from opportune.core.history.timeline import FactValue
from opportune.core.language.phrases.duration import describe_duration
from opportune.core.language.spoken import Said, at_of, describe_test, read_test, type_problem
from opportune.core.language.words import Words, words_of
from opportune.core.moment import DAY, to_clock

if TYPE_CHECKING:
    from opportune.core.language.vocabulary import Vocabulary
    from opportune.core.situation import Situation

OnPage = Literal["", "product", "category"]
Found = Callable[["Situation"], Events]
Narrow = Callable[[Events, int], Events]
PAGE_SIGNALS: Mapping[str, str] = {"product": "page product", "category": "page category"}


class FactTest(msgspec.Struct, frozen=True, omit_defaults=True):
    """One fact of an event, compared: `category is shoes`."""

    fact: str
    test: Test = "is"
    values: tuple[Value, ...] = ()

    def __post_init__(self) -> None:
        check_values(self.test, self.values)


class Happening(Condition, frozen=True, kw_only=True, omit_defaults=True):
    """Events of one name, narrowed by facts. `on_page` asks for the very product or category of the page now."""

    event: str
    where: tuple[FactTest, ...] = ()
    on_page: OnPage = ""

    def find(self, vocabulary: Vocabulary, window: Window = EVER) -> tuple[Found, Leave]:
        """Two closures: the matching events inside a window, newest first, and when one leaves it."""
        plan = vocabulary.plan
        names = plan.names_of(self.event)
        since = plan.names_of(window.event) if window.event else ()
        select, leave = compile_window(window, since, vocabulary.zone, horizon_ms(self.event, plan))
        return _filtered(names, select, self._tests(), self.on_page), leave

    def _tests(self) -> list[Narrow]:
        return [_compile_test(each.fact, each.test, each.values) for each in self.where]

    def words_for(self, words: Words, did: str) -> str:
        """`viewed the product on the page with category shoes`; `did` is the event's phrase."""
        parts = [did]
        if self.on_page:
            parts.append(f"the {self.on_page} on the page")
        for index, each in enumerate(self.where):
            kind = words.fact_type(self.event, each.fact)
            test = describe_test(each.test, each.values, kind, words, is_fact=True)
            parts.append(f"{'and with' if index else 'with'} {words.says_fact(each.fact)} {test}")
        return " ".join(parts)

    def needs_of(self, window: Window = EVER) -> Needs:
        events = {self.event, window.event} - {""}
        signals = {PAGE_SIGNALS[self.on_page]} if self.on_page else set()
        days = {"last": window.ms / DAY, "today": 1.0, "visit": 1.0}.get(window.span)
        return Needs(frozenset(events), frozenset(signals), days, frozenset("*" if signals else ()))

    def problems(self, vocabulary: Vocabulary) -> list[str]:
        words = words_of(vocabulary)
        found = [
            problem
            for each in self.where
            if (
                problem := type_problem(each.test, each.values, words.fact_type(self.event, each.fact), words)
            )
        ]
        found += [fact_problem(self.event, each.fact, words) for each in self.where]
        found.append(fact_problem(self.event, self.on_page, words) if self.on_page else "")
        if not is_readable(self.event, vocabulary.plan):
            found.append(
                f'"{self.event}" is telemetry, which decisions never read; use what the page itself says'
            )
        return [problem for problem in found if problem]


def _filtered(
    names: tuple[str, ...],
    select: Callable[[Situation, Events], Events],
    tests: Sequence[Narrow],
    on_page: OnPage,
) -> Found:
    if not tests and not on_page:
        return lambda situation: select(situation, situation.timeline.named(names))
    signal = PAGE_SIGNALS.get(on_page, "")

    def find(situation: Situation) -> Events:
        found = select(situation, situation.timeline.named(names))
        if found and on_page:
            wanted = situation.read(signal).value
            found = [event for event in found if is_item(wanted, event.facts.get(on_page))]
        for test in tests:
            if not found:
                break
            found = test(found, situation.now)
        return found

    return find


def _compile_test(fact: str, test: Test, values: tuple[Value, ...]) -> Narrow:
    """What leaves only the events whose fact passes."""
    holds = compile_test(test, values)

    def narrow(events: Events, now: int) -> Events:
        return [event for event in events if holds(event.facts.get(fact), now)]

    if test in AGO_TESTS:
        return narrow
    judged = _Judged(holds)

    def narrow_at_once(events: Events, now: int) -> Events:
        try:
            return [event for event in events if judged[event.facts.get(fact)]]
        except TypeError:  # one has several texts
            return narrow(events, now)

    return narrow_at_once


class _Judged(dict[FactValue, bool]):
    """Whether a fact passes a test that time does not matter to; texts are judged once, as there are only so many."""

    def __init__(self, holds: Holds) -> None:
        super().__init__()
        self.holds = holds

    def __missing__(self, fact: FactValue) -> bool:
        passes = self.holds(fact, 0)
        if type(fact) is str and len(self) < _MOST_JUDGED:
            self[fact] = passes
        return passes


_MOST_JUDGED = 10_000


def is_item(wanted: object, fact: FactValue) -> bool:
    """Whether a fact is that value, or has it among its items."""
    if wanted is None or wanted == "":
        return False
    return wanted in fact if isinstance(fact, list) else fact == wanted


def items_of(fact: FactValue) -> Sequence[str | float]:
    """A fact's items, each once; nothing when it is not known."""
    if fact is None or fact == "":
        return ()
    return tuple(dict.fromkeys(fact)) if isinstance(fact, list) else (fact,)


def fact_problem(event: str, fact: str, words: Words) -> str:
    """Empty unless the plan knows the event and it carries no such fact."""
    return (
        ""
        if words.has_fact(event, fact)
        else f'"{event}" carries no "{fact}"; declare it in plan.yaml or name another'
    )


def window_problems(event: str, window: Window, vocabulary: Vocabulary) -> list[str]:
    """What of a window lies beyond what is read of the event's class."""
    plan = vocabulary.plan
    found = []
    if window.event and not is_readable(window.event, plan):
        found.append(f'"{window.event}" is telemetry, which decisions never read; name another event')
    bound = horizon_ms(event, plan)
    if bound is None or not is_readable(event, plan):
        return found
    longest = describe_duration(bound)
    if window.span == "last" and window.ms > bound:
        found.append(
            f'"{event}" is read for {longest} back, not {describe_duration(window.ms)}; '
            f'say "in the last {longest}" or less'
        )
    if window.span == "ever":
        found.append(
            f'"{event}" is read for {longest} back, not for ever; say "in the last {longest}" or less'
        )
    return found


def number_problems(event: str, number: int, vocabulary: Vocabulary) -> list[str]:
    """What of a number of times lies beyond what is read of the event's class."""
    most = CLASS_BOUNDS.get(class_of(event, vocabulary.plan), (0, None))[0]
    if number <= most or not is_readable(event, vocabulary.plan):
        return []
    return [f'of "{event}" the newest {most} are read, so {number} cannot be counted; say {most} or less']


def describe_window(window: Window, words: Words, *, is_short: bool) -> str:
    """`in 7 days` behind a number of times, else `in the last 7 days`; empty for ever."""
    match window.span:
        case "last":
            return f"in {'' if is_short else 'the last '}{describe_duration(window.ms)}"
        case "visit":
            return "in this visit"
        case "today":
            return "today"
        case "since":
            return f"since they last {words.says(window.event)}"
        case _:
            return ""


def joined(*parts: str) -> str:
    """The parts that are not empty, with single spaces."""
    return " ".join(part for part in parts if part)


def times_words(number: Plain) -> str:
    """`once`, `2 times`."""
    return "once" if number == 1 else f"{number} times"


def reached(number: Plain, comparator: Comparator, wanted: int) -> str:
    """`2`, or `1 of 2` where that is too few: somebody who reads it sees how near it came."""
    low = range_of(comparator, wanted).low
    return f"{number} of {low}" if isinstance(number, int) and number < low else f"{number}"


def reached_times(number: Plain, comparator: Comparator, wanted: int) -> str:
    """`once`, `2 times`, `1 of 2 times`."""
    said = reached(number, comparator, wanted)
    return times_words(number) if said == str(number) else f"{said} times"


def explain_events(event: str, at: Plain, vocabulary: Vocabulary, now: int, *more: str) -> str:
    """`Product Viewed, shoes, 2 times, last 14:02`; `no Product Viewed` when there was none."""
    if not isinstance(at, int):
        return f"no {event}"
    return ", ".join([event, *more, f"last {to_clock(at, now, vocabulary.zone)}"])


Filters = Sequence[tuple[str, Said]]
"""Facts and their tests as they were said, before the event gives them their types."""


def read_filters(words: Words, event: str, where: Filters) -> tuple[FactTest, ...]:
    """The tests in the units of the event's facts; raises SentenceError where they do not fit."""
    tests = []
    for fact, said in where:
        at = at_of(said.values[0]) if said.values else 0
        test, values = read_test(said, words.fact_type(event, fact), fact, at, words)
        tests.append(FactTest(fact, test, values))
    return tuple(tests)


class Narrowing(NamedTuple):
    """A happening as the grammar reads it, before it is known which condition it belongs to."""

    event: str
    where: tuple[FactTest, ...]
    on_page: OnPage
