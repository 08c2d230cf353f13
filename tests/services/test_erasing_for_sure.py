"""Erasing when something goes wrong or goes on at the same time, and what is left in the bytes of a file."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.contract.stored import quick_folder
from tests.racing import BROWSER, PATIENCE_SECONDS, SERVER, delivered, house_over, in_two_processes
from tests.services.test_erasing import SECRETS, Clock, ask, identify, live, order, send, traces_of, view
from tests.stores import ON_LASTING

from opportune.app.house import build_house
from opportune.core.history.key import key_of
from opportune.core.moment import to_iso
from opportune.core.programme import empty_programme
from opportune.errors import NotFoundError, StorageBusyError
from opportune.services.deciding import Question, decide_slots
from opportune.services.house import Held, House
from opportune.services.people.erasing import erase, take_over_erasures
from opportune.services.people.exporting import PersonExport, export_person
from opportune.services.people.identifying import find_people
from opportune.services.people.redacting import erase_requested
from opportune.services.people.requesting import LEASE_MS, list_requests
from opportune.storage.base import Storage
from opportune.storage.memory import MemoryStorage
from opportune.storage.postgres import PostgresStorage
from opportune.storage.sqlite import SqliteStorage

ROOT = Path(__file__).parents[2]
ERASER = """
import os, sys, time
from contextlib import closing
from opportune.app.house import build_house
from opportune.process.place import place_from
from opportune.services.people.redacting import erase_person
from opportune.storage.postgres import PostgresStorage
from opportune.storage.sqlite import SqliteStorage

with closing((PostgresStorage if "://" in sys.argv[1] else SqliteStorage)(sys.argv[1])) as storage:
    house = build_house(storage)
    write = storage.write
    steps = [int(sys.argv[2]) + 2]  # then it stands still, however late it is killed
    def told(job, about=()):
        steps[0] -= 1
        while steps[0] < 0:
            time.sleep(1)
        future = write(job, about)
        future.add_done_callback(lambda _: os.write(1, b"step\\n"))
        return future
    storage.write = told
    erase_person(house, "user-anna", step=1)
    os.write(1, b"done\\n")
"""


def house_on(storage: Storage) -> House:
    return House(storage=storage, clock=Clock(), secret=b"s" * 32, programme=empty_programme())


# -- killed in the middle ---------------------------------------------------------------------


def place_of(storage: Storage) -> str:
    return storage.url if isinstance(storage, PostgresStorage) else str(storage.path)  # type: ignore[attr-defined]  # SQLite's


@ON_LASTING
@pytest.mark.parametrize(("by", "steps"), [("itself", 1), ("hand", 4), ("itself", 9)])
def test_killed_in_the_middle_and_gone_on_nothing_is_left(storage: Storage, steps: int, by: str) -> None:
    began = time.time_ns() // 1_000_000
    house = build_house(storage)
    live(house)
    live(house, "berta")
    before = export_person(storage, "user-berta")
    child = subprocess.Popen(
        [sys.executable, "-c", ERASER, place_of(storage), str(steps)],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    assert child.stdout is not None
    said = [child.stdout.readline() for _ in range(steps)]
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    assert said == [b"step\n"] * steps
    half = export_person(storage, "user-anna")
    assert half.ids
    house.clock = lambda: began
    assert erase_requested(house) == 0, "whoever was at it may be there yet"
    house.clock = lambda: time.time_ns() // 1_000_000
    if by == "hand":
        erase(house, find_people(storage, "anna@example.org"))
    else:
        house.clock = lambda: time.time_ns() // 1_000_000 + LEASE_MS
        assert erase_requested(house) == 1
    assert list_requests(storage) == {}
    assert traces_of(storage, *(secret for secret in SECRETS if "gift" not in secret)) == []
    assert export_person(storage, "user-berta") == before


# -- beside others ----------------------------------------------------------------------------


def write_and_erase(server: int, barrier: Barrier, url: str) -> str:
    """Server 0 takes in and decides all the while, server 1 erases again and again."""
    with closing(PostgresStorage(url)) as storage:
        house = house_over(storage)
        house.clock = lambda: time.time_ns() // 1_000_000
        barrier.wait(PATIENCE_SECONDS)
        return asyncio.run(write(house)) if server == 0 else erase_often(house)


async def write(house: House) -> str:
    for number in range(40):
        await decide_slots(house, Question(anonymous_id="device-of-anna"))
        messages = [
            view("device-of-anna", number, timestamp=to_iso(house.clock())),
            {**order("user-anna", f"order-of-anna-{number}"), "timestamp": to_iso(house.clock())},
            {**identify("user-anna", "device-of-anna", city=str(number)), "timestamp": to_iso(house.clock())},
        ]
        source = BROWSER if number % 2 else SERVER
        delivered(house, source, messages)
    return "written"


def erase_often(house: House) -> str:
    for _ in range(8):
        try:
            erase(house, find_people(house.storage, "user-anna"), step=3)
        except (NotFoundError, StorageBusyError):
            time.sleep(0.05)
    return "erased"


def test_beside_another_server_that_writes_of_them_nothing_is_left_half(postgres_store: str) -> None:
    assert in_two_processes(write_and_erase, postgres_store) == ["written", "erased"]
    with closing(PostgresStorage(postgres_store)) as storage:
        house = house_over(storage)
        house.clock = lambda: time.time_ns() // 1_000_000
        for name in ("user-anna", "device-of-anna"):
            try:
                erase(house, find_people(storage, name))
            except NotFoundError:
                continue
        assert traces_of(storage, "user-anna", "device-of-anna", "order-of-anna") == []


def test_another_process_forgets_what_it_held_back(storage: Storage) -> None:
    house, other = house_on(storage), house_on(storage)
    live(house)
    keys = [key_of("anonymous", name) for name in ("device-of-anna", "somebody-else")]
    for key in keys:
        other.held[key] = Held(0, lambda _: None, frozenset((key,)))
        other.visits[key] = (0, 0)
    erase(house, find_people(storage, "user-anna"))
    take_over_erasures(other)
    assert list(other.held) == list(other.visits) == keys[1:]
    assert not other.recorded


# -- nobody else's things ---------------------------------------------------------------------

PEOPLE, DEVICES = ("ann", "bob"), ("d-1", "d-2", "d-3")
acts = st.lists(
    st.tuples(
        st.sampled_from(["view", "identify", "order", "ask", "broken"]),
        st.sampled_from(PEOPLE),
        st.sampled_from(DEVICES),
        st.integers(0, 3),
    ),
    max_size=25,
)


def play(house: House, script: list[tuple[str, str, str, int]]) -> None:
    run: dict[str, Callable[[str, str, int], object]] = {
        "view": lambda _, device, number: send(house, BROWSER, view(device, number)),
        "identify": lambda user, device, number: send(
            house, SERVER, identify(user, device, email=f"{user}@x.org", n=number)
        ),
        "order": lambda user, _, number: send(house, SERVER, order(user, f"{user}-{number}")),
        "ask": lambda _, device, __: ask(house, device),
        "broken": lambda user, _, __: send(house, SERVER, {"type": "track", "userId": user}),
    }
    for act, user, device, number in script:
        run[act](user, device, number)


def exported(storage: Storage, identifier: str) -> PersonExport | None:
    try:
        return export_person(storage, identifier)
    except NotFoundError:
        return None


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_whatever_two_people_did_erasing_one_changes_nothing_of_the_other(kind: str) -> None:
    with quick_folder() as folder:
        opened: list[int] = []

        def store() -> Storage:
            opened.append(1)
            return MemoryStorage() if kind == "memory" else SqliteStorage(folder / f"{len(opened)}.sqlite")

        @settings(max_examples=60 if kind == "memory" else 10, suppress_health_check=list(HealthCheck))
        @given(acts)
        def check(script: list[tuple[str, str, str, int]]) -> None:
            with closing(store()) as storage:
                house = house_on(storage)
                play(house, script)
                before = exported(storage, "ann")
                if exported(storage, "bob") is not None:
                    erase(house, find_people(storage, "bob"), step=2)
                assert exported(storage, "ann") == before
                assert exported(storage, "bob") is None
                assert traces_of(storage, "bob", "bob@x.org") == []

        check()
    assert opened


# -- the bytes --------------------------------------------------------------------------------


MOVES_THE_LOG = """
import fcntl, sys, time
with open(sys.argv[1], "r+b") as index:
    fcntl.lockf(index, fcntl.LOCK_EX, 1, 121)
    print("now", flush=True)
    time.sleep(1)
"""
"""Holds the lock of a checkpoint, a byte of SQLite's documented format."""


def test_no_byte_of_an_erased_person_is_left_in_the_file_that_was_written_anew(tmp_path: Path) -> None:
    path = tmp_path / "opportune.sqlite"
    with closing(SqliteStorage(path)) as storage:
        house = house_on(storage)
        for number in range(40):
            live(house, f"other-{number}")
        live(house)
        found = b"".join(file.read_bytes() for file in tmp_path.iterdir())
        assert b"device-of-anna" in found
        erase(house, find_people(storage, "user-anna"))
        assert storage.rewrite()
        assert_no_bytes(tmp_path)
    assert_no_bytes(tmp_path)


def test_a_file_is_written_anew_though_somebody_moves_its_log(tmp_path: Path) -> None:
    path = tmp_path / "opportune.sqlite"
    with closing(SqliteStorage(path)) as storage:
        house = house_on(storage)
        live(house)
        erase(house, find_people(storage, "user-anna"))
        other = [sys.executable, "-c", MOVES_THE_LOG, f"{path}-shm"]
        with subprocess.Popen(other, stdout=subprocess.PIPE) as moving:
            assert moving.stdout is not None
            moving.stdout.readline()
            assert storage.rewrite()
        assert_no_bytes(tmp_path)


def assert_no_bytes(folder: Path) -> None:
    for file in folder.iterdir():
        found = file.read_bytes()
        for secret in SECRETS:
            if "gift" not in secret:
                assert secret.encode() not in found, f"{secret} in {file.name}"
