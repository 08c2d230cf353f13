"""Relative: intervals of a difference as shares of the control group's value, never below a loss of all there is."""

from __future__ import annotations

from math import exp, isfinite, log

from opportune.core.statistics.always_valid import AlwaysValid
from opportune.core.statistics.comparing import Comparison, Interval


def relative_once(found: Comparison) -> Interval | None:
    """For one look at the end; where the logarithm says another thing of no change than the test did, without it."""
    return _told(found, found.interval, found.relative_interval)


def relative_always(found: Comparison, always: AlwaysValid) -> Interval | None:
    """At any time: as many times wider on the logarithm of the ratio as the interval of the difference is."""
    once = found.relative_interval
    if once is None or found.relative is None or found.treatment <= 0 or once.high <= found.relative:
        return _told(found, always.interval, None)
    wider = (always.interval.high - found.difference) / (found.interval.high - found.difference)
    try:
        factor = exp(log((1 + once.high) / (1 + found.relative)) * wider)
    except OverflowError:
        return _told(found, always.interval, None)
    ratio = 1 + found.relative
    return _told(found, always.interval, Interval(ratio / factor - 1, ratio * factor - 1))


def _told(found: Comparison, of_difference: Interval, on_logarithm: Interval | None) -> Interval | None:
    if found.control <= 0:
        return None
    relative = on_logarithm if found.treatment > 0 else None
    if relative is None or relative.holds(0) != of_difference.holds(0):
        relative = Interval(of_difference.low / found.control, of_difference.high / found.control)
    if found.treatment >= 0:
        relative = Interval(max(-1.0, relative.low), max(-1.0, relative.high))
    return relative if isfinite(relative.low) and isfinite(relative.high) else None
