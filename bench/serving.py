"""Servers under measurement, each a process of its own on a free port of 127.0.0.1."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.machine import SERVER_CORE, pinned

ROOT = Path(__file__).resolve().parents[1]
START_SECONDS = 60.0
NO_DEADLINE_MS = "60000"
"""Every answer that is counted is a whole decision, however busy the machine."""


class Serving:
    """A started server; `with` ends it. `seconds_to_listen` is how long it took to say its address."""

    def __init__(self, command: list[str], log: Path, *, is_pinned: bool = True) -> None:
        started = time.monotonic()
        self.log = log
        with log.open("w") as out:
            self.process = subprocess.Popen(
                pinned(SERVER_CORE, command) if is_pinned else command,
                stdout=out,
                stderr=subprocess.STDOUT,
                cwd=ROOT,
                env={**os.environ, "PYTHONUNBUFFERED": "1", "OPPORTUNE_DEADLINE_MS": NO_DEADLINE_MS},
            )
        self.port = self._wait_for_port(started + START_SECONDS)
        self.seconds_to_listen = time.monotonic() - started

    def _wait_for_port(self, until: float) -> int:
        while time.monotonic() < until and self.process.poll() is None:
            found = re.search(r"http://127\.0\.0\.1:(\d+)", self.log.read_text())
            if found:
                return int(found[1])
            time.sleep(0.002)
        self.stop()
        raise RuntimeError(f"the server did not start: {self.log.read_text()}")

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(20)

    def private_bytes(self) -> int | None:
        """Memory that only this process has (USS), where the system says it."""
        try:
            text = Path(f"/proc/{self.process.pid}/smaps_rollup").read_text()
        except OSError:
            return None
        return 1024 * sum(
            int(kib) for kib in re.findall(r"^Private_(?:Clean|Dirty):\s+(\d+) kB", text, re.MULTILINE)
        )

    def cpu_seconds(self) -> float:
        """Processor time this process has used; steadier than rates on a busy machine. 0 where nobody says it."""
        try:
            fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return 0.0
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def __enter__(self) -> Serving:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def serve_opportune(data: Path, playbook: Path | None = None, *, is_pinned: bool = True) -> Serving:
    command = [sys.executable, "-m", "opportune", "serve", "--data", str(data), "--port", "0"]
    if playbook is not None:
        command += ["--playbook", str(playbook)]
    return Serving(command, data / "bench-server.log", is_pinned=is_pinned)


def serve_on_database(url: str, playbook: Path) -> Serving:
    command = [sys.executable, "-m", "opportune", "serve", "--database", url, "--port", "0"]
    return Serving([*command, "--playbook", str(playbook)], _log("ours"))


def serve_bare_postgres(url: str) -> Serving:
    """The plain endpoint it is compared with, over the same database."""
    return Serving([sys.executable, "-m", "bench.bare_postgres", url], _log("bare"))


def _log(name: str) -> Path:
    return Path(tempfile.gettempdir()) / f"opportune-bench-{name}-{os.getpid()}.log"


def serve_bare(data: Path) -> Serving:
    """The plain endpoint it is compared with, over the same file."""
    command = [sys.executable, "-m", "bench.bare", str(data / "opportune.sqlite")]
    return Serving(command, data / "bench-bare.log")
