"""A real server while its database is gone, frozen, restarted, locked or read-only: pages go on, nothing is lost."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from threading import Event
from uuid import uuid4

import psutil
import psycopg
import pytest
from tests.postgres_server import Postgres, PostgresServer
from tests.serving import ServerProcess, run_command, viewed, write_playbook

WELCOME, SHOES = {"headline": "Welcome"}, {"headline": "Shoes for you"}
DEADLINE_MS = 400
"""Longer than a visitor would wait, so that a busy machine alone is no fault."""
ANSWER_SECONDS = 10.0
REFUSAL_SECONDS = 25.0
"""Many times what it takes, as machines are busy; less than the client's own patience."""
RECOVERY_SECONDS = 60.0


@pytest.fixture(scope="module")
def playbook(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_playbook(tmp_path_factory.mktemp("playbook"))


@pytest.fixture(scope="module")
def database(postgres_server: Postgres, postgres_layout: str) -> Iterator[str]:
    name = f"opportune_faults_{uuid4().hex}"
    yield postgres_server.make_database(name, template=postgres_layout)
    if isinstance(postgres_server, PostgresServer):
        postgres_server.revive()
    postgres_server.drop_database(name)


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, playbook: Path, database: str
) -> Iterator[ServerProcess]:
    """One process that goes through all of it and is never restarted, with a visitor who is shown shoes."""
    with started(tmp_path_factory.mktemp("server"), playbook, database) as server:
        yield server


@contextmanager
def started(folder: Path, playbook: Path, database: str, *arguments: object) -> Iterator[ServerProcess]:
    deadline = {"OPPORTUNE_DEADLINE_MS": str(DEADLINE_MS)}
    with ServerProcess(folder, "--playbook", playbook, *arguments, database=database, **deadline) as server:
        assert [server.view("known", number) for number in (1, 2)] == [200, 200]
        eventually(lambda: bool(server.hero("known")["value"] == SHOES))
        yield server
        assert server.stop() == 0
        assert "Traceback" not in server.printed()


@pytest.fixture
def names() -> list[str]:
    """Message ids of this test's own."""
    return [uuid4().hex for _ in range(40)]


@contextmanager
def within(seconds: float) -> Iterator[None]:
    began = time.monotonic()
    yield
    assert time.monotonic() - began < seconds


def eventually(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + RECOVERY_SECONDS
    while not holds():
        assert time.monotonic() < until, "it does not recover"
        time.sleep(0.05)


def assert_pages_go_on(server: ServerProcess) -> None:
    """Normal content in time, and a process that says it lives."""
    for visitor in ("known", "nobody"):
        with within(ANSWER_SECONDS):
            hero = server.hero(visitor)
        assert (hero["value"], hero["reason"], hero["errorCode"]) == (WELCOME, "ERROR", "GENERAL")
    with within(ANSWER_SECONDS):
        assert server.get("/health/live")[0] == 200


def assert_events_are_refused(server: ServerProcess, *message_ids: str) -> None:
    """In time, and so that a library sends them again. All of them at once."""

    def send(message_id: str) -> None:
        with within(REFUSAL_SECONDS):
            status, answer, headers = server.post("/v1/track", viewed("known", message_id))
        assert (status, answer["code"]) == (503, "storage_unavailable")
        assert int(headers["retry-after"]) >= 1

    with ThreadPoolExecutor(len(message_ids)) as pool:
        list(pool.map(send, message_ids))


def assert_recovers(server: ServerProcess, *refused: str) -> None:
    """Without a restart; what was refused can be sent again."""
    eventually(lambda: server.get("/health/ready")[0] == 200)
    eventually(lambda: bool(server.hero("known")["value"] == SHOES))
    batch = [viewed("known", message_id) for message_id in refused]
    assert server.post("/v1/batch", {"batch": batch})[0] == 200
    stored = server.count_stored()
    assert {"known-1", "known-2", *refused} <= stored.keys()
    assert max(stored.values()) == 1


class Load:
    """Clients that send batches without a pause and note what was acknowledged."""

    def __init__(self, server: ServerProcess, senders: int = 3) -> None:
        self._name = uuid4().hex[:8]
        self.acknowledged: list[str] = []
        self.statuses: set[int] = set()
        self._server = server
        self._enough = Event()
        self._pool = ThreadPoolExecutor(senders)
        self._sending = [self._pool.submit(self._send, sender) for sender in range(senders)]

    def __enter__(self) -> Load:
        return self

    def __exit__(self, *_: object) -> None:
        self._enough.set()
        self._pool.shutdown()

    def _send(self, sender: int) -> None:
        number = 0
        while not self._enough.is_set():
            names = [f"{self._name}-{sender}-{number}-{place}" for place in range(5)]
            batch = [viewed(f"{self._name}-{sender}-{place}", name) for place, name in enumerate(names)]
            try:
                status, _, _ = self._server.post("/v1/batch", {"batch": batch})
            except (OSError, ValueError, HTTPException):
                continue  # the process that took it died, or had not begun: sent again
            self.statuses.add(status)
            if status != 200:
                time.sleep(0.05)
                continue
            self.acknowledged += names
            number += 1

    def go_on(self, more: int = 50) -> None:
        """Until so many more are acknowledged."""
        wanted = len(self.acknowledged) + more
        eventually(lambda: len(self.acknowledged) >= wanted)

    def end(self) -> None:
        """Each acknowledged one is stored, and none of them twice."""
        self._enough.set()
        for sending in self._sending:
            sending.result(60)
        stored = self._server.count_stored()
        assert set(self.acknowledged) <= stored.keys()
        assert max(stored.values()) == 1
        assert self.statuses <= {200, 503}


def run(url: str, *statements: str) -> list[tuple[object, ...]]:
    """The last one's rows."""
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def count_sessions(url: str, name: str) -> object:
    """Of that name on the database: every process that serves has one that hears of changes."""
    found = """SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = '{}'"""
    return run(url, found.format(name))[0][0]


def hang_up_on(url: str, name: str) -> int:
    """Ends the sessions of a name on the database; how many there were."""
    ended = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name LIKE '{}'"""
    return len(run(url, ended.format(name)))


def test_a_database_that_is_gone_and_comes_back(
    crashable_postgres: PostgresServer, server: ServerProcess, names: list[str]
) -> None:
    crashable_postgres.kill()
    assert_events_are_refused(server, *names[:2])
    assert_pages_go_on(server)
    with within(REFUSAL_SECONDS):
        assert server.get("/v1/events")[0] == 503
    status, ready, _ = server.get("/health/ready")
    assert (status, ready["status"]) == (503, "not ready")
    time.sleep(1.5)  # known keys hold, however long ago the store was last asked
    assert_pages_go_on(server)
    crashable_postgres.start()
    assert_recovers(server, *names[:2])
    logged = [line for line in server.printed().splitlines() if "background_work_failed" in line]
    assert len(logged) == len({line.split()[1] for line in logged}), logged


def test_a_frozen_database_keeps_nobody_waiting(
    crashable_postgres: PostgresServer, server: ServerProcess, names: list[str]
) -> None:
    crashable_postgres.pause()
    with ThreadPoolExecutor() as pool:
        refused = pool.submit(assert_events_are_refused, server, *names[1:])
        for asking in [pool.submit(assert_pages_go_on, server) for _ in range(4)]:
            asking.result()
        with within(REFUSAL_SECONDS):
            assert server.get("/health/ready")[0] == 503
        refused.result()
    assert_events_are_refused(server, names[0])
    assert_pages_go_on(server)
    asked = {"anonymousId": "known", "slots": ["home-hero"], "events": [viewed("known", names[0])]}
    with within(REFUSAL_SECONDS):
        status, answer, _ = server.post("/v1/decide", asked)
    assert (status, answer["decisions"]["home-hero"]["reason"]) == (200, "ERROR")
    assert "nothing was taken" in answer["events"]["error"]
    crashable_postgres.resume()
    assert_recovers(server, *names)


def test_restarts_under_load_lose_nothing(crashable_postgres: PostgresServer, server: ServerProcess) -> None:
    with Load(server) as load:
        for _ in range(2):
            load.go_on()
            crashable_postgres.restart()
        load.go_on()
        load.end()
    assert_recovers(server)


@pytest.mark.parametrize("name", ["opportune writer", "opportune decisions", "opportune %"])
def test_sessions_that_are_cut_under_load_lose_nothing(
    server: ServerProcess, database: str, name: str
) -> None:
    with Load(server) as load:
        for _ in range(5):
            load.go_on(20)
            server.hero("known")
            assert hang_up_on(database, name) >= 1
        load.end()
    assert_recovers(server)


def test_a_table_that_somebody_locks(server: ServerProcess, database: str, names: list[str]) -> None:
    with psycopg.connect(database) as other:
        other.execute("LOCK TABLE events IN ACCESS EXCLUSIVE MODE")
        assert_events_are_refused(server, *names[:2])
        assert_pages_go_on(server)
    assert_recovers(server, *names[:2])


def test_a_person_whom_somebody_locks_keeps_others_waiting_briefly(
    server: ServerProcess, database: str, names: list[str]
) -> None:
    with psycopg.connect(database) as other:
        other.execute("SELECT FROM persons FOR UPDATE")
        with ThreadPoolExecutor() as pool:
            refused = pool.submit(assert_events_are_refused, server, *names[:6])
            time.sleep(0.2)
            with within(REFUSAL_SECONDS):
                eventually(lambda: server.view("somebody else") == 200)
            eventually(lambda: bool(server.hero("known")["value"] == SHOES))
            refused.result()
    assert_recovers(server, *names[:2])


def test_a_database_that_cannot_be_written_still_decides(
    server: ServerProcess, database: str, names: list[str]
) -> None:
    name = psycopg.conninfo.conninfo_to_dict(database)["dbname"]
    run(database, f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    assert hang_up_on(database, "opportune %") >= 2
    assert_events_are_refused(server, *names[:2])
    eventually(lambda: bool(server.hero("known")["value"] == SHOES))
    run(
        database,
        "SET default_transaction_read_only = off",
        f'ALTER DATABASE "{name}" RESET default_transaction_read_only',
    )
    assert_recovers(server, *names[:2])


def test_a_start_without_the_database_says_so_in_one_line(
    crashable_postgres: PostgresServer, postgres_url: str
) -> None:
    crashable_postgres.kill()
    for command in (("serve", "--port", 0), ("serve", "--port", 0, "--workers", 2), ("rules",)):
        refused = run_command(*command, "--database", postgres_url)
        assert refused.returncode == 1
        assert refused.stderr.count("\n") == 1
        assert "The database cannot be reached" in refused.stderr


def test_a_wrong_name_is_told_from_a_database_that_is_gone(postgres_url: str) -> None:
    refused = run_command("rules", "--database", f"{postgres_url}_misspelt")
    assert refused.returncode == 1
    assert "_misspelt" in refused.stderr
    assert "does not exist" in refused.stderr


def workers_of(server: ServerProcess) -> list[psutil.Process]:
    return [child for child in psutil.Process(server.process.pid).children() if is_worker(child)]


def is_worker(process: psutil.Process) -> bool:
    try:
        return "spawn_main" in " ".join(process.cmdline())
    except psutil.Error:  # it is just ending
        return False


def test_of_two_workers_one_dies_under_load_and_another_while_the_database_is_gone(
    tmp_path: Path, playbook: Path, crashable_postgres: PostgresServer, postgres_store: str
) -> None:
    with started(tmp_path, playbook, postgres_store, "--workers", 2) as server:
        first, second = workers_of(server)
        with Load(server) as load:
            load.go_on()
            first.kill()
            load.go_on()
            eventually(lambda: len(set(workers_of(server)) - {first, second}) == 1)
            eventually(lambda: count_sessions(postgres_store, "opportune changes") == 2)
            load.go_on()
            load.end()
        assert second.is_running()
        eventually(lambda: server.get("/v1/events")[0] == 200 and second.children() != [])
        reading = second.children()
        crashable_postgres.kill()
        second.kill()
        eventually(lambda: not any(process.is_running() for process in reading))
        eventually(lambda: "worker_failed" in server.printed())
        assert_pages_go_on(server)
        crashable_postgres.start()
        eventually(lambda: len(workers_of(server)) == 2 and second not in workers_of(server))
        assert_recovers(server)
        crashable_postgres.pause()
        assert server.stop() == 0
