"""The campaign that brought the visitor in this visit: UTM parameters and advertisers' click ids."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from opportune.core.signals.base import NOTHING, Confidence, Reading, Signal, SignalType, Source
from opportune.core.signals.referrer import find_arrival

if TYPE_CHECKING:
    from opportune.core.situation import Situation


class CampaignSignal(Signal):
    """One part of the newest campaign of this visit; on the page's own address first."""

    type: ClassVar[SignalType] = "text"
    source: ClassVar[Source] = "session"
    confidence: ClassVar[Confidence] = "high"
    part: ClassVar[str]

    def read(self, situation: Situation) -> Reading:
        _, campaign, at = find_arrival(situation)
        value = campaign.get(self.part)
        return Reading(value, "session", "high", at) if value else NOTHING


class Campaign(CampaignSignal):
    name = "campaign"
    aliases = ("campaign name",)
    part = "name"
    meaning = "The campaign that brought them in this visit (utm_campaign)."


class CampaignSource(CampaignSignal):
    name = "campaign source"
    part = "source"
    meaning = "Who sent them in this visit, such as newsletter or google (utm_source)."


class CampaignMedium(CampaignSignal):
    name = "campaign medium"
    part = "medium"
    meaning = "By which medium they were sent in this visit, such as email or cpc (utm_medium)."


class CampaignTerm(CampaignSignal):
    name = "campaign term"
    part = "term"
    meaning = "The paid search words that brought them in this visit (utm_term)."


class CampaignContent(CampaignSignal):
    name = "campaign content"
    part = "content"
    meaning = "Which advertisement or link of the campaign brought them in this visit (utm_content)."


class ClickId(CampaignSignal):
    name = "click id"
    part = "click_id"
    meaning = "Whose click id their address carried in this visit: google (gclid), bing (msclkid), facebook (fbclid)..."


CAMPAIGN = (Campaign(), CampaignSource(), CampaignMedium(), CampaignTerm(), CampaignContent(), ClickId())
