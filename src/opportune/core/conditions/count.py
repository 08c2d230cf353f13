"""How often somebody did something: `viewed the same category at least 2 times in 7 days`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from opportune.core.conditions.base import Check, Needs, Readers
from opportune.core.conditions.comparing import Comparator, Range, nearness, range_of
from opportune.core.conditions.happening import (
    Found,
    Happening,
    Narrowing,
    describe_window,
    explain_events,
    fact_problem,
    items_of,
    joined,
    number_problems,
    reached_times,
    times_words,
    window_problems,
)
from opportune.core.conditions.not_ import Not
from opportune.core.conditions.window import EVER, Leave, Window
from opportune.core.finding import Finding
from opportune.core.language.words import Words, words_of

if TYPE_CHECKING:
    from opportune.core.language.vocabulary import Vocabulary
    from opportune.core.situation import Situation


class Times(NamedTuple):
    """A number of times as the grammar reads it."""

    comparator: Comparator
    number: int


class Count(Happening, frozen=True, kw_only=True, omit_defaults=True, tag="count"):
    """Events inside a window, counted; with `same`, those that share that fact's value: the best such group counts."""

    same: str = ""
    comparator: Comparator = "at least"
    times: int = 1
    window: Window = EVER

    meaning = (
        "Counts what somebody did inside a window. With `the same ...`, counts for each value apart and takes the "
        "value with the most (of equals the newest); an order with several products counts for each of them."
    )
    grammar = """
        count_predicate: happening [same] [times] [window] -> count
            | "has not|have not|hasn't|haven't|never|has never|
                have never" undone [same] [times] [window] -> count_not
            | "did not|didn't|does not|doesn't" undo [same] [times] [window] -> count_not
            | _THE_PRODUCT_ON_PAGE "was|has been" done [times] [window] -> count_on_page
    """
    examples = (
        "a visitor viewed the same category at least 2 times in 7 days",
        "a visitor bought in the last 30 days",
        "a visitor bought exactly 2 times in 90 days",
        "a visitor has not bought in the last 30 days",
        "a visitor bought the product on the page",
        "a visitor viewed with category shoes or boots more than 3 times in this visit",
        "a visitor viewed with category containing shoe and with value at least €50 today",
        "a visitor viewed fewer than 3 times since they last bought",
        'a visitor did "Quiz Finished" in the last 7 days',
    )
    synonyms = (
        "viewed category shoes twice this visit",
        "viewed products in shoes 3 or more times in the past week",
        "never bought",
        "hasn't bought in the last month",
        "didn't buy today",
        "bought for more than €100 today",
        "searched for boots",
    )

    @classmethod
    def readers(cls) -> Readers:
        return {"count": _read, "count_not": _read_not, "count_on_page": _read_on_page}

    def __post_init__(self) -> None:
        if self.times < 0:
            msg = "`times` is 0 or more"
            raise ValueError(msg)

    def compile(self, vocabulary: Vocabulary) -> Check:
        find, leave = self.find(vocabulary, self.window)
        wanted = range_of(self.comparator, self.times)
        if self.same:
            return self._compile_same(find, leave, wanted)
        return _compile_plain(find, leave, wanted, self._near())

    def _near(self) -> Callable[[int], float]:
        comparator, times = self.comparator, self.times
        return lambda number: nearness(comparator, number, times)

    def _compile_same(self, find: Found, leave: Leave, wanted: Range) -> Check:
        same, near = self.same, self._near()
        low, high = wanted.low, wanted.high

        def check(situation: Situation) -> Finding:
            groups: dict[str | float, list[int]] = {}
            for event in find(situation):
                fact = event.facts.get(same)
                if type(fact) is str and fact:
                    if fact in groups:
                        groups[fact].append(event.occurred_at)
                    else:
                        groups[fact] = [event.occurred_at]
                else:
                    for item in items_of(fact):
                        groups.setdefault(item, []).append(event.occurred_at)
            if not groups:
                return Finding(low <= 0 <= high, (0, None, None), 1.0 if low <= 0 <= high else 0.0)
            best = max(groups, key=lambda item: len(groups[item]))
            moments = groups[best]
            number = len(moments)
            held = low <= number <= high
            falls = _falls_of_groups(groups, situation, leave)
            until = wanted.next_change(number, falls)
            return Finding(held, (number, moments[0], best), 1.0 if held else near(number), until)

        return check

    def clause(self, words: Words) -> str:
        return self._phrase(words, self.words_for(words, words.says(self.event)))

    def clause_not(self, words: Words) -> str | None:
        return f"has not {self._phrase(words, self.words_for(words, words.says_done(self.event)))}"

    def _phrase(self, words: Words, said: str) -> str:
        is_plain = self.comparator == "at least" and self.times == 1
        return joined(
            said,
            f"the same {words.says_fact(self.same)}" if self.same else "",
            "" if is_plain else f"{self.comparator} {times_words(self.times)}",
            describe_window(self.window, words, is_short=not is_plain),
        )

    def explain(self, finding: Finding, vocabulary: Vocabulary, now: int) -> str:
        number, at, *best = finding.facts
        more = [str(item) for item in best if item is not None]
        times = reached_times(number, self.comparator, self.times)
        return explain_events(self.event, at, vocabulary, now, *more, times)

    def needs(self, vocabulary: Vocabulary) -> Needs:  # noqa: ARG002 - the window says it all
        return self.needs_of(self.window)

    def problems(self, vocabulary: Vocabulary) -> list[str]:
        found = super().problems(vocabulary)
        if self.same and (problem := fact_problem(self.event, self.same, words_of(vocabulary))):
            found.append(problem)
        found += window_problems(self.event, self.window, vocabulary)
        return found + number_problems(self.event, self.times, vocabulary)


def _compile_plain(find: Found, leave: Leave, wanted: Range, near: Callable[[int], float]) -> Check:
    low, high = wanted.low, wanted.high

    def check(situation: Situation) -> Finding:
        found = find(situation)
        number = len(found)
        held = low <= number <= high
        if not number:
            return Finding(held, (0, None), 1.0 if held else 0.0)
        at = found[0].occurred_at
        if held and low > 0:
            until = leave(situation, found[low - 1].occurred_at)
        elif number > high:
            until = wanted.next_change(
                number, lambda smaller: leave(situation, found[smaller - 1].occurred_at)
            )
        else:
            until = None
        return Finding(held, (number, at), 1.0 if held else near(number), until)

    return check


def _falls_of_groups(
    groups: dict[str | float, list[int]], situation: Situation, leave: Leave
) -> Callable[[int], int | None]:
    """When the best group falls below a size: when the last group of that size does."""

    def falls_below(size: int) -> int | None:
        newest = max(moments[size - 1] for moments in groups.values() if len(moments) >= size)
        return leave(situation, newest)

    return falls_below


def _read(
    _: Words, happening: Narrowing, same: str | None, times: Times | None, window: Window | None
) -> Count:
    comparator, number = times if times is not None else Times("at least", 1)
    return Count(
        **happening._asdict(), same=same or "", comparator=comparator, times=number, window=window or EVER
    )


def _read_not(
    words: Words, happening: Narrowing, same: str | None, times: Times | None, window: Window | None
) -> Not:
    return Not(condition=_read(words, happening, same, times, window))


def _read_on_page(words: Words, event: str, times: Times | None, window: Window | None) -> Count:
    return _read(words, Narrowing(event, (), "product"), None, times, window)
