"""What the visitor does on the page now. It reaches a decision only with the request that asks."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from opportune.core.moment import SECOND
from opportune.core.signals.base import Confidence, Reading, Signal, Source, from_request

if TYPE_CHECKING:
    from opportune.core.situation import Situation


class OnPageSignal(Signal):
    """One thing the browser measured on this page."""

    source: ClassVar[Source] = "session"
    confidence: ClassVar[Confidence] = "high"


class ScrollDepth(OnPageSignal):
    name = "scroll depth"
    type = "number"
    meaning = "How far down the page was scrolled, in percent."

    def read(self, situation: Situation) -> Reading:
        return from_request(situation, situation.context.scroll_depth)


class ExitIntent(OnPageSignal):
    name = "exit intent"
    type = "yes/no"
    meaning = "Whether the pointer left the page towards the address bar."

    def read(self, situation: Situation) -> Reading:
        return Reading(situation.context.exit_intent, "session", "high", situation.now)


class TimeOnPage(OnPageSignal):
    name = "time on page"
    type = "duration"
    meaning = "How long the page has been open."

    def read(self, situation: Situation) -> Reading:
        seconds = situation.context.time_on_page_seconds
        return from_request(situation, None if seconds is None else round(seconds * SECOND))


BEHAVIOUR = (ScrollDepth(), ExitIntent(), TimeOnPage())
