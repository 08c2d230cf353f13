"""Passing: events of a visit that nobody agreed to have measured, read for one answer and then forgotten.

They are read and judged exactly as events that are kept: the plan's facts, former names, the sender's clock, one
of several versions of an order. Only the store never hears of them, and no id is needed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from opportune.core.history.plan import TELEMETRY
from opportune.core.history.timeline import TimelineEvent
from opportune.core.situation import Trait
from opportune.services.house import House
from opportune.services.noticing import wake
from opportune.services.preparing import CaptureSource, Ready, prepare

NOBODY = "nobody"
"""Stands for the visitor while a message is read; it is no key of anybody."""
MOST_PASSING = 500
"""As many as a decision reads of a history; the newest count."""

_decode = msgspec.json.Decoder(dict).decode


class Passing(msgspec.Struct, frozen=True, kw_only=True):
    """What a visit did, newest first, as decisions see it. `reason` says why the first unfit one was left out."""

    events: Sequence[TimelineEvent] = ()
    traits: Mapping[str, Trait] = {}
    reason: str = ""


NOTHING = Passing()


def read_passing(
    house: House, source: CaptureSource, messages: Sequence[Mapping[str, object]], sent_at: object = None
) -> Passing:
    """Reads messages in Segment's spec and stores nothing. Rules that wait for such events act from now on."""
    named = [
        message if message.get("anonymousId") or message.get("userId") else {**message, "anonymousId": NOBODY}
        for message in messages
    ]
    prepared = prepare(house, source, named, sent_at)
    taken = _each_once([each for each in prepared if isinstance(each, Ready)])
    _wake(house, {ready.row.name for ready in taken})
    events = [
        TimelineEvent(
            ready.row.occurred_at, place, ready.row.name, ready.row.source, _decode(ready.row.facts)
        )
        for place, ready in enumerate(taken, 1)
        if ready.row.event_class != TELEMETRY
    ]
    events.sort(key=lambda event: event.order, reverse=True)
    traits = {name: trait for ready in taken for name, trait in ready.traits.items()}
    reasons = (each.reason for each in prepared if not isinstance(each, Ready))
    return Passing(events=events[:MOST_PASSING], traits=traits, reason=next(reasons, ""))


def after(passing: Passing, seq: int) -> Sequence[TimelineEvent]:
    """Its events, newer than all that was committed up to `seq`."""
    return [msgspec.structs.replace(event, seq=seq + event.seq) for event in passing.events]


def _each_once(prepared: Sequence[Ready]) -> list[Ready]:
    """Without what was sent twice, and one version of each order."""
    known: set[tuple[str, object]] = set()
    kept = []
    for ready in prepared:
        marks: set[tuple[str, object]] = {("", ready.row.message)}
        if ready.business_key:
            marks.add((ready.row.name, ready.business_key))
        if known.isdisjoint(marks):
            kept.append(ready)
        known |= marks
    return kept


def _wake(house: House, names: set[str]) -> None:
    """A shop where nobody agreed yet still sees its rules act; that such an event exists says nothing of anybody."""
    wanted = {event for waiting in house.programme.waiting for event in waiting.events}
    if not names.isdisjoint(wanted):
        wake(house, frozenset(names & wanted))
