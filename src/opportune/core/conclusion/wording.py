"""Wording: the sentences of conclusions, in a marketer's words; each state with one sentence and one next step."""

from __future__ import annotations

import re
from datetime import date
from math import floor, log10

from opportune.core.conclusion.judging import ArmResult, LimitResult, Trust
from opportune.core.conclusion.reading import Change, Measured, Reading
from opportune.core.moved import Sort, between_words, change_words, percent_words
from opportune.core.statistics.always_valid import AlwaysValid
from opportune.core.statistics.comparing import Comparison, Interval
from opportune.core.statistics.estimate import Reason
from opportune.core.statistics.relative import relative_always, relative_once

REASONS: dict[Reason, str] = {
    "too_few_units": "one side has fewer than two visitors",
    "no_spread": "every visitor has the same result",
    "nothing_to_divide_by": "one side has nothing to divide by",
    "out_of_range": "a number in it is too large to be real",
}


def moved(share: float, metric: str, sort: Sort) -> str:
    """A change of something: "12% more orders"."""
    words = change_words(share, sort)
    if not metric:
        return words
    return f"{words} in {metric}" if share == 0 else f"{words} {metric}"


def span(interval: Interval, sort: Sort) -> str:
    return between_words(interval.low, interval.high, sort)


def amount(value: float, measured: Measured) -> str:
    """A change in the metric's own unit, where there is no percentage."""
    if measured.kind == "proportion":
        return f"{figures(value * 100, '+')} of 100"
    return figures(value / measured.scale, "+")


def figures(value: float, sign: str = "") -> str:
    """Four figures without an exponent where people would write none: 510,700, 0.1735."""
    if value == 0 or not 1e-4 <= abs(value) < 1e12:
        return f"{value:{sign}.4g}"
    places = max(0, 3 - floor(log10(abs(value))))
    text = f"{value:{sign},.{places}f}"
    return text.rstrip("0").rstrip(".") if places else text


def per_visitor(measured: Measured) -> str:
    """What an amount is of, unless the metric's words say it."""
    if measured.kind == "proportion":
        return " visitors"
    return "" if re.search(r"\b(?:an?|per) ", measured.metric) else " a visitor"


def better(measured: Measured) -> str:
    """Which way is good, where it is not the usual one."""
    return "" if measured.more_is_better else "; less is better"


def effect(result: ArmResult, measured: Measured) -> str:
    """Such as: 12% more orders (between 3% and 22% more)."""
    return _effect(result, measured, measured.metric)


def effect_alone(result: ArmResult, measured: Measured) -> str:
    """The same where the metric is named already."""
    return _effect(result, measured, "")


def _effect(result: ArmResult, measured: Measured, metric: str) -> str:
    found = result.comparison
    if not isinstance(found, Comparison):
        return f"{metric} cannot be compared: {REASONS[found.reason]}".lstrip()
    shares = relative_once(found)
    if found.relative is None or shares is None:
        low, high = amount(found.interval.low, measured), amount(found.interval.high, measured)
        told = f"{amount(found.difference, measured)}{per_visitor(measured)}"
        return f"{metric} {told} (between {low} and {high}{better(measured)})".lstrip()
    told = moved(found.relative, metric, measured.sort)
    return f"{told} ({span(shares, measured.sort)}{better(measured)})"


def odds(share: float, what: str) -> str:
    better = min(99, max(1, round(100 * share)))
    return f"The odds that {what} is better at all are {better} to {100 - better}."


def running(result: ArmResult, measured: Measured) -> str:
    """The always-valid range while collecting, as shares of control where control has any."""
    found, valid, metric = result.comparison, result.always_valid, measured.metric
    if not isinstance(found, Comparison) or not isinstance(valid, AlwaysValid):
        return ""
    shares = relative_always(found, valid)
    if shares is None:
        low, high = amount(valid.interval.low, measured), amount(valid.interval.high, measured)
        return f"{metric} between {low} and {high}{per_visitor(measured)}{better(measured)}"
    return f"{span(shares, measured.sort)} {metric}{better(measured)}"


def day(on: date | None) -> str:
    return f"{on.day} {on:%B}" if on else ""


def until(reading: Reading) -> str:
    """Such as: until 14 March (day 5 of 28). There is always an end."""
    done = f"day {min(reading.days, reading.planned_days)} of {reading.planned_days}"
    return f"until {day(reading.ends_on)} ({done})" if reading.ends_on else f"({done})"


def visitors(count: int) -> str:
    return "1 visitor" if count == 1 else f"{count:,} visitors"


def lost_trust(trust: Trust) -> tuple[str, str]:
    if trust.is_split_off:
        return (
            "Do not trust this: the visitors are not split as they were meant to be, so no effect is shown.",
            "Find out why one side lost visitors (a cache, a redirect, bots, an error), then start a new test.",
        )
    if trust.is_crossover_uneven:
        return (
            "Do not trust this: visitors who saw more than one version are unevenly spread over the sides.",
            "Check what makes visitors of one side lose their version, then start a new test.",
        )
    return (
        f"Do not trust this: {percent_words(trust.crossover_share)} of the visitors saw more than one version.",
        "Check how visitors are recognised (log-in, devices, cookies), then start a new test.",
    )


def changed(change: Change, metric: str, sort: Sort) -> tuple[str, str]:
    """Without a control group."""
    said = f"{moved(change.relative, metric, sort)} compared with {change.compared_with}"
    advice = "Leave some visitors out by chance, and the next answer is a proof."
    if change.band is None:
        return f"A direction, not a proof: {said}; there is too little history to say what is usual.", advice
    usual = (
        f"nine in ten of {change.band.comparisons} such comparisons moved by {percent_words(change.band.reach)} "
        "or less when nothing was changed"
    )
    meaning = "changes as large happen anyway" if change.band.holds(change.relative) else "this is unusual"
    return f"A direction, not a proof: {said}; {usual}, so {meaning}.", advice


def unproven_limits(limits: list[LimitResult]) -> str:
    return " and ".join(sorted({_safe(limit) for limit in limits}))


def _safe(limit: LimitResult) -> str:
    """Such as: sign-ups losing less than 5%."""
    way = "losing" if limit.more_is_better else "growing by"
    return f"{limit.metric} {way} {f'less than {percent_words(limit.margin)}' if limit.margin else 'nothing'}"
