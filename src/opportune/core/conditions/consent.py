"""What somebody agreed to: `agreed to personalization`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from opportune.core.conditions.base import Check, Condition, Needs, Readers
from opportune.core.conditions.not_ import Not
from opportune.core.finding import Finding
from opportune.core.language.phrases.wording import join_words
from opportune.core.language.words import Words

if TYPE_CHECKING:
    from opportune.core.language.vocabulary import Vocabulary
    from opportune.core.situation import Situation

Purpose = Literal["measure", "personalize", "message", "ads"]
SIGNAL = "consent"
SPOKEN: dict[str, str] = {
    "measure": "being measured",
    "personalize": "personalization",
    "message": "messages",
    "ads": "ads",
}


class Consent(Condition, frozen=True, kw_only=True, tag="consent"):
    """Whether they agreed to a purpose; somebody who was never asked has not."""

    purpose: Purpose

    meaning = "Whether they agreed to a purpose. Somebody who was never asked has not."
    grammar = """
        consent_predicate: "agreed to|consented to|has agreed to|has consented to|opted in to|has opted in to|
            gave consent to" purpose -> consent
            | "has not agreed to|has not consented to|did not agree to|didn't agree to|hasn't agreed to|
                never agreed to|has never agreed to" purpose -> consent_not
        purpose: "being measured|measurement|measuring" -> purpose_measure
            | "personalization|personalisation" -> purpose_personalize
            | "messages|marketing" -> purpose_message
            | "ads|advertising" -> purpose_ads
    """
    examples = (
        "a visitor agreed to personalization",
        "a visitor has not agreed to messages",
        "a visitor agreed to being measured",
        "a visitor agreed to ads",
    )
    synonyms = (
        "opted in to marketing",
        "hasn't agreed to ads",
    )

    @classmethod
    def readers(cls) -> Readers:
        purposes: tuple[Purpose, ...] = ("measure", "personalize", "message", "ads")
        return {
            "consent": lambda _, purpose: Consent(purpose=purpose),
            "consent_not": lambda _, purpose: Not(condition=Consent(purpose=purpose)),
            **{f"purpose_{purpose}": lambda _, purpose=purpose: purpose for purpose in purposes},
        }

    def compile(self, vocabulary: Vocabulary) -> Check:  # noqa: ARG002 - the same in every vocabulary
        purpose = self.purpose

        def check(situation: Situation) -> Finding:
            given = situation.read(SIGNAL).value
            held = isinstance(given, list) and purpose in given
            return Finding(held, (given,), 1.0 if held else 0.0)

        return check

    def clause(self, words: Words) -> str:  # noqa: ARG002 - the same in every vocabulary
        return f"agreed to {SPOKEN[self.purpose]}"

    def clause_not(self, words: Words) -> str | None:  # noqa: ARG002 - the same in every vocabulary
        return f"has not agreed to {SPOKEN[self.purpose]}"

    def explain(self, finding: Finding, vocabulary: Vocabulary, now: int) -> str:  # noqa: ARG002 - told without a time
        given = finding.facts[0]
        if not isinstance(given, list):
            return "consent was never stated"
        return f"agreed to {join_words([SPOKEN.get(each, each) for each in given], 'and') or 'nothing'}"

    def needs(self, vocabulary: Vocabulary) -> Needs:  # noqa: ARG002 - the same in every vocabulary
        return Needs(signals=frozenset({SIGNAL}), window_days=None)
