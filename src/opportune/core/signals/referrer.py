"""Where the visitor came from: the newest arrival from elsewhere in this visit, and what kind of place that was."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from opportune.core.signals.base import (
    NOTHING,
    Confidence,
    Reading,
    Signal,
    SignalType,
    Source,
    text_of,
    visit_events,
)
from opportune.core.visitor.arrival import arrived_from, host_of, kind_of

if TYPE_CHECKING:
    from opportune.core.situation import Situation

EMPTY: Mapping[str, str] = {}
MEANT_KINDS = {
    "ad": "paid", "ads": "paid", "cpc": "paid", "ppc": "paid", "organic": "search", "seo": "search",
    "social media": "social", "mail": "e-mail", "email": "e-mail", "newsletter": "e-mail", "none": "direct",
}  # fmt: skip


class ReferrerSignal(Signal):
    """A fact of the newest arrival."""

    type: ClassVar[SignalType] = "text"
    source: ClassVar[Source] = "session"
    confidence: ClassVar[Confidence] = "high"


class Referrer(ReferrerSignal):
    name = "referrer"
    meaning = "The site they came from in this visit, such as google.com."

    def read(self, situation: Situation) -> Reading:
        host, _, at = find_arrival(situation)
        return Reading(host or None, "session", "high", at)


class ReferrerKind(ReferrerSignal):
    name = "referrer kind"
    aliases = ("traffic source",)
    values = ("paid", "search", "social", "e-mail", "referral", "direct")
    meant = MEANT_KINDS
    meaning = "How they came in this visit: paid, search, social, e-mail, referral (another site) or direct."

    def read(self, situation: Situation) -> Reading:
        host, campaign, at = find_arrival(situation)
        kind = kind_of(host, campaign)
        if kind == "direct" and not situation.context.page_url and not visit_events(situation):
            return NOTHING
        return Reading(kind, "session", "high", at)


def find_arrival(situation: Situation) -> tuple[str, Mapping[str, str], int]:
    """(referring host, campaign, when) of the newest arrival in this visit; empty when they came by themselves."""
    context = situation.context
    own = host_of(context.page_url)
    host = arrived_from(context.referrer, own)
    if host or context.campaign:
        return host, context.campaign, situation.now
    at = situation.now
    for event in visit_events(situation):
        facts = event.facts
        at = event.occurred_at
        if "referrer" in facts or "campaign" in facts or "campaign_medium" in facts or "click_id" in facts:
            host = arrived_from(text_of(facts.get("referrer")), own)
            campaign = campaign_of(facts)
            if host or campaign:
                return host, campaign, at
    return "", EMPTY, at


def campaign_of(facts: Mapping[str, object]) -> Mapping[str, str]:
    """The campaign an event's facts carry, with the names a request's campaign has."""
    return {
        part: value for part, fact in CAMPAIGN_FACTS if isinstance(value := facts.get(fact), str) and value
    }


CAMPAIGN_FACTS = (
    ("name", "campaign"),
    ("source", "campaign_source"),
    ("medium", "campaign_medium"),
    ("term", "campaign_term"),
    ("content", "campaign_content"),
    ("click_id", "click_id"),
)

REFERRER = (Referrer(), ReferrerKind())
