"""Foreseeing: how many visitors a test asks for, and above which value one visitor counts no more.

Both come from the 90 days before the test began, so they are the same whenever they are worked out; that is done in the
background right after the start, from a sample of visitors that is read in small steps.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping

import msgspec

from opportune.core.allocation import BUCKETS
from opportune.core.experiments.experiment import Experiment
from opportune.core.history.key import LANES
from opportune.core.history.plan import Plan
from opportune.core.history.timeline import TimelineEvent
from opportune.core.metrics import AnyMetric
from opportune.core.metrics.margin import margins_of
from opportune.core.metrics.ratio import VIEWS
from opportune.core.moment import DAY
from opportune.core.statistics.capping import cap_from
from opportune.core.statistics.power import Spread, spread_of_share, units_needed
from opportune.services.experiments.experimenting import reconcile
from opportune.services.house import House
from opportune.services.lane_events import events_of_lane
from opportune.storage.base import Storage, Transaction

HISTORY_MS = 90 * DAY
MOST_EVENTS = 40_000
"""Of the sample, which takes whole lanes: a lane is one of 256 like parts of all visitors."""
FEWEST_VISITORS = 300
"""With fewer a share says little: a typical shop's stands in for it."""
FEWEST_SUCCESSES = 5
TYPICAL_SHARE = 0.02
"""How many of a typical small shop's visitors order."""

Histories = Mapping[int, list[TimelineEvent]]
"""By key: what happened."""
MayGoOn = Callable[[], bool]


class Foreseen(msgspec.Struct, frozen=True):
    """What is known before a test: visitors of both arms the plan asks for, and caps by metric name."""

    people: int
    caps: Mapping[str, int]


def keep_experiments(house: House, *, may_go_on: MayGoOn = lambda: True) -> list[Experiment]:
    """Brings experiments up to the tests that run, and works out what is not foreseen of them yet."""
    changed = reconcile(house)
    margins = margins_of(house.catalogue.list_products())
    plan = house.programme.playbook.plan
    for experiment in house.storage.list_experiments(open_only=True):
        if experiment.people == 0:
            foreseen = foresee(house.storage, experiment, plan, margins, may_go_on=may_go_on)
            if foreseen is None:
                break
            changed += _note(house, experiment.id, foreseen)
    return changed


def foresee(
    storage: Storage,
    experiment: Experiment,
    plan: Plan,
    margins: Mapping[str, int],
    *,
    may_go_on: MayGoOn = lambda: True,
) -> Foreseen | None:
    """From the days before it began; None when it was told to stop."""
    metrics = [metric.bound(plan, margins) for metric in experiment.metrics]
    since, until = experiment.started_at - HISTORY_MS, experiment.started_at
    names = sorted(frozenset(VIEWS).union(*(metric.events(plan) for metric in metrics)))
    histories: dict[int, list[TimelineEvent]] = defaultdict(list)
    read = 0
    for lane in range(LANES):
        for key, event in events_of_lane(storage, lane, names, since):
            if since <= event.occurred_at < until:
                histories[key].append(event)
            read += 1
        if read >= MOST_EVENTS:
            break
        if not may_go_on():
            return None
    values = {metric.name: _values(metric, histories, until) for metric in metrics}
    visitors = sum(any(event.name in VIEWS for event in events) for events in histories.values())
    caps = {
        metric.name: int(cap)
        for metric in metrics
        if metric.unit != "share" and (cap := cap_from(values[metric.name])) is not None
    }
    return Foreseen(_people(experiment, values[experiment.metric.name], visitors), caps)


def _values(metric: AnyMetric, histories: Histories, until: int) -> list[int]:
    """What visitors came to inside a window from their first event on, those whose window has closed."""
    found = []
    for events in histories.values():
        first_at = min(event.occurred_at for event in events)
        if first_at + metric.window_ms <= until:
            found.append(metric.value(first_at, events)[0])
    return found


def _people(experiment: Experiment, values: list[int], visitors: int) -> int:
    spread = _spread(experiment.metric, values, visitors)
    treated = 1 - experiment.arms[0][1] / BUCKETS
    gain = experiment.smallest_gain * spread.value
    return units_needed(spread, gain, treated_share=treated) or _typical(experiment, treated)


def _spread(metric: AnyMetric, values: list[int], visitors: int) -> Spread:
    """Keys without a page view, such as those of webhooks, are no visitors of their own."""
    successes = sum(value > 0 for value in values)
    count = max(min(visitors, len(values)), successes)
    if count < FEWEST_VISITORS or successes < FEWEST_SUCCESSES or successes == count:
        return spread_of_share(TYPICAL_SHARE)
    if metric.unit == "share" and not metric.is_ratio:
        return spread_of_share(successes / count)
    mean = sum(values) / count
    variance = sum(value * value for value in values) / count - mean * mean
    return Spread(mean, variance) if mean > 0 and variance > 0 else spread_of_share(TYPICAL_SHARE)


def _typical(experiment: Experiment, treated: float) -> int:
    spread = spread_of_share(TYPICAL_SHARE)
    return units_needed(spread, experiment.smallest_gain * spread.value, treated_share=treated) or 1


def _note(house: House, identifier: str, foreseen: Foreseen) -> list[Experiment]:
    """In an operator's turn, as its course may have gone on meanwhile."""
    with house.changes, house.storage.turn():
        kept = [each for each in house.storage.list_experiments() if each.id == identifier]
        noted = [
            msgspec.structs.replace(each, people=foreseen.people, caps=foreseen.caps)
            for each in kept
            if each.people == 0
        ]

        def put(transaction: Transaction) -> None:
            for experiment in noted:
                transaction.put_experiment(experiment)

        house.storage.write(put).result()
    return noted
