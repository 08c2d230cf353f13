"""Bouncing: how many visits ended after one page, of those rules acted in and of all others, derived from the log.

A bounce is what the metric `bounces a visit` calls one. It is known for good half an hour after the rule acted, so
that only visits in which it acted longer ago count, whether they are over or not: of those that are over already,
short ones would be too many.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter

import msgspec

from opportune.core.history.key import LANES
from opportune.core.history.plan import Plan
from opportune.core.history.timeline import TimelineEvent
from opportune.core.history.visit import IDLE_MS, Visit, visits
from opportune.core.metrics.ratio import Ratio
from opportune.core.moment import DAY, MINUTE
from opportune.core.statistics.moments import Moments, moments_of_units
from opportune.core.traffic.bounced import Bounced, Pair, bounces_of
from opportune.services.lane_events import events_of_lane
from opportune.storage.base import Storage

SETTLED_MS = IDLE_MS + 5 * MINUTE
"""When it is known whether a visit goes on, with some minutes for what arrives late."""
LONGEST_DAYS = 28
"""After its launch a rule is followed so long."""
MOST_VISITS_A_DAY = 5_000
"""Where more come, so many of them are looked at, lane by lane."""


class Followed(msgspec.Struct, frozen=True, kw_only=True):
    """A rule, since when it acts, and in how many lanes it is looked at."""

    rule: str
    since_at: int
    lanes: int = LANES

    def until(self, now: int) -> int:
        """Visits in which it acted from then on do not count, or not yet."""
        return min(now - SETTLED_MS, self.since_at + LONGEST_DAYS * DAY)


class Before(msgspec.Struct, frozen=True, kw_only=True):
    """A rule, and from when until when nobody got it yet."""

    rule: str
    since_at: int
    until_at: int


def lanes_for(visits_a_day: float) -> int:
    """How many are looked at where so many visits come; fixed at the launch, so that looks add up."""
    return max(1, min(LANES, round(LANES * MOST_VISITS_A_DAY / max(visits_a_day, 1.0))))


def is_followed(followed: Followed, now: int) -> bool:
    """Whether it is its turn in this minute: the longer it is live, the more there is to read, and the rarer.

    So what is read in a day of looks stays the same.
    """
    age = now - followed.since_at
    every = 1 + max(0, age) // DAY
    return SETTLED_MS < age < LONGEST_DAYS * DAY + SETTLED_MS and now // MINUTE % every == 0


def count_since(storage: Storage, now: int, rules: Sequence[Followed], plan: Plan) -> dict[str, Bounced]:
    """Of each rule since its launch, for the reading process."""
    since_at = min(each.since_at for each in rules)
    found: dict[str, Bounced] = {each.rule: Bounced() for each in rules}
    for lane in range(max(each.lanes for each in rules)):
        made = visits_of(storage, lane, since_at, plan)
        acted = _acted(storage, [each.rule for each in rules], since_at, lane)
        everybody: dict[tuple[int, int], Moments] = {}
        for each in rules:
            span = each.since_at, each.until(now)
            if lane < each.lanes:
                if span not in everybody:
                    everybody[span] = _of_visitors(made, made, {}, {}, span).others
                found[each.rule] += _of_lane(made, acted.get(each.rule, {}), {}, span, everybody[span])
    return found


def count_before(
    storage: Storage,
    lane: int,
    acted: Mapping[int, Collection[int]],
    before: Before,
    plan: Plan,
) -> tuple[Bounced, int]:
    """Of one lane: visits in which it would have acted, and others.

    Visits in which the rule did act, in an earlier run, count nowhere; how many of those that it was to act in.
    """
    made = visits_of(storage, lane, before.since_at, plan)
    did = _acted(storage, [before.rule], before.since_at, lane).get(before.rule, {})
    span = before.since_at, before.until_at
    everybody = _of_visitors(made, made, {}, {}, span).others
    found = _of_lane(made, acted, did, span, everybody)
    everything = _of_lane(made, acted, {}, span, everybody) if did else found
    return found, int(everything.reached.d - found.reached.d)


Visits = Mapping[int, Sequence[Visit]]


def visits_of(storage: Storage, lane: int, since_at: int, plan: Plan) -> Visits:
    """Visits of one lane by visitor, newest first; half an hour more, to know those that were going on."""
    names = Ratio(of="bounces").bound(plan).views
    return {
        key: visits(sorted((event for _, event in rows), key=lambda view: view.order, reverse=True))
        for key, rows in groupby(_views(storage, lane, names, since_at - IDLE_MS), key=itemgetter(0))
    }


def _views(
    storage: Storage, lane: int, names: Sequence[str], since_at: int
) -> Iterator[tuple[int, TimelineEvent]]:
    found = events_of_lane(storage, lane, names, since_at)
    return ((key, event) for key, event in found if event.occurred_at >= since_at)


def _acted(
    storage: Storage, rules: Sequence[str], since_at: int, lane: int
) -> Mapping[str, Mapping[int, list[int]]]:
    """By rule and visitor."""
    found: dict[str, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    for rule, key, at in storage.list_acted(rules, since_at, (lane, lane + 1)):
        found[rule][key].append(at)
    return found


Acted = Mapping[int, Collection[int]]
"""By visitor, when a rule acted."""


def _of_lane(
    made: Visits, acted: Acted, left_out: Acted, span: tuple[int, int], everybody: Moments
) -> Bounced:
    """One rule's, from what visits of `everybody` came to: only its own visitors are looked at again.

    There may be many rules, and of most visitors a rule knows nothing.
    """
    theirs = {key for key in (*acted, *left_out) if key in made}
    without = _of_visitors(made, theirs, {}, {}, span).others
    found = _of_visitors(made, theirs, acted, left_out, span)
    return Bounced(reached=found.reached, others=everybody - without + found.others)


def _of_visitors(
    made: Visits, keys: Iterable[int], acted: Acted, left_out: Acted, span: tuple[int, int]
) -> Bounced:
    pairs = [bounces_of(made[key], acted.get(key, ()), *span, left_out=left_out.get(key, ())) for key in keys]
    return Bounced(
        reached=_moments([reached for reached, _ in pairs]), others=_moments([others for _, others in pairs])
    )


def _moments(pairs: Sequence[Pair]) -> Moments:
    known = [pair for pair in pairs if pair[1]]
    return moments_of_units([bounces for bounces, _ in known], per=[made for _, made in known])
