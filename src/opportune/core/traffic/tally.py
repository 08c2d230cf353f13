"""A tally of a backtest: what was counted of a rule in some lanes; of several lanes it adds up."""

from __future__ import annotations

from collections import Counter

import msgspec

from opportune.core.traffic.difference import Difference
from opportune.core.traffic.offer import Outcome

MOST_LISTED = 500
NO_RULE = ""


class Acted(msgspec.Struct):
    """For whom a rule acted: visitors, the days of each of them summed and squared, and visits."""

    people: int = 0
    days: int = 0
    squares: int = 0
    visits: int = 0

    def add(self, days: int, visits: int) -> None:
        if days:
            self.people += 1
            self.days += days
            self.squares += days * days
            self.visits += visits

    def join(self, other: Acted) -> None:
        for name in self.__struct_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


class Tally(msgspec.Struct):
    """What was counted in some lanes; of several lanes it adds up."""

    lanes: int = 0
    judged: int = 0
    """Lanes in which everything was worked out; in the others only for whom the rule acts."""
    visitors: int = 0
    visits: int = 0
    machines: int = 0
    oldest_at: int = 0
    acted: Acted = msgspec.field(default_factory=Acted)
    at_first: int = 0
    """Visits in which it acted when its place was asked for first."""
    varied: dict[int, Acted] = msgspec.field(default_factory=dict)
    winners: dict[str, Counter[str]] = msgspec.field(default_factory=dict)
    """By place: how many visits each rule has it in; NO_RULE for normal content."""
    lost_to: Counter[str] = msgspec.field(default_factory=Counter)
    reasons: Counter[str] = msgspec.field(default_factory=Counter)
    details: Counter[str] = msgspec.field(default_factory=Counter)
    """Of the reason "no value": which one."""
    missing: Counter[str] = msgspec.field(default_factory=Counter)
    looked_into: int = 0
    nearly: int = 0
    outcomes: dict[str, Outcome] = msgspec.field(default_factory=dict)
    """By metric: what people did from the moment on at which the rule acted first."""
    compared: int = 0
    differences: list[Difference] = msgspec.field(default_factory=list)
    causes: Counter[str] = msgspec.field(default_factory=Counter)

    def join(self, other: Tally) -> None:
        self.oldest_at = min(filter(None, (self.oldest_at, other.oldest_at)), default=0)
        self.acted.join(other.acted)
        for name in ("lanes", "judged", "visitors", "visits", "machines", "at_first", "looked_into"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in ("nearly", "compared"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in ("lost_to", "reasons", "details", "missing", "causes"):
            getattr(self, name).update(getattr(other, name))
        for number, acted in other.varied.items():
            self.varied.setdefault(number, Acted()).join(acted)
        for metric, outcome in other.outcomes.items():
            self.outcomes.setdefault(metric, Outcome()).join(outcome)
        for slot, winners in other.winners.items():
            self.winners.setdefault(slot, Counter()).update(winners)
        self.differences = (self.differences + other.differences)[:MOST_LISTED]
