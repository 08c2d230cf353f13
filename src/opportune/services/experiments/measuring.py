"""Measuring: what an experiment came to, derived anew from exposures, links and events.

Nothing is kept by visitor. What arrives late, twice, refunded or merged comes out right because everything begins at
the log. Visitors of whom nothing that counts ever happened are only counted, by the store. Reading alone; who measures
when, and keeps it, is `keeping_measured.py`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from operator import attrgetter, itemgetter
from time import monotonic
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from opportune.core.experiments.experiment import Experiment
from opportune.core.experiments.measured import (
    CLICKED,
    NO_SUMS,
    UNASSIGNED,
    UNKNOWN_ARM,
    WITHOUT_ARM,
    Adding,
    Cell,
    CellSums,
    Looked,
    Measured,
    Unit,
    device_parts,
    is_device_part,
    together,
)
from opportune.core.history.key import LANES, lane_of
from opportune.core.history.link import FOREVER, Link
from opportune.core.history.plan import KEY_EVENT, Plan
from opportune.core.history.timeline import TimelineEvent
from opportune.core.metrics.base import BEFORE_MS
from opportune.core.moment import DAY, HOUR, MINUTE, SECOND
from opportune.services.lane_events import events_of_lane
from opportune.storage.base import Storage
from opportune.storage.measurements import ExposedQuery, ExposedUnit, LanesAsked
from opportune.storage.person import Stretch, is_within, stretches_of
from opportune.storage.personal import Share

LANES_TOGETHER = 32
"""Read in one step, so that none takes long."""
EXPERIMENTS_TOGETHER = 8
"""Go side by side, so that what they keep of linked keys stays small."""
PAGE_EVENTS = 2_000
CLICK = "Slot Clicked"
SAMPLED_LANES = 4
FEW_UNITS = 50_000
"""Of as many visitors it is looked up what they looked with; of more that would take too long for once a minute."""
LATE_MS = 2 * DAY
"""How long after its last window has closed an experiment still takes in what arrives late."""
TODAY = FOREVER - 1
"""As of the newest commit."""
_ORDER = attrgetter("occurred_at", "seq")
SAMPLE_MS = 7 * DAY
"""A time zone changes its offset for longer than that."""


class Terms(msgspec.Struct, frozen=True):
    """What measuring needs to know of the house: its plan of events, and the zone whose days it reports."""

    plan: Plan
    zone: ZoneInfo
    margins: Mapping[str, int] = {}
    """What a piece of each product earns, in minor units."""


def measure(storage: Storage, experiment: Experiment, terms: Terms, now: int) -> Measured:
    """An experiment's sums as the store has it now. Reads only; takes as long as there are visitors and events."""
    [measured] = measure_all(storage, [experiment], terms, now)
    return measured


def measure_all(
    storage: Storage, experiments: Sequence[Experiment], terms: Terms, now: int
) -> list[Measured]:
    """The same for several, which share what is read of people and of what they did.

    Whoever is erased meanwhile counts once at most, and for good only in a round during which nobody was.
    """
    seq = storage.find_seq()
    people = People(_links_of_everybody(storage))
    found = []
    for start in range(0, len(experiments), EXPERIMENTS_TOGETHER):
        some = experiments[start : start + EXPERIMENTS_TOGETHER]
        rounds = [_Round(storage, experiment, terms, people, now) for experiment in some]
        erased = [storage.find_erased_sums(experiment.id) for experiment in some]
        _take_everybody(storage, rounds)
        for experiment, round_, gone in zip(some, rounds, erased, strict=True):
            is_whole = storage.find_erased_sums(experiment.id) == gone
            found.append(
                Measured(
                    experiment=experiment.id,
                    made_at=now,
                    seq=seq,
                    cells=_joined(round_, gone, storage.find_measured(experiment.id)),
                    not_counted=dict(round_.not_counted),
                    is_frozen=is_whole and is_over(experiment, now),
                )
            )
    return found


def _joined(round_: _Round, erased: Mapping[Cell, CellSums], known: Measured | None) -> dict[Cell, CellSums]:
    """What was derived and what erased visitors had added.

    Days some events of which have left meanwhile stay as they were measured before.
    """
    cells = round_.adding.cells()
    if not round_.is_small:
        erased = {cell: sums for cell, sums in erased.items() if not is_device_part(cell.part)}
    together = {cell: cells.get(cell, NO_SUMS) + erased.get(cell, NO_SUMS) for cell in {**cells, **erased}}
    if known is None or not round_.whole_from:
        return together
    kept = {cell: sums for cell, sums in known.cells.items() if cell.day < round_.whole_from}
    return kept | {cell: sums for cell, sums in together.items() if cell.day >= round_.whole_from}


def measure_timed(
    storage: Storage, experiments: Sequence[Experiment], terms: Terms, now: int
) -> tuple[list[Measured], float]:
    """The same, and how many seconds it kept a processor and the store busy."""
    began = monotonic()
    found = measure_all(storage, experiments, terms, now)
    return found, monotonic() - began


def measure_share(
    storage: Storage, experiment: Experiment, terms: Terms, shares: Sequence[Share]
) -> dict[Cell, CellSums]:
    """What the units among some persons' shares have added to an experiment."""
    links = storage.list_links_of([share.key for share in shares])
    people = People(link for link in links if link.is_in_force)
    round_ = _Round(storage, experiment, terms, people, 0)
    round_.take_shares(shares)
    return round_.adding.cells()


def until_of(experiment: Experiment) -> int:
    """Who is exposed from then on is not in it any more."""
    return min(
        (at for at in (experiment.ended_at, experiment.planned_end_at) if at is not None), default=FOREVER
    )


def is_over(experiment: Experiment, now: int) -> bool:
    """Whether the last visitor's window has closed, and what arrives late has had its time."""
    longest = max(metric.window_ms for metric in experiment.metrics)
    return until_of(experiment) + longest + LATE_MS <= now


class People:
    """Whose each key is today, of every key that was ever linked."""

    def __init__(self, links: Iterable[Link]) -> None:
        self._links: dict[int, list[Link]] = defaultdict(list)
        self._keys: dict[int, dict[int, None]] = defaultdict(dict)
        for link in links:
            self._links[link.key].append(link)
            self._keys[link.person][link.key] = None
        self.by_lane: dict[int, list[int]] = defaultdict(list)
        for key in {**self._links, **self._keys}:
            self.by_lane[lane_of(key)].append(key)

    def is_linked(self, key: int) -> bool:
        return key in self._links or key in self._keys

    def owner_of(self, key: int, seq: int) -> int:
        """Whose a record of a key is."""
        return next((link.person for link in self._links.get(key, ()) if link.owns(seq)), key)

    def shares_of(self, person: int) -> Iterator[tuple[int, tuple[Stretch, ...]]]:
        """A person's keys with what of each is theirs."""
        for key in (person, *(key for key in self._keys.get(person, ()) if key != person)):
            links = self._links.get(key, ())
            yield key, stretches_of(key, links, TODAY, person=person, is_asked=False)


def _links_of_everybody(storage: Storage) -> Iterator[Link]:
    for lanes in _steps():
        yield from storage.list_links_in_force(lanes)


def _steps() -> Iterator[LanesAsked]:
    return ((first, first + LANES_TOGETHER) for first in range(0, LANES, LANES_TOGETHER))


Happened = dict[int, list[TimelineEvent]]
"""Events by key, oldest first within a class."""


class _Wanted(NamedTuple):
    """What one round reads of everybody's behaviour; no names where it needs none."""

    names: frozenset[str]
    since_at: int
    until_at: int


def _take_everybody(storage: Storage, rounds: Sequence[_Round]) -> None:
    """Step by step side by side, since several mostly ask for the same events."""
    for round_ in rounds:
        round_.begin()
    wanted = [round_.wanted for round_ in rounds]
    for lanes in _steps():
        for round_, happened in zip(rounds, _list_behaviour(storage, wanted, lanes), strict=True):
            round_.take_lanes(lanes, happened)
    for round_ in rounds:
        round_.end()


def _list_behaviour(storage: Storage, wanted: Sequence[_Wanted], lanes: LanesAsked) -> list[Happened]:
    """For each what it wants, read once."""
    found: list[Happened] = [{} for _ in wanted]
    asking = [(each, its) for each, its in zip(wanted, found, strict=True) if each.names]
    if not asking:
        return found
    names = sorted(frozenset[str]().union(*(each.names for each, _ in asking)))
    since_at = min(each.since_at for each, _ in asking)
    for lane in range(*lanes):
        for key, happened in groupby(events_of_lane(storage, lane, names, since_at), key=itemgetter(0)):
            events = [event for _, event in happened]
            for (wanted_names, first_at, until_at), its in asking:
                theirs = [
                    event
                    for event in events
                    if event.name in wanted_names and first_at <= event.occurred_at < until_at
                ]
                if theirs:
                    its[key] = theirs
    return found


class _Round:
    """One experiment's way from the log to its sums."""

    def __init__(
        self, storage: Storage, experiment: Experiment, terms: Terms, people: People, now: int
    ) -> None:
        self._storage = storage
        self._experiment = experiment
        self._people = people
        self._zone = terms.zone
        metrics = [metric.bound(terms.plan, terms.margins) for metric in experiment.metrics]
        clicks = terms.plan.names_of(CLICK) if experiment.rule else ()
        self._clicks = frozenset(clicks)
        named = frozenset(clicks).union(*(metric.events(terms.plan) for metric in metrics))
        self._names = named.intersection(storage.list_seen_events())
        self._are_key_events = all(terms.plan.class_of(name) == KEY_EVENT for name in self._names)
        self._longest = max(metric.window_ms for metric in metrics)
        self._lead = max(metric.lead_ms for metric in metrics)
        until_at = until_of(experiment)
        phases = {phase.number for phase in experiment.phases}
        self._query = ExposedQuery(
            experiment=experiment.id,
            rule=experiment.rule,
            since_at=experiment.started_at,
            until_at=until_at,
            phase=phases.pop() if len(phases) == 1 else None,
            stretch_ms=stretch_of(terms.zone, experiment.started_at, min(until_at, now)),
        )
        self._arms = frozenset(name for name, _ in experiment.arms)
        self._days: dict[int, str] = {}
        self._linked: dict[int, list[Unit]] = defaultdict(list)
        """By person."""
        self._happened: Happened = {}
        """Of linked keys; where only key events count, of all."""
        self._known: dict[int, list[int]] = defaultdict(list)
        """Whose key events are known already, by lane."""
        self._quiet: Counter[tuple[int, str, str, bool]] = Counter()
        self._parts: dict[int, tuple[str, ...]] = {}
        """What units looked with, of some lanes and of all linked ones."""
        self.is_small = True
        self.adding = Adding(metrics, experiment.caps)
        self.not_counted: Counter[str] = Counter()

    @property
    def whole_from(self) -> str:
        """The first day of which every event that counts is still there; empty when that is every day."""
        since_at = 0 if self._are_key_events else self._storage.find_whole_since()
        return self._day_of(since_at + BEFORE_MS + self._lead + DAY) if since_at else ""

    # -- everybody ------------------------------------------------------------------------------

    @property
    def wanted(self) -> _Wanted:
        """Where only key events count they are found by name, not by going through everybody's."""
        return _Wanted(frozenset() if self._are_key_events else self._names, *self._reach)

    def begin(self) -> None:
        if self._are_key_events:
            self._happened = self._list_key_events()
            for key in self._happened:
                self._known[lane_of(key)].append(key)
        self.is_small = self._estimate_units() <= FEW_UNITS

    def end(self) -> None:
        self._take_linked()
        for (phase, arm, day, is_shown), units in self._quiet.items():
            alike = Unit(key=0, phase=phase, arm=arm, first_at=0, seq=0, is_shown=is_shown)
            self.adding.add_quiet(alike, day, units)

    def take_lanes(self, lanes: LanesAsked, happened: Happened) -> None:
        known = [key for lane in range(*lanes) for key in self._known.get(lane, ())]
        linked = [key for lane in range(*lanes) for key in self._people.by_lane.get(lane, ())]
        apart = None if self.is_small else {*happened, *known, *linked}
        exposed = self._storage.list_exposed(self._query, lanes, apart)
        for group in exposed.groups:
            if group.arm in self._arms:
                day = self._day_of(group.stretch * self._query.stretch_ms)
                self._quiet[group.phase, group.arm, day, group.is_shown] += group.units
            else:
                self.not_counted[UNKNOWN_ARM] += group.units
        for key in linked:
            if key in happened:
                self._happened[key] = happened[key]
        if self.is_small:
            self._look_up(exposed.units)
        for unit in self._counted(exposed.units):
            if self._people.is_linked(unit.key):
                self._linked[self._people.owner_of(unit.key, unit.seq)].append(unit)
            else:
                self._add(unit, happened.get(unit.key, self._happened.get(unit.key, ())))

    def _estimate_units(self) -> int:
        """From a few lanes, which are as many as any others."""
        found = self._storage.list_exposed(self._query, (0, SAMPLED_LANES), ())
        units = len(found.units) + sum(group.units for group in found.groups)
        return units * LANES // SAMPLED_LANES

    def _look_up(self, exposed: Iterable[ExposedUnit]) -> None:
        keys = [unit.key for unit in exposed]
        found = self._storage.list_first_contexts(keys, self._query.since_at) if keys else {}
        self._parts |= {key: device_parts(_looked(context)) for key, context in found.items()}

    def _list_key_events(self) -> Happened:
        """Of names whose events are all kept in order of time: far fewer than there are visitors."""
        found: Happened = defaultdict(list)
        since_at, until_at = self._reach
        for name in sorted(self._names):
            after = (since_at, -1)
            while page := self._storage.list_key_facts(
                name, after=after, until_at=until_at, limit=PAGE_EVENTS
            ):
                for key, _, event in page:
                    found[key].append(event)
                after = page[-1][2].order
        return found

    @property
    def _reach(self) -> LanesAsked:
        """From when until when an event can count."""
        since_at = self._query.since_at - BEFORE_MS - self._lead
        return since_at, self._query.until_at + self._longest

    # -- some -----------------------------------------------------------------------------------

    def take_shares(self, shares: Sequence[Share]) -> None:
        """Only units among what is some persons'; they are taken as those persons."""
        by_key = {share.key: share for share in shares}
        units = [
            unit
            for key in by_key
            for unit in self._storage.list_exposed(self._query, (lane_of(key), lane_of(key) + 1), {key}).units
            if unit.key == key and by_key[key].holds(unit.seq)
        ]
        self._look_up(units)
        for unit in self._counted(units):
            self._linked[self._people.owner_of(unit.key, unit.seq)].append(unit)
        if self._linked:
            found = self._storage.list_facts_of(by_key, self._names)
            for key, events in groupby(found, key=itemgetter(0)):
                self._happened[key] = [event for _, _, event in events]
            self._take_linked()

    # -- one by one -----------------------------------------------------------------------------

    def _counted(self, exposed: Iterable[ExposedUnit]) -> Iterator[Unit]:
        """Those that can be counted; of the others the reason is."""
        for each in exposed:
            seen = {each.first_arm, each.last_arm} - {""}
            if not seen:
                self.not_counted[WITHOUT_ARM] += 1
            elif not seen <= self._arms or (each.arm is not None and each.arm not in self._arms):
                self.not_counted[UNKNOWN_ARM] += 1
            elif each.arm is None or each.phase is None:
                self.not_counted[UNASSIGNED] += 1
            else:
                yield Unit(
                    key=each.key,
                    phase=each.phase,
                    arm=each.arm,
                    first_at=each.first_at,
                    seq=each.seq,
                    is_shown=each.is_shown,
                    is_crossed=seen != {each.arm},
                )

    def _take_linked(self) -> None:
        for person, units in sorted(self._linked.items()):
            events = [
                event
                for key, stretches in self._people.shares_of(person)
                for event in self._happened.get(key, ())
                if is_within(event.seq, stretches)
            ]
            self._add(together(units), events)

    def _add(self, unit: Unit, events: Sequence[TimelineEvent]) -> None:
        ordered = sorted(events, key=_ORDER)
        parts = self._parts.get(unit.key, ())
        if self._clicks and self._has_clicked(unit, ordered):
            parts = (*parts, CLICKED)
        self.adding.add(unit, self._day_of(unit.first_at), ordered, parts)

    def _has_clicked(self, unit: Unit, events: Iterable[TimelineEvent]) -> bool:
        until_at = unit.first_at + self._experiment.metric.window_ms
        return any(
            event.name in self._clicks
            and unit.first_at <= event.occurred_at < until_at
            and event.facts.get("rule") == self._experiment.rule
            for event in events
        )

    def _day_of(self, at: int) -> str:
        stretch = at // self._query.stretch_ms
        day = self._days.get(stretch)
        if day is None:
            begin = stretch * self._query.stretch_ms
            day = self._days[stretch] = datetime.fromtimestamp(begin // SECOND, self._zone).date().isoformat()
        return day


_read_looked = msgspec.json.Decoder(Looked).decode


def _looked(context: bytes) -> Looked:
    """Nothing, where something else than text was stated."""
    try:
        return _read_looked(context)
    except msgspec.DecodeError:
        return Looked()


def stretch_of(zone: ZoneInfo, since_at: int, until_at: int) -> int:
    """The longest stretch in which no day of the zone begins but at its own beginning."""
    moments = range(since_at, max(until_at, since_at) + SAMPLE_MS, SAMPLE_MS)
    offsets = {datetime.fromtimestamp(at // SECOND, zone).utcoffset() for at in moments}
    minutes = {round(offset.total_seconds() / 60) for offset in offsets if offset is not None}
    for longest in (HOUR, 15 * MINUTE):
        if not any(minute * MINUTE % longest for minute in minutes):
            return longest
    return MINUTE
