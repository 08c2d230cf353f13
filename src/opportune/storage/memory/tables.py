"""Every dictionary of the store, what is kept in them, and how a failed job is undone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from threading import RLock
from typing import Any, TypeVar

import msgspec

from opportune.core.experiments.experiment import Experiment
from opportune.core.experiments.measured import Cell, CellSums, Measured
from opportune.core.history.link import Link
from opportune.core.history.timeline import TimelineEvent
from opportune.core.learnings.learning import Kept
from opportune.core.note import Note
from opportune.core.product import Product
from opportune.core.recommending.counting import Counted, PairCount, ProductCount
from opportune.core.rule import RunState
from opportune.core.situation import Assignment, PastExposure, Trait
from opportune.storage.base import (
    ApiKey,
    AuditEntry,
    BusinessKey,
    EventRow,
    Exposure,
    Opportunity,
    Recount,
    Storage,
    StoredEvent,
    StoredExposure,
    StoredPlaybook,
    StoredSetAside,
    Transaction,
)
from opportune.storage.person import keys_of
from opportune.storage.personal import Erasure, KeptTrait

K = TypeVar("K")
V = TypeVar("V")
C = TypeVar("C", PairCount, ProductCount)


class Row(msgspec.Struct, frozen=True):
    """An event as kept: its row, the part a decision sees, and from when on it is not read any more."""

    event: EventRow
    seen: TimelineEvent
    until_seq: int | None = None

    def is_read(self, as_of: int) -> bool:
        return self.seen.seq <= as_of and (self.until_seq is None or self.until_seq > as_of)


class Asserted(msgspec.Struct, frozen=True):
    """A trait by the order it was taken in; kept only if it was asserted later than the one before it."""

    seq: int
    name: str
    trait: Trait


class ExposedRow(msgspec.Struct, frozen=True):
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


class Tables:
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
        self.events: dict[int, dict[int, Row]] = defaultdict(dict)
        self.owners: dict[int, int] = {}
        self.keys: dict[int, tuple[str, str]] = {}
        self.links: dict[int, dict[tuple[int, int, int], Link]] = defaultdict(dict)
        self.person_keys: dict[int, dict[int, None]] = defaultdict(dict)
        self.traits: dict[int, dict[int, Asserted]] = defaultdict(dict)
        self.business_keys: dict[tuple[str, str], BusinessKey] = {}
        self.set_aside: dict[int, StoredSetAside] = {}
        self.opportunities: dict[int, dict[tuple[int, str], tuple[int, Opportunity]]] = defaultdict(dict)
        self.exposures: dict[int, dict[tuple[str, str, str, str, str, int], ExposedRow]] = defaultdict(dict)
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

    def keys_of(self, person: int, as_of: int) -> tuple[int, ...]:
        keys = self.person_keys.get(person, {})
        return keys_of(person, (link for key in keys for link in self.links_of(key)), as_of)


class MemoryReads(Storage):
    """A part of the store: it reads the tables under one lock."""

    _tables: Tables
    _lock: RLock


class MemoryWrites(Transaction):
    """A part of a job's writes, on the tables themselves."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables


def _added(known: C | None, more: C) -> C:
    if known is None:
        return more
    return msgspec.structs.replace(more, weight=known.weight + more.weight, times=known.times + more.times)


def stored(seq: int, event: EventRow) -> StoredEvent:
    return StoredEvent(
        seq=seq,
        key=event.key,
        name=event.name,
        source=event.source,
        occurred_at=event.occurred_at,
        body=event.body,
    )


def kept_traits(tables: Tables, key: int) -> list[KeptTrait]:
    """In the order they were asserted in, each with the number of the one that replaced it."""
    until: dict[str, int] = {}
    found = []
    for seq, item in sorted(tables.traits.get(key, {}).items(), reverse=True):
        found.append(
            KeptTrait(key=key, seq=seq, name=item.name, trait=item.trait, until_seq=until.get(item.name))
        )
        until[item.name] = seq
    return found[::-1]


def identity_of(exposure: Exposure) -> tuple[str, str, str, str, str, int]:
    return (
        exposure.subject,
        exposure.slot,
        exposure.rule,
        exposure.rule_hash,
        exposure.arm,
        exposure.session,
    )
