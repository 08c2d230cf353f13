"""The store in one SQLite file: one thread writes, every reading thread has a connection of its own."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import TypeVar, cast

import msgspec

from opportune.core.experiments.experiment import Experiment
from opportune.core.history.key import lane_of
from opportune.core.history.link import FOREVER, Link
from opportune.core.learnings.learning import Draft, Kept, Said
from opportune.core.note import Note
from opportune.core.product import Product
from opportune.core.recommending.counting import Counted, PairCount, ProductCount
from opportune.core.rule import CONTROL, RunState
from opportune.errors import LogInUseError, NewerStoreError, NotFoundError, StorageBusyError
from opportune.storage.base import (
    FIRST_ASKED,
    FIRST_OF_LANE,
    ApiKey,
    AskedPlace,
    AuditEntry,
    ConsentCount,
    EventQuery,
    LaneEvent,
    LanePlace,
    Opportunity,
    Recollection,
    Recount,
    StoredEvent,
    StoredExposure,
    StoredPlaybook,
    StoredSetAside,
    Transaction,
    recount_of,
)
from opportune.storage.belongings import opportunity_of
from opportune.storage.bodies import unpack
from opportune.storage.lines import read_event
from opportune.storage.measurements import LanesAsked
from opportune.storage.person import keys_of, person_of
from opportune.storage.rows import exposure_of, playbook_of
from opportune.storage.sqlite import counting
from opportune.storage.sqlite.checkpoints import empty_log
from opportune.storage.sqlite.connection import LONGEST_WAIT_SECONDS, Readers
from opportune.storage.sqlite.measuring import SqliteMeasuring
from opportune.storage.sqlite.migrating import find_layout, list_migrations, migrate
from opportune.storage.sqlite.personal import SqlitePersonal
from opportune.storage.sqlite.recalling import recall
from opportune.storage.sqlite.statements import SQL
from opportune.storage.sqlite.transaction import SqliteTransaction
from opportune.storage.sqlite.writer import SqliteWriter, open_writing_connection
from opportune.storage.writing import MOST_JOBS_WAITING

T = TypeVar("T")

LONGEST_READ_SECONDS = 5.0
"""For a read-only store: a longer read would keep the log from being emptied."""

read_note = msgspec.json.Decoder(Note).decode
read_run_state = msgspec.json.Decoder(RunState).decode
read_experiment = msgspec.json.Decoder(Experiment).decode
read_draft = msgspec.json.Decoder(Draft).decode
read_said = msgspec.json.Decoder(Said).decode
read_api_key = msgspec.json.Decoder(ApiKey).decode
read_product = msgspec.json.Decoder(Product).decode


class SqliteStorage(SqlitePersonal, SqliteMeasuring):
    """One file. `read_only` is for the process that reads beside the one that writes.

    Read-only, the file must exist, `write` is refused, and a single read that takes longer than
    `longest_read_seconds` ends in SlowReadError.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        read_only: bool = False,
        longest_read_seconds: float = LONGEST_READ_SECONDS,
        most_jobs_waiting: int = MOST_JOBS_WAITING,
    ) -> None:
        self.path = Path(path)
        if read_only and not self.path.exists():
            raise NotFoundError(what=f"The data file {self.path}")
        if not read_only:
            self._prepare()
        deadline_seconds = longest_read_seconds if read_only else None
        self._readers = Readers(self.path, read_only=read_only, deadline_seconds=deadline_seconds)
        self._readers.connection()  # held open, so that reading needs no new file when the disk is full
        self._writer = None if read_only else SqliteWriter(self.path, most_jobs_waiting=most_jobs_waiting)
        if read_only:
            self._check_layout()

    def _prepare(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        connection = open_writing_connection(self.path)
        try:
            migrate(connection)
        finally:
            connection.close()

    def _check_layout(self) -> None:
        found, known = find_layout(self._readers.connection()), len(list_migrations())
        if found > known:
            self.close()
            raise NewerStoreError(found=found, known=known)
        if found < known:
            self.close()
            raise NotFoundError(
                what=f"Layout {known} in {self.path} (it has {found}; the server brings it there)"
            )

    def write(self, job: Callable[[Transaction], T], about: Iterable[int] = ()) -> Future[T]:  # noqa: ARG002 - one writer
        return self._submit(job)

    def _submit(self, job: Callable[[SqliteTransaction], T]) -> Future[T]:
        if self._writer is None:
            refused: Future[T] = Future()
            refused.set_exception(StorageBusyError())
            return refused
        return self._writer.submit(job)

    def recall(self, keys: Sequence[int], *, now: int, as_of: int | None = None) -> Recollection:
        readers = self._readers
        connection = readers.hot_connection()
        readers.start()
        return recall(connection, keys, now=now, as_of=as_of)

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
            rows = self._readers.all(SQL["list_events"], asked)
        else:
            rows = self._readers.all(SQL["list_events_of_keys"], {**asked, "keys": _json_of(query.keys)})
        return [
            StoredEvent(seq=seq, key=key, name=name, source=source, occurred_at=at, body=unpack(body))
            for seq, key, name, source, at, body in rows
        ]

    def list_key_events(
        self, name: str, *, after: tuple[int, int], until_at: int, limit: int
    ) -> list[StoredEvent]:
        rows = self._readers.all(SQL["list_key_events"], (name, *after, until_at, limit))
        return [
            StoredEvent(seq=seq, key=key, name=name, source=source, occurred_at=at, body=unpack(body))
            for seq, key, name, source, at, body in rows
        ]

    def list_versions(self, name: str, since_at: int, limit: int) -> list[tuple[StoredEvent, bool]]:
        return [
            (
                StoredEvent(seq=seq, key=key, name=name, source=source, occurred_at=at, body=unpack(body)),
                bool(is_read),
            )
            for seq, key, source, at, body, is_read in self._readers.all(
                SQL["list_versions"], (name, since_at, limit)
            )
        ]

    def get_body(self, seq: int) -> bytes | None:
        row = self._readers.one(SQL["get_body"], (seq,))
        return None if row is None else unpack(row[0])

    def find_key_id(self, key: int) -> tuple[str, str] | None:
        return cast("tuple[str, str] | None", self._readers.one(SQL["find_key_id"], (lane_of(key), key)))

    def list_person_keys(self, key: int, as_of: int | None = None) -> tuple[int, tuple[int, ...]]:
        seq = self._readers.one(SQL["find_head"])[0] if as_of is None else as_of
        person = person_of(key, self._links("list_links", key), seq)
        return person, keys_of(person, self._links("list_person_links", person), seq)

    def _links(self, statement: str, of: int) -> list[Link]:
        return [Link(*row) for row in self._readers.all(SQL[statement], (lane_of(of), of))]

    def list_exposures(self, keys: Sequence[int], limit: int = 100) -> list[StoredExposure]:
        rows = self._readers.all(SQL["list_exposures"], (_json_of(keys), limit))
        return [exposure_of(row) for row in rows]

    def list_hidden(self, since_at: int) -> list[tuple[str, str, int, int]]:
        return sorted(self._readers.all(SQL["list_hidden"], (CONTROL, since_at)))

    def list_decided(self, lane: int, since_at: int) -> list[tuple[str, int]]:
        return sorted(self._readers.all(SQL["list_decided"], (lane, since_at)))

    def list_acted(
        self, rules: Sequence[str], since_at: int, lanes: LanesAsked
    ) -> list[tuple[str, int, int]]:
        asked = (*lanes, _json_of(rules), CONTROL, since_at)
        return sorted(self._readers.all(SQL["list_acted"], asked))

    def list_opportunities(self, keys: Sequence[int], limit: int = 100) -> list[Opportunity]:
        rows = self._readers.all(SQL["list_opportunities"], (_json_of(keys), limit))
        return [opportunity_of(row) for row in rows]

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
            for row in self._readers.all(SQL["list_set_aside"], asked)
        ]

    def list_seen_events(self) -> dict[str, tuple[int, int, int]]:
        rows = self._readers.all(SQL["list_seen_events"])
        return {name: (first_at, last_at, count) for name, first_at, last_at, count in rows}

    def find_playbook(self, revision: str | None = None) -> StoredPlaybook | None:
        row = self._readers.one(SQL["find_playbook"], (revision,))
        return None if row is None else playbook_of(row)

    def list_playbooks(self, limit: int = 50) -> list[StoredPlaybook]:
        return [playbook_of(row) for row in self._readers.all(SQL["list_playbooks"], (limit,))]

    def list_run_states(self) -> dict[str, RunState]:
        states = [read_run_state(row[0]) for row in self._readers.all(SQL["list_run_states"])]
        return {state.rule: state for state in states}

    def list_experiments(self, *, open_only: bool = False) -> list[Experiment]:
        statement = SQL["list_open_experiments" if open_only else "list_experiments"]
        return [read_experiment(row[0]) for row in self._readers.all(statement)]

    def list_learnings(self) -> list[Kept]:
        rows = self._readers.all(SQL["list_learnings"])
        return [Kept(read_draft(draft), read_said(said)) for draft, said in rows]

    def find_setting(self, name: str) -> str | None:
        row = self._readers.one(SQL["find_setting"], (name,))
        return None if row is None else row[0]

    def list_settings(self, prefix: str) -> dict[str, str]:
        return dict(self._readers.all(SQL["list_settings"], (prefix,)))

    def list_api_keys(self) -> list[ApiKey]:
        return [read_api_key(row[0]) for row in self._readers.all(SQL["list_api_keys"])]

    def find_products(self, identifiers: Sequence[str]) -> list[Product]:
        rows = self._readers.all(SQL["find_products"], (_json_of(identifiers),))
        return [read_product(row[0]) for row in rows]

    def list_products(
        self, after: tuple[int, str] = (0, ""), limit: int = 1_000
    ) -> list[tuple[int, Product]]:
        rows = self._readers.all(SQL["list_products"], (*after, limit))
        return [(version, read_product(product)) for version, product in rows]

    def list_consents(self, since_day: str, until_day: str) -> list[ConsentCount]:
        rows = self._readers.all(SQL["list_consents"], (since_day, until_day))
        return [
            ConsentCount(day, banner, bool(has_gpc), answer, visits)
            for day, banner, has_gpc, answer, visits in rows
        ]

    def list_audit(self, limit: int = 100) -> list[AuditEntry]:
        return [
            AuditEntry(at=at, by=by, act=act, what=what, detail=detail)
            for at, by, act, what, detail in self._readers.all(SQL["list_audit"], (limit,))
        ]

    def list_notes(self, since_at: int = 0, before_at: int = 2**62, limit: int = 100) -> list[Note]:
        rows = self._readers.all(SQL["list_notes"], (since_at, before_at, limit))
        return [read_note(row[0]) for row in rows]

    def list_rule_counts(self, since_hour: int, until_hour: int) -> list[tuple[str, str, str, int]]:
        rows = self._readers.all(SQL["list_rule_counts"], (since_hour, until_hour))
        return [(rule, slot, what, count) for rule, slot, what, count in rows]

    def list_hours(self, slot: str, what: str, since_hour: int, until_hour: int) -> list[tuple[int, int]]:
        if not what:
            rows = self._readers.all(SQL["list_counted_hours"], (since_hour, until_hour))
        else:
            rows = self._readers.all(SQL["list_hours"], (since_hour, until_hour, slot, what))
        return [(hour, count) for hour, count in rows]

    def changed_at(self) -> str:
        return str(self._readers.one(SQL["changed_at"])[0])

    def count_waiting(self) -> int:
        return self._writer.count_waiting() if self._writer is not None else 0

    def fold_totals(self) -> int:
        return self._submit(SqliteTransaction.fold_totals).result()

    def list_totals(self, since_day: str, until_day: str) -> list[tuple[str, str, int, int]]:
        return self._readers.all(SQL["list_totals"], (since_day, until_day))

    def rebuild_totals(self) -> None:
        self._submit(SqliteTransaction.rebuild_totals).result()

    def find_recount(self) -> Recount:
        return recount_of(self._readers.all(SQL["list_recounts"]))

    def list_counts(self, after_version: int, until_version: int) -> Counted:
        between = (after_version, until_version)
        return Counted(
            [PairCount(*row) for row in self._readers.all(SQL["list_pairs"], between)],
            [ProductCount(*row) for row in self._readers.all(SQL["list_product_counts"], between)],
        )

    def add_counts(self, counted: Counted, *, made_at: int, now: int) -> bool:
        return self._submit(lambda own: counting.add_counts(own, counted, made_at, now)).result()

    def begin_recount(self, now: int, until_at: int) -> Recount | None:
        return self._submit(lambda own: counting.begin_recount(own, now, until_at)).result()

    def put_counts(self, counted: Counted) -> None:
        self._submit(lambda own: counting.put_counts(own, counted)).result()

    def end_recount(self, before: Recount, now: int) -> None:
        self._submit(lambda own: counting.end_recount(own, before, now)).result()

    def list_lane(
        self,
        lane: int,
        names: Sequence[str],
        since_at: int,
        after: LanePlace = FIRST_OF_LANE,
        limit: int = 1_000,
    ) -> list[LaneEvent]:
        asked = (lane, _json_of(names), since_at, *after, limit)
        rows = self._readers.all(SQL["list_lane"], asked)
        return [(key, kind, read_event(line)) for key, kind, line in rows]

    def list_lane_opportunities(
        self,
        lane: int,
        slots: Sequence[str],
        since_at: int,
        after: AskedPlace = FIRST_ASKED,
        limit: int = 1_000,
    ) -> list[Opportunity]:
        asked = (lane, _json_of(slots), since_at, *after, limit)
        rows = self._readers.all(SQL["list_lane_opportunities"], asked)
        return [opportunity_of(row) for row in rows]

    def retire_events(self, before_at: int, most: int) -> int:
        return self._submit(lambda transaction: transaction.retire_events(before_at, most)).result()

    def rewrite(self) -> bool:
        """Over a connection of its own: writers wait for it up to five seconds, and are then told to come again.

        Raises LogInUseError where the log still holds what was there before.
        """
        connection = open_writing_connection(self.path)
        try:
            connection.execute("VACUUM")
            if not empty_log(connection, LONGEST_WAIT_SECONDS):
                raise LogInUseError
        finally:
            connection.close()
        return True

    def backup(self, path: Path | str) -> None:
        """A whole copy as of one commit, made while everything goes on."""
        target = sqlite3.connect(path)
        try:
            self._readers.connection().backup(target)
        finally:
            target.close()

    def close(self) -> None:
        """Commits what is waiting; further writes are refused."""
        if self._writer is not None:
            self._writer.close()
        self._readers.close()


def _json_of(keys: Sequence[int | str]) -> str:
    return msgspec.json.encode(list(dict.fromkeys(keys))).decode()
