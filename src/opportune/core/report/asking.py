"""What a conclusion is asked with: an experiment and what was measured of it, as the sums of its closed days."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, time, timedelta
from math import ceil
from zoneinfo import ZoneInfo

from opportune.core.conclusion.concluding import FEWEST_DAYS
from opportune.core.conclusion.reading import Kind, Limit, Phase, Reading, RolledBack
from opportune.core.conclusion.reading import Measured as Asked
from opportune.core.experiments.experiment import Experiment
from opportune.core.experiments.experiment import Phase as Stretch
from opportune.core.experiments.measured import CROSSED, EVERYBODY, NO_SUMS, Cell, CellSums, Measured
from opportune.core.language.phrases.money import decimals
from opportune.core.metrics import Metric
from opportune.core.moment import DAY, SECOND
from opportune.core.report.reading import sort_of
from opportune.core.statistics.moments import NO_UNITS, Moments

QUARTER_DAYS = 91
"""How long a test without a length is looked at before the next date."""
USUAL_UNITS = 5_000
"""What always-valid intervals are tuned to where no number was planned."""
COSTLY = ("discount", "margin")
SEGMENTS = ("device ", "browser ")


class Totals:
    """What was measured, with every total made once: a report asks for the same ones many times."""

    def __init__(self, measured: Measured) -> None:
        self.measured = measured
        self._cells: dict[tuple[str, str], list[tuple[Cell, CellSums]]] = defaultdict(list)
        for cell, sums in measured.cells.items():
            self._cells[cell.arm, cell.part].append((cell, sums))
        self._made: dict[tuple[str, str, int | None, str], CellSums] = {}

    @property
    def parts(self) -> set[str]:
        return {part for _, part in self._cells}

    def total(
        self, arm: str, *, part: str = EVERYBODY, phase: int | None = None, until_day: str = ""
    ) -> CellSums:
        """The sums of an arm, of all phases or one, with days up to and including one, or all."""
        asked = arm, part, phase, until_day
        if asked not in self._made:
            self._made[asked] = sum(
                (
                    sums
                    for cell, sums in self._cells.get((arm, part), ())
                    if phase in {None, cell.phase} and (not until_day or cell.day <= until_day)
                ),
                NO_SUMS,
            )
        return self._made[asked]


def last_closed_day(now: int, window_ms: int, zone: ZoneInfo) -> str:
    """The newest day whose visitors' windows have all passed: its end and the window lie behind us."""
    try:
        today = datetime.fromtimestamp((now - window_ms) / SECOND, zone).date()
    except (OverflowError, ValueError):
        return date.min.isoformat()
    return (today - timedelta(days=1)).isoformat()


def window_of(experiment: Experiment) -> int:
    """The longest of what decides and what limits: only days that all of them have behind them are read together."""
    metrics = (experiment.metric, *(limit.metric for limit in experiment.limits))
    return max(metric.window_ms for metric in metrics)


def answer_at(experiment: Experiment, now: int, zone: ZoneInfo) -> int:
    """When the last day's windows close; for a test without a length the end of the quarter it is in.

    Days are read whole: one that the test ends in is read once it is over, so that there is one look at the end.
    """
    if experiment.planned_end_at is not None:
        return _day_over(experiment.planned_end_at, zone) + window_of(experiment)
    quarters = max(1, ceil((now - experiment.started_at) / (QUARTER_DAYS * DAY)))
    return experiment.started_at + quarters * QUARTER_DAYS * DAY


def _day_over(at: int, zone: ZoneInfo) -> int:
    """The midnight that ends the day which a stretch up to this moment ends in."""
    day = datetime.fromtimestamp((at - 1) / SECOND, zone).date()
    return round(datetime.combine(day + timedelta(days=1), time(), zone).timestamp()) * SECOND


def planned_units(experiment: Experiment) -> int:
    return experiment.people or USUAL_UNITS


def arms_of(
    experiment: Experiment, measured: Totals, metric: Metric, until_day: str, part: str = EVERYBODY
) -> tuple[Moments, ...]:
    return tuple(
        measured.total(arm, part=part, until_day=until_day).by_metric.get(metric.name, NO_UNITS)
        for arm, _ in experiment.arms
    )


def asked(experiment: Experiment, measured: Totals, now: int, zone: ZoneInfo, currency: str) -> Reading:
    """The reading as of now, of days whose windows are closed. It changes once a day, at midnight."""
    until_day = last_closed_day(now, window_of(experiment), zone)
    ends_at = answer_at(experiment, now, zone)
    days, planned_days = ((at - experiment.started_at) / DAY for at in (now, ends_at))
    return Reading(
        arms=tuple(arm for arm, _ in experiment.arms),
        deciding=_measured(experiment, measured, experiment.metric, until_day, currency),
        limits=tuple(
            Limit(
                measured=_measured(experiment, measured, limit.metric, until_day, currency),
                margin=limit.margin,
            )
            for limit in experiment.limits
        ),
        secondary=tuple(
            _measured(experiment, measured, metric, until_day, currency)
            for metric in experiment.others
            if metric.name != experiment.metric.name
        ),
        segments=tuple(
            (part, _measured(experiment, measured, experiment.metric, until_day, currency, part=part))
            for part in segments_of(measured)
        ),
        without_crossover=_without_crossed(experiment, measured, until_day, currency),
        phases=_phases(experiment, measured, last_closed_day(now, 0, zone)),
        phases_so_far=_phases(experiment, measured),
        crossover=tuple(
            measured.total(arm, part=CROSSED, until_day=until_day).units for arm, _ in experiment.arms
        ),
        days=max(0, ceil(planned_days) if now >= ends_at else min(int(days), ceil(planned_days) - 1)),
        planned_days=max(0, ceil(planned_days)),
        planned_units=planned_units(experiment),
        ends_on=datetime.fromtimestamp(ends_at / SECOND, zone).date(),
        is_daily_look=_closed_days(experiment, until_day, zone) >= FEWEST_DAYS,
        is_cheap=not any(word in metric.name for metric in experiment.metrics for word in COSTLY),
        rolled_back=_rolled_back(experiment, zone),
    )


def _closed_days(experiment: Experiment, until_day: str, zone: ZoneInfo) -> int:
    """How many days are read: before every weekday was there once, no early end is looked for."""
    first = datetime.fromtimestamp(experiment.started_at / SECOND, zone).date()
    return (date.fromisoformat(until_day) - first).days + 1


def segments_of(measured: Totals) -> list[str]:
    return sorted(part for part in measured.parts if part.startswith(SEGMENTS))


def stretches(experiment: Experiment) -> list[Stretch]:
    """One for each ratio: a ramp changes coverage only, and keeps the number."""
    by_number: dict[int, Stretch] = {}
    for stretch in experiment.phases:
        by_number.setdefault(stretch.number, stretch)
    return list(by_number.values()) or [
        Stretch(number=1, since_at=experiment.started_at, arms=experiment.arms)
    ]


def _measured(
    experiment: Experiment,
    measured: Totals,
    metric: Metric,
    until_day: str,
    currency: str,
    *,
    part: str = EVERYBODY,
) -> Asked:
    totals = [measured.total(arm, part=part, until_day=until_day) for arm, _ in experiment.arms]
    arms = tuple(sums.by_metric.get(metric.name, NO_UNITS) for sums in totals)
    raw = tuple(sums.raw.get(metric.name, NO_UNITS) for sums in totals)
    is_capped = metric.name in experiment.caps
    return Asked(
        metric=metric.name,
        kind=kind_of(metric),
        arms=arms,
        strata=_strata(experiment, measured, metric, until_day, part),
        raw=raw if is_capped else (),
        more_is_better=metric.more_is_better,
        has_covariate=any(arm.xx for arm in arms),
        covariate_is_a_ratio=metric.is_ratio,
        largest_share=max(
            (
                _share(sums.largest.get(metric.name, 0), arm.y)
                for sums, arm in zip(totals, raw if is_capped else arms, strict=True)
            ),
            default=0.0,
        ),
        scale=scale_of(metric, currency),
        sort=sort_of(metric),
    )


def _strata(
    experiment: Experiment, measured: Totals, metric: Metric, until_day: str, part: str
) -> tuple[tuple[Moments, ...], ...]:
    """The sums of each phase, where the split was another one in each."""
    phases = stretches(experiment)
    if len(phases) < 2:
        return ()
    return tuple(
        tuple(
            measured.total(arm, part=part, phase=phase.number, until_day=until_day).by_metric.get(
                metric.name, NO_UNITS
            )
            for arm, _ in experiment.arms
        )
        for phase in phases
    )


def scale_of(metric: Metric, currency: str) -> int:
    """How many minor units make one of what people read: 100 cents, 1 yen, 1,000 fils."""
    return int(10 ** decimals(currency)) if metric.is_money else 1


def kind_of(metric: Metric) -> Kind:
    return "ratio" if metric.is_ratio else "proportion" if metric.unit == "share" else "mean"


def _share(largest: int, whole: float) -> float:
    return min(1.0, largest / whole) if whole > 0 else 0.0


def _without_crossed(experiment: Experiment, measured: Totals, until_day: str, currency: str) -> Asked | None:
    crossed = arms_of(experiment, measured, experiment.metric, until_day, CROSSED)
    if not any(arm.n for arm in crossed):
        return None
    everybody = arms_of(experiment, measured, experiment.metric, until_day)
    return Asked(
        metric=experiment.metric.name,
        kind=kind_of(experiment.metric),
        arms=tuple(all_of - both for all_of, both in zip(everybody, crossed, strict=True)),
        more_is_better=experiment.metric.more_is_better,
        scale=scale_of(experiment.metric, currency),
        sort=sort_of(experiment.metric),
    )


def _phases(experiment: Experiment, measured: Totals, until_day: str = "") -> tuple[Phase, ...]:
    names = [arm for arm, _ in experiment.arms]
    found = []
    for stretch in stretches(experiment):
        weights = dict(stretch.arms)
        whole = sum(weights.values()) or 1
        totals = [measured.total(arm, phase=stretch.number, until_day=until_day) for arm in names]
        found.append(
            Phase(
                counts=tuple(sums.units for sums in totals),
                shares=tuple(weights.get(arm, 0) / whole for arm in names),
            )
        )
    return tuple(found)


def _rolled_back(experiment: Experiment, zone: ZoneInfo) -> RolledBack | None:
    if experiment.ended_as != "rolled back":
        return None
    ended = experiment.ended_at
    return RolledBack(
        experiment.reason, datetime.fromtimestamp(ended / SECOND, zone).date() if ended is not None else None
    )
