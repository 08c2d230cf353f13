"""Reading: what is known of a test at one moment, in sums; everything a conclusion is made of."""

from __future__ import annotations

from datetime import date
from typing import Literal

import msgspec

from opportune.core.moved import Sort
from opportune.core.statistics.moments import Moments
from opportune.core.statistics.placebo import PlaceboBand

Kind = Literal["proportion", "mean", "ratio"]


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """One metric in every arm, control first. `events` counts an arm's units that have anything of it.

    A proportion counts its own events; for the others, without `events` their number is told from the sums. Sums are
    capped where a cap was fixed; `raw` are then the same without. `largest_share` is the largest single value's share
    of the sum of the arm it is in.
    """

    metric: str
    kind: Kind
    arms: tuple[Moments, ...]
    events: tuple[int, ...] = ()
    strata: tuple[tuple[Moments, ...], ...] = ()
    """The same by phase, where the split changed from one to the next: arms are compared within each."""
    raw: tuple[Moments, ...] = ()
    more_is_better: bool = True
    has_covariate: bool = False
    """Known before exposure (x, and w for a ratio of its own)."""
    covariate_is_a_ratio: bool = False
    largest_share: float = 0.0
    scale: int = 1
    """How many of the sums' units make one that people read: 100 where money is in cents."""
    sort: Sort = "count"


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """A safety limit: treatment may lose at most `margin` of control (0.05 is 5%)."""

    measured: Measured
    margin: float


class Phase(msgspec.Struct, frozen=True):
    """Units as exposed while the ratio was constant, and the shares that were promised, control first."""

    counts: tuple[int, ...]
    shares: tuple[float, ...]


class RolledBack(msgspec.Struct, frozen=True):
    """Why the rule switched itself off ("the safety limit on refunds broke"), and when."""

    why: str
    on: date | None = None


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """Without a control group: a relative change against matched weeks or audiences, and the placebo band."""

    relative: float
    compared_with: str
    """In words: "the same four weeks before"."""
    band: PlaceboBand | None = None


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """A test as it stands. Arms are named control first; days are full days since its start.

    `planned_days` (whole weeks, until the last window closes), `planned_units` (of both arms) and the limits were
    fixed before the start. `is_daily_look` says that the sums are those of the last full day.
    """

    arms: tuple[str, ...]
    deciding: Measured
    limits: tuple[Limit, ...] = ()
    secondary: tuple[Measured, ...] = ()
    segments: tuple[tuple[str, Measured], ...] = ()
    without_crossover: Measured | None = None
    phases: tuple[Phase, ...] = ()
    """By full days, as the split is asked after once a day."""
    phases_so_far: tuple[Phase, ...] = ()
    """The same up to now: only what is off by far is believed before the day is over."""
    crossover: tuple[int, ...] = ()
    """Of the units that the deciding metric is read from, those that were also seen in another arm."""
    days: int = 0
    planned_days: int = 0
    planned_units: int = 0
    ends_on: date | None = None
    is_daily_look: bool = False
    is_cheap: bool = False
    """Keeping it costs nothing: no discount, no message, no work."""
    rolled_back: RolledBack | None = None
    change: Change | None = None
    """Set where nobody was left out: then the arms are not compared."""

    @property
    def is_over(self) -> bool:
        return self.days >= self.planned_days

    @property
    def units(self) -> int:
        return sum(max(0, arm.n) for arm in self.deciding.arms)
