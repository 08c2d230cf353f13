"""Sums: `spent at least €200 in 90 days`, `added to cart with a total quantity of at least 5 today`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from opportune.core.conditions.base import Check, Needs, Readers
from opportune.core.conditions.comparing import Comparator, compile_comparator, nearness
from opportune.core.conditions.happening import (
    Happening,
    Narrowing,
    describe_window,
    explain_events,
    fact_problem,
    joined,
    window_problems,
)
from opportune.core.conditions.window import EVER, Window
from opportune.core.finding import Finding
from opportune.core.history.timeline import TimelineEvent
from opportune.core.language.phrases.wording import misread
from opportune.core.language.spoken import Said, at_of, describe_known, describe_test, read_test
from opportune.core.language.words import Words, words_of

if TYPE_CHECKING:
    from lark import Token  # only the grammar loads Lark

    from opportune.core.language.vocabulary import Vocabulary
    from opportune.core.situation import Situation

SPENT = ("Order Completed", "value")
"""What "spent" adds up."""


class Total(Happening, frozen=True, kw_only=True, omit_defaults=True, tag="total"):
    """A number or an amount of money, added up over the events inside a window (money in minor units)."""

    of: str = "value"
    comparator: Comparator = "at least"
    amount: int | float
    window: Window = EVER

    meaning = "Adds up an amount of money or a number inside a window. `spent` adds up the values of orders."
    grammar = """
        total_predicate: "spent|has spent|have spent" [comparator] amount [window] -> total_spent
            | "spent|has spent|have spent" amount "or more|or above|or over" [window] -> total_spent_or_more
            | happening "with a total" fact "of" [comparator] amount [window] -> total
    """
    examples = (
        "a visitor spent at least €200 in 90 days",
        "a visitor spent fewer than €50 today",
        "a visitor added to cart with a total quantity of more than 5 in 7 days",
    )
    synonyms = (
        "has spent more than 200 euros in the last 90 days",
        "spent €200 or more in 90 days",
    )

    @classmethod
    def readers(cls) -> Readers:
        return {
            "total_spent": _read_spent,
            "total_spent_or_more": lambda words, amount, window: _read_spent(words, None, amount, window),
            "total": _read,
        }

    def compile(self, vocabulary: Vocabulary) -> Check:
        find, leave = self.find(vocabulary, self.window)
        holds, fact = compile_comparator(self.comparator, self.amount), self.of
        comparator, amount = self.comparator, self.amount

        def check(situation: Situation) -> Finding:
            events = find(situation)
            total: float = 0
            totals: list[float] = [0]
            for event in events:
                value = event.facts.get(fact)
                if isinstance(value, int | float):
                    total += value
                totals.append(total)
            held = holds(total)
            until = _next_change(events, totals, held, holds, lambda at: leave(situation, at))
            near = 1.0 if held else nearness(comparator, total, amount)
            return Finding(held, (total, events[0].occurred_at if events else None), near, until)

        return check

    def clause(self, words: Words) -> str:
        test = "less than" if self.comparator == "fewer than" else self.comparator
        kind = words.fact_type(self.event, self.of)
        said = describe_test(test, (self.amount,), kind, words, is_fact=True)
        amount = said.removeprefix(f"{test} ")
        if (self.event, self.of) == SPENT and not self.where and not self.on_page:
            did = f"spent {self.comparator} {amount}"
        else:
            did = (
                f"{self.words_for(words, words.says(self.event))} with a total {words.says_fact(self.of)} of"
            )
            did = f"{did} {self.comparator} {amount}"
        return joined(did, describe_window(self.window, words, is_short=True))

    def explain(self, finding: Finding, vocabulary: Vocabulary, now: int) -> str:
        total, at = finding.facts
        words = words_of(vocabulary)
        said = describe_known(total, words.fact_type(self.event, self.of), words)
        return explain_events(self.event, at, vocabulary, now, f"{said} in total")

    def needs(self, vocabulary: Vocabulary) -> Needs:  # noqa: ARG002 - the window says it all
        return self.needs_of(self.window)

    def problems(self, vocabulary: Vocabulary) -> list[str]:
        words = words_of(vocabulary)
        found = super().problems(vocabulary)
        if problem := fact_problem(self.event, self.of, words):
            found.append(problem)
        if words.fact_type(self.event, self.of) not in ("number", "money"):
            found.append(f'"{self.of}" is not a number, so it has no total; declare its type in plan.yaml')
        if words.fact_type(self.event, self.of) == "money" and not isinstance(self.amount, int):
            found.append(f"{self.amount} is not a whole number of the smallest unit of money")
        return found + window_problems(self.event, self.window, vocabulary)


def _next_change(
    events: Sequence[TimelineEvent],
    totals: Sequence[float],
    held: bool,
    holds: Callable[[float], bool],
    leaves: Callable[[int], int | None],
) -> int | None:
    """The first moment at which events that left turn the comparison over; `totals[n]` is that of the newest n.

    A total may also rise when a negative amount leaves, so every one of them is looked at.
    """
    for left in range(len(events) - 1, -1, -1):
        if holds(totals[left]) is held:
            continue
        moment = leaves(events[left].occurred_at)
        if moment is None:
            return None
        if not left or leaves(events[left - 1].occurred_at) != moment:
            return moment
    return None


def _read(  # noqa: PLR0917 - one place for each part of the production
    words: Words,
    happening: Narrowing,
    fact: str,
    comparator: Comparator | None,
    amount: Token,
    window: Window | None,
) -> Total:
    kind = words.fact_type(happening.event, fact)
    if kind not in ("number", "money"):
        raise misread(
            "", at_of(amount), f"“{fact}” is not a number, so it has no total", ("value", "quantity")
        )
    _, values = read_test(Said("at least", (amount,)), kind, fact, at_of(amount), words)
    value = values[0]
    return Total(
        **happening._asdict(),
        of=fact,
        comparator=comparator or "at least",
        amount=value if not isinstance(value, str) else 0,
        window=window or EVER,
    )


def _read_spent(words: Words, comparator: Comparator | None, amount: Token, window: Window | None) -> Total:
    return _read(words, Narrowing(SPENT[0], (), ""), SPENT[1], comparator, amount, window)
