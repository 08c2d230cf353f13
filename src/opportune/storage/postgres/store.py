"""The store in one PostgreSQL database: any number of processes write and read there, and keep nothing themselves."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import closing, contextmanager
from time import time_ns
from typing import Any, TypeVar, cast

import msgspec
import psycopg

from opportune.core.experiments.experiment import Experiment
from opportune.core.history.key import LANES, lane_of
from opportune.core.history.link import FOREVER, Link
from opportune.core.learnings.learning import Draft, Kept, Said
from opportune.core.moment import DAY
from opportune.core.note import Note
from opportune.core.product import Product
from opportune.core.recommending.counting import Counted, PairCount, ProductCount
from opportune.core.rule import CONTROL, RunState
from opportune.errors import NewerStoreError, NotFoundError, SlowReadError, StorageBusyError
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
from opportune.storage.bodies import body_holds, unpack
from opportune.storage.lines import read_event
from opportune.storage.measurements import LanesAsked
from opportune.storage.person import keys_of, person_of
from opportune.storage.postgres import counting
from opportune.storage.postgres.changes import Changes
from opportune.storage.postgres.connection import (
    STATEMENT_MS,
    WATCHDOG,
    Connection,
    connect,
    connect_first,
    permitted,
    raw,
    reason_of,
    translated,
)
from opportune.storage.postgres.distribution import has_citus
from opportune.storage.postgres.measuring import PostgresMeasuring
from opportune.storage.postgres.migrating import FOLDER, find_layout, migrate
from opportune.storage.postgres.partitions import make_parts
from opportune.storage.postgres.personal import PostgresPersonal
from opportune.storage.postgres.readers import Readers
from opportune.storage.postgres.recalling import MOST_TOGETHER, Recalling, recall
from opportune.storage.postgres.retiring import retire_events
from opportune.storage.postgres.statements import LANE_BY_LANE, ROWS_TOGETHER, SQL, Row, in_pieces, over_rows
from opportune.storage.postgres.transaction import fold, rebuild_totals
from opportune.storage.postgres.writer import PostgresWriter
from opportune.storage.rows import exposure_of, playbook_of
from opportune.storage.steps import list_steps
from opportune.storage.writing import MOST_JOBS_WAITING

T = TypeVar("T")

CONNECTIONS = 8
QUEUE_SECONDS = 2.0
START_SECONDS = 60.0
FOLD_STEP = 1_000
MET_MS = DAY
SEARCH_STEP = 500
"""Bodies looked through at once for a message id."""

read_note = msgspec.json.Decoder(Note).decode
read_run_state = msgspec.json.Decoder(RunState).decode
read_experiment = msgspec.json.Decoder(Experiment).decode
read_draft = msgspec.json.Decoder(Draft).decode
read_said = msgspec.json.Decoder(Said).decode
read_api_key = msgspec.json.Decoder(ApiKey).decode
read_product = msgspec.json.Decoder(Product).decode


class PostgresStorage(PostgresPersonal, PostgresMeasuring):
    """`url` as libpq takes it, `postgresql://user@host/database`. `read_only` is for a process that only reads.

    Read-only, `write` is refused and a read that takes longer than `longest_read_seconds` ends in SlowReadError.
    Raises UnreachableError while the database cannot be reached, BadRequestError where it is none to work with.
    """

    is_remote = True

    is_shared = True

    def __init__(
        self,
        url: str,
        *,
        read_only: bool = False,
        longest_read_seconds: float = STATEMENT_MS / 1_000,
        most_jobs_waiting: int = MOST_JOBS_WAITING,
    ) -> None:
        self.url = url
        self._longest_read_seconds = longest_read_seconds
        self._is_closed = False
        self._prepare(is_first=not read_only)
        self._readers = Readers(self._connect, most=CONNECTIONS, seconds=QUEUE_SECONDS)
        self._together = LANE_BY_LANE if self._is_spread else MOST_TOGETHER
        self._recalling = Recalling(url, self._together)
        self._changes = Changes(url)
        rows = LANE_BY_LANE if self._is_spread else ROWS_TOGETHER[0]
        self._writer = (
            None if read_only else PostgresWriter(url, most_jobs_waiting=most_jobs_waiting, together=rows)
        )

    def _prepare(self, *, is_first: bool) -> None:
        ms = round(START_SECONDS * 1_000)  # others that start at the same moment are waited for
        connection = connect_first(self.url, "start", statement_ms=ms, lock_ms=ms)
        try:
            with translated(), permitted(), WATCHDOG.guard(connection, START_SECONDS + 5):
                if is_first:
                    migrate(connection)
                    make_parts(connection, time_ns() // 1_000_000)
                found, known = find_layout(connection), len(list_steps(FOLDER))
                self._is_spread = has_citus(connection)
            if found > known:
                raise NewerStoreError(found=found, known=known)
            if found < known:
                what = f"Layout {known} in the database (it has {found}; the server brings it there)"
                raise NotFoundError(what=what)
        finally:
            connection.close()

    # -- deciding and writing -----------------------------------------------------------------

    def recall(self, keys: Sequence[int], *, now: int, as_of: int | None = None) -> Recollection:
        with self._reading() as connection:
            return recall(connection, keys, now=now, as_of=as_of, together=self._together)

    def remember(self, keys: Sequence[int], *, now: int) -> Awaitable[Recollection]:
        return self._recalling.ask(keys, now)

    def write(self, job: Callable[[Transaction], T], about: Iterable[int] = ()) -> Future[T]:
        if self._writer is None:
            refused: Future[T] = Future()
            refused.set_exception(StorageBusyError())
            return refused
        return self._writer.submit(job, frozenset(about))

    def count_waiting(self) -> int:
        return self._writer.count_waiting() if self._writer is not None else 0

    # -- lists --------------------------------------------------------------------------------

    def list_events(self, query: EventQuery) -> list[StoredEvent]:
        found: list[StoredEvent] = []
        before_seq = FOREVER if query.before_seq is None else query.before_seq
        step = query.limit if query.message_id is None else max(query.limit, SEARCH_STEP)
        while len(found) < query.limit:
            rows = self._list_events(query, before_seq, step)
            found += [
                StoredEvent(seq=seq, key=key, name=name, source=source, occurred_at=at, body=unpack(body))
                for seq, key, name, source, at, body in rows
                if query.message_id is None
                or body_holds(body, msgspec.json.encode(query.message_id).decode())
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

    def list_key_events(
        self, name: str, *, after: tuple[int, int], until_at: int, limit: int
    ) -> list[StoredEvent]:
        rows = self._all("list_key_events", (name, *after, until_at, limit))
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
            for seq, key, source, at, body, is_read in self._all("list_versions", (name, since_at, limit))
        ]

    def get_body(self, seq: int) -> bytes | None:
        row = self._one("get_body", (seq,))
        return None if row is None else unpack(row[0])

    def find_key_id(self, key: int) -> tuple[str, str] | None:
        return cast("tuple[str, str] | None", self._one("find_key_id", (lane_of(key), key)))

    def list_person_keys(self, key: int, as_of: int | None = None) -> tuple[int, tuple[int, ...]]:
        seq = FOREVER - 1 if as_of is None else as_of
        person = person_of(key, self._links([key]), seq)
        keys = [row[0] for row in self._all("list_person_keys", (lane_of(person), person))]
        links = [link for link in self._links(keys) if link.person == person] if keys else []
        links.sort(key=lambda link: (link.key, link.since_seq, link.from_seq))
        return person, keys_of(person, links, seq)

    def _links(self, keys: Sequence[int]) -> list[Link]:
        return [Link(*row) for row in self._of_rows("find_links", [(lane_of(key), key) for key in keys])]

    def list_exposures(self, keys: Sequence[int], limit: int = 100) -> list[StoredExposure]:
        rows = self._of_rows("list_exposures", [(lane_of(key), key) for key in dict.fromkeys(keys)])
        newest = sorted(rows, key=lambda row: row[-1], reverse=True)[:limit]
        return [exposure_of(row) for row in newest]

    def list_hidden(self, since_at: int) -> list[tuple[str, str, int, int]]:
        return sorted(self._all("list_hidden", {"control": CONTROL, "since": since_at}))

    def list_decided(self, lane: int, since_at: int) -> list[tuple[str, int]]:
        return sorted(self._all("list_decided", (lane, since_at)))

    def list_acted(
        self, rules: Sequence[str], since_at: int, lanes: LanesAsked
    ) -> list[tuple[str, int, int]]:
        return sorted(self._all("list_acted", (*lanes, list(rules), CONTROL, since_at)))

    def list_opportunities(self, keys: Sequence[int], limit: int = 100) -> list[Opportunity]:
        rows = self._of_rows("list_opportunities", [(lane_of(key), key) for key in dict.fromkeys(keys)])
        newest = sorted(rows, key=lambda row: row[-1], reverse=True)[:limit]
        return [opportunity_of(row) for row in newest]

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

    def list_seen_events(self) -> dict[str, tuple[int, int, int]]:
        return {
            name: (first_at, last_at, count)
            for name, first_at, last_at, count in self._all("list_seen_events")
        }

    # -- operators ----------------------------------------------------------------------------

    def find_playbook(self, revision: str | None = None) -> StoredPlaybook | None:
        row = self._one("find_playbook", {"revision": revision})
        return None if row is None else playbook_of(row)

    def list_playbooks(self, limit: int = 50) -> list[StoredPlaybook]:
        return [playbook_of(row) for row in self._all("list_playbooks", (limit,))]

    def list_run_states(self) -> dict[str, RunState]:
        states = [read_run_state(row[0]) for row in self._all("list_run_states")]
        return {state.rule: state for state in states}

    def list_experiments(self, *, open_only: bool = False) -> list[Experiment]:
        rows = self._all("list_open_experiments" if open_only else "list_experiments")
        return [read_experiment(row[0]) for row in rows]

    def list_learnings(self) -> list[Kept]:
        rows = self._all("list_learnings")
        return [Kept(read_draft(draft), read_said(said)) for draft, said in rows]

    def find_setting(self, name: str) -> str | None:
        row = self._one("find_setting", (name,))
        return None if row is None else str(row[0])

    def list_settings(self, prefix: str) -> dict[str, str]:
        return dict(self._all("list_settings", (prefix,)))

    def list_api_keys(self) -> list[ApiKey]:
        return [read_api_key(row[0]) for row in self._all("list_api_keys")]

    def find_products(self, identifiers: Sequence[str]) -> list[Product]:
        return [read_product(row[0]) for row in self._all("find_products", (list(identifiers),))]

    def list_products(
        self, after: tuple[int, str] = (0, ""), limit: int = 1_000
    ) -> list[tuple[int, Product]]:
        rows = self._all("list_products", (*after, limit))
        return [(version, read_product(product)) for version, product in rows]

    def list_consents(self, since_day: str, until_day: str) -> list[ConsentCount]:
        rows = self._all("list_consents", (since_day, until_day))
        return [
            ConsentCount(day, banner, bool(has_gpc), answer, visits)
            for day, banner, has_gpc, answer, visits in rows
        ]

    def list_audit(self, limit: int = 100) -> list[AuditEntry]:
        return [
            AuditEntry(at=at, by=by, act=act, what=what, detail=detail)
            for at, by, act, what, detail in self._all("list_audit", (limit,))
        ]

    def list_notes(self, since_at: int = 0, before_at: int = 2**62, limit: int = 100) -> list[Note]:
        rows = self._all("list_notes", (since_at, before_at, limit))
        return [read_note(row[0]) for row in rows]

    def list_rule_counts(self, since_hour: int, until_hour: int) -> list[tuple[str, str, str, int]]:
        rows = self._all("list_rule_counts", (since_hour, until_hour))
        return [(rule, slot, what, count) for rule, slot, what, count in rows]

    def list_hours(self, slot: str, what: str, since_hour: int, until_hour: int) -> list[tuple[int, int]]:
        if not what:
            rows = self._all("list_counted_hours", (since_hour, until_hour))
        else:
            rows = self._all("list_hours", (since_hour, until_hour, slot, what))
        return [(hour, count) for hour, count in rows]

    def changed_at(self) -> str:
        return str(self._one("changed_at")[0])

    def wait_for_change(self, seconds: float) -> None:
        self._changes.wait(seconds)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Over a connection of its own, with which it ends however the process ends."""
        with closing(connect(self.url, "operators", lock_ms=STATEMENT_MS)) as connection:
            with translated(), WATCHDOG.guard(connection, STATEMENT_MS / 1_000 + 1):
                connection.execute(SQL["take_turn"])
            yield

    def take_lease(self, work: str, *, holder: str, now: int, until_at: int) -> bool:
        asked = {"work": work, "holder": holder, "now": now, "until_at": until_at}
        return self._one("take_lease", asked) is not None

    # -- totals -------------------------------------------------------------------------------

    def fold_totals(self) -> int:
        return self._alone(lambda connection: fold(connection, FOLD_STEP))

    def list_totals(self, since_day: str, until_day: str) -> list[tuple[str, str, int, int]]:
        return self._all("list_totals", {"since": since_day, "until": until_day})

    def rebuild_totals(self) -> None:
        self._alone(rebuild_totals)

    # -- counts of products -------------------------------------------------------------------

    def find_recount(self) -> Recount:
        return recount_of(self._all("list_recounts"))

    def list_counts(self, after_version: int, until_version: int) -> Counted:
        between = (after_version, until_version)
        return Counted(
            [PairCount(*row) for row in self._all("list_pairs", between)],
            [ProductCount(*row) for row in self._all("list_product_counts", between)],
        )

    def add_counts(self, counted: Counted, *, made_at: int, now: int) -> bool:
        return self._alone(lambda connection: counting.add_counts(connection, counted, made_at, now))

    def begin_recount(self, now: int, until_at: int) -> Recount | None:
        return self._alone(lambda connection: counting.begin_recount(connection, now, until_at))

    def put_counts(self, counted: Counted) -> None:
        self._alone(lambda connection: counting.put_counts(connection, counted))

    def end_recount(self, before: Recount, now: int) -> None:
        self._alone(lambda connection: counting.end_recount(connection, before, now))

    def list_lane(
        self,
        lane: int,
        names: Sequence[str],
        since_at: int,
        after: LanePlace = FIRST_OF_LANE,
        limit: int = 1_000,
    ) -> list[LaneEvent]:
        rows = self._all("list_lane", (lane, list(names), since_at, *after, limit))
        return [(key, kind, read_event(line)) for key, kind, line in rows]

    def list_lane_opportunities(
        self,
        lane: int,
        slots: Sequence[str],
        since_at: int,
        after: AskedPlace = FIRST_ASKED,
        limit: int = 1_000,
    ) -> list[Opportunity]:
        rows = self._all("list_lane_opportunities", (lane, list(slots), since_at, *after, limit))
        return [opportunity_of(row) for row in rows]

    def retire_events(self, before_at: int, most: int) -> int:
        with self._reading() as connection:
            return retire_events(connection, before_at, most)

    def make_room(self, now: int) -> None:
        with self._reading() as connection:
            make_parts(connection, now)
            with connection.pipeline():
                for lane in range(LANES):
                    connection.execute(SQL["forget_met"], (lane, now - MET_MS))

    def _alone(self, work: Callable[[Connection], T]) -> T:
        """In a transaction of its own, beside the writer."""
        with self._reading() as connection, connection.transaction():
            return work(connection)

    def close(self) -> None:
        """Commits what is waiting; further writes are refused."""
        self._is_closed = True
        if self._writer is not None:
            self._writer.close()
        self._recalling.close()
        self._changes.close()
        self._readers.close()

    # -- reading ------------------------------------------------------------------------------

    def _connect(self) -> Connection:
        return connect(self.url, "reads", statement_ms=round(self._longest_read_seconds * 1_000))

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        if self._is_closed:
            raise StorageBusyError
        try:
            with (
                self._readers.connection() as connection,
                WATCHDOG.guard(connection, self._longest_read_seconds + 1),
            ):
                yield connection
        except psycopg.errors.QueryCanceled:
            raise SlowReadError(seconds=self._longest_read_seconds) from None
        except psycopg.Error as error:
            raise reason_of(error) from error

    def _all(self, name: str, parameters: Sequence[object] | Mapping[str, object] = ()) -> list[Any]:
        with self._reading() as connection:
            return connection.execute(SQL[name], parameters).fetchall()

    def _one(self, name: str, parameters: Sequence[object] | Mapping[str, object] = ()) -> Any:
        rows = self._all(name, parameters)
        return rows[0] if rows else None

    def _of_rows(self, name: str, rows: Sequence[Row]) -> list[Any]:
        with self._reading() as connection:
            return [
                row for piece in in_pieces(name, rows) for row in raw(connection).execute(*piece).fetchall()
            ]
