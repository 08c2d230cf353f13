"""How long ago somebody last did something: `last bought more than 30 days ago`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from opportune.core.conditions.base import NOTHING_FOUND, Check, Needs, Readers
from opportune.core.conditions.comparing import Comparator
from opportune.core.conditions.happening import Happening, Narrowing, explain_events
from opportune.core.conditions.reach import horizon_ms
from opportune.core.finding import Finding
from opportune.core.language.phrases.duration import describe_duration, parse_duration
from opportune.core.language.phrases.wording import misread
from opportune.core.language.spoken import at_of, read_inside
from opportune.core.language.words import Words
from opportune.core.moment import DAY

if TYPE_CHECKING:
    from lark import Token  # only the grammar loads Lark

    from opportune.core.language.vocabulary import Vocabulary
    from opportune.core.situation import Situation

Ago = Literal["more than", "at least", "less than", "at most"]


class Recency(Happening, frozen=True, kw_only=True, omit_defaults=True, tag="recency"):
    """Time since the newest such event. Somebody who never did it is neither recent nor long ago."""

    comparator: Ago
    ms: int

    meaning = "How long ago they last did it. It never holds for somebody who never did it."
    grammar = """
        recency_predicate: "last" happening comparator DURATION "ago" -> recency
            | "last" happening _IN DURATION -> recency_within
        recency_statement: "last purchase was|last order was|the last purchase was|the last order was
                |their last purchase was|their last order was" comparator DURATION "ago" -> recency_order
    """
    examples = (
        "a visitor last bought more than 30 days ago",
        "a visitor last viewed with category shoes at most 2 hours ago",
    )
    synonyms = (
        "last bought in the last 30 days",
        "the last order was over 60 days ago",
    )

    @classmethod
    def readers(cls) -> Readers:
        return {"recency": _read, "recency_within": _read_within, "recency_order": _read_order}

    def __post_init__(self) -> None:
        if self.ms <= 0:
            msg = "`ms` is more than 0"
            raise ValueError(msg)

    def compile(self, vocabulary: Vocabulary) -> Check:
        find, leave = self.find(vocabulary)
        is_long = self.comparator in ("more than", "at least")
        turns = self.ms + (1 if self.comparator in ("more than", "at most") else 0)
        span = self.ms

        def check(situation: Situation) -> Finding:
            found = find(situation)
            if not found:
                return NOTHING_FOUND
            at = found[0].occurred_at
            turn = at + turns
            has_turned = situation.now >= turn
            held = has_turned == is_long
            until = leave(situation, at) if has_turned else turn
            if has_turned and not is_long:
                until = None
            near = (
                1.0
                if held
                else min((situation.now - at) / span, 0.99)
                if is_long
                else span / (situation.now - at)
            )
            return Finding(held, (at,), max(near, 0.0), until)

        return check

    def clause(self, words: Words) -> str:
        did = self.words_for(words, words.says(self.event))
        return f"last {did} {self.comparator} {describe_duration(self.ms)} ago"

    def explain(self, finding: Finding, vocabulary: Vocabulary, now: int) -> str:
        return explain_events(self.event, finding.facts[0] if finding.facts else None, vocabulary, now)

    def needs(self, vocabulary: Vocabulary) -> Needs:  # noqa: ARG002 - the span says it all
        needs = self.needs_of()
        return Needs(needs.events, needs.signals, self.ms / DAY, needs.page_types)

    def problems(self, vocabulary: Vocabulary) -> list[str]:
        found = super().problems(vocabulary)
        bound = horizon_ms(self.event, vocabulary.plan)
        if bound is not None and self.ms >= bound:
            longest = describe_duration(bound)
            found.append(f'"{self.event}" is read for {longest} back; say less than {longest}')
        return found


def _read(_: Words, happening: Narrowing, comparator: Comparator, duration: Token) -> Recency:
    if comparator == "exactly":
        raise misread("", at_of(duration), "no moment is exactly so long ago; say “more than” or “at most”")
    ago: Ago = "less than" if comparator == "fewer than" else comparator
    return Recency(**happening._asdict(), comparator=ago, ms=_span(duration))


def _read_order(words: Words, comparator: Comparator, duration: Token) -> Recency:
    return _read(words, Narrowing("Order Completed", (), ""), comparator, duration)


def _read_within(words: Words, happening: Narrowing, duration: Token) -> Recency:
    return _read(words, happening, "at most", duration)


def _span(duration: Token) -> int:
    span = read_inside(duration, parse_duration)
    if not span:
        raise misread("", at_of(duration), "a length of time of nothing", ("30 days",))
    return span
