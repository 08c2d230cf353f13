"""A disk that is full, or cannot be written: nothing is taken and said to be, reads go on, later writes succeed."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest
from tests.contract.stored import DEVICE, NOW, append, event, events_of

from opportune.errors import StorageBusyError, StorageFullError
from opportune.storage.sqlite import SqliteStorage
from opportune.storage.sqlite.transaction import SqliteTransaction

ROOT = Path(__file__).parents[2]


def allow_pages(storage: SqliteStorage, more: int) -> None:
    """The file may grow by so many pages, as if the disk had no more."""

    def job(transaction: SqliteTransaction) -> None:
        pages = transaction.connection.execute("PRAGMA page_count").fetchone()[0]
        transaction.connection.execute(f"PRAGMA max_page_count = {pages + more}")

    storage.write(job).result(timeout=60)


def far_apart(number: int) -> int:
    """Keys that share no page."""
    return 10_000_000 + number * 257


def fill_up(storage: SqliteStorage) -> int:
    """How many large events fit before the disk is full."""
    for number in range(10_000):
        large = event(DEVICE + number, note="x" * 900, message_id=str(number))
        future = storage.write(lambda transaction, row=large: transaction.append_event(row))
        if isinstance(future.exception(timeout=60), StorageFullError):
            return number
    raise AssertionError("the disk never filled")


def test_a_full_disk_is_told_and_survived(tmp_path: Path) -> None:
    storage = SqliteStorage(tmp_path / "opportune.db")
    append(storage, event(at=NOW - 1))
    allow_pages(storage, 20)
    kept = fill_up(storage)
    with pytest.raises(StorageFullError):
        append(storage, *(event(far_apart(number)) for number in range(5_000)))
    known = storage.recall((DEVICE,), now=NOW)
    assert len(events_of(known)) == (2 if kept else 1)
    assert known.seq == kept + 1
    allow_pages_again(storage)
    assert append(storage, event(at=NOW + 1)) == [kept + 2]
    storage.close()


def allow_pages_again(storage: SqliteStorage) -> None:
    storage.write(
        lambda transaction: transaction.connection.execute("PRAGMA max_page_count = 1000000")
    ).result()


def test_the_neighbours_of_a_job_that_filled_the_disk_are_told_too(tmp_path: Path) -> None:
    storage = SqliteStorage(tmp_path / "opportune.db")
    append(storage, event())
    allow_pages(storage, 5)
    hold = threading.Event()
    holding = storage.write(lambda _: hold.wait(60))
    small = storage.write(lambda transaction: transaction.append_event(event(at=NOW + 1)))
    large = storage.write(
        lambda transaction: [transaction.append_event(event(far_apart(number))) for number in range(3_000)]
    )
    hold.set()
    outcomes = [type(future.exception(timeout=60)) for future in (holding, small, large)]
    assert outcomes[2] is StorageFullError
    acknowledged = 2 if outcomes[1] is type(None) else 1
    assert len(events_of(storage.recall((DEVICE,), now=NOW))) == acknowledged
    storage.close()


FILE_LIMIT = """
import resource, signal, sys
from opportune.errors import StorageFullError
from opportune.storage.sqlite import SqliteStorage
from tests.contract.stored import DEVICE, NOW, append, event

storage = SqliteStorage(sys.argv[1])
append(storage, event())
_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, hard))
acknowledged = 1
for number in range(5_000):
    row = event(at=NOW + 1 + number, name="Page Viewed", note="y" * 500)
    future = storage.write(lambda transaction, row=row: transaction.append_event(row))
    error = future.exception(timeout=60)
    if error is not None:
        break
    acknowledged += 1
assert isinstance(error, StorageFullError), error
resource.setrlimit(resource.RLIMIT_FSIZE, (4_000, hard))  # now not even one page fits anywhere
for _ in range(3):
    refused = storage.write(lambda transaction: transaction.append_event(event()))
    assert isinstance(refused.exception(timeout=60), StorageFullError), refused
known = storage.recall((DEVICE,), now=NOW)
assert len(known.events[DEVICE]) == min(acknowledged, 500), (len(known.events[DEVICE]), acknowledged)
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
append(storage, event(DEVICE + 1))
assert storage.recall((DEVICE + 1,), now=NOW).events[DEVICE + 1]
assert sum(row[2] for row in storage.list_totals("1900", "2100")) == acknowledged + 1
storage.close()
again = SqliteStorage(sys.argv[1])
assert sum(row[2] for row in again.list_totals("1900", "2100")) == acknowledged + 1
again.close()
print("survived after", acknowledged)
"""


def test_write_errors_of_the_file_system_are_told_and_survived(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FILE_LIMIT, str(tmp_path / "opportune.db")],
        cwd=ROOT,
        env={"PYTHONPATH": ":".join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("survived after")


def test_a_full_queue_refuses_and_keeps_what_it_took(tmp_path: Path) -> None:
    storage = SqliteStorage(tmp_path / "opportune.db", most_jobs_waiting=3)
    started, hold = threading.Event(), threading.Event()

    def holding(_: object) -> None:
        started.set()
        hold.wait(60)

    storage.write(holding)
    started.wait(60)
    futures = [storage.write(lambda transaction: transaction.append_event(event())) for _ in range(5)]
    refused = [future for future in futures if future.done()]
    assert [type(future.exception()) for future in refused] == [StorageBusyError, StorageBusyError]
    hold.set()
    assert [future.result(timeout=60) for future in futures[:3]] == [1, 2, 3]
    storage.close()
