"""The PostgreSQL that tests are given: fresh databases, and a server that stops, freezes and dies on request."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import psycopg
import pytest
from tests.postgres_server import Postgres, PostgresServer

ROOT = Path(__file__).parents[2]

ABANDON_SERVER = """
import os, signal
from tests.postgres_server import PostgresServer

server = PostgresServer()
server.start()
server.pause()
print(server.folder, server.data, sep="\\n", flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def run(url: str, statement: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(statement)


def fetch(url: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchall()


def left_of(folder: Path) -> list[object]:
    """The folder, and the server and guard whose command lines name it, as far as they are there."""
    running = psutil.process_iter(["cmdline"])
    processes = [process for process in running if str(folder) in " ".join(process.info["cmdline"] or ())]
    return [*processes, *([folder] if folder.exists() else [])]


def test_the_server_is_postgresql_18(crashable_postgres: PostgresServer):
    with psycopg.connect(crashable_postgres.url) as connection:
        assert connection.info.server_version // 10_000 == 18


def test_a_fresh_database_is_empty_and_speaks_utf8(postgres_url: str):
    tables = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
    assert fetch(postgres_url, tables) == []
    assert fetch(postgres_url, "SHOW server_encoding") == [("UTF8",)]


def test_a_database_starts_as_its_template_and_is_dropped_under_its_clients(
    postgres_server: Postgres, postgres_url: str
):
    run(postgres_url, "CREATE TABLE kept AS SELECT 7 AS number")
    template = psycopg.conninfo.conninfo_to_dict(postgres_url)["dbname"]
    name = f"{template}_copy"
    url = postgres_server.make_database(name, str(template))
    with psycopg.connect(url, autocommit=True) as connection:
        assert connection.execute("SELECT number FROM kept").fetchall() == [(7,)]
        postgres_server.drop_database(name)
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")


def test_a_restart_keeps_url_and_data(crashable_postgres: PostgresServer, postgres_url: str):
    run(postgres_url, "CREATE TABLE kept AS SELECT 7 AS number")
    crashable_postgres.restart()
    assert fetch(postgres_url, "SELECT number FROM kept") == [(7,)]


def test_a_paused_server_takes_connections_and_answers_only_once_resumed(
    crashable_postgres: PostgresServer, postgres_url: str
):
    with ThreadPoolExecutor() as threads, psycopg.connect(postgres_url) as connection:
        crashable_postgres.pause()
        old = threads.submit(lambda: connection.execute("SELECT 1").fetchall())
        new = threads.submit(fetch, postgres_url, "SELECT 2")
        try:
            with pytest.raises(TimeoutError):
                old.result(0.2)
            assert not new.done()
            socket.create_connection(("127.0.0.1", crashable_postgres.port), timeout=60).close()
        finally:
            crashable_postgres.resume()
        assert (old.result(60), new.result(60)) == ([(1,)], [(2,)])


def test_a_killed_server_recovers_what_was_committed_and_nothing_else(crashable_postgres: PostgresServer):
    with PostgresServer(is_durable=True) as server:
        assert fetch(server.url, "SHOW fsync") == [("on",)]
        run(server.url, "CREATE TABLE kept AS SELECT 7 AS number")
        with psycopg.connect(server.url) as connection:
            connection.execute("INSERT INTO kept VALUES (8)")
            server.kill()
            with pytest.raises(psycopg.OperationalError):
                connection.execute("SELECT 1")
        with pytest.raises(psycopg.OperationalError):
            fetch(server.url, "SELECT 1")
        server.start()
        assert fetch(server.url, "SELECT number FROM kept") == [(7,)]
        assert "was not properly shut down" in server.log.read_text()
    assert left_of(server.folder) == []


def test_tests_that_are_killed_leave_neither_processes_nor_files(crashable_postgres: PostgresServer):
    child = subprocess.run(
        [sys.executable, "-c", ABANDON_SERVER], cwd=ROOT, capture_output=True, text=True, check=False
    )
    folders = [Path(line) for line in child.stdout.splitlines()]
    assert len(folders) == 2, child.stderr
    until = time.monotonic() + 60
    while any(map(left_of, folders)) and time.monotonic() < until:
        time.sleep(0.02)
    assert [*map(left_of, folders)] == [[], []]
