"""The page about moving, walked: the demo goes from SQLite to PostgreSQL and back with its commands alone."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tests.acceptance.walkthrough import Walk, is_as_printed, steps_of
from tests.ports import find_free_port
from tests.postgres_server import Postgres, PostgresServer
from tests.serving import ROOT, START_SECONDS, STOP_SECONDS, environment

PAGE = ROOT / "docs" / "how" / "moving.md"
DATABASES = ("opportune_demo", "opportune_restored")
SMALL = ("--days", "1", "--visitors", "20", "--no-open")
"""Instead of two months of a shop's past."""


@pytest.fixture
def programs(postgres_server: Postgres) -> Path:
    """PostgreSQL's own, as a reader has them."""
    if not isinstance(postgres_server, PostgresServer):
        pytest.skip("the page's databases are made on a server of the tests' own only")
    return postgres_server.programs


@pytest.fixture
def server(postgres_server: Postgres) -> Iterator[Postgres]:
    yield postgres_server
    for name in DATABASES:
        postgres_server.drop_database(name)


@contextmanager
def demo(folder: Path, command: str) -> Iterator[str]:
    """The demo, open, until Ctrl-C ends it; what it printed."""
    log = folder.parent / "demo.log"
    with log.open("w") as file:
        ports = ("--port", str(find_free_port()), "--api-port", str(find_free_port()))
        words = [sys.executable, "-m", *shlex.split(command), *SMALL, *ports]
        process = subprocess.Popen(
            words, cwd=folder, env=environment(PYTHONUNBUFFERED="1"), stdout=file, stderr=subprocess.STDOUT
        )
    try:
        until = time.monotonic() + START_SECONDS
        while "The shop is open" not in log.read_text():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.05)
        yield log.read_text()
        process.send_signal(signal.SIGINT)
        assert process.wait(STOP_SECONDS) == 0, log.read_text()
    finally:
        process.kill()
        process.wait(STOP_SECONDS)


def test_the_demo_is_moved_with_the_page_alone(
    tmp_path: Path, free_port: int, server: Postgres, programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = urlsplit(server.url)
    monkeypatch.setenv("PGHOST", str(parts.hostname))
    monkeypatch.setenv("PGPORT", str(parts.port))
    monkeypatch.setenv("PGUSER", str(parts.username))
    monkeypatch.setenv("PATH", os.pathsep.join((str(programs), os.environ["PATH"])))
    folder = tmp_path / "shop"
    folder.mkdir()
    with Walk(folder, free_port) as walk:
        for step in steps_of(PAGE.read_text()):
            text = step.text.replace("postgresql://localhost/", server.url.removesuffix("postgres"))
            prints = step.prints.replace("postgresql://localhost/", server.url.removesuffix("postgres"))
            if text.startswith("opportune demo"):
                with demo(folder, text) as printed:
                    assert ("Seeding" in printed) == ("--database" not in text)
                continue
            printed = walk.take(step._replace(text=text))
            assert is_as_printed(prints, printed), (
                f"{PAGE.name}:{step.line}: {text}\n{prints}\nprinted:\n{printed}"
            )
