"""Several servers on one PostgreSQL: what reaches two of them at once is stored once, and the past stays as it was."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import msgspec
import psycopg
import pytest
from tests.building import NOW
from tests.contract.stored import DEVICE, USER, event, events_of
from tests.racing import (
    SERVER,
    house_over,
    in_two_processes,
    race,
    write_of_one_person,
)

from opportune.core.history.key import key_of, lane_of
from opportune.core.moment import MINUTE, to_iso
from opportune.services.capturing import capture
from opportune.storage.base import EventQuery, Recollection, Transaction
from opportune.storage.postgres import PostgresStorage

VISITORS = 400
WHO = (("anonymousId", "v"), ("userId", "u"))
BATCH = 100
EVENTS_EACH = 150
Keys = tuple[int, ...]
ASKED_BY = (("anonymous", "v"), ("user", "u"))


@pytest.fixture
def storage(postgres_store: str) -> Iterator[PostgresStorage]:
    with closing(PostgresStorage(postgres_store)) as opened:
        yield opened


def test_what_reaches_two_servers_at_once_is_stored_once(storage: PostgresStorage) -> None:
    met = [landed(who, f"{letter}-{number}") for who, letter in WHO for number in range(VISITORS)]
    house = house_over(storage)
    for start in range(0, len(met), BATCH):
        assert capture(house, SERVER, met[start : start + BATCH]).result(60).accepted == BATCH
    browsers, backends = in_two_processes(race, storage.url, VISITORS)
    both = {place: sorted((state, backends[place])) for place, state in browsers.items()}
    assert [both["message", number] for number in range(VISITORS)] == [["accepted", "duplicate"]] * VISITORS
    assert {state for (kind, _), state in backends.items() if kind == "order"} == {"accepted"}
    for kind in ("message", "order"):
        states = {browsers[kind, number] for number in range(VISITORS)}
        assert states == {"accepted", "duplicate"}, "the two never met: one server came first every time"
    check_events(storage)
    check_orders(storage)
    check_records(storage)


def landed(who: str, name: str) -> dict[str, object]:
    """They are known before: a row that is not there yet could be made only once anyway."""
    return {"type": "page", who: name, "timestamp": to_iso(NOW - 2 * MINUTE)}


def check_events(storage: PostgresStorage) -> None:
    stored = storage.list_events(EventQuery(name="Product Viewed", limit=2 * VISITORS))
    assert {row.key for row in stored} == {key_of("anonymous", f"v-{number}") for number in range(VISITORS)}
    assert len(stored) == VISITORS


def check_orders(storage: PostgresStorage) -> None:
    """The shop's word stands whichever came first; the browser's was a version of it, or came too late."""
    stored = storage.list_events(EventQuery(name="Order Completed", limit=2 * VISITORS))
    assert {row.key for row in stored} == {key_of("user", f"u-{number}") for number in range(VISITORS)}
    assert len(stored) == VISITORS
    for number in range(0, VISITORS, 50):
        keys = (key_of("anonymous", f"v-{number}"), key_of("user", f"u-{number}"))
        known = storage.recall(keys, now=NOW)
        orders = [item for found in known.events.values() for item in found if item.name == "Order Completed"]
        assert [(order.source, order.facts["value"]) for order in orders] == [("server", 2_000)]
    while storage.fold_totals():
        pass
    totals = {name: (count, value) for _, name, count, value in storage.list_totals("1900", "2100")}
    assert totals == {
        "Page Viewed": (2 * VISITORS, 0),
        "Product Viewed": (VISITORS, 0),
        "Order Completed": (VISITORS, 2_000 * VISITORS),
    }
    storage.rebuild_totals()
    assert {row[1]: row[2:] for row in storage.list_totals("1900", "2100")} == totals


def check_records(storage: PostgresStorage) -> None:
    """Each visitor was asked about once, is in one arm, and was exposed to it once."""
    for number in range(VISITORS):
        key = key_of("anonymous", f"v-{number}")
        known = storage.recall((key,), now=NOW)
        assert len(known.opportunities) == 1
        [assignment] = known.assignments.values()
        [exposure] = [item for item in known.exposures if item.subject == "rule"]
        assert (exposure.rule, exposure.arm) == ("A", assignment.arm)
    exposures = storage.list_exposures(
        [key_of("anonymous", f"v-{number}") for number in range(VISITORS)], limit=4 * VISITORS
    )
    assert Counter(item.subject for item in exposures) == {"rule": VISITORS}


def test_a_past_recalled_again_is_as_it_was_while_two_servers_write(storage: PostgresStorage) -> None:
    signed_in = {"type": "identify", "userId": "u", "anonymousId": "v", "messageId": "first"}
    assert capture(house_over(storage), SERVER, [signed_in]).result(60).accepted == 1
    is_over = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(read_until, is_over, storage)
        try:
            taken = in_two_processes(write_of_one_person, storage.url, EVENTS_EACH)
        finally:
            is_over.set()
        known = reading.result(60)
    assert taken == [EVENTS_EACH, EVENTS_EACH]
    different = {(keys, past.seq): past for keys, past in known}
    assert len(different) > 20, "hardly anything was read while the others wrote"
    for (keys, _), past in different.items():
        assert told(storage.recall(keys, now=NOW, as_of=past.seq)) == told(past)


def read_until(is_over: threading.Event, storage: PostgresStorage) -> list[tuple[Keys, Recollection]]:
    """All that was recalled of the device, the user and both; each time something recalled before is asked again."""
    device, user = (key_of(*asked) for asked in ASKED_BY)
    known: list[tuple[Keys, Recollection]] = []
    while not is_over.is_set():
        known += [(keys, storage.recall(keys, now=NOW)) for keys in ((device,), (user,), (device, user))]
        keys, past = known[len(known) // 2]
        assert told(storage.recall(keys, now=NOW, as_of=past.seq)) == told(past)
    return known


def told(known: Recollection) -> object:
    return msgspec.json.decode(msgspec.json.encode(known))


def test_a_job_caught_in_a_deadlock_is_run_again_and_stored_once(storage: PostgresStorage) -> None:
    first, second = sorted((DEVICE, USER), key=lane_of_key)
    runs: list[int] = []

    def job(transaction: Transaction) -> None:
        runs.append(transaction.append_event(event(first)))
        transaction.append_event(event(second))

    storage.write(
        lambda transaction: [transaction.append_event(event(key)) for key in (first, second)]
    ).result(60)
    with psycopg.connect(storage.url) as other:
        other.execute("SET deadlock_timeout = '30s'")  # so that the writer is the one to give up
        lock_person(other, second)
        written = storage.write(job, about=(first,))
        wait_for_writer(storage.url)
        lock_person(other, first)  # comes back once the writer let go of it
        other.commit()
    written.result(60)
    assert len(runs) > 1, "nobody stood in the job's way"
    for key in (first, second):
        assert len(events_of(storage.recall((key,), now=NOW), key)) == 2


def lane_of_key(key: int) -> tuple[int, int]:
    return lane_of(key), key


def lock_person(connection: psycopg.Connection[tuple[object, ...]], key: int) -> None:
    asked = "SELECT FROM persons WHERE lane = %s AND person = %s FOR UPDATE"
    assert connection.execute(asked, (lane_of(key), key)).rowcount == 1


def meet(connection: psycopg.Connection[tuple[object, ...]], key: int) -> None:
    connection.execute("INSERT INTO met VALUES (%s, %s, %s)", (lane_of(key), key, NOW))


def wait_for_writer(url: str) -> None:
    """Until the writer waits for a lock."""
    asked = """SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
        AND application_name = 'opportune writer' AND wait_event_type = 'Lock'"""
    with psycopg.connect(url, autocommit=True) as connection:
        for _ in range(6_000):
            if connection.execute(asked).fetchone() == (1,):
                return
            connection.execute("SELECT pg_sleep(0.01)")
    raise AssertionError("the writer never waited for a lock")


def test_devices_met_by_two_servers_in_another_order_wait_for_nobody(storage: PostgresStorage) -> None:
    first, second = sorted((DEVICE, USER), key=lane_of_key)

    runs: list[int] = []

    def job(transaction: Transaction) -> None:
        runs.append(1)
        transaction.meet(second, NOW)
        transaction.find_recent([(DEVICE, NOW, NOW + 1)])
        transaction.meet(first, NOW)

    with psycopg.connect(storage.url) as other:
        other.execute("SET deadlock_timeout = '30s'")  # so that the writer would be the one to give up
        meet(other, first)
        written = storage.write(job)
        wait_for_writer(storage.url)
        meet(other, second)  # a deadlock if the writer had taken this one before it waited
    written.result(60)
    assert len(runs) == 1
    assert all(storage.recall((key,), now=NOW).is_met for key in (first, second))
