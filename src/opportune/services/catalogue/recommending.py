"""Recommending: counting stored events about products in steps, beside the person's transaction, and counting anew.

Each process counts the events it stored itself, once, and adds a step to the store every few seconds; what a crash or
a refused step loses, the next recount finds in the log. All processes read what changed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from heapq import nlargest
from itertools import groupby
from operator import attrgetter, itemgetter
from statistics import median

import msgspec

from opportune.core.history.event import SetAside
from opportune.core.history.key import LANES
from opportune.core.history.timeline import FactValue, TimelineEvent
from opportune.core.moment import DAY, HOUR, MINUTE, SECOND
from opportune.core.recommending.counters import Counters
from opportune.core.recommending.counting import Basis, Counted, Counting, PairCount, ProductCount
from opportune.core.recommending.refill_due import gaps_of
from opportune.core.signals.base import texts_of
from opportune.errors import RecountGoesOnError
from opportune.services.appending import CaptureResult
from opportune.services.house import CountAnew, House
from opportune.services.lane_events import events_of_lane
from opportune.services.preparing import Ready, plan_of
from opportune.storage.base import Storage

BASES: Mapping[str, Basis] = {
    "Product Viewed": "viewed",
    "Product Added": "carted",
    "Order Completed": "bought",
}
STEP_EVENTS = 5_000
REACH_DAYS = 90
"""How far back views and carts are counted anew: older ones weigh an eighth, and behaviour is read no further."""
KEPT_PAIRS = 100
"""Of each product, in the store; half of them are asked. Those in between may still grow."""
HOLD_MS = 10 * MINUTE
"""How long others hold back for a recount that was broken off."""
STEP_COUNTS = 1_000
NIGHT_HOUR = 3
REST_MS = 20 * HOUR
LATEST_MS = 2 * DAY
"""A server that sleeps at night counts anew by day."""

Names = Mapping[str, Basis]

_facts = msgspec.json.Decoder(dict[str, FactValue]).decode


class Recounted(msgspec.Struct, frozen=True):
    """What a recount found."""

    products: int
    pairs: int


def notice_products(house: House, prepared: Sequence[Ready | SetAside], result: CaptureResult) -> None:
    """Keeps stored events about products for the next step; a better version of one counted before is not another."""
    for ready, outcome in zip(prepared, result.outcomes, strict=True):
        if outcome.seq and isinstance(ready, Ready) and ready.row.name in BASES and not outcome.replaces:
            row = ready.row
            house.product_events.append((outcome.seq, row.key, row.name, row.occurred_at, row.facts))


def count_products(house: House) -> int:
    """A bounded step; how many events it took. Zero while there are none, or while somebody counts anew."""
    if not house.product_events:
        return 0
    recount = house.storage.find_recount()
    if recount.is_held(house.clock()):
        return 0
    taken = 0
    while house.product_events and taken < STEP_EVENTS:
        seq, key, name, at, facts = house.product_events.popleft()
        products = texts_of(_facts(facts).get("product"))
        house.counting.add(key, BASES[name], products, at, is_counted=seq > recount.counted_seq)
        taken += 1
    counted = house.counting.take()
    if counted:
        house.storage.add_counts(counted, made_at=recount.made_at, now=house.clock())
    return taken


def refresh_counters(house: House) -> None:
    """Reads what changed since this process last looked; after a recount everything."""
    recount = house.storage.find_recount()
    counters = house.counters
    if recount.made_at != counters.made_at:
        counters = Counters(recount.made_at)
    if recount.version > counters.version:
        counters.take_over(house.storage.list_counts(counters.version, recount.version), recount.version)
    house.counters = counters


def is_recount_due(house: House) -> bool:
    """Once a night by the team's clock, and at once where events were never counted."""
    made_at, now = house.storage.find_recount().made_at, house.clock()
    if not made_at:
        return has_product_events(house)
    if now - made_at >= LATEST_MS:
        return True
    zone = house.programme.playbook.vocabulary.zone
    local = datetime.fromtimestamp(now / SECOND, UTC).astimezone(zone)
    return local.hour == NIGHT_HOUR and now - made_at >= REST_MS


def has_product_events(house: House) -> bool:
    return not house.seen_events.isdisjoint(names_of(house))


def begin_counting(house: House) -> None:
    """Reads what is counted; a store without events about products needs no recount."""
    if not house.storage.find_recount().made_at and not has_product_events(house):
        recount(house, lambda *_: Counted())
    refresh_counters(house)


def recount(house: House, count: CountAnew | None = None) -> Recounted:
    """Counts everything anew from the log; others hold back meanwhile and go on after it.

    `count` may do it elsewhere. Raises RecountGoesOnError while somebody else is at it.
    """
    now = house.clock()
    before = house.storage.begin_recount(now, now + HOLD_MS)
    if before is None:
        raise RecountGoesOnError
    count = count or house.count_anew
    names = names_of(house)
    if count is None:
        counted = count_anew(house.storage, names, before.counted_seq, now)
    else:
        counted = count(names, before.counted_seq, now)
    for step in _steps(counted):
        house.storage.put_counts(step)
    house.storage.end_recount(before, now)
    refresh_counters(house)
    return Recounted(len({each.product for each in counted.products}), len(counted.pairs))


def names_of(house: House) -> dict[str, Basis]:
    """Every name under which events about products may be stored."""
    plan = plan_of(house)
    return {known: basis for name, basis in BASES.items() for known in plan.names_of(name)}


def count_anew(storage: Storage, names: Names, until_seq: int, now: int) -> Counted:
    """From the log alone, lane by lane; the same events in any order of lanes give the same counts."""
    counting, gaps = Counting(), defaultdict[str, list[float]](list)
    for lane in range(LANES):
        for key, events in _by_key(storage, lane, names, now - REACH_DAYS * DAY):
            bought: dict[str, list[int]] = {}
            for event in sorted(events, key=attrgetter("order")):
                if event.seq > until_seq:
                    continue
                products = texts_of(event.facts.get("product"))
                counting.add(key, names[event.name], products, event.occurred_at)
                if names[event.name] == "bought":
                    for product in dict.fromkeys(products):
                        bought.setdefault(product, []).insert(0, event.occurred_at)
            for product, moments in bought.items():
                gaps[product] += gaps_of(moments)
    counted = counting.take()
    again = (
        ProductCount(product, "again", median(found), len(found)) for product, found in gaps.items() if found
    )
    return Counted(
        list(_heaviest(counted.pairs)), [*counted.products, *sorted(again, key=attrgetter("product"))]
    )


def _by_key(
    storage: Storage, lane: int, names: Names, since_at: int
) -> Iterator[tuple[int, list[TimelineEvent]]]:
    rows = events_of_lane(storage, lane, tuple(names), since_at)
    for key, found in groupby(rows, key=itemgetter(0)):
        yield key, [event for _, event in found]


def _heaviest(pairs: Iterable[PairCount]) -> Iterator[PairCount]:
    for _, found in groupby(pairs, key=lambda pair: (pair.product, pair.basis)):
        yield from nlargest(KEPT_PAIRS, found, key=attrgetter("weight"))


def _steps(counted: Counted) -> Iterator[Counted]:
    for start in range(0, len(counted.pairs), STEP_COUNTS):
        yield Counted(pairs=counted.pairs[start : start + STEP_COUNTS])
    for start in range(0, len(counted.products), STEP_COUNTS):
        yield Counted(products=counted.products[start : start + STEP_COUNTS])
