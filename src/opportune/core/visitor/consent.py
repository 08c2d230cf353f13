"""Consent: what somebody last said about one purpose (`measure`, `personalize`, `message`, `ads`).

The request's own word counts most; else the newest of what `Consent Updated` and the kept trait say. The team's
default holds only for those who never said anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opportune.core.situation import Situation

CONSENT = "consent"
MEASURE = "measure"
PERSONALIZE = "personalize"


def answer_changed(before: bool | None, now: bool) -> str:
    """How a visit begins, `yes` or `no`; `later yes` or `later no` once it changes; empty while it stays."""
    if before is None:
        return "yes" if now else "no"
    return "" if before == now else "later yes" if now else "later no"


def answer_of(situation: Situation, purpose: str, events: Sequence[str]) -> bool | None:
    """Yes, no, or None when nothing was ever said; `events` are the names that `Consent Updated` may have."""
    purposes = situation.context.purposes
    if purposes is not None:
        return purpose in purposes
    answer, at = None, -1
    timeline = situation.timeline
    for event in timeline.named(events) if timeline.events else ():
        said = event.facts.get(purpose)
        if isinstance(said, bool):
            answer, at = said, event.occurred_at
            break
    trait = situation.traits.get(CONSENT)
    if trait is not None and trait.at > at and isinstance(trait.value, list):
        return purpose in trait.value
    return answer
