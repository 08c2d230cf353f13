"""The category of interest: the page now, else this visit, else seven days, else the profile."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from opportune.core.history.plan import Plan
from opportune.core.history.timeline import TimelineEvent
from opportune.core.signals.base import (
    NOTHING,
    RECENT_MS,
    Reading,
    Signal,
    from_request,
    read_text_trait,
    texts_of,
    visit_start,
)

if TYPE_CHECKING:
    from opportune.core.situation import Situation

SHOWING_INTEREST = ("Product Viewed", "Product List Viewed", "Product Added")
TRAITS = (
    "favourite category",
    "favourite_category",
    "favorite_category",
    "favouriteCategory",
    "favoriteCategory",
)


class Category(Signal):
    """Most often seen wins, of equals the newer: sure within the visit, fairly over a week, hardly from a profile."""

    name = "category"
    aliases = ("category of interest",)
    type = "text"
    source = "session"
    confidence = "high"
    meaning = "The category they care about: of this page, else most seen in this visit or week, else their favourite."
    events = SHOWING_INTEREST

    def __init__(self, plan: Plan | None = None) -> None:
        super().__init__(plan)
        self.names = self.named(*SHOWING_INTEREST)

    def read(self, situation: Situation) -> Reading:
        if situation.context.page_category:
            return from_request(situation, situation.context.page_category)
        events = situation.timeline.named(self.names)
        found = most_seen(events, visit_start(situation))
        if found is not None:
            return Reading(found[0], "event", "high", found[1])
        found = most_seen(events, situation.now - RECENT_MS)
        if found is not None:
            return Reading(found[0], "event", "medium", found[1])
        trait = read_text_trait(situation, *TRAITS)
        return Reading(trait.value, "profile", "low", trait.at) if trait.value else NOTHING


def most_seen(events: Iterable[TimelineEvent], since: int) -> tuple[str, int] | None:
    """(category, when last) seen most often since a moment; `events` are newest first."""
    counts: dict[str, int] = {}
    last: dict[str, int] = {}
    for event in events:
        if event.occurred_at < since:
            break
        fact = event.facts.get("category")
        for category in (fact,) if isinstance(fact, str) and fact else texts_of(fact):
            counts[category] = counts.get(category, 0) + 1
            last.setdefault(category, event.occurred_at)
    if not counts:
        return None
    best = max(counts, key=counts.__getitem__)  # of equals the first, that is the newest
    return best, last[best]


INTEREST = (Category(),)
