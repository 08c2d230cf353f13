"""Consenting: what a page sends is kept only as far as its visitor agreed to be measured.

What the request itself states counts most, then the newest of what was ever recorded of that id, then the team's
default. That somebody changed their mind is kept in any case: it is what a later request goes by.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from opportune.core.history.event import SetAside
from opportune.core.history.key import key_of
from opportune.core.history.timeline import Timeline, TimelineEvent
from opportune.core.history.values import to_text
from opportune.core.situation import Situation, Trait
from opportune.core.visitor.consent import MEASURE, answer_of
from opportune.core.visitor.context import purposes_of
from opportune.errors import StorageBusyError
from opportune.services.house import House
from opportune.services.preparing import Ready
from opportune.storage.base import EventRow, Recollection

Prepared = Ready | SetAside

_decode = msgspec.json.Decoder().decode


async def keep_agreed(house: House, prepared: Sequence[Prepared], *, is_believed: bool) -> Sequence[Prepared]:
    """Those that may be kept.

    `is_believed`: only what a message itself states counts, as for a server with a secret key, or once asked.
    """
    stated = [_stated(each) for each in prepared]
    if is_believed or not _is_asking(house, prepared):
        return [each for each, answer in zip(prepared, stated, strict=True) if answer is not False]
    groups: dict[tuple[int, ...], list[Prepared]] = {}
    whose = [keys_about(each) for each in prepared]
    for keys, each in zip(whose, prepared, strict=True):
        groups.setdefault(keys, []).append(each)
    unsaid = dict.fromkeys(keys for keys, answer in zip(whose, stated, strict=True) if answer is None)
    answers = {keys: await _after_others(may_keep(house, keys, groups[keys])) for keys in unsaid}
    return [
        each
        for keys, each, answer in zip(whose, prepared, stated, strict=True)
        if is_record(house, each) or (answers[keys] if answer is None else answer)
    ]


async def _after_others(answer: Awaitable[bool]) -> bool:
    """A batch may be about thousands, and a store at hand is read without waiting: others get their turn between."""
    await asyncio.sleep(0)
    return await answer


async def may_keep(house: House, keys: Sequence[int], prepared: Iterable[Prepared] = ()) -> bool:
    """Whether this visitor may be measured, where the request states nothing; `prepared` may say it themselves."""
    names = house.programme.consent_events
    said = [
        _to_timeline(each.row, place)
        for place, each in enumerate(prepared)
        if isinstance(each, Ready) and each.row.name in names
    ]
    traits: Mapping[str, Trait] = {}
    if keys and _is_asking(house, ()):
        past = await _remember(house, keys)
        said += [event for events in past.events.values() for event in events if event.name in names]
        traits = past.traits
    said.sort(key=lambda event: event.order, reverse=True)
    here = Situation(now=house.clock(), readers={}, timeline=Timeline(said), traits=traits)
    answer = answer_of(here, MEASURE, names)
    return not house.programme.team.needs_consent if answer is None else answer


async def _remember(house: House, keys: Sequence[int]) -> Recollection:
    """What was said before. Raises StorageBusyError: who cannot be asked is not measured."""
    try:
        past = house.storage.remember(keys, now=house.clock())
        return past if isinstance(past, Recollection) else await past
    except Exception as fault:
        raise StorageBusyError from fault


def is_record(house: House, each: Prepared) -> bool:
    """Whether it says what somebody agreed to, as `Consent Updated` does."""
    return isinstance(each, Ready) and each.row.name in house.programme.consent_events


def _is_asking(house: House, prepared: Iterable[Prepared]) -> bool:
    """Whether anybody can have said anything: else no history is read for it."""
    programme = house.programme
    if programme.team.needs_consent or house.has_consent_traits is not False:
        return True
    if not house.seen_events.isdisjoint(programme.consent_events):
        return True
    return any(is_record(house, each) for each in prepared)


def _stated(each: Prepared) -> bool | None:
    """What the message itself states of being measured."""
    context = each.event.context if isinstance(each, Ready) else _raw(each).get("context")
    purposes = purposes_of(context.get("consent")) if isinstance(context, Mapping) else None
    return None if purposes is None else MEASURE in purposes


def keys_about(each: Prepared) -> tuple[int, ...]:
    """The device first; what was set aside is known by the ids it would have had."""
    if isinstance(each, Ready):
        return (each.row.key,) if each.device is None else (each.device, each.row.key)
    device = to_text(_raw(each).get("anonymousId"), 1_000)
    return (key_of("anonymous", device),) if device else ()


def _raw(each: SetAside) -> Mapping[str, Any]:
    found = _decode(each.raw)
    return found if isinstance(found, Mapping) else {}


def _to_timeline(row: EventRow, place: int) -> TimelineEvent:
    """Newer than anything committed before this request."""
    return TimelineEvent(row.occurred_at, 2**62 + place, row.name, row.source, _decode(row.facts))
