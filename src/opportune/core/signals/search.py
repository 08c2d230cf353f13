"""What the visitor looked for on the site."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opportune.core.history.plan import Plan
from opportune.core.signals.base import NOTHING, Reading, Signal, from_request, sureness, text_of

if TYPE_CHECKING:
    from opportune.core.situation import Situation


class SearchTerms(Signal):
    name = "search terms"
    aliases = ("search",)
    type = "text"
    source = "session"
    confidence = "high"
    meaning = "What they searched for: on this page, else the last search known."

    def __init__(self, plan: Plan | None = None) -> None:
        super().__init__(plan)
        self.searched = self.named("Products Searched")

    def read(self, situation: Situation) -> Reading:
        if situation.context.search:
            return from_request(situation, situation.context.search)
        for event in situation.timeline.named(self.searched):
            query = text_of(event.facts.get("query"))
            if query:
                return Reading(query, "event", sureness(situation, event.occurred_at), event.occurred_at)
        return NOTHING


SEARCH = (SearchTerms(),)
