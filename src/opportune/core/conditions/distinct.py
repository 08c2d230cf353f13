"""How many different things: `viewed at least 3 different products in 7 days`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from opportune.core.conditions.base import Check, Needs, Readers
from opportune.core.conditions.comparing import Comparator, nearness, range_of
from opportune.core.conditions.count import Count, Times
from opportune.core.conditions.happening import (
    Filters,
    Happening,
    Narrowing,
    describe_window,
    explain_events,
    fact_problem,
    items_of,
    joined,
    number_problems,
    reached,
    read_filters,
    window_problems,
)
from opportune.core.conditions.window import EVER, Window
from opportune.core.finding import Finding
from opportune.core.language.phrases.wording import misread, plural, squeezed
from opportune.core.language.spoken import Said, at_of
from opportune.core.language.words import Words, words_of

if TYPE_CHECKING:
    from lark import Token  # only the grammar loads Lark

    from opportune.core.language.vocabulary import Vocabulary
    from opportune.core.situation import Situation


class Distinct(Happening, frozen=True, kw_only=True, omit_defaults=True, tag="distinct"):
    """Different values of one fact among the events inside a window."""

    of: str
    comparator: Comparator = "at least"
    number: int = 2
    window: Window = EVER

    meaning = "Counts different values of one fact inside a window; each product of an order is one."
    grammar = """
        distinct_predicate: happening how_many "different|distinct" facts filters [window] -> distinct
            | happening how_many "different|distinct" THINGS_IN values filters [window] -> distinct_in
            | happening how_many THINGS filters [window] -> counted
            | happening how_many THINGS_IN values filters [window] -> counted_in
    """
    examples = (
        "a visitor viewed at least 3 different products in 7 days",
        "a visitor bought more than 2 different categories in 90 days",
        "a visitor viewed with category shoes at least 2 different products in this visit",
    )
    synonyms = (
        "viewed at least 3 products in 7 days",
        "viewed 3 or more products in shoes this visit",
    )

    @classmethod
    def readers(cls) -> Readers:
        return {
            "distinct": _read,
            "distinct_in": _read_in,
            "counted": _read_counted,
            "counted_in": _read_counted_in,
        }

    def __post_init__(self) -> None:
        if self.number < 0:
            msg = "`number` is 0 or more"
            raise ValueError(msg)

    def compile(self, vocabulary: Vocabulary) -> Check:
        find, leave = self.find(vocabulary, self.window)
        wanted, fact = range_of(self.comparator, self.number), self.of
        comparator, aim = self.comparator, self.number

        def check(situation: Situation) -> Finding:
            newest: dict[str | float, int] = {}
            for event in find(situation):
                value = event.facts.get(fact)
                if type(value) is str and value:  # the usual fact, without the call
                    if value not in newest:
                        newest[value] = event.occurred_at
                else:
                    for item in items_of(value):
                        newest.setdefault(item, event.occurred_at)
            number = len(newest)
            moments = list(newest.values())
            held = wanted.low <= number <= wanted.high
            until = wanted.next_change(number, lambda size: leave(situation, moments[size - 1]))
            near = 1.0 if held else nearness(comparator, number, aim)
            return Finding(held, (number, moments[0] if moments else None), near, until)

        return check

    def clause(self, words: Words) -> str:
        return joined(
            self.words_for(words, words.says(self.event)),
            f"{self.comparator} {self.number} different {words.says_facts(self.of)}",
            describe_window(self.window, words, is_short=True),
        )

    def explain(self, finding: Finding, vocabulary: Vocabulary, now: int) -> str:
        number, at = finding.facts
        many = reached(number, self.comparator, self.number)
        said = f"{many} different {words_of(vocabulary).says_facts(self.of)}"
        return explain_events(self.event, at, vocabulary, now, said)

    def needs(self, vocabulary: Vocabulary) -> Needs:  # noqa: ARG002 - the window says it all
        return self.needs_of(self.window)

    def problems(self, vocabulary: Vocabulary) -> list[str]:
        found = super().problems(vocabulary)
        if problem := fact_problem(self.event, self.of, words_of(vocabulary)):
            found.append(problem)
        found += window_problems(self.event, self.window, vocabulary)
        return found + number_problems(self.event, self.number, vocabulary)


def _read(  # noqa: PLR0917 - one place for each part of the production
    words: Words,
    happening: Narrowing,
    times: Times,
    fact: str,
    filters: Filters,
    window: Window | None,
) -> Distinct:
    narrowed = _narrowed(words, happening, filters)
    return Distinct(
        **narrowed._asdict(), of=fact, comparator=times.comparator, number=times.number, window=window or EVER
    )


def _read_in(  # noqa: PLR0917 - one place for each part of the production
    words: Words,
    happening: Narrowing,
    times: Times,
    noun: Token,
    values: Sequence[Token],
    filters: Filters,
    window: Window | None,
) -> Distinct:
    fact = words.counted.get(_noun(noun), "")
    if not fact:
        raise misread("", at_of(noun), f"“{_noun(noun)}” is no fact of an event", ("products", "categories"))
    return _read(words, happening, times, fact, _in_category(values, filters), window)


def _read_counted(  # noqa: PLR0917 - one place for each part of the production
    words: Words,
    happening: Narrowing,
    times: Times,
    noun: Token,
    filters: Filters,
    window: Window | None,
) -> Distinct | Count:
    """`viewed 3 products` are different ones; `searched 3 searches` is 3 times, as that is what searching makes."""
    said = _noun(noun)
    fact = words.counted.get(said, "")
    if fact and words.carries(happening.event, fact):
        return _read(words, happening, times, fact, filters, window)
    if (
        words.thing_of(happening.event) in (said, said.removesuffix("s"))
        or plural(words.thing_of(happening.event)) == said
    ):
        narrowed = _narrowed(words, happening, filters)
        return Count(
            **narrowed._asdict(), comparator=times.comparator, times=times.number, window=window or EVER
        )
    did = words.says(happening.event)
    raise misread("", at_of(noun), f"“{did}” is nothing of which {said} could be counted", ("times",))


def _read_counted_in(  # noqa: PLR0917 - one place for each part of the production
    words: Words,
    happening: Narrowing,
    times: Times,
    noun: Token,
    values: Sequence[Token],
    filters: Filters,
    window: Window | None,
) -> Distinct | Count:
    return _read_counted(words, happening, times, noun, _in_category(values, filters), window)


def _noun(noun: Token) -> str:
    return squeezed(noun).removesuffix(" in")


def _in_category(values: Sequence[Token], filters: Filters) -> Filters:
    return [("category", Said("is", tuple(values))), *filters]


def _narrowed(words: Words, happening: Narrowing, filters: Filters) -> Narrowing:
    more = read_filters(words, happening.event, filters)
    return happening._replace(where=(*happening.where, *more))
