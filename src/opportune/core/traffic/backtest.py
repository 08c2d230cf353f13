"""A backtest: what a rule would have done, as it is answered: for whom, against which rivals, and why for no others."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from opportune.core.traffic.difference import Difference
from opportune.core.traffic.scaled import Scaled


class PlaceTested(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One place of the rule. `isEstimated`: no page asked for it yet, so that it was imagined on every page seen."""

    slot: str
    title: str
    is_estimated: bool
    winners: tuple[Winner, ...] = ()


class Winner(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Who has a place, in how many visits; no rule: normal content. `lost`: the rule asked about matched there too."""

    rule: str
    visits: int
    share: float
    lost: int = 0


class Unseen(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Visits in which the rule did not act, for one reason."""

    reason: str
    visits: int
    share: float


class Threshold(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The same rule with another number in it."""

    part: str
    sentence: str
    people_a_day: Scaled


class Missing(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A part of the condition that was missing, in what share of the visits in which it does not match."""

    part: str
    share: float


class Backtest(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a rule would have done. Shares lie between 0 and 1; visits and visitors are of all, also when sampled."""

    rule: str
    sentence: str
    does: str
    revision: str
    is_draft: bool
    """It is not in the published playbook as it was asked about."""
    waits_for: tuple[str, ...] = ()
    test: str = ""
    days: float
    is_sampled: bool
    looked_at: int
    """Visitors who were decided for again."""
    visitors: int
    visits: int
    machines: int
    people: Scaled
    """Different visitors in all these days."""
    people_a_day: Scaled
    share_of_visits: Scaled
    at_first: float
    """Of the visits in which it acts, the share in which it acts as soon as its place is asked for."""
    places: tuple[PlaceTested, ...]
    unseen: tuple[Unseen, ...]
    missing: tuple[Missing, ...]
    nearly: float
    """Of the visits in which it does not match, the share that is at least half of the way there."""
    thresholds: tuple[Threshold, ...]
    compared: int
    """Recorded decisions of this very revision that were made again and compared."""
    causes: Mapping[str, int]
    differences: tuple[Difference, ...]
    notes: tuple[str, ...] = ()
