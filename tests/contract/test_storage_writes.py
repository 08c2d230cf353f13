"""The one door: order of commits, futures, and what a job that raises may not do."""

from __future__ import annotations

import threading
from concurrent.futures import Future

import pytest
from tests.contract.stored import DEVICE, NOW, append, event, events_of, moments, written

from opportune.errors import OpportuneError, StorageBusyError
from opportune.storage.base import Storage, Transaction


def test_a_job_gives_its_result_through_the_future(storage: Storage) -> None:
    assert storage.write(lambda _: "done").result(timeout=60) == "done"


def test_seq_is_the_order_of_commits(storage: Storage) -> None:
    futures = [storage.write(lambda transaction: transaction.append_event(event())) for _ in range(20)]
    seqs = [future.result(timeout=60) for future in futures]
    assert seqs == sorted(seqs)
    assert len(set(seqs)) == 20
    assert seqs[0] > 0


def test_the_next_event_follows_the_head(storage: Storage) -> None:
    def job(transaction: Transaction) -> tuple[int, int, int]:
        return transaction.head_seq, transaction.append_event(event()), transaction.head_seq

    before, first, head = written(storage, job)
    assert (before, head) == (0, first)
    before, second, head = written(storage, job)
    assert first <= before < second == head


def test_what_was_acknowledged_is_read_at_once(storage: Storage) -> None:
    for number in range(50):
        [seq] = append(storage, event(at=NOW + number))
        known = storage.recall((DEVICE,), now=NOW)
        assert known.seq == seq
        assert len(events_of(known)) == number + 1


def test_a_job_that_raises_changes_nothing(storage: Storage) -> None:
    [first] = append(storage, event(at=NOW))

    def broken(transaction: Transaction) -> None:
        transaction.append_event(event(at=NOW + 1, value=500))
        transaction.put_setting("off", "yes")
        transaction.put_key(DEVICE, "anonymous", "a-1")
        raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        written(storage, broken)
    known = storage.recall((DEVICE,), now=NOW)
    assert moments(events_of(known)) == [NOW]
    assert known.seq == first
    assert storage.find_setting("off") is None
    assert storage.find_key_id(DEVICE) is None
    assert [count for _, _, count, _ in storage.list_totals("0000", "9999")] == [1]
    assert storage.list_seen_events()["Product Viewed"][2] == 1
    [second] = append(storage, event())
    assert second > first


def test_a_job_that_raises_does_not_disturb_its_neighbours(storage: Storage) -> None:
    def job_of(number: int) -> None:
        def job(transaction: Transaction) -> int:
            seq = transaction.append_event(event(at=NOW + number))
            if number % 3 == 0:
                raise ValueError(number)
            return seq

        future = storage.write(job)
        futures.append(future)

    futures: list[Future[int]] = []
    for number in range(30):
        job_of(number)
    kept = [number for number in range(30) if number % 3]
    assert [number for number in range(30) if futures[number].exception(timeout=60) is None] == kept
    append(storage, event(at=NOW - 1))
    known = moments(events_of(storage.recall((DEVICE,), now=NOW)))
    assert sorted(known) == [NOW - 1, *(NOW + number for number in kept)]


def test_a_future_resolves_after_its_commit_only(storage: Storage) -> None:
    known_then: list[int] = []

    def look(_: object) -> None:
        reader = threading.Thread(
            target=lambda: known_then.append(len(events_of(storage.recall((DEVICE,), now=NOW))))
        )
        reader.start()
        reader.join(60)

    future = storage.write(lambda transaction: transaction.append_event(event()))
    future.add_done_callback(look)
    future.result(timeout=60)
    written(storage, lambda _: None)
    assert known_then == [1]


def test_a_job_sees_its_own_writes_and_those_before(storage: Storage) -> None:
    def job(transaction: Transaction) -> int:
        transaction.append_event(event(message_id="a"))
        return transaction.find_recent([(DEVICE, NOW, NOW + 1)])[0].count

    assert [written(storage, job), written(storage, job)] == [1, 2]


def test_jobs_from_many_threads_are_all_kept(storage: Storage) -> None:
    def work(number: int) -> None:
        for step in range(20):
            append(storage, event(at=NOW + number * 100 + step))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    known = storage.recall((DEVICE,), now=NOW)
    assert len(set(moments(events_of(known)))) == 100
    assert known.seq == max(item.seq for item in events_of(known))


def test_nothing_waits_once_everything_is_written(storage: Storage) -> None:
    append(storage, event())
    assert storage.count_waiting() == 0


def test_a_cancelled_job_is_not_run(storage: Storage) -> None:
    hold = threading.Event()
    first = storage.write(lambda _: hold.wait(0.05))
    second = storage.write(lambda transaction: transaction.append_event(event()))
    was_cancelled = second.cancel()
    hold.set()
    first.result(timeout=60)
    written(storage, lambda _: None)
    assert len(events_of(storage.recall((DEVICE,), now=NOW))) == (0 if was_cancelled else 1)


def test_a_closed_store_refuses_through_the_future(storage: Storage) -> None:
    storage.close()
    future = storage.write(lambda _: None)
    with pytest.raises(StorageBusyError):
        future.result(timeout=60)
    assert isinstance(future.exception(), OpportuneError)


def test_closing_twice_is_fine(storage: Storage) -> None:
    append(storage, event())
    storage.close()
    storage.close()
    assert storage.count_waiting() == 0
