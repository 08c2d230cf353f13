"""Killed at any moment, the file holds every acknowledged job once and nothing half."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import pytest
from tests.contract.stored import DEVICE, NOW, append, event

from opportune.storage.base import EventQuery
from opportune.storage.sqlite import SqliteStorage
from opportune.storage.sqlite.connection import open_connection

ROOT = Path(__file__).parents[2]

WRITER = """
import os, sys
from opportune.core.situation import Trait
from opportune.storage.sqlite import SqliteStorage
from tests.contract.stored import DEVICE, NOW, event, exposure

storage = SqliteStorage(sys.argv[1])
first = int(sys.argv[2])

def job_of(number):
    def job(transaction):
        for part in range(3):
            transaction.append_event(event(DEVICE + number, at=NOW + part, message_id=f"{number}/{part}", value=1))
        transaction.add_exposures([exposure(DEVICE + number, session=number)])
        transaction.put_traits(DEVICE + number, {"number": Trait(number, "server", NOW)})
        if number % 10 == 7:
            raise ValueError(number)
        return number
    return job

def acknowledge(future):
    if future.exception() is None:
        os.write(1, f"{future.result()}\\n".encode())

for number in range(first, first + 100_000):
    storage.write(job_of(number)).add_done_callback(acknowledge)
    if number % 50 == 0:
        storage.write(lambda _: None).result()
        storage.fold_totals()
"""


def write_until_killed(path: Path, first: int, seconds: float) -> set[int]:
    """The numbers a child process was told to be safe before it was killed."""
    child = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), str(first)],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    assert child.stdout is not None
    acknowledged = {int(child.stdout.readline()) for _ in range(5)}
    time.sleep(seconds)
    child.send_signal(signal.SIGKILL)
    acknowledged |= {
        int(line) for line in child.stdout.read().splitlines(keepends=True) if line.endswith(b"\n")
    }
    child.wait()
    child.stdout.close()
    return acknowledged


@pytest.mark.parametrize("round_number", range(3))
def test_after_a_kill_everything_acknowledged_is_there_once(tmp_path: Path, round_number: int) -> None:
    path = tmp_path / "opportune.db"
    random = Random(round_number)
    acknowledged: set[int] = set()
    for crash in range(3):
        acknowledged |= write_until_killed(path, crash * 1_000_000, random.uniform(0, 0.3))
        storage = SqliteStorage(path)
        check_whole(storage, acknowledged)
        [seq] = append(storage, event(DEVICE - 1, message_id=f"after {crash}"))
        assert seq == storage.recall((DEVICE,), now=NOW).seq
        storage.close()
    assert len(acknowledged) > 10


def check_whole(storage: SqliteStorage, acknowledged: set[int]) -> None:
    listed = storage.list_events(EventQuery(limit=10_000_000, name="Product Viewed"))
    assert len({item.seq for item in listed}) == len(listed)
    parts: dict[int, int] = {}
    for item in listed:
        parts[item.key - DEVICE] = parts.get(item.key - DEVICE, 0) + 1
    parts.pop(-1, None)
    assert acknowledged <= set(parts)
    assert set(parts.values()) == {3}
    assert not [number for number in parts if number % 10 == 7]
    for number in Random(1).sample(sorted(parts), min(50, len(parts))):
        known = storage.recall((DEVICE + number,), now=NOW)
        assert len(known.events[DEVICE + number]) == 3
        assert [item.session for item in known.exposures] == [number]
        assert known.traits["number"].value == number
    counted = sum(count for _, _, count, _ in storage.list_totals("1900", "2100"))
    assert counted == len(listed)
    assert storage.list_seen_events()["Product Viewed"][2] == counted
    connection = open_connection(storage.path, read_only=True)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()
