"""Kinds of visitors: new, returning, returning after a purchase."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from opportune.core.conditions.base import Check, Condition, Needs, Readers
from opportune.core.conditions.not_ import Not
from opportune.core.finding import Finding
from opportune.core.language.words import Words
from opportune.core.moment import to_clock
from opportune.core.signals.base import visit_start

if TYPE_CHECKING:
    from opportune.core.language.vocabulary import Vocabulary
    from opportune.core.situation import Situation

Kind = Literal["new", "returning", "returning after a purchase"]
BOUGHT = "Order Completed"
RETURNING_SIGNAL = "returning"


class Visitor(Condition, frozen=True, kw_only=True, tag="visitor"):
    """Whether this visit is the first one; `returning after a purchase` asks for an order before this visit."""

    is_kind: Kind

    meaning = (
        "New: this is the first visit we know of. Returning: there was one before. Returning after a purchase: they "
        "bought before this visit began. At the start of a sentence it becomes the subject: `a returning visitor ...`."
    )
    grammar = """
        visitor_predicate: "is returning after a purchase|is back after a purchase" -> visitor_buyer
            | "is not returning after a purchase" -> visitor_not_buyer
            | "is returning|are returning|is a returning visitor|is a returning customer|is back|
                returned" -> visitor_returning
            | "is not returning|isn't returning" -> visitor_not_returning
            | "is new|are new|is a new visitor|is a new customer|is a first-time visitor|
                is here for the first time" -> visitor_new
            | "is not new|isn't new" -> visitor_not_new
    """
    examples = (
        "a visitor is returning",
        "a visitor is new",
        "a visitor is returning after a purchase",
        "a new visitor viewed at least 2 times today",
    )
    synonyms = (
        "is back",
        "is a new customer",
        "first-time visitors",
    )

    @classmethod
    def readers(cls) -> Readers:
        return {
            "visitor_buyer": lambda _: Visitor(is_kind="returning after a purchase"),
            "visitor_not_buyer": lambda _: Not(condition=Visitor(is_kind="returning after a purchase")),
            "visitor_returning": lambda _: Visitor(is_kind="returning"),
            "visitor_not_returning": lambda _: Not(condition=Visitor(is_kind="returning")),
            "visitor_new": lambda _: Visitor(is_kind="new"),
            "visitor_not_new": lambda _: Not(condition=Visitor(is_kind="new")),
        }

    @classmethod
    def of_subject(cls, subject: str) -> Visitor:
        """The kind a subject such as `a returning customer` names."""
        return cls(is_kind="returning" if re.search("returning", subject, re.IGNORECASE) else "new")

    @property
    def is_subject(self) -> bool:
        """Whether it can stand before "visitor"."""
        return self.is_kind != "returning after a purchase"

    def compile(self, vocabulary: Vocabulary) -> Check:
        if self.is_kind == "returning after a purchase":
            return _compile_buyer(vocabulary.plan.names_of(BOUGHT))
        wanted = self.is_kind == "returning"
        yes, no = Finding(held=True, near=1.0), Finding(held=False)

        def check(situation: Situation) -> Finding:
            return yes if bool(situation.read(RETURNING_SIGNAL).value) is wanted else no

        return check

    def clause(self, words: Words) -> str:  # noqa: ARG002 - the same in every vocabulary
        return f"is {self.is_kind}"

    def clause_not(self, words: Words) -> str | None:  # noqa: ARG002 - the same in every vocabulary
        return f"is not {self.is_kind}"

    def explain(self, finding: Finding, vocabulary: Vocabulary, now: int) -> str:
        if self.is_kind != "returning after a purchase":
            if finding.held:
                return ""
            return "first visit" if self.is_kind == "returning" else "was here before"
        at = finding.facts[0] if finding.facts else None
        return f"bought {to_clock(at, now, vocabulary.zone)}" if isinstance(at, int) else "never bought"

    def needs(self, vocabulary: Vocabulary) -> Needs:  # noqa: ARG002 - the same in every vocabulary
        if self.is_kind == "returning after a purchase":
            return Needs(events=frozenset({BOUGHT}), window_days=None)
        return Needs(signals=frozenset({RETURNING_SIGNAL}), window_days=None)


def _compile_buyer(names: tuple[str, ...]) -> Check:
    def check(situation: Situation) -> Finding:
        events = situation.timeline.named(names)
        if not events:
            return Finding(held=False)
        start = visit_start(situation)
        before = next((event for event in events if event.occurred_at < start), None)
        newest = before if before is not None else events[0]
        return Finding(before is not None, (newest.occurred_at,), 0.5 if before is None else 1.0)

    return check
