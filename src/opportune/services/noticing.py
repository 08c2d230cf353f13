"""Noticing events by name when they are seen for the first time: rules that waited for them act from then on."""

from __future__ import annotations

from collections.abc import Iterable
from threading import Thread

from opportune.core.history.event import NAMES, SetAside
from opportune.core.visitor.consent import CONSENT
from opportune.errors import StorageBusyError
from opportune.services.house import House
from opportune.services.preparing import Ready
from opportune.storage.base import Recollection

CONSENT_STATED = "consent stated"
"""The setting that says so of a trait. It is put with the first one, and stays."""


def notice_past(house: House, past: Recollection) -> None:
    """Another server may have taken in what nobody had seen before; whoever reads it first need not be told."""
    take_notice(house, {event.name for events in past.events.values() for event in events})


def take_notice(house: House, names: set[str]) -> None:
    """Rules that waited for one of these events act from now on."""
    new = names - house.seen_events
    if not new:
        return
    house.seen_events |= new
    wake(house, frozenset(new))


def states_consent(prepared: Iterable[Ready | SetAside]) -> bool:
    return any(isinstance(each, Ready) and CONSENT in each.traits for each in prepared)


def learn_of_consent(house: House) -> None:
    """Whether this or another process has ever taken in a consent trait; where that cannot be said, as if so.

    What is stored is walked through once, at the start: it may be older than the setting.
    """
    if house.has_consent_traits:
        return
    if house.storage.find_setting(CONSENT_STATED) is not None:
        house.has_consent_traits = True
    elif house.has_consent_traits is None:
        try:
            has_any = NAMES["identify"] in house.seen_events and house.storage.has_trait(CONSENT)
        except StorageBusyError:
            has_any = True
        house.has_consent_traits = has_any


def wake(house: House, names: frozenset[str]) -> None:
    """Rules that waited for one of these events act from now on, in this process."""
    if house.changes.acquire(blocking=False):
        try:
            house.programme = house.programme.with_seen(names)
        finally:
            house.changes.release()
    else:
        # A publish is going on and may be waiting for the very thread we are in: come back after it.
        Thread(target=_notice_later, args=(house, names), daemon=True).start()


def _notice_later(house: House, names: frozenset[str]) -> None:
    with house.changes:
        house.programme = house.programme.with_seen(names)
