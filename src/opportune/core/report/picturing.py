"""The data behind the pictures: the difference so far, day by day, and each day's or week's newcomers apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from opportune.core.metrics import Metric
from opportune.core.report.parts import Picture, Point
from opportune.core.report.plain import scaled, value_above_words
from opportune.core.report.reading import Frame, compared
from opportune.core.statistics.always_valid import AlwaysValid, always_valid
from opportune.core.statistics.comparing import Comparison, Interval
from opportune.core.statistics.moments import NO_UNITS, Moments, total

Day = str
ByDay = Mapping[Day, tuple[Moments, ...]]
"""Sums of the arms, control first, by day of first exposure."""

WEEKLY_FROM_DAYS = 14
"""Shorter tests are shown by day: a week would be all there is."""
FEWEST_APART = 3
FEWEST_COUNTED = 5
"""In each arm, before a difference is drawn: of two orders every picture is a cliff."""


def over_time(metric: Metric, by_day: ByDay, frame: Frame, *, limit: float | None = None) -> Picture | None:
    """Everybody first seen until each day, with the band that holds at any time; None where nothing can be drawn.

    `limit` is the tolerated change as a share of the control group's value, below 0 for a harm of fewer.
    """
    sums: list[Moments] = [NO_UNITS] * len(frame.arms)
    points: list[Point] = []
    found: Comparison | None = None
    for day in _every_day(by_day):
        sums = [had + more for had, more in zip(sums, by_day.get(day, _nobody(frame)), strict=True)]
        here = _compared(metric, sums)
        found = here or found
        band = always_valid(here, planned=frame.planned) if here and frame.planned else None
        interval = band.interval if isinstance(band, AlwaysValid) else None
        points.append(_point(metric, day, sums, frame, of=(here, interval)))
    if found is None:
        return None
    on_axis = None if limit is None else scaled(limit * found.control, metric.unit, frame.currency)
    return Picture(
        title="The difference so far",
        axis=axis_of(metric, frame.currency),
        points=tuple(points),
        limit=on_axis,
        words=_last_words(metric, points, frame),
    )


def by_first_day(metric: Metric, by_day: ByDay, frame: Frame) -> Picture | None:
    """Each day's newcomers, or each week's, by themselves: whether an effect wears off."""
    days = _every_day(by_day)
    span = 7 if len(days) >= WEEKLY_FROM_DAYS else 1
    points: list[Point] = []
    for first in range(0, len(days), span):
        found_days = days[first : first + span]
        if len(found_days) < span:
            break  # a week that is not whole has other weekdays
        sums = [
            total(by_day[day][number] for day in found_days if day in by_day)
            for number in range(len(frame.arms))
        ]
        here = _compared(metric, sums)
        interval = here.interval if here else None
        points.append(_point(metric, found_days[0], sums, frame, of=(here, interval)))
    if sum(point.value is not None for point in points) < FEWEST_APART:
        return None
    return Picture(
        title=f"Each {'week' if span == 7 else 'day'}'s newcomers by themselves",
        axis=axis_of(metric, frame.currency),
        points=tuple(points),
        words="If it wears off, the marks come down to the line of no difference from left to right. "
        "Each line through a mark is its 95% interval; single ones jump by chance.",
    )


def axis_of(metric: Metric, currency: str) -> str:
    """What is counted upwards."""
    if metric.unit == "share":
        return f"More (+) or fewer (-) of 100 {'' if metric.is_ratio else 'visitors who '}{metric.did}"
    if metric.unit == "money":
        return f"More (+) or less (-) {metric.did}, in {currency}"
    return f"More (+) or fewer (-) {metric.did}"


def _every_day(by_day: ByDay) -> list[Day]:
    """From the first to the last, those without anybody too."""
    if not by_day:
        return []
    first, last = date.fromisoformat(min(by_day)), date.fromisoformat(max(by_day))
    return [(first + timedelta(days=number)).isoformat() for number in range((last - first).days + 1)]


def _nobody(frame: Frame) -> tuple[Moments, ...]:
    return (NO_UNITS,) * len(frame.arms)


def _compared(metric: Metric, sums: Sequence[Moments]) -> Comparison | None:
    if min(sums[0].y, sums[-1].y) < FEWEST_COUNTED:
        return None
    found = compared(metric, sums)
    return found if isinstance(found, Comparison) else None


def _point(
    metric: Metric,
    day: Day,
    sums: Sequence[Moments],
    frame: Frame,
    *,
    of: tuple[Comparison | None, Interval | None],
) -> Point:
    found, interval = of

    def on_axis(value: float | None) -> float | None:
        return None if value is None else scaled(value, metric.unit, frame.currency)

    return Point(
        day=day,
        people=sum(arm.n for arm in sums),
        value=on_axis(found.difference) if found else None,
        low=on_axis(interval.low) if interval else None,
        high=on_axis(interval.high) if interval else None,
    )


def _last_words(metric: Metric, points: Sequence[Point], frame: Frame) -> str:
    last = next(point for point in reversed(points) if point.value is not None)
    if last.value is None or last.low is None or last.high is None:
        return "The line is the difference; 0 is no difference."
    value, low, high = (
        value_above_words(edge / scaled(1, metric.unit, frame.currency), metric.unit, frame.currency)
        for edge in (last.value, last.low, last.high)
    )
    return (
        f"By the last day {value}; the band, which holds however often one looks, goes from {low} to {high}. "
        "While the band holds 0, no difference is proven."
    )
