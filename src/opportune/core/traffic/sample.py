"""A sample of visits decided for again with every rule live: which match, win and are beaten, and what is known."""

from __future__ import annotations

from collections import Counter, defaultdict

import msgspec

from opportune.core.history.key import LANES

FEWEST_LOOKED_AT = 50
"""Of fewer visitors it is not said that something never happens."""

Rivals = tuple[str, str, str]
"""(place, who won, who matched too)."""


class Sample(msgspec.Struct):
    """What was counted in some lanes, by rule and by pair of rules; visits and people."""

    lanes: int = 0
    visits: int = 0
    people: set[int] = msgspec.field(default_factory=set)
    oldest_at: int = 0
    matched: Counter[str] = msgspec.field(default_factory=Counter)
    won: Counter[str] = msgspec.field(default_factory=Counter)
    people_of: dict[str, set[int]] = msgspec.field(default_factory=lambda: defaultdict(set))
    beaten: Counter[Rivals] = msgspec.field(default_factory=Counter)
    hidden: Counter[Rivals] = msgspec.field(default_factory=Counter)
    """As `beaten`, by a rule that hides the place's content."""
    known: Counter[str] = msgspec.field(default_factory=Counter)
    """By signal or customer detail: of how many visitors it is known."""
    ages: dict[str, list[int]] = msgspec.field(default_factory=lambda: defaultdict(list))
    read: int = 0
    """Visitors of whom every signal was read."""

    @property
    def scale(self) -> float:
        """What was counted is multiplied by this to stand for all visitors."""
        return LANES / self.lanes if self.lanes else 1.0

    @property
    def is_telling(self) -> bool:
        return len(self.people) >= FEWEST_LOOKED_AT

    def of_all(self, count: int) -> int:
        """Of all visitors, for so many counted here."""
        return round(count * self.scale)
