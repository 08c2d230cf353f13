"""The store that keeps everything in dictionaries: for tests, for trying out, and as the port read plainly.

It forgets all on exit. What it answers is what every other adapter must answer.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from functools import partial
from threading import RLock
from typing import Any, TypeVar

import msgspec

from opportune.core.conditions.reach import CLASS_BOUNDS
from opportune.core.experiments.experiment import Experiment
from opportune.core.experiments.measured import NO_SUMS, Cell, CellSums, Measured
from opportune.core.history.event import SetAside
from opportune.core.history.key import lane_of
from opportune.core.history.link import FOREVER, Link
from opportune.core.history.plan import KEY_EVENT, EventClass
from opportune.core.history.timeline import FactValue, TimelineEvent
from opportune.core.learnings.learning import Draft, Kept, Said
from opportune.core.moment import DAY
from opportune.core.note import Note
from opportune.core.product import Product
from opportune.core.recommending.counting import Counted, PairCount, ProductCount
from opportune.core.rule import CONTROL, RunState
from opportune.core.situation import Assignment, PastExposure, Trait
from opportune.errors import StorageBusyError
from opportune.storage.base import (
    EXPOSURE_BOUND,
    FIRST_ASKED,
    FIRST_OF_LANE,
    KEYS_BOUND,
    OPPORTUNITY_BOUND,
    RECENT_BOUND,
    TRAITS_BOUND,
    ApiKey,
    AskedPlace,
    AuditEntry,
    Belongings,
    BusinessKey,
    ConsentCount,
    EventQuery,
    EventRow,
    Exposure,
    LaneEvent,
    LanePlace,
    Opportunity,
    Recent,
    Recollection,
    Recount,
    RuleCount,
    Span,
    Storage,
    StoredEvent,
    StoredExposure,
    StoredPlaybook,
    StoredSetAside,
    Transaction,
)
from opportune.storage.days import day_after, day_of
from opportune.storage.measurements import (
    Exposed,
    ExposedGroup,
    ExposedQuery,
    ExposedUnit,
    LanesAsked,
)
from opportune.storage.person import (
    Stretch,
    is_within,
    kept_assignments,
    keys_of,
    newest_first,
    newest_traits,
    person_of,
    read_keys,
    stretches_of,
)
from opportune.storage.personal import (
    ErasedUnits,
    Erasure,
    KeptAssignment,
    KeptEvent,
    KeptTrait,
    Share,
)

T = TypeVar("T")
K = TypeVar("K")
V = TypeVar("V")

FACTS = msgspec.json.Decoder(dict[str, FactValue])


class _Row(msgspec.Struct, frozen=True):
    """An event as kept: its row, the part a decision sees, and from when on it is not read any more."""

    event: EventRow
    seen: TimelineEvent
    until_seq: int | None = None

    def is_read(self, as_of: int) -> bool:
        return self.seen.seq <= as_of and (self.until_seq is None or self.until_seq > as_of)


class _Asserted(msgspec.Struct, frozen=True):
    """A trait by the order it was taken in; kept only if it was asserted later than the one before it."""

    seq: int
    name: str
    trait: Trait


class _Exposed(msgspec.Struct, frozen=True):
    """An exposure with its number, when it was first shown, and at which `seq` that was known."""

    seq: int
    exposure: StoredExposure
    shown_seq: int | None = None

    def past(self, as_of: int | None) -> PastExposure:
        kept = self.exposure
        shown_at, count = kept.shown_at, kept.count
        if as_of is not None:
            was_shown = self.shown_seq is not None and self.shown_seq <= as_of
            shown_at, count = (shown_at, 1) if was_shown else (None, 0)
        return PastExposure(
            kept.subject,
            kept.slot,
            kept.rule,
            kept.rule_hash,
            kept.arm,
            kept.session,
            kept.at,
            shown_at,
            count,
        )


class _Tables:
    """Every dictionary of the store. Changes go through `put`, so that a failed job can be undone."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {
            "seq": 0,
            "changed": 0,
            "set aside": 0,
            "playbook": 0,
            "catalogue": 0,
            "newest erasure": 0,
            "whole since day": 0,  # of earlier days some events have left
        }
        self.events: dict[int, dict[int, _Row]] = defaultdict(dict)
        self.owners: dict[int, int] = {}
        self.keys: dict[int, tuple[str, str]] = {}
        self.links: dict[int, dict[tuple[int, int, int], Link]] = defaultdict(dict)
        self.person_keys: dict[int, dict[int, None]] = defaultdict(dict)
        self.traits: dict[int, dict[int, _Asserted]] = defaultdict(dict)
        self.business_keys: dict[tuple[str, str], BusinessKey] = {}
        self.set_aside: dict[int, StoredSetAside] = {}
        self.opportunities: dict[int, dict[tuple[int, str], tuple[int, Opportunity]]] = defaultdict(dict)
        self.exposures: dict[int, dict[tuple[str, str, str, str, str, int], _Exposed]] = defaultdict(dict)
        self.assignments: dict[int, dict[tuple[str, int], tuple[int, Assignment]]] = defaultdict(dict)
        self.playbooks: dict[int, StoredPlaybook] = {}
        self.run_states: dict[str, RunState] = {}
        self.experiments: dict[str, Experiment] = {}
        self.learnings: dict[str, Kept] = {}
        self.settings: dict[str, str] = {}
        self.api_keys: dict[str, ApiKey] = {}
        self.products: dict[str, tuple[int, Product]] = {}
        self.consents: dict[tuple[str, str, bool, str], int] = {}
        self.audit: dict[int, AuditEntry] = {}
        self.notes: dict[str, Note] = {}
        self.rule_counts: dict[tuple[int, str, str, str], int] = {}
        self.seen: dict[str, tuple[int, int, int]] = {}
        self.feed: dict[int, tuple[str, str, int, int]] = {}
        self.totals: dict[tuple[str, str], tuple[int, int]] = {}
        self.recount = Recount()
        self.pairs: dict[tuple[str, str, str], tuple[int, PairCount]] = {}
        self.counts: dict[tuple[str, str], tuple[int, ProductCount]] = {}
        self.erasures: dict[tuple[int, str], Erasure] = {}
        self.erased_units: dict[tuple[str, int, str], int] = {}
        self.erased_totals: dict[tuple[str, str], tuple[int, int]] = {}
        self.measured: dict[str, Measured] = {}
        self.erased_days: dict[tuple[str, Cell], CellSums] = {}
        self._undo: list[Callable[[], object]] = []

    def take_counts(self, counted: Counted, *, is_added: bool) -> None:
        version = self.recount.version + 1
        self.recount = msgspec.structs.replace(self.recount, version=version)
        for pair in counted.pairs:
            place = (pair.product, pair.basis, pair.other)
            known = self.pairs[place][1] if is_added and place in self.pairs else None
            self.pairs[place] = (version, _added(known, pair))
        for each in counted.products:
            at = (each.product, each.basis)
            before = self.counts[at][1] if is_added and at in self.counts else None
            self.counts[at] = (version, _added(before, each))

    def put(self, table: dict[K, V], key: K, value: V) -> None:
        if key in table:
            before = table[key]
            self._undo.append(lambda: table.__setitem__(key, before))
        else:
            self._undo.append(lambda: table.pop(key))
        table[key] = value

    def remove(self, table: dict[K, V], key: K) -> None:
        if key in table:
            before = table.pop(key)
            self._undo.append(lambda: table.__setitem__(key, before))

    def next(self, number: str) -> int:
        self.put(self.numbers, number, self.numbers[number] + 1)
        return self.numbers[number]

    def keep(self) -> None:
        self._undo.clear()

    def undo(self) -> None:
        while self._undo:
            self._undo.pop()()

    @property
    def head(self) -> int:
        return self.numbers["seq"]

    @property
    def by_key(self) -> tuple[dict[int, Any], ...]:
        """Tables that have rows by key."""
        return (
            self.events,
            self.links,
            self.person_keys,
            self.traits,
            self.opportunities,
            self.exposures,
            self.assignments,
        )

    def links_of(self, key: int) -> list[Link]:
        return list(self.links[key].values()) if key in self.links else []


class MemoryTransaction(Transaction):
    """One job's writes, on the tables themselves."""

    def __init__(self, tables: _Tables) -> None:
        self._tables = tables

    @property
    def head_seq(self) -> int:
        return self._tables.head

    def find_recent(self, spans: Sequence[Span]) -> list[Recent]:
        return [self._recent(*span) for span in spans]

    def _recent(self, key: int, since_at: int, until_at: int) -> Recent:
        rows = [row.event for row in self._tables.events.get(key, {}).values()]
        found = [row.message for row in rows if since_at <= row.occurred_at < until_at][:RECENT_BOUND]
        return Recent(frozenset(found), len(found))

    def append_event(self, row: EventRow) -> int:
        tables = self._tables
        facts = FACTS.decode(row.facts)
        seq = tables.next("seq")
        seen = TimelineEvent(row.occurred_at, seq, row.name, row.source, facts)
        tables.put(tables.events[row.key], seq, _Row(row, seen))
        tables.put(tables.owners, seq, row.key)
        at = row.occurred_at
        first_at, last_at, count = tables.seen.get(row.name, (at, at, 0))
        tables.put(tables.seen, row.name, (min(first_at, at), max(last_at, at), count + 1))
        tables.put(tables.feed, seq, (day_of(row.occurred_at // DAY), row.name, 1, row.value))
        return seq

    def supersede_event(self, known: BusinessKey) -> None:
        tables = self._tables
        row = tables.events[known.key].get(known.seq)
        if row is None or row.until_seq is not None:
            return
        seq = tables.next("seq")
        tables.put(tables.events[known.key], known.seq, msgspec.structs.replace(row, until_seq=seq))
        event = row.event
        tables.put(tables.feed, seq, (day_of(event.occurred_at // DAY), event.name, -1, -event.value))

    def update_facts(
        self, seq: int, key: int, event_class: EventClass, occurred_at: int, facts: bytes
    ) -> None:
        row = self._tables.events[key].get(seq)
        if row is None or (row.event.event_class, row.event.occurred_at) != (event_class, occurred_at):
            return
        seen = row.seen
        updated = _Row(
            msgspec.structs.replace(row.event, facts=facts),
            TimelineEvent(seen.occurred_at, seq, seen.name, seen.source, FACTS.decode(facts)),
            row.until_seq,
        )
        self._tables.put(self._tables.events[key], seq, updated)

    def find_business_key(self, event: str, value: str) -> BusinessKey | None:
        return self._tables.business_keys.get((event, value))

    def find_stored(self, known: BusinessKey) -> StoredEvent | None:
        row = self._tables.events[known.key].get(known.seq)
        return None if row is None or row.until_seq is not None else _stored(known.seq, row.event)

    def put_business_key(self, known: BusinessKey) -> None:
        self._tables.put(self._tables.business_keys, (known.event, known.value), known)

    def put_key(self, key: int, namespace: str, identifier: str) -> None:
        known = self._tables.keys.get(key)
        if known is None:
            self._tables.put(self._tables.keys, key, (namespace, identifier))
        elif known != (namespace, identifier):
            raise ValueError(f"key {key} already stands for another id")

    def list_links(self, key: int) -> list[Link]:
        return sorted(self._tables.links_of(key), key=_link_order)

    def list_person_links(self, person: int) -> list[Link]:
        keys = sorted(self._tables.person_keys.get(person, {}))
        return [link for key in keys for link in self.list_links(key) if link.person == person]

    def add_link(self, link: Link) -> None:
        tables = self._tables
        tables.put(tables.links[link.key], (link.person, link.from_seq, link.since_seq), link)
        if link.key not in tables.person_keys[link.person]:
            tables.put(tables.person_keys[link.person], link.key, None)

    def close_link(self, link: Link, until_seq: int) -> None:
        links, identity = self._tables.links[link.key], (link.person, link.from_seq, link.since_seq)
        if identity in links:
            closed = msgspec.structs.replace(links[identity], until_seq=until_seq)
            self._tables.put(links, identity, closed)

    def put_traits(self, key: int, traits: Mapping[str, Trait]) -> None:
        tables = self._tables
        for name, trait in traits.items():
            current = _trait_in_force(tables.traits[key].values(), name)
            if current is not None and (trait.at < current.at or trait == current):
                continue
            if current is None and len({item.name for item in tables.traits[key].values()}) >= TRAITS_BOUND:
                continue
            seq = tables.next("seq")
            tables.put(tables.traits[key], seq, _Asserted(seq, name, trait))

    def set_aside(self, events: Iterable[SetAside]) -> None:
        for event in events:
            number = self._tables.next("set aside")
            kept = StoredSetAside(id=number, **msgspec.structs.asdict(event))
            self._tables.put(self._tables.set_aside, number, kept)

    def close_set_aside(self, identifier: int, state: str) -> None:
        kept = self._tables.set_aside.get(identifier)
        if kept is not None:
            self._tables.put(self._tables.set_aside, identifier, msgspec.structs.replace(kept, state=state))

    def add_opportunities(self, opportunities: Iterable[Opportunity]) -> None:
        for opportunity in opportunities:
            asked = self._tables.opportunities[opportunity.key]
            identity = (opportunity.session, opportunity.slot)
            if identity not in asked:
                self._tables.put(asked, identity, (self._tables.next("seq"), opportunity))

    def add_exposures(self, exposures: Iterable[Exposure]) -> None:
        for exposure in exposures:
            given, identity = self._tables.exposures[exposure.unit], _identity_of(exposure)
            if identity not in given:
                kept = StoredExposure(
                    **{name: getattr(exposure, name) for name in Exposure.__struct_fields__}
                )
                self._tables.put(given, identity, _Exposed(self._tables.next("seq"), kept))

    def mark_shown(self, exposure: Exposure, at: int) -> None:
        tables = self._tables
        given, identity = tables.exposures[exposure.unit], _identity_of(exposure)
        exposed = given.get(identity)
        if exposed is None:
            return
        kept, shown_seq = exposed.exposure, exposed.shown_seq
        if kept.shown_at is None:
            kept, shown_seq = msgspec.structs.replace(kept, shown_at=at), tables.next("seq")
        kept = msgspec.structs.replace(kept, count=kept.count + 1)
        tables.put(given, identity, _Exposed(exposed.seq, kept, shown_seq))

    def add_assignments(self, unit: int, assignments: Iterable[Assignment]) -> None:
        for assignment in assignments:
            given, identity = self._tables.assignments[unit], (assignment.experiment, assignment.phase)
            if identity not in given:
                kept = msgspec.structs.replace(assignment, unit=unit)
                self._tables.put(given, identity, (self._tables.next("seq"), kept))

    def put_playbook(self, playbook: StoredPlaybook) -> None:
        self._tables.put(self._tables.playbooks, self._tables.next("playbook"), playbook)
        self._tables.next("changed")

    def put_run_state(self, state: RunState) -> None:
        self._tables.put(self._tables.run_states, state.rule, state)
        self._tables.next("changed")

    def put_experiment(self, experiment: Experiment) -> None:
        self._tables.put(self._tables.experiments, experiment.id, experiment)

    def put_draft(self, draft: Draft) -> None:
        known = self._tables.learnings.get(draft.id)
        self._tables.put(self._tables.learnings, draft.id, Kept(draft, known.said if known else Said()))

    def put_said(self, learning: str, said: Said) -> None:
        known = self._tables.learnings.get(learning)
        if known is not None:
            self._tables.put(self._tables.learnings, learning, Kept(known.draft, said))

    def put_setting(self, name: str, value: str) -> None:
        if value:
            self._tables.put(self._tables.settings, name, value)
        else:
            self._tables.remove(self._tables.settings, name)
        self._tables.next("changed")

    def put_api_key(self, key: ApiKey) -> None:
        self._tables.put(self._tables.api_keys, key.digest, key)
        self._tables.next("changed")

    def put_products(self, products: Iterable[Product]) -> None:
        version = self._tables.next("catalogue")
        for product in products:
            self._tables.put(self._tables.products, product.id, (version, product))
        self._tables.next("changed")

    def add_consents(self, counts: Iterable[ConsentCount]) -> None:
        known = self._tables.consents
        for count in counts:
            place = (count.day, count.banner, count.has_gpc, count.answer)
            self._tables.put(known, place, known.get(place, 0) + count.visits)

    def retire_consents(self, before_day: str) -> None:
        for place in [place for place in self._tables.consents if place[0] < before_day]:
            self._tables.remove(self._tables.consents, place)

    def add_audit(self, entry: AuditEntry) -> None:
        self._tables.put(self._tables.audit, len(self._tables.audit), entry)

    def add_note(self, note: Note) -> bool:
        if note.once in self._tables.notes:
            return False
        self._tables.put(self._tables.notes, note.once, note)
        return True

    def add_rule_counts(self, counts: Iterable[RuleCount]) -> None:
        known = self._tables.rule_counts
        for count in counts:
            place = (count.hour, count.rule, count.slot, count.what)
            self._tables.put(known, place, known.get(place, 0) + count.count)

    def retire_rule_counts(self, before_hour: int) -> None:
        for place in [place for place in self._tables.rule_counts if place[0] < before_hour]:
            self._tables.remove(self._tables.rule_counts, place)

    @property
    def newest_erasure_at(self) -> int:
        return self._tables.numbers["newest erasure"]

    def find_erasures(self, marks: Iterable[tuple[int, str]]) -> dict[str, Erasure]:
        known = self._tables.erasures
        return {mark[1]: known[mark] for mark in marks if mark in known}

    def put_erasures(self, erasures: Sequence[Erasure]) -> None:
        tables = self._tables
        for each in erasures:
            known = tables.erasures.get((each.lane, each.mark), each)
            merged = msgspec.structs.replace(
                known,
                erased_at=max(known.erased_at, each.erased_at),
                is_unsubscribed=known.is_unsubscribed or each.is_unsubscribed,
            )
            tables.put(tables.erasures, (each.lane, each.mark), merged)
            newest = max(tables.numbers["newest erasure"], each.erased_at)
            tables.put(tables.numbers, "newest erasure", newest)

    def count_dropped(self, erasure: Erasure) -> None:
        place = (erasure.lane, erasure.mark)
        known = self._tables.erasures[place]
        counted = msgspec.structs.replace(known, dropped=known.dropped + 1)
        self._tables.put(self._tables.erasures, place, counted)

    def erase_records(self, share: Share, most: int) -> dict[str, int]:
        tables, key = self._tables, share.key
        in_force = _traits_in_force(tables, key)
        return {
            "events": self._erase_events(share, most),
            "past_traits": self._take(
                tables.traits, share, most, lambda seq, _: share.holds(seq) and seq not in in_force
            ),
            "opportunities": self._take(
                tables.opportunities, share, most, lambda _, kept: share.holds(kept[0])
            ),
            "exposures": self._take(tables.exposures, share, most, lambda _, kept: share.holds(kept.seq)),
            "assignments": self._erase_assignments(share, most),
            "business_keys": self._erase_business_keys(share, most),
        }

    def _take(
        self,
        table: Mapping[int, dict[K, V]],
        share: Share,
        most: int,
        leaves: Callable[[K, V], bool],
    ) -> int:
        """How many rows of the share's key left."""
        rows = table.get(share.key, {})
        gone = [place for place, row in rows.items() if leaves(place, row)][:most]
        for place in gone:
            self._tables.remove(rows, place)
        return len(gone)

    def _erase_events(self, share: Share, most: int) -> int:
        tables = self._tables
        rows = tables.events.get(share.key, {})
        gone = [seq for seq in rows if share.holds(seq)][:most]
        for seq in gone:
            row = rows[seq]
            if row.until_seq is None:
                place = (day_of(row.event.occurred_at // DAY), row.event.name)
                count, value = tables.erased_totals.get(place, (0, 0))
                tables.put(tables.erased_totals, place, (count + 1, value + row.event.value))
            tables.remove(rows, seq)
            tables.remove(tables.owners, seq)
        return len(gone)

    def _erase_assignments(self, share: Share, most: int) -> int:
        tables = self._tables
        given = tables.assignments.get(share.key, {})
        gone = [place for place, (seq, _) in given.items() if share.holds(seq)][:most]
        for place in gone:
            arm = (*place, given[place][1].arm)
            tables.put(tables.erased_units, arm, tables.erased_units.get(arm, 0) + 1)
            tables.remove(given, place)
        return len(gone)

    def erase_assignments(self, share: Share) -> int:
        return self._erase_assignments(share, FOREVER)

    def put_measured(self, measured: Measured) -> None:
        self._tables.put(self._tables.measured, measured.experiment, measured)

    def add_erased_sums(self, experiment: str, cells: Mapping[Cell, CellSums]) -> None:
        kept = self._tables.erased_days
        for cell, sums in cells.items():
            self._tables.put(kept, (experiment, cell), kept.get((experiment, cell), NO_SUMS) + sums)

    def _erase_business_keys(self, share: Share, most: int) -> int:
        known = self._tables.business_keys
        gone = [place for place, one in known.items() if one.key == share.key and share.holds(one.seq)][:most]
        for place in gone:
            self._tables.remove(known, place)
        return len(gone)

    def erase_traits(self, share: Share) -> int:
        return self._take(self._tables.traits, share, FOREVER, lambda seq, _: share.holds(seq))

    def remove_link(self, link: Link) -> None:
        tables = self._tables
        tables.remove(tables.links[link.key], (link.person, link.from_seq, link.since_seq))
        if not any(other.person == link.person for other in tables.links_of(link.key)):
            tables.remove(tables.person_keys[link.person], link.key)

    def remove_key(self, key: int) -> None:
        tables = self._tables
        tables.remove(tables.keys, key)
        for by_key in tables.by_key:
            if key in by_key and not by_key[key]:
                tables.remove(by_key, key)

    def remove_set_aside(self, identifiers: Iterable[int]) -> int:
        known = [identifier for identifier in identifiers if identifier in self._tables.set_aside]
        for identifier in known:
            self._tables.remove(self._tables.set_aside, identifier)
        return len(known)

    def erase_audit(self, act: str, has_name: Callable[[str], bool], instead: str) -> int:
        named = [
            (number, entry)
            for number, entry in self._tables.audit.items()
            if entry.act == act and has_name(entry.what)
        ]
        for number, entry in named:
            self._tables.put(self._tables.audit, number, msgspec.structs.replace(entry, what=instead))
        return len(named)


class MemoryStorage(Storage):
    """Jobs run in the caller's thread, one after another; a job's future is done when `write` returns."""

    def __init__(self) -> None:
        self._tables = _Tables()
        self._lock = RLock()
        self._waiting: deque[Callable[[], Callable[[], None]]] = deque()
        self._is_writing = False
        self._is_closed = False

    def write(self, job: Callable[[Transaction], T], about: Iterable[int] = ()) -> Future[T]:  # noqa: ARG002 - one writer
        future: Future[T] = Future()
        with self._lock:
            if self._is_closed:
                future.set_exception(StorageBusyError())
                return future
            self._waiting.append(lambda: self._run(job, future))
            outcomes = [] if self._is_writing else self._run_waiting()
        for tell in outcomes:
            tell()
        return future

    def _run_waiting(self) -> list[Callable[[], None]]:
        """A job that writes once more from inside is not run inside itself but after."""
        outcomes = []
        self._is_writing = True
        try:
            while self._waiting:
                outcomes.append(self._waiting.popleft()())
        finally:
            self._is_writing = False
        return outcomes

    def _run(self, job: Callable[[Transaction], T], future: Future[T]) -> Callable[[], None]:
        """Runs one job; what is returned tells its future, once nobody is kept waiting by it."""
        if not future.set_running_or_notify_cancel():
            return lambda: None
        try:
            result = job(MemoryTransaction(self._tables))
        except BaseException as error:  # noqa: BLE001 - whatever a job raises is its caller's, through the future
            self._tables.undo()
            return partial(future.set_exception, error)
        self._tables.keep()
        return partial(future.set_result, result)

    def recall(self, keys: Sequence[int], *, now: int, as_of: int | None = None) -> Recollection:
        with self._lock:
            tables = self._tables
            seq = tables.head if as_of is None else min(as_of, tables.head)
            person = person_of(keys[-1], tables.links_of(keys[-1]), seq)
            known = self._keys_of(person, seq)
            all_keys = read_keys(keys, known, KEYS_BOUND)
            owned = {
                key: stretches_of(key, tables.links_of(key), seq, person=person, is_asked=key in keys)
                for key in all_keys
            }
            return Recollection(
                seq=seq,
                person=person,
                keys=all_keys,
                events={key: self._timeline(key, stretches, now, seq) for key, stretches in owned.items()},
                traits=newest_traits(self._traits(owned, seq)),
                assignments=kept_assignments(
                    given
                    for key in dict.fromkeys([*all_keys, *known])
                    for given in tables.assignments.get(key, {}).values()
                    if given[0] <= seq
                ),
                exposures=self._exposures(all_keys, seq, as_of),
                opportunities=self._opportunities(keys[0], seq),
            )

    def _timeline(
        self, key: int, stretches: Sequence[Stretch], now: int, as_of: int
    ) -> Sequence[TimelineEvent]:
        rows = [
            row
            for row in self._tables.events.get(key, {}).values()
            if row.is_read(as_of) and is_within(row.seen.seq, stretches)
        ]
        found: list[TimelineEvent] = []
        for event_class, (most, days) in CLASS_BOUNDS.items():
            since_at = None if days is None else now - days * DAY
            events = [
                row.seen
                for row in rows
                if row.event.event_class == event_class
                and (since_at is None or row.event.occurred_at >= since_at)
            ]
            found += sorted(events, key=_order, reverse=True)[:most]
        return sorted(found, key=_order, reverse=True)

    def _traits(self, owned: Mapping[int, Sequence[Stretch]], as_of: int) -> Iterator[tuple[int, str, Trait]]:
        for key, stretches in owned.items():
            asserted = [item for item in self._tables.traits.get(key, {}).values() if item.seq <= as_of]
            for item in asserted:
                if is_within(item.seq, stretches):
                    yield item.seq, item.name, item.trait

    def _exposures(self, keys: Sequence[int], seq: int, as_of: int | None) -> Sequence[PastExposure]:
        found: list[Sequence[PastExposure]] = []
        for key in keys:
            given = [item for item in self._tables.exposures.get(key, {}).values() if item.seq <= seq]
            given.sort(key=lambda item: (item.exposure.session, _identity_of(item.exposure)), reverse=True)
            found.append([item.past(as_of) for item in given[:EXPOSURE_BOUND]])
        return newest_first(found)

    def _opportunities(self, key: int, as_of: int) -> list[tuple[int, str, int]]:
        asked = [
            (opportunity.session, opportunity.slot, opportunity.at)
            for seq, opportunity in self._tables.opportunities.get(key, {}).values()
            if seq <= as_of
        ]
        asked.sort(reverse=True)
        return asked[:OPPORTUNITY_BOUND]

    def _keys_of(self, person: int, as_of: int) -> tuple[int, ...]:
        keys = self._tables.person_keys.get(person, {})
        return keys_of(person, (link for key in keys for link in self._tables.links_of(key)), as_of)

    def list_person_keys(self, key: int, as_of: int | None = None) -> tuple[int, tuple[int, ...]]:
        with self._lock:
            seq = self._tables.head if as_of is None else as_of
            person = person_of(key, self._tables.links_of(key), seq)
            return person, self._keys_of(person, seq)

    def list_events(self, query: EventQuery) -> list[StoredEvent]:
        with self._lock:
            found: list[StoredEvent] = []
            for seq in reversed(self._tables.owners):
                if len(found) >= query.limit:
                    break
                row = self._tables.events[self._tables.owners[seq]][seq]
                if row.until_seq is None and _is_asked(query, seq, row.event):
                    found.append(_stored(seq, row.event))
            return found

    def list_key_events(
        self, name: str, *, after: tuple[int, int], until_at: int, limit: int
    ) -> list[StoredEvent]:
        with self._lock:
            rows = [
                (row.event.occurred_at, seq, row)
                for key in self._tables.events.values()
                for seq, row in key.items()
                if row.until_seq is None and row.event.event_class == 0 and row.event.name == name
            ]
            found = sorted((at, seq) for at, seq, _ in rows if after < (at, seq) and at < until_at)[:limit]
            by_seq = {seq: row.event for _, seq, row in rows}
            return [_stored(seq, by_seq[seq]) for _, seq in found]

    def list_versions(self, name: str, since_at: int, limit: int) -> list[tuple[StoredEvent, bool]]:
        with self._lock:
            found = [
                (_stored(seq, row.event), row.until_seq is None)
                for rows in self._tables.events.values()
                for seq, row in rows.items()
                if (row.event.name, row.event.event_class) == (name, KEY_EVENT)
                and row.event.occurred_at >= since_at
            ]
        found.sort(key=lambda each: (each[0].occurred_at, each[0].seq), reverse=True)
        return found[:limit]

    def get_body(self, seq: int) -> bytes | None:
        with self._lock:
            owner = self._tables.owners.get(seq)
            return None if owner is None else self._tables.events[owner][seq].event.body

    def find_key_id(self, key: int) -> tuple[str, str] | None:
        return self._tables.keys.get(key)

    def list_exposures(self, keys: Sequence[int], limit: int = 100) -> list[StoredExposure]:
        with self._lock:
            given = [item for key in set(keys) for item in self._tables.exposures.get(key, {}).values()]
            given.sort(key=lambda item: item.seq, reverse=True)
            return [item.exposure for item in given[:limit]]

    def list_hidden(self, since_at: int) -> list[tuple[str, str, int, int]]:
        with self._lock:
            hidden = [
                (item.exposure.rule, item.exposure.slot, unit)
                for unit, given in self._tables.exposures.items()
                for item in given.values()
                if item.exposure.subject == "hide"
                and item.exposure.arm != CONTROL
                and item.exposure.at >= since_at
            ]
        visits = Counter((rule, slot) for rule, slot, _ in hidden)
        people = Counter((rule, slot) for rule, slot, _ in set(hidden))
        return [(rule, slot, people[rule, slot], count) for (rule, slot), count in sorted(visits.items())]

    def list_decided(self, lane: int, since_at: int) -> list[tuple[str, int]]:
        with self._lock:
            found = {
                (item.exposure.rule, unit)
                for unit, given in self._tables.exposures.items()
                if lane_of(unit) == lane
                for item in given.values()
                if item.exposure.subject in {"rule", "hide"} and item.exposure.at >= since_at
            }
        return sorted(found)

    def list_acted(
        self, rules: Sequence[str], since_at: int, lanes: LanesAsked
    ) -> list[tuple[str, int, int]]:
        with self._lock:
            given = [
                item.exposure
                for unit, items in self._tables.exposures.items()
                if lane_of(unit) in range(*lanes)
                for item in items.values()
            ]
        first: dict[tuple[str, int, int], int] = {}
        for each in given:
            is_theirs = each.rule in rules and each.subject in {"rule", "hide"} and each.arm != CONTROL
            if is_theirs and each.at >= since_at:
                visit = (each.rule, each.unit, each.session)
                first[visit] = min(each.at, first.get(visit, each.at))
        return sorted((rule, unit, at) for (rule, unit, _), at in first.items())

    def list_opportunities(self, keys: Sequence[int], limit: int = 100) -> list[Opportunity]:
        with self._lock:
            asked = [item for key in set(keys) for item in self._tables.opportunities.get(key, {}).values()]
            asked.sort(key=lambda item: item[0], reverse=True)
            return [opportunity for _, opportunity in asked[:limit]]

    def list_set_aside(
        self, *, state: str = "open", before_id: int | None = None, limit: int = 100
    ) -> list[StoredSetAside]:
        with self._lock:
            kept = [
                item
                for item in self._tables.set_aside.values()
                if item.state == state and (before_id is None or item.id < before_id)
            ]
            return sorted(kept, key=lambda item: item.id, reverse=True)[:limit]

    def list_links_of(self, keys: Sequence[int]) -> list[Link]:
        with self._lock:
            return [link for key in dict.fromkeys(keys) for link in self._tables.links_of(key)]

    def list_belongings(self, share: Share) -> Belongings:
        with self._lock:
            tables, key = self._tables, share.key
            exposed = sorted(tables.exposures.get(key, {}).values(), key=lambda item: item.seq)
            asked = sorted(tables.opportunities.get(key, {}).values(), key=lambda item: item[0])
            known = sorted(tables.business_keys.values(), key=lambda one: (one.seq, one.value))
            given = sorted(tables.assignments.get(key, {}).values(), key=lambda item: item[0])
            return Belongings(
                events=[
                    _kept(seq, row)
                    for seq, row in sorted(tables.events.get(key, {}).items())
                    if share.holds(seq)
                ],
                traits=[kept for kept in _kept_traits(tables, key) if share.holds(kept.seq)],
                assignments=[KeptAssignment(seq, one) for seq, one in given if share.holds(seq)],
                exposures=[item.exposure for item in exposed if share.holds(item.seq)],
                opportunities=[one for seq, one in asked if share.holds(seq)],
                business_keys=[one for one in known if one.key == key and share.holds(one.seq)],
            )

    def has_trait(self, name: str) -> bool:
        with self._lock:
            kept = (each for key in self._tables.traits for each in _kept_traits(self._tables, key))
            return any(each.name == name and each.until_seq is None for each in kept)

    def list_addressed(self, trait: str, address: str) -> list[tuple[int, int]]:
        with self._lock:
            sought = address.strip().casefold()
            return sorted(
                (kept.key, kept.seq)
                for key in self._tables.traits
                for kept in _kept_traits(self._tables, key)
                if kept.name == trait
                and kept.until_seq is None
                and isinstance(kept.trait.value, str)
                and kept.trait.value.strip().casefold() == sought
            )

    def list_keys_of_lane(self, lane: int) -> list[int]:
        with self._lock:
            tables = self._tables
            known = {key for table in tables.by_key for key, rows in table.items() if rows}
            return sorted(key for key in known.union(tables.keys) if lane_of(key) == lane)

    def find_newest_erasure(self) -> int:
        return self._tables.numbers["newest erasure"]

    def list_erasures(self, after: tuple[int, str] = (-1, ""), limit: int = 1_000) -> list[Erasure]:
        with self._lock:
            known = sorted(place for place in self._tables.erasures if place > after)
            return [self._tables.erasures[place] for place in known[:limit]]

    def list_erased_units(self) -> list[ErasedUnits]:
        with self._lock:
            return [ErasedUnits(*arm, count) for arm, count in sorted(self._tables.erased_units.items())]

    def list_seen_events(self) -> dict[str, tuple[int, int, int]]:
        with self._lock:
            return dict(self._tables.seen)

    def find_playbook(self, revision: str | None = None) -> StoredPlaybook | None:
        with self._lock:
            found = [book for book in self.list_playbooks(-1) if revision in (None, book.revision)]
            return found[0] if found else None

    def list_playbooks(self, limit: int = 50) -> list[StoredPlaybook]:
        with self._lock:
            newest_first = [book for _, book in sorted(self._tables.playbooks.items(), reverse=True)]
            return newest_first if limit < 0 else newest_first[:limit]

    def list_run_states(self) -> dict[str, RunState]:
        with self._lock:
            return dict(self._tables.run_states)

    def list_experiments(self, *, open_only: bool = False) -> list[Experiment]:
        with self._lock:
            found = [each for each in self._tables.experiments.values() if each.is_open or not open_only]
        return sorted(found, key=lambda each: (each.started_at, each.id))

    def list_learnings(self) -> list[Kept]:
        with self._lock:
            return [kept for _, kept in sorted(self._tables.learnings.items())]

    def find_setting(self, name: str) -> str | None:
        return self._tables.settings.get(name)

    def list_settings(self, prefix: str) -> dict[str, str]:
        with self._lock:
            known = sorted(self._tables.settings.items())
        return {name: value for name, value in known if name.startswith(prefix)}

    def list_api_keys(self) -> list[ApiKey]:
        with self._lock:
            return sorted(self._tables.api_keys.values(), key=lambda key: (key.created_at, key.digest))

    def find_products(self, identifiers: Sequence[str]) -> list[Product]:
        with self._lock:
            products = self._tables.products
            return [products[each][1] for each in sorted(set(identifiers)) if each in products]

    def list_products(
        self, after: tuple[int, str] = (0, ""), limit: int = 1_000
    ) -> list[tuple[int, Product]]:
        with self._lock:
            changed = sorted(
                (version, identifier)
                for identifier, (version, _) in self._tables.products.items()
                if (version, identifier) > after
            )
            return [self._tables.products[identifier] for _, identifier in changed[:limit]]

    def list_consents(self, since_day: str, until_day: str) -> list[ConsentCount]:
        with self._lock:
            return [
                ConsentCount(*place, visits)
                for place, visits in sorted(self._tables.consents.items())
                if since_day <= place[0] <= until_day
            ]

    def list_audit(self, limit: int = 100) -> list[AuditEntry]:
        with self._lock:
            return [entry for _, entry in sorted(self._tables.audit.items(), reverse=True)][:limit]

    def list_notes(self, since_at: int = 0, before_at: int = 2**62, limit: int = 100) -> list[Note]:
        with self._lock:
            found = [note for note in self._tables.notes.values() if since_at <= note.at < before_at]
        return sorted(found, key=lambda note: (-note.at, note.once))[:limit]

    def list_rule_counts(self, since_hour: int, until_hour: int) -> list[tuple[str, str, str, int]]:
        found: dict[tuple[str, str, str], int] = {}
        with self._lock:
            for (hour, *place), count in self._tables.rule_counts.items():
                if since_hour <= hour < until_hour:
                    rule, slot, what = place
                    found[rule, slot, what] = found.get((rule, slot, what), 0) + count
        return [(*place, count) for place, count in sorted(found.items())]

    def list_hours(self, slot: str, what: str, since_hour: int, until_hour: int) -> list[tuple[int, int]]:
        found: dict[int, int] = {}
        with self._lock:
            for place, count in self._tables.rule_counts.items():
                is_asked = not what or place[1:] == ("", slot, what)
                if since_hour <= place[0] < until_hour and is_asked:
                    found[place[0]] = found.get(place[0], 0) + count
        return sorted(found.items())

    def changed_at(self) -> str:
        return str(self._tables.numbers["changed"])

    def fold_totals(self) -> int:
        return self.write(lambda _: self._fold(self._tables)).result()

    @staticmethod
    def _fold(tables: _Tables) -> int:
        waiting = list(tables.feed.items())
        for seq, (day, name, count, value) in waiting:
            before = tables.totals.get((day, name), (0, 0))
            tables.put(tables.totals, (day, name), (before[0] + count, before[1] + value))
            tables.remove(tables.feed, seq)
        return len(waiting)

    def list_totals(self, since_day: str, until_day: str) -> list[tuple[str, str, int, int]]:
        with self._lock:
            sums = defaultdict(lambda: (0, 0), self._tables.totals)
            for day, name, count, value in self._tables.feed.values():
                before = sums[day, name]
                sums[day, name] = (before[0] + count, before[1] + value)
            return sorted(
                (day, name, count, value)
                for (day, name), (count, value) in sums.items()
                if since_day <= day <= until_day and (count or value)
            )

    def rebuild_totals(self) -> None:
        self.write(lambda _: self._rebuild(self._tables)).result()

    @staticmethod
    def _rebuild(tables: _Tables) -> None:
        since_day = day_of(tables.numbers["whole since day"])
        for day_and_name in [known for known in tables.totals if known[0] >= since_day]:
            tables.remove(tables.totals, day_and_name)
        for seq in [seq for seq, change in tables.feed.items() if change[0] >= since_day]:
            tables.remove(tables.feed, seq)
        for rows in tables.events.values():
            for row in rows.values():
                day = day_of(row.event.occurred_at // DAY)
                if row.until_seq is None and day >= since_day:
                    before = tables.totals.get((day, row.event.name), (0, 0))
                    total = (before[0] + 1, before[1] + row.event.value)
                    tables.put(tables.totals, (day, row.event.name), total)
        for (day, name), (count, value) in tables.erased_totals.items():
            if day >= since_day:
                before = tables.totals.get((day, name), (0, 0))
                tables.put(tables.totals, (day, name), (before[0] + count, before[1] + value))

    def find_recount(self) -> Recount:
        return self._tables.recount

    def list_counts(self, after_version: int, until_version: int) -> Counted:
        with self._lock:
            tables = self._tables
            return Counted(
                [pair for version, pair in tables.pairs.values() if after_version < version <= until_version],
                [
                    each
                    for version, each in tables.counts.values()
                    if after_version < version <= until_version
                ],
            )

    def add_counts(self, counted: Counted, *, made_at: int, now: int) -> bool:
        with self._lock:
            recount = self._tables.recount
            if recount.made_at != made_at or recount.is_held(now):
                return False
            self._tables.take_counts(counted, is_added=True)
            return True

    def begin_recount(self, now: int, until_at: int) -> Recount | None:
        with self._lock:
            tables = self._tables
            if tables.recount.is_held(now):
                return None
            tables.recount = msgspec.structs.replace(
                tables.recount, counted_seq=tables.head, held_until=until_at
            )
            return tables.recount

    def put_counts(self, counted: Counted) -> None:
        with self._lock:
            self._tables.take_counts(counted, is_added=False)

    def end_recount(self, before: Recount, now: int) -> None:
        with self._lock:
            tables = self._tables
            tables.pairs = {place: kept for place, kept in tables.pairs.items() if kept[0] > before.version}
            tables.counts = {place: kept for place, kept in tables.counts.items() if kept[0] > before.version}
            recount = tables.recount
            tables.recount = Recount(recount.version + 1, now, recount.counted_seq)

    def list_lane(
        self,
        lane: int,
        names: Sequence[str],
        since_at: int,
        after: LanePlace = FIRST_OF_LANE,
        limit: int = 1_000,
    ) -> list[LaneEvent]:
        with self._lock:
            found = [
                (key, int(row.event.event_class), row.seen)
                for key, rows in self._tables.events.items()
                if lane_of(key) == lane
                for row in rows.values()
                if row.until_seq is None
                and row.event.name in names
                and (row.event.event_class == 0 or row.event.occurred_at >= since_at)
            ]
        places = sorted(((key, kind, *event.order), event) for key, kind, event in found)
        return [(place[0], place[1], event) for place, event in places if place > after][:limit]

    def find_seq(self) -> int:
        return self._tables.head

    def find_whole_since(self) -> int:
        return self._tables.numbers["whole since day"] * DAY

    def list_first_contexts(self, keys: Collection[int], since_at: int) -> dict[int, bytes]:
        with self._lock:
            asked = {
                key: [
                    each
                    for _, each in self._tables.opportunities.get(key, {}).values()
                    if each.at >= since_at
                ]
                for key in keys
            }
        return {
            key: min(found, key=lambda each: (each.session, each.slot)).context
            for key, found in asked.items()
            if found
        }

    def list_exposed(self, query: ExposedQuery, lanes: LanesAsked, apart: Collection[int] | None) -> Exposed:
        with self._lock:
            found = [
                unit
                for key, given in self._tables.exposures.items()
                if lanes[0] <= lane_of(key) < lanes[1] and (unit := self._exposed(query, key, given.values()))
            ]
        counted: Counter[tuple[int, str, int, bool]] = Counter()
        units = []
        for unit in found:
            if (
                unit.phase is None
                or unit.arm is None
                or {unit.first_arm, unit.last_arm} != {unit.arm}
                or apart is None
                or unit.key in apart
            ):
                units.append(unit)
            else:
                counted[unit.phase, unit.arm, unit.first_at // query.stretch_ms, unit.is_shown] += 1
        return Exposed([ExposedGroup(*alike, count) for alike, count in counted.items()], units)

    def _exposed(self, query: ExposedQuery, key: int, given: Iterable[_Exposed]) -> ExposedUnit | None:
        theirs = [
            item
            for item in given
            if item.exposure.rule == query.rule and query.since_at <= item.exposure.at < query.until_at
        ]
        if not theirs:
            return None
        assigned = self._tables.assignments.get(key, {})
        phase = min((phase for experiment, phase in assigned if experiment == query.experiment), default=None)
        arms = sorted(item.exposure.arm for item in theirs)
        return ExposedUnit(
            key,
            phase,
            None if phase is None else assigned[query.experiment, phase][1].arm,
            arms[0],
            arms[-1],
            min(item.exposure.at for item in theirs),
            min(item.seq for item in theirs),
            any(item.exposure.shown_at is not None for item in theirs),
        )

    def list_key_facts(
        self, name: str, *, after: tuple[int, int], until_at: int, limit: int
    ) -> list[LaneEvent]:
        with self._lock:
            found = [
                (row.seen.order, key, row.seen)
                for key, rows in self._tables.events.items()
                for row in rows.values()
                if row.until_seq is None and row.event.event_class == KEY_EVENT and row.event.name == name
            ]
        found.sort(key=lambda each: each[0])
        return [
            (key, int(KEY_EVENT), seen) for order, key, seen in found if after < order and order[0] < until_at
        ][:limit]

    def list_facts_of(self, keys: Collection[int], names: Collection[str]) -> list[LaneEvent]:
        with self._lock:
            found = [
                (key, int(row.event.event_class), row.seen)
                for key in keys
                for row in self._tables.events.get(key, {}).values()
                if row.until_seq is None and row.event.name in names
            ]
        return sorted(found, key=lambda each: (each[0], each[1], each[2].order))

    def list_links_in_force(self, lanes: LanesAsked) -> list[Link]:
        with self._lock:
            found = [
                link
                for key, links in self._tables.links.items()
                if lanes[0] <= lane_of(key) < lanes[1]
                for link in links.values()
                if link.is_in_force
            ]
        return sorted(found, key=lambda link: (link.key, link.from_seq, link.since_seq))

    def find_measured(self, experiment: str) -> Measured | None:
        return self._tables.measured.get(experiment)

    def find_erased_sums(self, experiment: str) -> dict[Cell, CellSums]:
        with self._lock:
            kept = self._tables.erased_days.items()
            return {cell: sums for (known, cell), sums in kept if known == experiment}

    def list_lane_opportunities(
        self,
        lane: int,
        slots: Sequence[str],
        since_at: int,
        after: AskedPlace = FIRST_ASKED,
        limit: int = 1_000,
    ) -> list[Opportunity]:
        with self._lock:
            found = [
                asked
                for key, items in self._tables.opportunities.items()
                if lane_of(key) == lane
                for _, asked in items.values()
                if asked.slot in slots and asked.at >= since_at
            ]
        places = sorted(((asked.key, asked.session, asked.slot), asked) for asked in found)
        return [asked for place, asked in places if place > after][:limit]

    def retire_events(self, before_at: int, most: int) -> int:
        return self.write(lambda _: self._retire(self._tables, before_at, most)).result()

    @staticmethod
    def _retire(tables: _Tables, before_at: int, most: int) -> int:
        whole = max(tables.numbers["whole since day"], day_after(before_at))
        tables.put(tables.numbers, "whole since day", whole)
        old = [
            (key, seq)
            for key, rows in tables.events.items()
            for seq, row in rows.items()
            if row.event.event_class > 0 and row.event.occurred_at < before_at
        ][:most]
        for key, seq in old:
            tables.remove(tables.events[key], seq)
            tables.remove(tables.owners, seq)
        for name_and_value, known in list(tables.business_keys.items()):
            if known.event_class > 0 and known.occurred_at < before_at:
                tables.remove(tables.business_keys, name_and_value)
        return len(old)

    def close(self) -> None:
        self._is_closed = True


C = TypeVar("C", PairCount, ProductCount)


def _added(known: C | None, more: C) -> C:
    if known is None:
        return more
    return msgspec.structs.replace(more, weight=known.weight + more.weight, times=known.times + more.times)


def _stored(seq: int, event: EventRow) -> StoredEvent:
    return StoredEvent(
        seq=seq,
        key=event.key,
        name=event.name,
        source=event.source,
        occurred_at=event.occurred_at,
        body=event.body,
    )


def _kept(seq: int, row: _Row) -> KeptEvent:
    event = row.event
    return KeptEvent(
        seq=seq,
        key=event.key,
        event_class=event.event_class,
        name=event.name,
        source=event.source,
        occurred_at=event.occurred_at,
        until_seq=row.until_seq,
        body=event.body,
    )


def _kept_traits(tables: _Tables, key: int) -> list[KeptTrait]:
    """In the order they were asserted in, each with the number of the one that replaced it."""
    until: dict[str, int] = {}
    found = []
    for seq, item in sorted(tables.traits.get(key, {}).items(), reverse=True):
        found.append(
            KeptTrait(key=key, seq=seq, name=item.name, trait=item.trait, until_seq=until.get(item.name))
        )
        until[item.name] = seq
    return found[::-1]


def _traits_in_force(tables: _Tables, key: int) -> set[int]:
    return {kept.seq for kept in _kept_traits(tables, key) if kept.until_seq is None}


def _order(event: TimelineEvent) -> tuple[int, int]:
    return event.occurred_at, event.seq


def _link_order(link: Link) -> tuple[int, int, int]:
    return link.since_seq, link.from_seq, link.person


def _identity_of(exposure: Exposure) -> tuple[str, str, str, str, str, int]:
    return (
        exposure.subject,
        exposure.slot,
        exposure.rule,
        exposure.rule_hash,
        exposure.arm,
        exposure.session,
    )


def _trait_in_force(asserted: Iterable[_Asserted], name: str) -> Trait | None:
    """Only what beat its forerunner was kept, so the newest is the one in force."""
    return next((item.trait for item in reversed(list(asserted)) if item.name == name), None)


def _is_asked(query: EventQuery, seq: int, event: EventRow) -> bool:
    return (
        (query.before_seq is None or seq < query.before_seq)
        and query.name in (None, event.name)
        and query.source in (None, event.source)
        and (query.keys is None or event.key in query.keys)
        and (query.since_at is None or event.occurred_at >= query.since_at)
        and (query.until_at is None or event.occurred_at < query.until_at)
        and (query.message_id is None or msgspec.json.encode(query.message_id) in event.body)
    )
