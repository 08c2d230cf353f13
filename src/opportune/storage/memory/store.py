"""The store itself: one job after another, and the plain reads."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from functools import partial
from threading import RLock
from typing import TypeVar

import msgspec

from opportune.core.experiments.experiment import Experiment
from opportune.core.history.plan import KEY_EVENT
from opportune.core.learnings.learning import Kept
from opportune.core.note import Note
from opportune.core.product import Product
from opportune.core.rule import RunState
from opportune.errors import StorageBusyError
from opportune.storage.base import (
    ApiKey,
    AuditEntry,
    EventQuery,
    EventRow,
    Opportunity,
    StoredEvent,
    StoredExposure,
    StoredPlaybook,
    StoredSetAside,
    Transaction,
)
from opportune.storage.days import day_after
from opportune.storage.memory.counting import MemoryCounting
from opportune.storage.memory.measuring import MemoryMeasuring
from opportune.storage.memory.personal import MemoryPersonal
from opportune.storage.memory.recalling import MemoryRecalling
from opportune.storage.memory.tables import Tables, stored
from opportune.storage.memory.transaction import MemoryTransaction

T = TypeVar("T")


class MemoryStorage(MemoryRecalling, MemoryPersonal, MemoryCounting, MemoryMeasuring):
    """Jobs run in the caller's thread, one after another; a job's future is done when `write` returns."""

    def __init__(self) -> None:
        self._tables = Tables()
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

    def list_events(self, query: EventQuery) -> list[StoredEvent]:
        with self._lock:
            found: list[StoredEvent] = []
            for seq in reversed(self._tables.owners):
                if len(found) >= query.limit:
                    break
                row = self._tables.events[self._tables.owners[seq]][seq]
                if row.until_seq is None and _is_asked(query, seq, row.event):
                    found.append(stored(seq, row.event))
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
            return [stored(seq, by_seq[seq]) for _, seq in found]

    def list_versions(self, name: str, since_at: int, limit: int) -> list[tuple[StoredEvent, bool]]:
        with self._lock:
            found = [
                (stored(seq, row.event), row.until_seq is None)
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

    def list_audit(self, limit: int = 100) -> list[AuditEntry]:
        with self._lock:
            return [entry for _, entry in sorted(self._tables.audit.items(), reverse=True)][:limit]

    def list_notes(self, since_at: int = 0, before_at: int = 2**62, limit: int = 100) -> list[Note]:
        with self._lock:
            found = [note for note in self._tables.notes.values() if since_at <= note.at < before_at]
        return sorted(found, key=lambda note: (-note.at, note.once))[:limit]

    def changed_at(self) -> str:
        return str(self._tables.numbers["changed"])

    def retire_events(self, before_at: int, most: int) -> int:
        return self.write(lambda _: self._retire(self._tables, before_at, most)).result()

    @staticmethod
    def _retire(tables: Tables, before_at: int, most: int) -> int:
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
