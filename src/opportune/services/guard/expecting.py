"""Expecting: what the log before its launch makes expect of a rule, by the very code that decides live."""

from __future__ import annotations

from time import perf_counter

from opportune.core.experiments.watched import Expected
from opportune.core.history.plan import Plan
from opportune.core.moment import DAY
from opportune.core.traffic.backtest import Backtest
from opportune.core.traffic.bounced import Bounced
from opportune.core.traffic.tally import Tally
from opportune.errors import OpportuneError
from opportune.services.guard.bouncing import SETTLED_MS, Before, count_before, lanes_for
from opportune.services.traffic.concluding import conclude
from opportune.services.traffic.deciding_again import count_lane
from opportune.services.traffic.sampling import LANE_ORDER
from opportune.services.traffic.trying import Asked, Trial
from opportune.storage.base import Storage

FEWEST_VISITS = 100
"""In the log before a launch, to expect anything from."""
SECONDS = 4.0
"""Done once a launch, and nobody waits: more than a backtest is given, so that a small rule's bounces suffice, too."""
MOST_ACTED = 0.1
"""Of the visits in which it would have acted, so many may it have acted in, and there still is a normal."""
RULE_OF_THREE = 3.0
"""With nobody among n, the share is below 3 / n in 95 of 100 such logs."""


def expect(
    storage: Storage, now: int, rule: str, launched_at: int, plan: Plan, *, seconds: float = SECONDS
) -> Expected | None:
    """For the reading process, in some seconds: its reach, and bounces of visits it would have acted in.

    None where the log is too short to expect anything, or cannot be asked.
    """
    asked = Asked(rule=rule)
    until = perf_counter() + seconds
    try:
        trial = Trial(storage, now, asked)
    except OpportuneError:
        return None
    span = Before(
        rule=trial.rule.name,
        since_at=now - asked.days * DAY,
        until_at=min(launched_at, now - SETTLED_MS),
    )
    tally, before, did = Tally(), Bounced(), 0
    for number, lane in enumerate(LANE_ORDER if not trial.waits_for else ()):
        if number and perf_counter() > until:
            break
        acted: dict[int, list[int]] = {}
        tally.join(count_lane(trial, lane, acted))
        found, again = count_before(storage, lane, acted, span, plan)
        before, did = before + found, did + again
    return _expected(conclude(trial, tally), before if did <= MOST_ACTED * (before.reached.d + did) else None)


def _expected(found: Backtest, before: Bounced | None) -> Expected | None:
    """`before` is None where the rule itself was live for some of that time: the rest is not like the whole."""
    if found.visits < FEWEST_VISITS or found.waits_for:
        return None
    share = found.share_of_visits
    return Expected(
        share=share.value,
        high=max(share.high, RULE_OF_THREE / found.visits),
        visits=round(share.value * found.visits),
        people_a_day=found.people_a_day.value,
        before=before,
        is_estimated=any(place.is_estimated for place in found.places),
        lanes=lanes_for(found.visits / found.days),
    )
