"""Noticing events by name when they are seen for the first time: rules that waited for them act from then on."""

from __future__ import annotations

from threading import Thread

from opportune.services.house import House
from opportune.storage.base import Recollection


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
