"""Tallying: how many visits of a day let us measure, by the banner that asked them; without any id.

The page says how its visit stood at the question before this one, so that a visit is counted once and no process has to
remember it. Counts wait in memory and are added to the store every few seconds: what a crash loses is a few visits.
"""

from __future__ import annotations

from collections import Counter

from opportune.core.moment import to_day
from opportune.core.situation import Context
from opportune.core.visitor.consent import MEASURE, answer_changed
from opportune.errors import OpportuneError
from opportune.services.house import House
from opportune.storage.base import ConsentCount

BANNERS = frozenset({"none", "cookiebot", "onetrust", "complianz", "shopify", "google", "own", "unknown"})
"""What a page may say asked its visitor; other words are nobody's page."""


def notice_visit(
    house: House, context: Context, banner: object, *, before: bool | None, has_gpc: bool
) -> None:
    """Counts a visit that begins, or that changed its mind. `before`: whether its last question let us measure."""
    if not isinstance(banner, str) or banner not in BANNERS or context.is_machine or context.is_preview:
        return
    purposes = context.purposes
    answer = answer_changed(before, purposes is None or MEASURE in purposes)
    if purposes is None and house.programme.team.needs_consent:
        answer = "no" if before is None else ""
    if answer:
        house.consents.append((day_here(house), banner, has_gpc, answer))


def tally_consents(house: House) -> int:
    """Adds what waits to the store; how many visits. Raises what writing raises, and then they wait on."""
    taken = [house.consents.popleft() for _ in range(len(house.consents))]
    if not taken:
        return 0
    counts = [ConsentCount(*place, visits) for place, visits in Counter(taken).items()]
    try:
        house.storage.write(lambda transaction: transaction.add_consents(counts)).result()
    except OpportuneError:
        house.consents.extendleft(reversed(taken))
        raise
    return len(taken)


def day_here(house: House) -> str:
    """Today by the team's clock, such as `2026-11-22`."""
    return to_day(house.clock(), house.programme.playbook.vocabulary.zone)
