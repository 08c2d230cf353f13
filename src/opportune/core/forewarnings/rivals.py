"""Two rules that often match together in one place, so that one is in the other's way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from opportune.core.forewarnings.base import Ahead
from opportune.core.traffic.sample import Rivals

OFTEN = 0.05
"""Of the visits in which the rarer of two rules matches: from this share on they are told to compete."""


def often_together(ahead: Ahead, found: Counter[Rivals]) -> Iterator[tuple[str, str, str, int]]:
    """The place as people call it, who wins, who loses though it is seen at times, and in how many visits."""
    sample = ahead.sample
    for (slot, winner, other), count in found.most_common() if sample.is_telling else ():
        rarer = min(sample.matched[winner], sample.matched[other])
        if count >= OFTEN * rarer and other in ahead.playbook.rules and sample.won[other]:
            yield ahead.playbook.slots[slot].title or slot, winner, other, sample.of_all(count)
