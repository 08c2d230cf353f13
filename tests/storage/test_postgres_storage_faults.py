"""What a store in PostgreSQL does without server, sessions, locks or room: an error soon, and later as before."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psycopg
import pytest
from tests.contract.stored import DEVICE, NOW, PHONE, event
from tests.postgres_server import PostgresServer

from opportune.app.clock import now_ms
from opportune.cli.serve import announce
from opportune.core.programme import empty_programme
from opportune.errors import StorageBusyError, StorageFullError, UnknownKeyError, UnreachableError
from opportune.process.place import Place
from opportune.services.authorizing import KeyRing
from opportune.services.house import House
from opportune.services.operating import add_key, revoke_key
from opportune.storage.base import EventQuery, Recollection
from opportune.storage.postgres import PostgresStorage
from opportune.storage.postgres.connection import connect
from opportune.storage.postgres.readers import Readers

SOON = 30.0
"""Longer than all of the store's own limits together, on a busy machine too; a frozen server is waited for for ever."""
HANG_UP_ON_ONE = """SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
    WHERE application_name = 'opportune decisions' LIMIT 1"""


@pytest.fixture
def storage(postgres_store: str) -> Iterator[PostgresStorage]:
    storage = PostgresStorage(postgres_store)
    yield storage
    storage.close()


@contextmanager
def within(seconds: float = SOON) -> Iterator[None]:
    began = time.monotonic()
    yield
    assert time.monotonic() - began < seconds


def append(storage: PostgresStorage, key: int, message_id: str) -> Future[int]:
    row = event(key, message_id=message_id)
    return storage.write(lambda transaction: transaction.append_event(row), [key])


def count_events(storage: PostgresStorage) -> int:
    return len(storage.list_events(EventQuery(limit=1_000)))


async def ask(storage: PostgresStorage, keys: int = 1) -> list[Recollection | BaseException]:
    """Many decisions at the same moment; an answer or an error for each."""
    asked = [storage.remember([1_000 + number], now=NOW) for number in range(keys)]
    return await asyncio.gather(*asked, return_exceptions=True)


def kinds_of(found: list[Recollection | BaseException]) -> set[type]:
    return {type(each) for each in found}


def test_a_restart_costs_nobody_an_error(
    crashable_postgres: PostgresServer, storage: PostgresStorage
) -> None:
    with ThreadPoolExecutor(8) as pool:

        async def work() -> None:
            for _ in range(2):
                assert kinds_of(await ask(storage, 40)) == {Recollection}
                append(storage, DEVICE, "m-1").result(SOON)
                for reading in [pool.submit(count_events, storage) for _ in range(24)]:
                    reading.result()
                crashable_postgres.restart()

        asyncio.run(work())


def test_a_frozen_server_is_an_error_for_everybody_who_waits(
    crashable_postgres: PostgresServer, storage: PostgresStorage
) -> None:
    async def work() -> None:
        assert kinds_of(await ask(storage)) == {Recollection}
        crashable_postgres.pause()
        with within():
            assert kinds_of(await ask(storage, 200)) == {StorageBusyError}
        crashable_postgres.resume()
        with within():
            while kinds_of(await ask(storage, 5)) != {Recollection}:
                await asyncio.sleep(0.05)

    asyncio.run(work())


def test_who_gave_up_on_a_frozen_server_is_forgotten(
    crashable_postgres: PostgresServer, storage: PostgresStorage
) -> None:
    async def work() -> None:
        assert kinds_of(await ask(storage)) == {Recollection}
        crashable_postgres.pause()
        until = time.monotonic() + 5
        while time.monotonic() < until:
            with pytest.raises((TimeoutError, StorageBusyError)):
                await asyncio.wait_for(storage.remember([DEVICE], now=NOW), 0.001)
        assert storage._recalling._waiting.qsize() < 3_000
        crashable_postgres.resume()
        with within():
            while kinds_of(await ask(storage)) != {Recollection}:
                await asyncio.sleep(0.05)
        assert storage._recalling._waiting.empty()

    asyncio.run(work())


def test_readers_who_find_all_connections_busy_are_told(postgres_store: str) -> None:
    readers = Readers(lambda: connect(postgres_store, "reads"), most=3, seconds=0.1)
    with ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(readers.connection())
        with pytest.raises(StorageBusyError), readers.connection():
            pass
    with readers.connection() as connection:
        assert connection.execute("SELECT 1").fetchall() == [(1,)]
    readers.close()
    assert connection.closed


def test_readers_behind_a_lock_are_told_and_go_on_afterwards(storage: PostgresStorage) -> None:
    with psycopg.connect(storage.url) as other, ThreadPoolExecutor(24) as pool:
        other.execute("LOCK TABLE settings IN ACCESS EXCLUSIVE MODE")
        with within():
            for reading in [pool.submit(storage.find_setting, "off") for _ in range(24)]:
                with pytest.raises(StorageBusyError):
                    reading.result()
    assert storage.find_setting("off") is None


def test_a_session_that_is_refused_leaves_the_others_working(crashable_postgres: PostgresServer) -> None:
    with PostgresServer(max_connections=12) as server, ExitStack() as stack:
        url = server.make_database("few")
        storage = PostgresStorage(url)
        stack.callback(storage.close)

        def occupy_the_rest() -> None:
            with suppress(psycopg.OperationalError):  # too many clients
                while True:
                    stack.enter_context(psycopg.connect(url, autocommit=True))

        async def work() -> None:
            assert kinds_of(await ask(storage, 100)) == {Recollection}
            other = stack.enter_context(psycopg.connect(url, autocommit=True))
            occupy_the_rest()
            other.execute(HANG_UP_ON_ONE)
            occupy_the_rest()
            for _ in range(30):
                assert kinds_of(await ask(storage, 40)) == {Recollection}
                await asyncio.sleep(0.01)

        asyncio.run(work())


def test_whoever_stands_in_a_circle_is_tried_again(storage: PostgresStorage) -> None:
    for key in (DEVICE, PHONE):
        append(storage, key, "m-1").result(SOON)
    first, second = sorted((DEVICE, PHONE), key=lambda key: (key % 256, key))
    hold = "SELECT FROM persons WHERE person = %s FOR UPDATE"
    with psycopg.connect(storage.url) as other:
        other.execute(hold, (second,))
        row = event(DEVICE, message_id="m-2")
        written = storage.write(lambda transaction: transaction.append_event(row), [DEVICE, PHONE])
        time.sleep(0.3)
        with ThreadPoolExecutor() as pool:
            holding = pool.submit(other.execute, hold, (first,))
            with within():
                holding.result()
            other.rollback()
        assert written.result(SOON)
    assert count_events(storage) == 3


def test_only_who_writes_about_a_locked_person_is_refused(storage: PostgresStorage) -> None:
    append(storage, DEVICE, "m-1").result(SOON)
    with psycopg.connect(storage.url) as other:
        other.execute("SELECT FROM persons WHERE person = %s FOR UPDATE", (DEVICE,))
        with within():
            both = [
                (append(storage, DEVICE, f"m-{number}"), append(storage, 1_000 + number, "m-1"))
                for number in range(30)
            ]
            for refused, stored in both:
                assert stored.result(SOON)
                with pytest.raises(StorageBusyError):
                    refused.result(SOON)
    assert append(storage, DEVICE, "m-2").result(SOON)


def test_writers_behind_a_locked_table_are_all_told_soon(storage: PostgresStorage) -> None:
    with psycopg.connect(storage.url) as other:
        other.execute("LOCK TABLE bodies IN ACCESS EXCLUSIVE MODE")
        with within():
            for refused in [append(storage, 1_000 + number, "m-1") for number in range(100)]:
                with pytest.raises(StorageBusyError):
                    refused.result(SOON)
    assert append(storage, DEVICE, "m-1").result(SOON)
    assert count_events(storage) == 1


@contextmanager
def on_every_body(url: str, statement: str) -> Iterator[None]:
    """The server does this with each event's body that is written."""
    with psycopg.connect(url, autocommit=True) as other:
        other.execute(
            "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS"
            f" $$ BEGIN {statement}; RETURN new; END $$"
        )
        other.execute("CREATE TRIGGER fail BEFORE INSERT ON bodies FOR EACH ROW EXECUTE FUNCTION fail()")
        yield
        other.execute("DROP TRIGGER fail ON bodies")


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("RAISE 'could not extend file' USING ERRCODE = 'disk_full'", StorageFullError),
        ("PERFORM pg_sleep(60)", StorageBusyError),
        ("PERFORM pg_terminate_backend(pg_backend_pid())", StorageBusyError),
    ],
)
def test_a_write_that_the_server_ends_is_an_error_and_the_next_one_is_not(
    storage: PostgresStorage, statement: str, expected: type[Exception]
) -> None:
    with on_every_body(storage.url, statement), within(), pytest.raises(expected):
        append(storage, DEVICE, "m-1").result(SOON)
    assert append(storage, DEVICE, "m-1").result(SOON)
    assert count_events(storage) == 1


def test_a_store_that_cannot_be_reached_says_why(
    crashable_postgres: PostgresServer, postgres_store: str
) -> None:
    crashable_postgres.kill()
    with pytest.raises(UnreachableError, match="Connection refused"):
        PostgresStorage(postgres_store)
    crashable_postgres.start()
    crashable_postgres.pause()
    with within(), pytest.raises(UnreachableError, match="timeout"):
        PostgresStorage(postgres_store)


def test_keys_hold_while_the_store_does_not_answer(
    crashable_postgres: PostgresServer, storage: PostgresStorage
) -> None:
    house = House(storage=storage, clock=now_ms, secret=b"s" * 32, programme=empty_programme())
    add_key(house, kind="write", name="site", value="owk_known_value")
    ring = KeyRing(house)

    async def work() -> None:
        assert (await ring.find("owk_known_value")).name == "site"
        add_key(house, kind="write", name="new", value="owk_new_value")
        assert (await ring.find("owk_new_value")).name == "new"
        with pytest.raises(UnknownKeyError):
            await ring.find("owk_wrong_value")
        crashable_postgres.pause()
        await asyncio.sleep(1.1)
        assert (await ring.find("owk_known_value")).name == "site"
        with within(), pytest.raises(StorageBusyError):
            await ring.find("owk_wrong_value")
        crashable_postgres.resume()
        revoke_key(house, "site")
        await asyncio.sleep(1.1)
        async with asyncio.timeout(SOON):
            with suppress(UnknownKeyError):
                while await ring.find("owk_known_value"):
                    await asyncio.sleep(0.05)

    asyncio.run(work())


def test_a_server_that_just_started_is_not_ended_by_what_it_wants_to_say(
    storage: PostgresStorage, capsys: pytest.CaptureFixture[str]
) -> None:
    house = House(storage, lambda: NOW, b"s" * 32, empty_programme())
    storage.close()
    announce(house, "http://127.0.0.1:8400", Place(Path(), "postgresql://shop:hidden@db/shop"))
    said = capsys.readouterr().out
    assert "listens on http://127.0.0.1:8400" in said
    assert "hidden" not in said
