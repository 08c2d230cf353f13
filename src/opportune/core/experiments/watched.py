"""Watched: all that is known of one running rule when somebody looks whether it does harm, in sums."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from opportune.core.experiments.experiment import Experiment
from opportune.core.experiments.measured import Measured
from opportune.core.traffic.bounced import Bounced

ASKED, REACHED, GIVEN = "asked", "reached", "given"
AHEAD, AHEAD_CONTROL = "ahead", "ahead without"
APPLIED, APPLIED_CONTROL = "applied", "applied without"
FAILED, NO_VALUE = "failed", "no value"
SHOWN, CLICKED, DISMISSED = "shown", "clicked", "dismissed"
TROUBLE = "not put"
HAPPENED, SET_ASIDE = "happened", "set aside"
"""What is counted by the hour: of places, of a rule's answers, and of events by their names."""

Counts = Mapping[str, int]


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    """In which share of visits a rule was to act, from the log before its launch; between `low` and `high`.

    `visits` is how many acted in were found; `people_a_day` how many that is. `before` are bounces of visits it would
    have acted in and of others; None where that cannot be told.
    """

    share: float
    high: float
    visits: int
    people_a_day: float
    before: Bounced | None = None
    is_estimated: bool = False
    """One of its places was not asked for before, so that it was imagined on every page seen."""
    behaviour: str = ""
    """What the rule does, as a hash: of one that was changed something else is to be expected."""
    since_at: int = 0
    """From when on it does that; 0 for since its launch."""
    lanes: int = 0
    """In how many of the 256 lanes its bounces are counted once it is live; of big shops in some."""


class Named(msgspec.Struct, frozen=True):
    """A product that a version names, by its content or a link, and whether it can be had."""

    version: str
    product: str
    is_in_stock: bool


class Silence(msgspec.Struct, frozen=True, kw_only=True):
    """A key event that did not come for some hours, and how often it came in these hours of past weeks."""

    event: str
    words: str
    """What it is called by people."""
    since_at: int
    hours: int
    expected: float
    weeks: int


class Broken(msgspec.Struct, frozen=True, kw_only=True):
    """Of one event, how many came and how many had to be set aside as the plan does not allow them."""

    event: str
    came: int
    set_aside: int


class Watched(msgspec.Struct, frozen=True, kw_only=True):
    """One rule; without a name what concerns no single one. Moments are ms.

    `counts` are since its run began, by place; `today` those of the last 24 hours, of it and (under no place) of all
    visits asked. `usual` are those of all rules in the 28 days before it, `beside` of the other rules in its places.
    """

    now: int
    rule: str = ""
    run: str = ""
    launched_at: int = 0
    share: int = 10_000
    needs: frozenset[str] = frozenset()
    """Events that its condition and its exception read."""
    counts: Mapping[str, Counts] = {}
    today: Counts = {}
    usual: Counts = {}
    beside: Counts = {}
    expected: Expected | None = None
    not_put: tuple[int, int] = (0, 0)
    """How often pages told that its content could not be put into its places since its launch, at most a day, and in
    as long a time before it."""
    products: tuple[Named, ...] = ()
    silences: tuple[Silence, ...] = ()
    broken: tuple[Broken, ...] = ()
    experiment: Experiment | None = None
    measured: Measured | None = None
    until_day: str = ""
    """The last full day, by the team's clock."""
    waits_for: tuple[str, ...] = ()
    bounced: Bounced | None = None
    """Since its launch; None where it was not counted for this look."""

    def total(self, what: str) -> int:
        """Over all its places."""
        return sum(counts.get(what, 0) for counts in self.counts.values())


class Sighting(msgspec.Struct, frozen=True, kw_only=True):
    """What a sign saw, in words with its numbers. `is_harm`: the rule is to be switched off; else it is only said.

    `about` tells one from another of the same sign; `subject` is said once for all rules, where it is no single one's.
    """

    words: str
    is_harm: bool
    about: str = ""
    subject: str = ""
