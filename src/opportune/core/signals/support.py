"""Whether the visitor is being helped, so that nothing is sold to them meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opportune.core.history.plan import Plan
from opportune.core.history.timeline import TimelineEvent
from opportune.core.signals.base import RECENT_MS, Reading, Signal, read_trait, text_of
from opportune.core.signals.subscription import yes_or_no

if TYPE_CHECKING:
    from opportune.core.situation import Situation

TRAITS = ("open ticket", "open_ticket", "openTicket", "has_open_ticket")
HELP_PAGES = frozenset({"help", "returns"})


class OpenTicket(Signal):
    """A close without a ticket number closes every ticket opened before it."""

    name = "open ticket"
    type = "yes/no"
    source = "event"
    confidence = "high"
    meaning = "Whether a support ticket of theirs is open."

    def __init__(self, plan: Plan | None = None) -> None:
        super().__init__(plan)
        self.opened = self.named("Support Ticket Opened")
        self.closed = self.named("Support Ticket Closed")

    def read(self, situation: Situation) -> Reading:
        opened = situation.timeline.named(self.opened)
        closed = situation.timeline.named(self.closed) if opened else ()
        for event in opened:
            if not any(_closes(close, event) for close in closed):
                return Reading(value=True, source="event", confidence="high", at=event.occurred_at)
        if opened:
            return Reading(value=False, source="event", confidence="high", at=closed[0].occurred_at)
        trait = read_trait(situation, *TRAITS)
        told = yes_or_no(trait.value)
        return Reading(bool(told), "profile", trait.confidence, trait.at)


def _closes(close: TimelineEvent, opened: TimelineEvent) -> bool:
    if close.order < opened.order:
        return False
    ticket = text_of(close.facts.get("ticket"))
    return not ticket or ticket == text_of(opened.facts.get("ticket"))


class InSupport(OpenTicket):
    name = "in support"
    page_types = HELP_PAGES
    meaning = (
        "Whether they are on a help or returns page, have an open ticket, or asked for money back in 7 days."
    )

    def __init__(self, plan: Plan | None = None) -> None:
        super().__init__(plan)
        self.asked = self.named("Refund Requested", "Return Requested")

    def read(self, situation: Situation) -> Reading:
        if situation.context.page_type in HELP_PAGES:
            return Reading(value=True, source="session", confidence="high", at=situation.now)
        ticket = super().read(situation)
        if ticket.value:
            return ticket
        asked = situation.timeline.last(self.asked)
        if asked is not None and situation.now - asked.occurred_at < RECENT_MS:
            return Reading(value=True, source="event", confidence="high", at=asked.occurred_at)
        return Reading(value=False, source="event", confidence="high", at=situation.now)

    def changes_at(self, reading: Reading, now: int) -> int | None:
        until = reading.at + RECENT_MS if reading.at is not None and reading.value else now
        return until if until > now else None


SUPPORT = (OpenTicket(), InSupport())
