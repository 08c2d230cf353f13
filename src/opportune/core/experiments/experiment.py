"""An experiment: a test with its design, fixed before the first visitor is in it, and the course it takes.

Of a rule, of a rule that hides, or of the whole programme against its control group. What visitors did is not in
here; it is derived from what was recorded.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from opportune.core.metrics import AnyMetric
from opportune.core.moment import DAY

ExperimentSubject = Literal["programme", "rule", "hide"]
Ended = Literal["", "finished", "stopped", "rolled back", "replaced"]

USUAL_GAIN = 0.2
"""The relative gain a test is planned to find where nobody says another."""


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """How much worse a metric may get: `margin` is the largest harm, relative to the control arm (0.05: 5%).

    Whether worse is up or down is the metric's to say.
    """

    metric: AnyMetric
    margin: float

    @property
    def words(self) -> str:
        """`bounces a visit within 7 days up by at most 5%`."""
        way = "down" if self.metric.more_is_better else "up"
        return f"{self.metric.describe()} {way} by at most {self.margin * 100:.4g}%"


class Phase(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of an experiment with one ratio and one coverage.

    `number` goes up when the ratio changes, and assignments carry it; a ramp changes only `share` (of 10,000) and
    keeps the number.
    """

    number: int
    since_at: int
    arms: tuple[tuple[str, int], ...]
    share: int = 10_000


class Design(msgspec.Struct, frozen=True, kw_only=True):
    """What is fixed before a test starts, as rule and team state it. `days` is None for one without an end."""

    metric: AnyMetric
    limits: tuple[Limit, ...] = ()
    others: tuple[AnyMetric, ...] = ()
    days: int | None = None
    smallest_gain: float = USUAL_GAIN


class Experiment(msgspec.Struct, frozen=True, kw_only=True):
    """One experiment. Everything but its course (`ended_...`, `reason`, `phases`) is fixed when it starts.

    `id` is the seed its arms are drawn with. `arms` are (name, weight of 10,000), control first; the programme's
    are `out` and `in`. `metric` decides, `limits` may not be passed, `others` are looked at. `people` is how many
    visitors of both arms the plan asks for (0 where nothing was known to plan with). `caps` hold, by metric name, the
    largest value of one visitor that counts.
    """

    id: str
    subject: ExperimentSubject
    rule: str = ""
    sentence: str = ""
    behaviour: str = ""
    revision: str = ""
    arms: tuple[tuple[str, int], ...]
    metric: AnyMetric
    limits: tuple[Limit, ...] = ()
    others: tuple[AnyMetric, ...] = ()
    days: int | None = None
    smallest_gain: float = USUAL_GAIN
    people: int = 0
    caps: Mapping[str, int] = {}
    started_at: int
    planned_end_at: int | None = None
    ended_at: int | None = None
    ended_as: Ended = ""
    reason: str = ""
    phases: tuple[Phase, ...] = ()

    @property
    def is_open(self) -> bool:
        return self.ended_at is None

    @property
    def control(self) -> str:
        return self.arms[0][0]

    @property
    def metrics(self) -> tuple[AnyMetric, ...]:
        """All it measures, the deciding one first, each once."""
        found = (self.metric, *(limit.metric for limit in self.limits), *self.others)
        return tuple({metric.describe(): metric for metric in found}.values())

    def arms_at(self, phase: int) -> tuple[tuple[str, int], ...]:
        """The arms with the weights of a phase."""
        return next((each.arms for each in reversed(self.phases) if each.number == phase), self.arms)


def planned_end(started_at: int, days: int | None) -> int | None:
    return None if days is None else started_at + days * DAY
