"""Events in the database: whom they are about is held, rows and bodies are sent together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from opportune.core.history.event import SetAside
from opportune.core.history.key import LANES, business_key_of, lane_of
from opportune.core.history.link import FOREVER
from opportune.core.moment import DAY
from opportune.storage.base import RECENT_BOUND, BusinessKey, EventQuery, EventRow, Recent, Span, StoredEvent
from opportune.storage.database.bodies import body_holds, pack
from opportune.storage.database.events import DatabaseEventReads, DatabaseEventWrites
from opportune.storage.database.lines import event_line
from opportune.storage.database.rows import carrier_of, event_place, stored_event_of
from opportune.storage.postgres.asking import PostgresReads, PostgresWrites
from opportune.storage.postgres.connection import raw
from opportune.storage.postgres.partitions import make_parts
from opportune.storage.postgres.retiring import retire_events
from opportune.storage.postgres.statements import SQL, over_rows

MET_MS = DAY
SEARCH_STEP = 500
"""Bodies looked through at once for a message id."""


class PostgresEventReads(DatabaseEventReads, PostgresReads):
    """Reading what happened."""

    def list_events(self, query: EventQuery) -> list[StoredEvent]:
        found: list[StoredEvent] = []
        before_seq = FOREVER if query.before_seq is None else query.before_seq
        step = query.limit if query.message_id is None else max(query.limit, SEARCH_STEP)
        while len(found) < query.limit:
            rows = self._list_events(query, before_seq, step)
            found += [
                stored_event_of(row)
                for row in rows
                if query.message_id is None
                or body_holds(row[5], msgspec.json.encode(query.message_id).decode())
            ]
            if len(rows) < step:
                break
            before_seq = rows[-1][0]
        return found[: query.limit]

    def _list_events(self, query: EventQuery, before_seq: int, limit: int) -> list[Any]:
        asked: dict[str, object] = {
            "before_seq": before_seq,
            "name": query.name,
            "source": query.source,
            "since_at": -FOREVER if query.since_at is None else query.since_at,
            "until_at": FOREVER if query.until_at is None else query.until_at,
            "limit": limit,
        }
        if query.keys is None:
            return self._all("list_events", asked)
        keys = tuple(dict.fromkeys(query.keys))
        if not keys:
            return []
        places = [value for key in keys for value in (lane_of(key), key)]
        statement = over_rows("list_events_of_keys", len(keys), 2)
        with self._reading() as connection:
            return raw(connection).execute(statement, [*places, *asked.values()]).fetchall()

    def retire_events(self, before_at: int, most: int) -> int:
        with self._reading() as connection:
            return retire_events(connection, before_at, most)

    def make_room(self, now: int) -> None:
        with self._reading() as connection:
            make_parts(connection, now)
            with connection.pipeline():
                for lane in range(LANES):
                    connection.execute(SQL["forget_met"], (lane, now - MET_MS))


class PostgresEventWrites(DatabaseEventWrites, PostgresWrites):
    """One job's events."""

    @property
    def head_seq(self) -> int:
        return self._newest or int(self._one("find_head", ())[0])

    def find_recent(self, spans: Sequence[Span]) -> list[Recent]:
        self.hold({key for key, _, _ in spans})
        rows = [
            (number, lane_of(key), key, since_at, until_at, RECENT_BOUND)
            for number, (key, since_at, until_at) in enumerate(spans)
        ]
        found: list[list[int]] = [[] for _ in spans]
        for number, message in self._fetch("find_recent", rows):
            found[number].append(message)
        return [Recent(frozenset(messages), len(messages)) for messages in found]

    def append_event(self, row: EventRow) -> int:
        if row.key not in self._heads:
            self.hold((row.key,))
        seq, lane = self._next_seq(), lane_of(row.key)
        key, kind, at, name, source = row.key, row.event_class, row.occurred_at, row.name, row.source
        line = event_line(at, seq, name, source, row.facts)
        self._put("append_event", (lane, key, kind, at, seq, row.value, row.message, line, name, source))
        self._put("append_body", (lane, seq, key, kind, at, name, source, pack(row.body)))
        self._change(name, at, 1, row.value)
        first_at, last_at, seen = self._seen.get(name, (at, at, 0))
        self._seen[name] = (min(first_at, at), max(last_at, at), seen + 1)
        return seq

    def _change(self, name: str, occurred_at: int, count: int, value: int) -> None:
        day_and_name = (occurred_at // DAY, name)
        before = self._changes.get(day_and_name, (0, 0))
        self._changes[day_and_name] = (before[0] + count, before[1] + value)

    def supersede_event(self, known: BusinessKey) -> None:
        self.hold((known.key,))
        place = event_place(known.key, known.event_class, known.occurred_at, known.seq)
        found = self._one("find_event", place)
        if found is None or found[3] is not None:
            return
        name, _, value, _ = found
        seq = self._next_seq()
        self._execute("supersede_event", (seq, *place))
        self._execute("supersede_body", (seq, place[0], *place[2:]))
        self._change(name, known.occurred_at, -1, -value)

    def find_business_key(self, event: str, value: str) -> BusinessKey | None:
        key = business_key_of(event, value)
        self.hold((key,))
        row = self._one("find_business_key", (lane_of(key), event, value))
        return None if row is None else carrier_of(row)

    def find_stored(self, known: BusinessKey) -> StoredEvent | None:
        asked = (lane_of(known.key), known.event_class, known.occurred_at, known.seq)
        row = self._one("find_stored", asked)
        return None if row is None else stored_event_of(row)

    def put_business_key(self, known: BusinessKey) -> None:
        key = business_key_of(known.event, known.value)
        self.hold((key,))
        self._send()  # one statement cannot put the same key twice
        self._put(
            "put_business_key",
            (
                lane_of(key),
                known.event,
                known.value,
                known.key,
                known.event_class,
                known.occurred_at,
                known.seq,
                known.is_verified,
            ),
        )

    def set_aside(self, events: Iterable[SetAside]) -> None:
        for event in events:
            kept = (event.reason, event.code, pack(event.raw), event.message_id, event.name, event.source)
            self._put("set_aside", ("open", *kept, event.received_at))
