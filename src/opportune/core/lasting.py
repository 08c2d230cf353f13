"""Lasting: a condition that goes on holding for a while after it last held.

`lasts: 48 hours after the last of these` asks whether the condition held at one of the visitor's own
recent moments: just after each of their newest events, with that event's page.
"""

from __future__ import annotations

from opportune.core.conditions.base import Check
from opportune.core.finding import Finding
from opportune.core.history.timeline import TimelineEvent
from opportune.core.situation import Context, Situation

RECENT_EVENTS = 50
"""How many of the newest events are looked back through."""


def lasting(rule: str, check: Check, lasts_ms: int) -> Check:
    """The check prolonged by `lasts_ms`; its finding then holds until the prolongation ends.

    Which moment it held at is remembered in the situation as the finding `<rule>/lasts`, for the receipt.
    """
    if not lasts_ms:
        return check

    def check_lasting(situation: Situation) -> Finding:
        finding = check(situation)
        if finding.held:
            return finding
        since = situation.now - lasts_ms
        for place, event in enumerate(situation.timeline.events[:RECENT_EVENTS]):
            if event.occurred_at <= since:
                break
            past = check(_at(situation, place, event))
            if past.held:
                until = event.occurred_at + lasts_ms
                situation.findings[f"{rule}/lasts"] = Finding(True, (event.occurred_at, until), 1.0, until)
                return Finding(True, past.facts, 1.0, until, past.parts)
        return finding

    return check_lasting


def _at(situation: Situation, place: int, event: TimelineEvent) -> Situation:
    """The situation as it was just after one of its events; traits are today's."""
    facts = event.facts
    context = Context(
        page_path=_text(facts.get("path")),
        page_type=_text(facts.get("page_type")),
        page_title=_text(facts.get("title")),
        page_category=_text(facts.get("category")),
        page_product=_text(facts.get("product")),
    )
    return Situation(
        now=event.occurred_at,
        readers=situation.readers,
        timeline=situation.timeline.back_to(place),
        context=context,
        traits=situation.traits,
        unit=situation.unit,
        zone=situation.zone,
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
