"""Going through what everybody of one lane did, a page at a time, so that no read is long."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from opportune.core.history.timeline import TimelineEvent
from opportune.storage.base import FIRST_OF_LANE, Storage

PAGE = 2_000


def events_of_lane(
    storage: Storage, lane: int, names: Sequence[str], since_at: int
) -> Iterator[tuple[int, TimelineEvent]]:
    """Events of these names with their keys, as `Storage.list_lane` orders them: by key, class and time."""
    after = FIRST_OF_LANE
    while page := storage.list_lane(lane, names, since_at, after, PAGE):
        yield from ((key, event) for key, _, event in page)
        if len(page) < PAGE:
            return
        key, kind, last = page[-1]
        after = (key, kind, *last.order)
