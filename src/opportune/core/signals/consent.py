"""What the visitor agreed to: measure, personalize, message, ads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opportune.core.history.plan import Plan
from opportune.core.signals.base import NOTHING, Reading, Signal
from opportune.core.visitor.consent import answer_of

if TYPE_CHECKING:
    from opportune.core.situation import Situation

PURPOSES = ("measure", "personalize", "message", "ads")


class Consent(Signal):
    """The request's word outranks what is on record; a purpose a change did not name keeps its older answer."""

    name = "consent"
    values = PURPOSES
    type = "list"
    source = "session"
    confidence = "high"
    meaning = "The purposes they agreed to: measure, personalize, message, ads; not known when they were never asked."

    def __init__(self, plan: Plan | None = None) -> None:
        super().__init__(plan)
        self.updated = self.named("Consent Updated")

    def read(self, situation: Situation) -> Reading:
        answers = {purpose: answer_of(situation, purpose, self.updated) for purpose in PURPOSES}
        if all(answer is None for answer in answers.values()):
            return NOTHING
        agreed = [purpose for purpose, answer in answers.items() if answer]
        if situation.context.purposes is not None:
            return Reading(agreed, "session", "high", situation.now)
        event, trait = situation.timeline.last(self.updated), situation.traits.get(self.name)
        if event is not None and (trait is None or trait.at <= event.occurred_at):
            return Reading(agreed, "event", "high", event.occurred_at)
        return Reading(agreed, "profile", "high", trait.at if trait is not None else None)


CONSENT = (Consent(),)
