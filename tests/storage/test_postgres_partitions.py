"""Behaviour and telemetry by quarters of a year: made ahead, found right, given up whole beside others' work."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

import psycopg
import pytest
from tests.contract.stored import DAY, DEVICE, append, event

from opportune.core.moment import from_iso
from opportune.errors import StorageBusyError
from opportune.storage.base import EventQuery
from opportune.storage.postgres import PostgresStorage
from opportune.storage.postgres.connection import Connection, connect
from opportune.storage.postgres.migrating import migrate
from opportune.storage.postgres.partitions import (
    Part,
    Quarter,
    drop_parts,
    list_parts,
    make_parts,
    quarter_at,
)

NOW = from_iso("2031-11-20T10:00:00Z")
"""Later than the quarters which a store makes by its own clock."""
LAST_YEAR = from_iso("2030-08-01T00:00:00Z")
PREFIXES = ("events_1", "events_2", "bodies_1", "bodies_2")
Q3_ENDS = from_iso("2030-10-01T00:00:00Z")


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    connection = connect(url, "test")
    try:
        yield connection
    finally:
        connection.close()


@pytest.fixture
def database(postgres_url: str) -> str:
    """Its quarters are those of `NOW`."""
    with connected(postgres_url) as connection:
        migrate(connection)
        make_parts(connection, NOW)
    return postgres_url


@pytest.fixture
def storage(database: str) -> Iterator[PostgresStorage]:
    opened = PostgresStorage(database)
    yield opened
    opened.close()


def place_of(url: str, seq: int) -> list[str]:
    """The tables in which an event and its body lie."""
    with connected(url) as connection:
        return [
            str(row[0])
            for table in ("events", "bodies")
            for row in connection.execute(
                f"SELECT tableoid::regclass::text FROM {table} WHERE seq = %s",
                (seq,),
            ).fetchall()
        ]


def names(url: str) -> set[str]:
    with connected(url) as connection:
        return {part.name for part in list_parts(connection)}


def quarters(url: str) -> list[tuple[int, int]]:
    with connected(url) as connection:
        return sorted({tuple(part.quarter) for part in list_parts(connection)})


@pytest.mark.parametrize(
    ("moment", "quarter"),
    [
        ("2026-01-01T00:00:00Z", Quarter(2026, 1)),
        ("2026-03-31T23:59:59.999Z", Quarter(2026, 1)),
        ("2026-04-01T00:00:00Z", Quarter(2026, 2)),
        ("2026-12-31T23:59:59.999Z", Quarter(2026, 4)),
        ("1969-12-31T23:59:59.999Z", Quarter(1969, 4)),
    ],
)
def test_a_moment_lies_in_its_quarter(moment: str, quarter: Quarter) -> None:
    at = from_iso(moment)
    assert quarter_at(at) == quarter
    assert quarter.since_at <= at < quarter.until_at


def test_quarters_follow_each_other_over_the_years() -> None:
    assert [Quarter(2026, 4).plus(n) for n in (-4, -1, 1, 2)] == [(2025, 4), (2026, 3), (2027, 1), (2027, 2)]
    assert Quarter(2026, 4).until_at == Quarter(2027, 1).since_at


def test_a_new_database_has_this_quarter_the_next_and_those_that_history_needs(database: str) -> None:
    assert quarters(database) == [
        (2030, 2),
        (2030, 3),
        (2030, 4),
        (2031, 1),
        (2031, 2),
        (2031, 3),
        (2031, 4),
        (2032, 1),
    ]
    assert {"events_1_2031_q4", "events_2_2031_q4", "bodies_1_2031_q4", "bodies_2_2031_q4"} < names(database)


def test_a_store_makes_its_quarters_when_it_opens(postgres_url: str) -> None:
    PostgresStorage(postgres_url).close()
    this = quarter_at(time.time_ns() // 1_000_000)
    assert {this, this.plus(1)} <= set(quarters(postgres_url))


def test_a_reader_makes_nothing(database: str) -> None:
    before = names(database)
    PostgresStorage(database, read_only=True).close()
    assert names(database) == before


def test_later_only_the_next_quarter_is_made(storage: PostgresStorage, database: str) -> None:
    before = names(database)
    storage.make_room(NOW + 92 * DAY)
    storage.make_room(NOW + 92 * DAY)
    assert names(database) - before == {f"{kind}_2032_q2" for kind in PREFIXES}


def test_events_lie_in_their_quarter_by_class_and_moment(storage: PostgresStorage, database: str) -> None:
    ends = Quarter(2031, 3).until_at
    last, first, telemetry, order, ancient = append(
        storage,
        event(at=ends - 1),
        event(at=ends),
        event(at=ends, event_class=2),
        event(at=ends, event_class=0),
        event(at=from_iso("2019-05-05T00:00:00Z")),
    )
    assert place_of(database, last) == ["events_1_2031_q3", "bodies_1_2031_q3"]
    assert place_of(database, first) == ["events_1_2031_q4", "bodies_1_2031_q4"]
    assert place_of(database, telemetry) == ["events_2_2031_q4", "bodies_2_2031_q4"]
    assert place_of(database, order) == ["events_0", "bodies_0"]
    assert place_of(database, ancient) == ["events_other", "bodies_other"]


def test_a_quarter_with_events_among_the_rest_is_not_made_and_they_are_still_found(
    storage: PostgresStorage, database: str
) -> None:
    ahead = Quarter(2032, 2).since_at
    [seq] = append(storage, event(at=ahead + DAY))
    storage.make_room(ahead)
    made = names(database)
    assert "events_1_2032_q2" not in made
    assert {"events_2_2032_q2", "events_1_2032_q3"} <= made
    assert len(storage.recall([DEVICE], now=ahead + 2 * DAY).events[DEVICE]) == 1
    assert place_of(database, seq) == ["events_other", "bodies_other"]
    assert storage.retire_events(Quarter(2032, 2).until_at, 10) == 1


def test_whole_quarters_leave_and_the_one_that_has_begun_stays(
    storage: PostgresStorage, database: str
) -> None:
    append(storage, *(event(at=LAST_YEAR + n, event_class=1 + n % 2) for n in range(10)))  # type: ignore[arg-type]
    [later] = append(storage, event(at=Q3_ENDS))
    assert storage.retire_events(Q3_ENDS - 1, 3) == 0
    assert storage.retire_events(Q3_ENDS + DAY, 3) == 10
    assert storage.retire_events(Q3_ENDS + DAY, 3) == 0
    assert [stored.seq for stored in storage.list_events(EventQuery())] == [later]
    assert (2030, 3) not in quarters(database)
    assert (2030, 4) in quarters(database)


def test_among_the_rest_rows_leave_one_by_one(storage: PostgresStorage) -> None:
    old = from_iso("2019-05-05T00:00:00Z")
    append(storage, *(event(DEVICE + n, at=old + n * DAY) for n in range(8)))
    assert [storage.retire_events(old + 6 * DAY, 4) for _ in range(3)] == [4, 2, 0]
    assert len(storage.list_events(EventQuery())) == 2


def test_while_somebody_reads_an_old_quarter_nobody_waits_and_it_leaves_later(
    storage: PostgresStorage, database: str
) -> None:
    append(storage, event(at=LAST_YEAR))
    append(storage, event(at=NOW))
    with connected(database) as reading, connected(database) as other:
        reading.execute("BEGIN")
        reading.execute("SELECT count(*) FROM events")
        with pytest.raises(StorageBusyError):
            storage.retire_events(Q3_ENDS, 10)
        assert other.execute("SELECT count(*) FROM events").fetchone() == (2,)
        append(storage, event(at=NOW + 1))
        assert reading.execute("SELECT count(*) FROM events WHERE class = 1").fetchone() == (3,)
        reading.execute("COMMIT")
        assert storage.retire_events(Q3_ENDS, 10) == 1
        assert other.execute("SELECT count(*) FROM events").fetchone() == (2,)
    assert len(storage.recall([DEVICE], now=NOW + 2).events[DEVICE]) == 2


def test_a_quarter_leaves_between_reads_and_writes_that_never_stop(
    storage: PostgresStorage, database: str
) -> None:
    append(storage, *(event(DEVICE + n, at=LAST_YEAR + n) for n in range(50)))
    ends, all_began = threading.Event(), threading.Barrier(4)

    def work(number: int) -> int:
        count = 0
        while not ends.is_set():
            append(storage, event(DEVICE + number, at=NOW + count, message_id=f"{number} {count}"))
            count += 1
            assert storage.recall([DEVICE + number], now=NOW + count).events[DEVICE + number]
            if count == 1:
                all_began.wait(60)
        return count

    with ThreadPoolExecutor(3) as pool:
        working = [pool.submit(work, number) for number in range(3)]
        left = 0
        try:
            all_began.wait(60)
            while "events_1_2030_q3" in names(database):
                with suppress(StorageBusyError):
                    left += storage.retire_events(Q3_ENDS, 10)
        finally:
            ends.set()
        counts = [each.result() for each in working]
    assert left == 50
    assert len(storage.list_events(EventQuery(limit=100_000))) == sum(counts)


def test_a_quarter_that_was_detached_and_not_dropped_is_dropped(
    storage: PostgresStorage, database: str
) -> None:
    append(storage, event(at=LAST_YEAR))
    with connected(database) as connection:
        connection.execute("ALTER TABLE events DETACH PARTITION events_1_2030_q3")
        assert list_parts(connection)[Part("events", 1, Quarter(2030, 3))] is False
    assert storage.retire_events(Q3_ENDS, 10) == 1
    assert "events_1_2030_q3" not in names(database)
    assert storage.list_events(EventQuery()) == []


def test_making_quarters_gives_up_where_others_are_at_it(database: str) -> None:
    with connected(database) as writing, connected(database) as making:
        writing.execute("BEGIN")
        writing.execute("LOCK TABLE events_other IN ROW EXCLUSIVE MODE")
        before = list_parts(making)
        make_parts(making, NOW + 92 * DAY)
        made = {part.name for part in list_parts(making).keys() - before.keys()}
        assert made == {"bodies_1_2032_q2", "bodies_2_2032_q2"}
        writing.execute("ROLLBACK")
        make_parts(making, NOW + 92 * DAY)
        assert Part("events", 1, Quarter(2032, 2)) in list_parts(making)


def test_several_processes_make_quarters_at_once(database: str) -> None:
    with connected(database) as one, connected(database) as another:
        one.execute("BEGIN")
        one.execute("SELECT pg_advisory_xact_lock(5707265231)")
        another.execute("SET lock_timeout = '50ms'")
        make_parts(another, NOW + 92 * DAY)
        assert (2032, 2) not in {tuple(part.quarter) for part in list_parts(another)}
        one.execute("COMMIT")
        make_parts(one, NOW + 92 * DAY)
        make_parts(another, NOW + 92 * DAY)
        assert (2032, 2) in {tuple(part.quarter) for part in list_parts(another)}


def test_dropping_leaves_what_is_not_of_a_quarter_alone(database: str) -> None:
    with connected(database) as connection:
        drop_parts(connection, from_iso("2100-01-01T00:00:00Z"))
        assert list_parts(connection) == {}
        left = connection.execute("SELECT count(*) FROM pg_inherits WHERE inhparent = 'events'::regclass")
        assert left.fetchone() == (2,)
        with pytest.raises(psycopg.errors.UndefinedTable):
            connection.execute("SELECT FROM events_1_2031_q4")
