"""Backtesting: what a rule would have done on the team's own log, decided by the very code that decides live.

Counting goes lane by lane, and what was counted of several lanes adds up: a sample stops when its time is over, the
full answer goes on.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from time import perf_counter

from opportune.core.history.key import LANES
from opportune.core.traffic.backtest import Backtest
from opportune.core.traffic.tally import Tally
from opportune.services.traffic import concluding
from opportune.services.traffic.deciding_again import count_lane
from opportune.services.traffic.sampling import LANE_ORDER
from opportune.services.traffic.trying import Asked, Trial
from opportune.storage.base import Storage

SAMPLE_VISITS = 1_500
"""A sample ends with the lane in which it has so many: by number and not by time, so that the same question gets the
same figure wherever it is asked."""
SAMPLE_SECONDS = 1.5
"""After so long no further lane is begun all the same, so that an answer is there within two seconds."""

Notice = Callable[[int, int], None]
"""How many lanes are done, of how many."""


def backtest(
    storage: Storage,
    now: int,
    asked: Asked,
    *,
    is_full: bool = False,
    notice: Notice | None = None,
    seconds: float = SAMPLE_SECONDS,
) -> Backtest:
    """The answer: a sample within about two seconds, or with `is_full` everything, however long that takes.

    Raises NotFoundError for a rule that is not there, PlaybookError for files that do not check.
    """
    until = perf_counter() + seconds
    trial = Trial(storage, now, asked, is_patient=is_full)
    tally = count_all(trial, notice=notice) if is_full else count_sample(trial, until - perf_counter())
    return concluding.conclude(trial, tally)


def count_sample(trial: Trial, seconds: float) -> Tally:
    """What every surface asks of a rule that is asked of in passing: the same lanes, unless time runs out."""
    return count_for(trial, seconds, visits=SAMPLE_VISITS)


def count_all(trial: Trial, notice: Notice | None = None) -> Tally:
    return count_for(trial, inf, notice=notice)


def count_for(
    trial: Trial,
    seconds: float,
    *,
    visits: float = inf,
    lanes_done: int = 0,
    notice: Notice | None = None,
) -> Tally:
    """At least the next lane, and further ones for about so long, or until so many visits were decided for.

    Nothing where the rule waits for its events.
    """
    until, tally = perf_counter() + seconds, Tally()
    for lane in LANE_ORDER[lanes_done:] if not trial.waits_for else ():
        tally.join(count_lane(trial, lane))
        if notice is not None:
            notice(lanes_done + tally.lanes, LANES)
        if tally.visits >= visits or perf_counter() > until:
            break
    return tally


def count_part(storage: Storage, now: int, asked: Asked, lanes_done: int, seconds: float) -> Tally:
    """The next lanes after so many, for about that long: the full answer in parts, with others' work between them."""
    until = perf_counter() + seconds
    trial = Trial(storage, now, asked, is_patient=True)
    return count_for(trial, until - perf_counter(), lanes_done=lanes_done)


def conclude(storage: Storage, now: int, asked: Asked, tally: Tally) -> Backtest:
    """The answer from what was counted in parts."""
    return concluding.conclude(Trial(storage, now, asked, is_patient=True), tally)
