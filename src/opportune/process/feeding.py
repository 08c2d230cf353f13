"""The product feed on its schedule: fetched when it is due, and what went wrong is noted where people look."""

from __future__ import annotations

from opportune.core.feeds.rows import read_feed
from opportune.core.moment import HOUR, MINUTE
from opportune.errors import OpportuneError
from opportune.process.fetching import fetched
from opportune.services.catalogue.feeding import (
    FEED,
    FeedState,
    find_state,
    note_failure,
    note_same,
    take_feed,
)
from opportune.services.house import House

AGAIN_MS = 15 * MINUTE
"""After an attempt that failed, or sooner where the schedule says so."""


def is_due(house: House, hours: float) -> bool:
    state, every = find_state(house.storage, FEED), hours * HOUR
    wait = min(AGAIN_MS, every) if state.error else every
    return house.clock() - state.tried_at >= wait


def fetch_feed(house: House, url: str) -> FeedState:
    """Reads the feed once, unless it is the one read last. What fails is noted, and raised."""
    known = find_state(house.storage, FEED)
    etag, modified = (known.etag, known.modified) if not known.error else ("", "")
    try:
        with fetched(url, etag=etag, modified=modified) as answer:
            if answer.is_same:
                note_same(house, FEED)
            else:
                offers = read_feed(answer.chunks, "The feed")
                take_feed(house, offers, FEED, etag=answer.etag, modified=answer.modified)
    except OpportuneError as error:
        note_failure(house, FEED, str(error))
        raise
    return find_state(house.storage, FEED)
