"""Events as both databases read them: whole bodies by number, key events in order, what was set aside."""

from __future__ import annotations

from opportune.core.history.key import lane_of
from opportune.core.history.link import FOREVER
from opportune.storage.base import StoredEvent, StoredSetAside
from opportune.storage.database.asking import DatabaseReads, DatabaseWrites
from opportune.storage.database.bodies import unpack
from opportune.storage.database.lines import event_line
from opportune.storage.database.rows import event_place, stored_event_of


class DatabaseEventReads(DatabaseReads):
    """Reading what happened."""

    def list_key_events(
        self, name: str, *, after: tuple[int, int], until_at: int, limit: int
    ) -> list[StoredEvent]:
        rows = self._all("list_key_events", (name, *after, until_at, limit))
        return [stored_event_of(row) for row in rows]

    def list_versions(self, name: str, since_at: int, limit: int) -> list[tuple[StoredEvent, bool]]:
        return [
            (
                StoredEvent(seq=seq, key=key, name=name, source=source, occurred_at=at, body=unpack(body)),
                bool(is_read),
            )
            for seq, key, source, at, body, is_read in self._all("list_versions", (name, since_at, limit))
        ]

    def get_body(self, seq: int) -> bytes | None:
        row = self._one("get_body", (seq,))
        return None if row is None else unpack(row[0])

    def list_set_aside(
        self, *, state: str = "open", before_id: int | None = None, limit: int = 100
    ) -> list[StoredSetAside]:
        asked = (state, FOREVER if before_id is None else before_id, limit)
        return [
            StoredSetAside(
                id=row[0],
                state=row[1],
                reason=row[2],
                code=row[3],
                raw=unpack(row[4]),
                message_id=row[5],
                name=row[6],
                source=row[7],
                received_at=row[8],
            )
            for row in self._all("list_set_aside", asked)
        ]

    def find_seq(self) -> int:
        return int(self._one("find_head")[0])

    def find_whole_since(self) -> int:
        return int(self._one("find_whole_since")[0])


class DatabaseEventWrites(DatabaseWrites):
    """One job's events."""

    def update_facts(self, seq: int, key: int, occurred_at: int, facts: bytes) -> None:
        found = self._one("find_event_of_any_class", (lane_of(key), key, occurred_at, seq))
        if found is None:
            return
        event_class, name, source = found
        line = event_line(occurred_at, seq, name, source, facts)
        self._execute("update_facts", (line, *event_place(key, event_class, occurred_at, seq)))

    def close_set_aside(self, identifier: int, state: str) -> None:
        self._execute("close_set_aside", (state, identifier))
