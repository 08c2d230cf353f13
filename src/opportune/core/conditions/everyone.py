"""Everyone: for a place that is to change for all, or a test among all visitors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opportune.core.conditions.base import Check, Condition, Needs, Readers
from opportune.core.conditions.not_ import Not
from opportune.core.finding import Finding
from opportune.core.language.words import Words

if TYPE_CHECKING:
    from opportune.core.language.vocabulary import Vocabulary

HELD = Finding(held=True, near=1.0)


class Everyone(Condition, frozen=True, tag="everyone"):
    """Always holds."""

    meaning = "Every visitor, whatever is known of them."
    grammar = """
        everyone_statement: "everyone|everybody|all visitors|every visitor|all customers|every customer|
            all people|always" -> everyone
            | "nobody|no one|never anyone" -> nobody
    """
    examples = ("everyone", "nobody")
    synonyms = (
        "everybody",
        "all visitors",
    )

    @classmethod
    def readers(cls) -> Readers:
        return {"everyone": lambda _: Everyone(), "nobody": lambda _: Not(condition=Everyone())}

    def compile(self, vocabulary: Vocabulary) -> Check:  # noqa: ARG002 - the same in every vocabulary
        return lambda _: HELD

    def clause(self, words: Words) -> str:  # noqa: ARG002 - the same in every vocabulary
        return "everyone"

    def clause_not(self, words: Words) -> str | None:  # noqa: ARG002 - the same in every vocabulary
        return "nobody"

    def is_said_of_visitor(self, words: Words) -> bool:  # noqa: ARG002 - the same in every vocabulary
        return False

    def explain(self, finding: Finding, vocabulary: Vocabulary, now: int) -> str:  # noqa: ARG002 - nothing to tell
        return ""

    def needs(self, vocabulary: Vocabulary) -> Needs:  # noqa: ARG002 - it depends on nothing
        return Needs()
