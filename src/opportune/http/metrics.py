"""What is counted about requests and decisions; shown at `/metrics` by `exposition.py`.

Counting is a dictionary's `+= 1` on the event loop.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opportune.services.house import House

DECIDE_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)


class Metrics:
    """One process's counts."""

    def __init__(self, house: House) -> None:
        self.requests: Counter[tuple[str, str, int]] = Counter()
        self.decisions: Counter[tuple[str, str]] = Counter()
        self.events: Counter[str] = Counter()
        self.webhooks: Counter[tuple[str, str, str]] = Counter()
        """By platform, topic, and whether anything was taken from it."""
        self.decide_counts = [0] * (len(DECIDE_BUCKETS) + 1)
        self.decide_seconds = 0.0
        self.house = house

    def count_decided(self, seconds: float, slots: Iterable[tuple[str, str]]) -> None:
        """One answered request with its (slot, outcome) pairs."""
        self.decide_counts[bisect_left(DECIDE_BUCKETS, seconds)] += 1
        self.decide_seconds += seconds
        counts = self.decisions
        for pair in slots:
            counts[pair] += 1

    def count_events(
        self, accepted: int, duplicate: int, set_aside: int, not_kept: int = 0, erased: int = 0
    ) -> None:
        """One capture's outcome."""
        self.events["accepted"] += accepted
        self.events["duplicate"] += duplicate
        self.events["set aside"] += set_aside
        self.events["not kept"] += not_kept
        if erased:
            self.events["erased"] += erased
