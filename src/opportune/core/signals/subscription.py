"""Whether the visitor gets the newsletter."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opportune.core.history.plan import Plan
from opportune.core.signals.base import NOTHING, Reading, Signal, read_trait

if TYPE_CHECKING:
    from opportune.core.situation import Situation

TRAITS = (
    "subscribed",
    "newsletter",
    "is_subscribed",
    "isSubscribed",
    "email_subscribed",
    "accepts_marketing",
)
YES = frozenset({"yes", "true", "subscribed", "on", "1"})
NO = frozenset({"no", "false", "unsubscribed", "off", "0"})


class Subscribed(Signal):
    name = "subscribed"
    type = "yes/no"
    source = "event"
    confidence = "high"
    meaning = "Whether they subscribed and have not unsubscribed since; else what their profile says."

    def __init__(self, plan: Plan | None = None) -> None:
        super().__init__(plan)
        self.joined = self.named("Subscribed")
        self.left = self.named("Unsubscribed", "Email Marked as Spam")

    def read(self, situation: Situation) -> Reading:
        trait = read_trait(situation, *TRAITS)
        told = yes_or_no(trait.value)
        joined, left = situation.timeline.last(self.joined), situation.timeline.last(self.left)
        event = joined
        if left is not None and (joined is None or left.order > joined.order):
            event = left
        if event is not None:
            return Reading(event is joined, "event", "high", event.occurred_at)
        return Reading(told, "profile", trait.confidence, trait.at) if told is not None else NOTHING


def yes_or_no(value: object) -> bool | None:
    """A profile's yes or no, in the spellings lists are kept in."""
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower() if isinstance(value, str | int) else ""
    return True if word in YES else False if word in NO else None


SUBSCRIPTION = (Subscribed(),)
