"""Events in the file: rows and bodies in two tables, and letting them leave in bounded steps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from opportune.core.history.event import SetAside
from opportune.core.history.key import lane_of
from opportune.core.history.link import FOREVER
from opportune.core.moment import DAY
from opportune.storage.base import RECENT_BOUND, BusinessKey, EventQuery, EventRow, Recent, Span, StoredEvent
from opportune.storage.database.bodies import pack
from opportune.storage.database.events import DatabaseEventReads, DatabaseEventWrites
from opportune.storage.database.lines import event_line
from opportune.storage.database.rows import carrier_of, event_place, stored_event_of
from opportune.storage.days import day_after
from opportune.storage.sqlite.asking import SqliteReads, SqliteWrites, json_list
from opportune.storage.sqlite.statements import SQL


class SqliteEventReads(DatabaseEventReads, SqliteReads):
    """Reading what happened."""

    def list_events(self, query: EventQuery) -> list[StoredEvent]:
        asked: dict[str, object] = {
            "before_seq": FOREVER if query.before_seq is None else query.before_seq,
            "name": query.name,
            "source": query.source,
            "since_at": -FOREVER if query.since_at is None else query.since_at,
            "until_at": FOREVER if query.until_at is None else query.until_at,
            "text": None if query.message_id is None else msgspec.json.encode(query.message_id).decode(),
            "limit": query.limit,
        }
        if query.keys is None:
            rows = self._all("list_events", asked)
        else:
            rows = self._all("list_events_of_keys", {**asked, "keys": json_list(query.keys)})
        return [stored_event_of(row) for row in rows]

    def retire_events(self, before_at: int, most: int) -> int:
        return self._submit(lambda job: _retire(job, before_at, most)).result()


class SqliteEventWrites(DatabaseEventWrites, SqliteWrites):
    """One job's events."""

    @property
    def head_seq(self) -> int:
        return self.tally.head

    def find_recent(self, spans: Sequence[Span]) -> list[Recent]:
        return [self._recent(*span) for span in spans]

    def _recent(self, key: int, since_at: int, until_at: int) -> Recent:
        asked = (lane_of(key), key, since_at, until_at, RECENT_BOUND)
        found = [row[0] for row in self._execute("find_recent", asked)]
        return Recent(frozenset(found), len(found))

    def append_event(self, row: EventRow) -> int:
        seq = self.tally.next_seq()
        key, kind, at, name, source = row.key, row.event_class, row.occurred_at, row.name, row.source
        line = event_line(at, seq, name, source, row.facts)
        stored = (lane_of(key), key, kind, at, seq, line, name, source, row.value, row.message)
        self._execute("append_event", stored)
        self._execute("append_body", (seq, key, kind, at, name, source, pack(row.body)))
        self.tally.see(name, at)
        self.tally.change(name, at, 1, row.value)
        return seq

    def supersede_event(self, known: BusinessKey) -> None:
        place = event_place(known.key, known.event_class, known.occurred_at, known.seq)
        found = self._one("find_event", place)
        if found is None:
            return
        name, _, value, until_seq = found
        if until_seq is not None:
            return
        seq = self.tally.next_seq()
        self._execute("supersede_event", (seq, *place))
        self._execute("supersede_body", (seq, known.seq))
        self.tally.change(name, known.occurred_at, -1, -value)

    def find_business_key(self, event: str, value: str) -> BusinessKey | None:
        row = self._one("find_business_key", (event, value))
        return None if row is None else carrier_of(row)

    def find_stored(self, known: BusinessKey) -> StoredEvent | None:
        row = self._one("find_stored", (known.seq,))
        return None if row is None else stored_event_of(row)

    def put_business_key(self, known: BusinessKey) -> None:
        self._execute(
            "put_business_key",
            (
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
            self._execute(
                "set_aside",
                (
                    event.reason,
                    event.code,
                    pack(event.raw),
                    event.message_id,
                    event.name,
                    event.source,
                    event.received_at,
                ),
            )


def _retire(job: SqliteWrites, before_at: int, most: int) -> int:
    """A bounded step, in the order of the table it costs most to find them in."""
    job.connection.execute(SQL["note_retired"], (day_after(before_at) * DAY,))
    old = job.connection.execute(SQL["find_old_events"], (before_at, most)).fetchall()
    places = sorted(event_place(*event) for event in old)
    job.connection.executemany(SQL["retire_event"], places)
    job.connection.executemany(SQL["retire_body"], [place[-1:] for place in places])
    job.connection.execute(SQL["retire_business_keys"], (before_at, most))
    return len(old)
