"""Events in dictionaries: by key and `seq`, with who owns which, and what was set aside."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from opportune.core.history.event import SetAside
from opportune.core.history.plan import KEY_EVENT
from opportune.core.history.timeline import FactValue, TimelineEvent
from opportune.core.moment import DAY
from opportune.storage.base import (
    RECENT_BOUND,
    BusinessKey,
    EventQuery,
    EventRow,
    Recent,
    Span,
    StoredEvent,
    StoredSetAside,
)
from opportune.storage.days import day_after, day_of
from opportune.storage.memory.tables import MemoryReads, MemoryWrites, Row, Tables, stored

FACTS = msgspec.json.Decoder(dict[str, FactValue])


class MemoryEventReads(MemoryReads):
    """Reading what happened."""

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

    def find_seq(self) -> int:
        return self._tables.head

    def find_whole_since(self) -> int:
        return self._tables.numbers["whole since day"] * DAY

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


class MemoryEventWrites(MemoryWrites):
    """One job's events."""

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
        tables.put(tables.events[row.key], seq, Row(row, seen))
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

    def update_facts(self, seq: int, key: int, occurred_at: int, facts: bytes) -> None:
        row = self._tables.events[key].get(seq)
        if row is None or row.event.occurred_at != occurred_at:
            return
        seen = row.seen
        updated = Row(
            msgspec.structs.replace(row.event, facts=facts),
            TimelineEvent(seen.occurred_at, seq, seen.name, seen.source, FACTS.decode(facts)),
            row.until_seq,
        )
        self._tables.put(self._tables.events[key], seq, updated)

    def find_business_key(self, event: str, value: str) -> BusinessKey | None:
        return self._tables.business_keys.get((event, value))

    def find_stored(self, known: BusinessKey) -> StoredEvent | None:
        row = self._tables.events[known.key].get(known.seq)
        return None if row is None or row.until_seq is not None else stored(known.seq, row.event)

    def put_business_key(self, known: BusinessKey) -> None:
        self._tables.put(self._tables.business_keys, (known.event, known.value), known)

    def set_aside(self, events: Iterable[SetAside]) -> None:
        for event in events:
            number = self._tables.next("set aside")
            kept = StoredSetAside(id=number, **msgspec.structs.asdict(event))
            self._tables.put(self._tables.set_aside, number, kept)

    def close_set_aside(self, identifier: int, state: str) -> None:
        kept = self._tables.set_aside.get(identifier)
        if kept is not None:
            self._tables.put(self._tables.set_aside, identifier, msgspec.structs.replace(kept, state=state))


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
