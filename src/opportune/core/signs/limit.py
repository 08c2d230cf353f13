"""A safety limit, or what decides, is shown to be broken: the statistical look, every minute."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from opportune.core.conclusion.judging import LimitResult, broken_limits
from opportune.core.conclusion.reading import Kind, Limit, Reading
from opportune.core.conclusion.reading import Measured as Asked
from opportune.core.experiments.experiment import Experiment
from opportune.core.experiments.measured import Measured
from opportune.core.experiments.watched import Sighting, Watched
from opportune.core.metrics import AnyMetric
from opportune.core.signs.base import Sign, of_hundred
from opportune.core.statistics.moments import Moments

FAR = 0.5
"""Margin of what a test only looks at and of which less is better: half as much again."""
USUAL_PEOPLE = 10_000
"""Where a test was planned without a number of visitors; fixed, as a bound tuned while looking holds nothing."""


class Broken(Sign):
    """Alpha 5%, shared by all limits of the test (Bonferroni) and all its arms.

    Limits with their own margins; what decides with none, as it was to gain; what is only looked at and should be
    little (bounces, dismissals, refunds) with half as much again.
    """

    name: ClassVar[str] = "a safety limit is broken"
    meaning: ClassVar[str] = (
        "Against the control group, a safety limit is beyond its margin, what decides is worse, or something that "
        "should be little is half as much again: by an always-valid one-sided bound at 5%, shared between all of "
        "them, with 25 or more counted on each side."
    )
    is_harm: ClassVar[bool] = True

    def look(self, watched: Watched) -> Iterator[Sighting]:
        experiment, measured = watched.experiment, watched.measured
        if experiment is None or measured is None or len(experiment.arms) < 2:
            return
        reading = reading_of(experiment, measured)
        broken = broken_limits(reading)
        if broken:
            metrics = {metric.describe(): metric for metric in experiment.metrics}
            told = [_told(metrics[each.metric], each, reading) for each in broken]
            yield Sighting(words="; ".join(dict.fromkeys(told)), is_harm=True)


def reading_of(experiment: Experiment, measured: Measured) -> Reading:
    """Only what the newest phase counted: arms of different phases have different shares of each."""
    phase = max((cell.phase for cell in measured.cells), default=1)
    names = [name for name, _ in experiment.arms]
    sums = [measured.total(name, phase=phase) for name in names]
    margins = {limit.metric.describe(): limit.margin for limit in experiment.limits}
    margins[experiment.metric.describe()] = 0.0
    for metric in experiment.others:
        if not metric.more_is_better:
            margins.setdefault(metric.describe(), FAR)
    asked = [
        (_asked(metric, [arm.by_metric.get(metric.describe(), Moments(n=arm.units)) for arm in sums]), margin)
        for metric in experiment.metrics
        if (margin := margins.get(metric.describe())) is not None
    ]
    return Reading(
        arms=tuple(names),
        deciding=asked[0][0],
        limits=tuple(Limit(measured=measured, margin=margin) for measured, margin in asked),
        planned_units=experiment.people or USUAL_PEOPLE,
    )


def _asked(metric: AnyMetric, arms: list[Moments]) -> Asked:
    kind: Kind = "ratio" if metric.is_ratio else "proportion" if metric.unit == "share" else "mean"
    return Asked(
        metric=metric.describe(),
        kind=kind,
        arms=tuple(arms),
        events=() if kind == "proportion" else tuple(_fewest_with_any(arm) for arm in arms),
        more_is_better=metric.more_is_better,
    )


def _fewest_with_any(arm: Moments) -> int:
    """Units that have anything of it are at least y^2 / yy (Cauchy and Schwarz): one order never passes for many."""
    return int(arm.y * arm.y // arm.yy) if arm.yy else 0


def _told(metric: AnyMetric, found: LimitResult, reading: Reading) -> str:
    measured = next(each.measured for each in reading.limits if each.measured.metric == found.metric)
    control, treatment = measured.arms[0], measured.arms[reading.arms.index(found.arm)]
    if measured.kind == "proportion":
        return (
            f"{metric.describe()}: {of_hundred(treatment.y, treatment.n)} of 100 visitors with it "
            f"({treatment.y:,} of {treatment.n:,}), {of_hundred(control.y, control.n)} without"
        )
    per = "d" if measured.kind == "ratio" else "n"
    with_it, without = (_value(metric, arm, getattr(arm, per)) for arm in (treatment, control))
    of_what = f" {metric.did}" if metric.unit == "share" else ""
    return f"{metric.describe()}: {with_it}{of_what} with it, {without} without"


def _value(metric: AnyMetric, arm: Moments, divisor: float) -> str:
    if metric.unit == "share":
        return f"{of_hundred(arm.y, divisor)} of 100"
    value = arm.y / divisor if divisor else 0.0
    return f"{value / 100:,.2f}" if metric.is_money else f"{value:,.3g}"
