"""One metric read in every arm: values in words, and the change against the control group with its intervals."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

import msgspec

from opportune.core.metrics import Metric
from opportune.core.moved import NOT_KNOWN, Sort, between_words, change_words
from opportune.core.report.parts import ArmValue, Change, Reading
from opportune.core.report.plain import value_above_words, value_words
from opportune.core.statistics.always_valid import AlwaysValid, always_valid
from opportune.core.statistics.comparing import Comparison, compare
from opportune.core.statistics.estimate import Unanswerable, estimate_mean, estimate_ratio
from opportune.core.statistics.moments import Moments
from opportune.core.statistics.relative import relative_always, relative_once

NAMES = {
    "rule": ("without it", "it"),
    "programme": ("without personalization", "personalization"),
    "hide": ("without hiding", "hiding"),
}
"""What the two sides are called in a sentence about one of them."""
SIDES = {
    "rule": ("without it", "with it"),
    "programme": ("without personalization", "with personalization"),
    "hide": ("without hiding", "with hiding"),
}
WHY_NOT = {
    "too_few_units": "Too few visitors to compare.",
    "no_spread": "Every visitor counts the same so far, so there is nothing to compare.",
    "nothing_to_divide_by": "There is nothing to divide by yet, so there is nothing to compare.",
    "out_of_range": "The numbers are too large to compare: check what the events carry.",
}


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """What every word is said in: the moment, the team's zone and currency, and who the two sides are."""

    now: int
    zone: ZoneInfo
    currency: str
    sides: tuple[str, ...]
    """In small letters, control first."""
    arms: tuple[str, ...]
    planned: int
    """Visitors that were planned for, which tunes what holds at any time."""
    is_final: bool = False
    """The last window has closed: the one look at the end is what counts."""
    has_ended: bool = False
    """Nothing more is collected, whether or not the plan was fulfilled."""

    def label(self, number: int) -> str:
        side = self.sides[number]
        return f"{side[:1].upper()}{side[1:]}"


Compared = Comparison | Unanswerable


def compared(metric: Metric, arms: Sequence[Moments]) -> Compared:
    """The last arm against the first, as counted."""
    estimate = estimate_ratio if metric.is_ratio else estimate_mean
    return compare(estimate(arms[0]), estimate(arms[-1]))


def read(
    metric: Metric,
    arms: Sequence[Moments],
    frame: Frame,
    *,
    title: str = "",
    note: str = "",
    of: Compared | None = None,
) -> Reading:
    """Never raises: where there is no answer, the words say why. `of` is the comparison where one was made already."""
    values = tuple(
        arm_value(metric, arm, frame.arms[number], frame.label(number), frame.currency)
        for number, arm in enumerate(arms)
    )
    found = compared(metric, arms) if of is None else of
    change = _change(metric, found, frame) if isinstance(found, Comparison) else None
    return Reading(
        title=title or capitalized(metric.describe()),
        metric=metric.name,
        unit=metric.unit,
        arms=values,
        change=change,
        words=_sentence(values, change, found, frame),
        note=note,
    )


def sort_of(metric: Metric) -> Sort:
    return "amount" if metric.is_money or metric.is_ratio else "count"


def capitalized(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}"


def arm_value(metric: Metric, arm: Moments, name: str, label: str, currency: str) -> ArmValue:
    value = _mean(metric, arm)
    short = "" if value is None else value_words(value, metric.unit, currency)
    words = f"{short} {metric.did}" if short else ""
    return ArmValue(arm=name, label=label, people=arm.n, value=value, short=short, words=words)


def _mean(metric: Metric, arm: Moments) -> float | None:
    try:
        if metric.is_ratio:
            return arm.y / arm.d if arm.d else None
        return arm.y / arm.n if arm.n else None
    except OverflowError:
        return None


def _change(metric: Metric, found: Comparison, frame: Frame) -> Change:
    always = _always(found, frame.planned)
    once, at_any_time = relative_once(found), relative_always(found, always) if always else None
    sort = sort_of(metric)
    shown = once if frame.is_final else at_any_time
    if found.relative is not None:
        words = change_words(found.relative, sort)
    else:
        words = f"{value_above_words(found.difference, metric.unit, frame.currency)} {metric.did}".strip()
    return Change(
        difference=found.difference,
        low=found.interval.low,
        high=found.interval.high,
        always_low=always.interval.low if always else None,
        always_high=always.interval.high if always else None,
        relative=found.relative,
        relative_low=once.low if once else None,
        relative_high=once.high if once else None,
        relative_always_low=at_any_time.low if at_any_time else None,
        relative_always_high=at_any_time.high if at_any_time else None,
        p=found.p,
        words=words,
        between=between_words(shown.low, shown.high, sort)
        if shown
        else _between_values(metric, found, always, frame),
    )


def _always(found: Comparison, planned: int) -> AlwaysValid | None:
    if planned < 1:
        return None
    always = always_valid(found, planned=planned)
    return always if isinstance(always, AlwaysValid) else None


def _between_values(metric: Metric, found: Comparison, always: AlwaysValid | None, frame: Frame) -> str:
    """Where control is 0 there is no percentage of it."""
    if not frame.is_final and always is None:
        return ""
    interval = found.interval if frame.is_final or always is None else always.interval
    low, high = (
        value_above_words(edge, metric.unit, frame.currency) for edge in (interval.low, interval.high)
    )
    return "" if NOT_KNOWN in (low, high) else f"between {low} and {high}"


def _sentence(values: Sequence[ArmValue], change: Change | None, found: Compared, frame: Frame) -> str:
    first, last = values[0], values[-1]
    if not first.people and not last.people:
        return "Nobody is in yet."
    if not first.people or not last.people:
        return f"Everybody is {frame.sides[0] if first.people else frame.sides[-1]}: there is nobody to compare with."
    told = f"{last.words or NOT_KNOWN} {frame.sides[-1]}, {first.short or NOT_KNOWN} {frame.sides[0]}"
    if change is None:
        reason = found.reason if isinstance(found, Unanswerable) else "too_few_units"
        return f"{told}. {WHY_NOT[reason]}"
    if not change.between:
        return f"{told}: {change.words}."
    lead = "" if frame.is_final or frame.has_ended else "so far "
    return f"{told}: {change.words}; {lead}{change.between}."
