"""This visit and the ones before it. Visits of several devices are told apart only by the half hour between them."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from opportune.core.history.plan import Plan
from opportune.core.history.visit import SOURCES, count_visits, find_before
from opportune.core.moment import DAY, SECOND
from opportune.core.signals.base import (
    NOTHING,
    Confidence,
    Reading,
    Signal,
    Source,
    from_request,
    next_whole_day,
    text_of,
    visit_events,
    visit_start,
)

if TYPE_CHECKING:
    from opportune.core.situation import Situation


class VisitSignal(Signal):
    """One fact of the visits, built from browser and app events."""

    source: ClassVar[Source] = "event"
    confidence: ClassVar[Confidence] = "high"


class LandingPage(VisitSignal):
    name = "landing page"
    type = "text"
    source = "session"
    meaning = "The path of the first page of this visit."

    def __init__(self, plan: Plan | None = None) -> None:
        super().__init__(plan)
        self.viewed = frozenset(self.named("Page Viewed"))

    def read(self, situation: Situation) -> Reading:
        for event in reversed(visit_events(situation)):
            if event.name in self.viewed and (path := text_of(event.facts.get("path"))):
                return Reading(path, "session", "high", event.occurred_at)
        return from_request(situation, situation.context.page_path)


class PagesThisVisit(VisitSignal):
    name = "pages this visit"
    type = "number"
    source = "session"
    meaning = "How many page views of this visit were captured."

    def __init__(self, plan: Plan | None = None) -> None:
        super().__init__(plan)
        self.viewed = frozenset(self.named("Page Viewed"))

    def read(self, situation: Situation) -> Reading:
        viewed = self.viewed
        pages = sum(1 for event in visit_events(situation) if event.name in viewed)
        return Reading(pages, "session", "high", situation.now)


class TimeThisVisit(VisitSignal):
    name = "time this visit"
    type = "duration"
    source = "session"
    meaning = "How long ago this visit began."

    def read(self, situation: Situation) -> Reading:
        if situation.visit is None:
            return NOTHING
        return Reading(max(situation.now - visit_start(situation), 0), "session", "high", situation.now)

    def changes_at(self, reading: Reading, now: int) -> int | None:  # noqa: ARG002 - it goes on and on
        return now + SECOND


class Visits(VisitSignal):
    name = "visits"
    type = "number"
    meaning = "How many visits are known, this one included."

    def read(self, situation: Situation) -> Reading:
        before = count_visits(situation.timeline.events, visit_start(situation))
        return Reading(before + 1, "event", "high", situation.now)


class Returning(VisitSignal):
    name = "returning"
    type = "yes/no"
    meaning = "Whether they were here before this visit."

    def read(self, situation: Situation) -> Reading:
        return Reading(was_here_before(situation), "event", "high", situation.now)


class New(VisitSignal):
    name = "new"
    type = "yes/no"
    meaning = "Whether this is their first visit."

    def read(self, situation: Situation) -> Reading:
        return Reading(not was_here_before(situation), "event", "high", situation.now)


class DaysSinceLastVisit(VisitSignal):
    name = "days since last visit"
    type = "number"
    meaning = "Whole days since the end of the visit before this one; not known in a first visit."

    def read(self, situation: Situation) -> Reading:
        event = find_before(situation.timeline.events, visit_start(situation))
        if event is None:
            return NOTHING
        return Reading((situation.now - event.occurred_at) // DAY, "event", "high", event.occurred_at)

    def changes_at(self, reading: Reading, now: int) -> int | None:
        return next_whole_day(reading, now)


def was_here_before(situation: Situation) -> bool:
    """Whether any browser or app event is older than this visit; looks from the oldest, which nearly always tells."""
    start = visit_start(situation)
    for event in reversed(situation.timeline.events):
        if event.occurred_at >= start:
            return False
        if event.source in SOURCES:
            return True
    return False


VISIT = (
    LandingPage(), PagesThisVisit(), TimeThisVisit(), Visits(), Returning(), New(), DaysSinceLastVisit(),
)  # fmt: skip
