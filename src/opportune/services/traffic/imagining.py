"""Imagining: which places pages ask for, as was recorded; the others are imagined on every page that was seen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import takewhile
from time import perf_counter

from opportune.services.traffic.sampling import LANE_ORDER, Wanted
from opportune.storage.base import Storage


def imagine(
    storage: Storage,
    slots: Sequence[str],
    since_at: int,
    *,
    seconds: float,
    lanes: Iterable[int] = LANE_ORDER,
) -> Wanted:
    """Every place, as asked for where any page did; each is looked for in those lanes, for so many seconds."""
    asked = [slot for slot in slots if _is_asked_for(storage, slot, since_at, seconds, lanes)]
    return Wanted(
        asked=tuple(asked), imagined=tuple(slot for slot in slots if slot not in asked), since_at=since_at
    )


def _is_asked_for(storage: Storage, slot: str, since_at: int, seconds: float, lanes: Iterable[int]) -> bool:
    until = perf_counter() + seconds
    return any(
        storage.list_lane_opportunities(lane, (slot,), since_at, limit=1)
        for lane in takewhile(lambda _: perf_counter() < until, lanes)
    )
