"""The hot read: all a decision needs of the past, from one call."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Mapping, Sequence

import msgspec

from opportune.core.history.timeline import TimelineEvent
from opportune.core.situation import Assignment, PastExposure, Trait

EXPOSURE_BOUND = 500
"""How many exposures of a key `recall` reads: those of the newest sessions."""

OPPORTUNITY_BOUND = 200
"""How many opportunities of the device `recall` reads: those of the newest sessions."""

KEYS_BOUND = 11
"""How many keys of a person `recall` reads: those asked with, the person's own, and those linked last."""


class Recollection(msgspec.Struct, frozen=True, kw_only=True):
    """All a decision needs of the past, from one call.

    `person` is whom the last asked key belongs to (the proven user, if one was asked). `keys` are the
    asked keys, then the person's others, within KEYS_BOUND. `events` by key are newest first, within the
    bounds of their class, cut to the stretches that belong to the person; traits likewise. `assignments`
    by experiment are the first one given to any key, in whatever phase, also beyond KEYS_BOUND.
    `exposures` are of all those keys, newest session first; `opportunities` are (session, slot, at) of the
    first asked key, newest session first. `seq` is the newest commit these reads can have seen. As of an
    earlier `seq` an exposure counts one view once it was shown.
    """

    seq: int
    person: int
    keys: tuple[int, ...]
    events: Mapping[int, Sequence[TimelineEvent]]
    traits: Mapping[str, Trait]
    assignments: Mapping[str, Assignment]
    exposures: Sequence[PastExposure]
    opportunities: Sequence[tuple[int, str, int]]
    is_met: bool = False
    """Some process was asked for this device before, and holds back what it would have recorded."""

    @property
    def is_known(self) -> bool:
        """Whether this store has seen any of the keys before."""
        is_recorded = self.traits or self.opportunities or self.exposures
        return self.is_met or bool(is_recorded) or any(self.events.values())


class RecollectionReads(ABC):
    """Reading what a decision sees."""

    @abstractmethod
    def recall(self, keys: Sequence[int], *, now: int, as_of: int | None = None) -> Recollection:
        """What is known of the person behind these keys (first: the device's), now or as of a `seq`."""

    def remember(self, keys: Sequence[int], *, now: int) -> Recollection | Awaitable[Recollection]:
        """The same for an event loop, which must not wait for a network: at once, or to be awaited."""
        return self.recall(keys, now=now)
