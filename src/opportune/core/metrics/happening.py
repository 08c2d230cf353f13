"""What metrics about one event of the plan have alike: the words for it, and the names its rows may have."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Self

import msgspec

from opportune.core.history.plan import KEY_EVENT, EventPlan, Plan
from opportune.core.language.phrases.wording import QUOTED, plural, quote, squeezed, unquote
from opportune.core.metrics.base import Metric, Words, all_names

WORSE = frozenset(
    {
        "Order Refunded", "Order Cancelled", "Refund Requested", "Return Requested", "Unsubscribed",
        "Email Bounced", "Email Marked as Spam", "Support Ticket Opened", "Product Removed",
        "Product Removed from Wishlist", "Coupon Denied", "Slot Dismissed", "Page Trouble", "Exit Intent",
    }
)  # fmt: skip
"""Of the standard plan: what a shop wants less of."""


class Happening(Metric, frozen=True, kw_only=True, omit_defaults=True):
    """A metric about one event. `said` and `deed` are its words, as the plan gave them when it was read."""

    event: str
    said: str
    deed: str
    names: tuple[str, ...] = ()

    @classmethod
    def of(cls, phrase: str, window_ms: int | None, words: Words) -> Self | None:
        event = find_event(phrase, words.plan)
        if event is None:
            return None
        return cls(
            event=event.name,
            said=called(event, words.plan),
            deed=event.says[0] if event.says else f"did {quote(event.name)}",
            names=all_names(words.plan, event.name),
            window_ms=window_ms or cls.usual_ms,
        )

    @property
    def more_is_better(self) -> bool:
        return self.event not in WORSE

    def stored(self) -> tuple[str, ...]:
        return self.names or (self.event,)

    def bound(self, plan: Plan, margins: Mapping[str, int] | None = None) -> Self:  # noqa: ARG002 - no product in it
        return msgspec.structs.replace(self, names=all_names(plan, self.event))


def find_event(phrase: str, plan: Plan) -> EventPlan | None:
    """The event that some words mean: its noun in the plural, what somebody did, or its name in quotes.

    Anything in quotes is an event's name, declared or not.
    """
    text = phrase.strip()
    if _is_quoted(text):
        name = plan.current_name(unquote(text))
        return plan.events.get(name) or EventPlan(name=name)
    wanted = squeezed(text)
    makers = (
        event for event in plan.events.values() if event.things and wanted == squeezed(plural(event.things))
    )
    nouns = (event for event in makers if noun_of(event, plan))
    deeds = (event for event in plan.events.values() if wanted in map(squeezed, event.says))
    return next(nouns, None) or next(deeds, None) if wanted else None


def _is_quoted(text: str) -> bool:
    return re.fullmatch(QUOTED, text) is not None and len(text) > 2


def noun_of(event: EventPlan, plan: Plan) -> str:
    """The plural of what it makes, when no other event as weighty makes it, too: orders, sign-ups, leads."""
    makers = [each for each in plan.events.values() if each.things == event.things]
    weightiest = min((each.event_class for each in makers), default=event.event_class)
    alone = [each for each in makers if each.event_class == weightiest] == [event]
    return plural(event.things) if event.things and alone else ""


def called(event: EventPlan, plan: Plan) -> str:
    """The canonical words for an event that is counted: `orders`, `added to cart`, `"Quiz Finished"`."""
    noun = noun_of(event, plan) if event.event_class == KEY_EVENT else ""
    return noun or (event.says[0] if event.says else quote(event.name))
