"""What the visitor agreed to: measure, personalize, message, ads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opportune.core.history.plan import Plan
from opportune.core.signals.base import NOTHING, Reading, Signal

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
        purposes = situation.context.purposes
        if purposes is not None:
            agreed = [purpose for purpose in PURPOSES if purpose in purposes]
            return Reading(agreed, "session", "high", situation.now)
        events = situation.timeline.named(self.updated)
        if not events:
            return NOTHING
        answers: dict[str, bool] = {}
        for event in events:
            for purpose in PURPOSES:
                answer = event.facts.get(purpose)
                if isinstance(answer, bool):
                    answers.setdefault(purpose, answer)
        return Reading(
            [purpose for purpose in PURPOSES if answers.get(purpose)], "event", "high", events[0].occurred_at
        )


CONSENT = (Consent(),)
