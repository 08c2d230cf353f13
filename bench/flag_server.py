"""A flag server beside ours, for orientation: unleash-server from npm, answering its frontend API from its memory."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.postgres_server import PostgresServer
from tools.find import find_node, find_npm_command

from bench.load import Felt
from bench.machine import LOAD_CORE, SERVER_CORE, pinned
from bench.shop import KEPT

FOLDER = KEPT / "unleash"
ADMIN, FRONTEND = "*:*.admin-token-of-the-bench", "default:development.frontend-token-of-the-bench"
FLAGS = ("home-hero", "offer-bar")
START_SECONDS = 90.0
SCRIPT = """
wrk.headers["Authorization"] = "{token}"
request = function() return wrk.format("GET", "/api/frontend?userId=visitor-" .. math.random(1, 5000)) end
done = function(summary, latency, requests)
  io.write(string.format('\\n{{"requests":%d,"us":%d,"p50":%d,"p99":%d,"max":%d,"errors":%d}}\\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), latency.max,
    summary.errors.status + summary.errors.timeout))
end
"""


@dataclass(frozen=True)
class Flags:
    """A server that is ready, with two flags."""

    port: int
    pid: int
    version: str

    def saturate(self, seconds: float, connections: int) -> Felt:
        with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
            file.write(SCRIPT.format(token=FRONTEND))
            file.flush()
            before = _cpu_seconds(self.pid)
            command = ["wrk", "-t1", f"-c{connections}", f"-d{round(seconds)}s", "-s", file.name]
            command.append(f"http://127.0.0.1:{self.port}")
            finished = subprocess.run(pinned(LOAD_CORE, command), capture_output=True, text=True, check=True)
        found = json.loads(finished.stdout.strip().splitlines()[-1])
        return Felt(
            rate=found["requests"] / found["us"] * 1e6,
            p50=found["p50"] / 1_000,
            p99=found["p99"] / 1_000,
            longest=found["max"] / 1_000,
            errors=found["errors"],
            requests=found["requests"],
            cpu_us=(_cpu_seconds(self.pid) - before) / found["requests"] * 1e6,
        )


@contextmanager
def serving(server: PostgresServer) -> Iterator[Flags | None]:
    """Unleash on a database of its own; None where Node or the package is not to be had."""
    node = find_node()
    if node is None or not _installed(node):
        yield None
        return
    url, port = server.make_database("unleash"), _free_port()
    process = subprocess.Popen(
        pinned(SERVER_CORE, [str(node), str(FOLDER / "node_modules/unleash-server/dist/server.js")]),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={
            **os.environ,
            "DATABASE_URL": url,
            "DATABASE_SSL": "false",
            "HTTP_HOST": "127.0.0.1",
            "HTTP_PORT": str(port),
            "INIT_ADMIN_API_TOKENS": ADMIN,
            "INIT_FRONTEND_API_TOKENS": FRONTEND,
            "LOG_LEVEL": "fatal",
            "SEND_TELEMETRY": "false",
            "CHECK_VERSION": "false",
            "NODE_ENV": "production",
        },
    )
    try:
        yield _prepared(port, process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
        server.drop_database("unleash")


def _installed(node: Path) -> bool:
    if (FOLDER / "node_modules" / "unleash-server").is_dir():
        return True
    npm = find_npm_command(node)
    if npm is None:
        return False
    FOLDER.mkdir(parents=True, exist_ok=True)
    print("  installing unleash-server from npm, 200 MB, only the first time ...", flush=True)
    command = [
        *npm,
        "install",
        "--no-audit",
        "--no-fund",
        "--ignore-scripts",
        "--prefix",
        str(FOLDER),
        "unleash-server",
    ]
    path = f"{node.parent}{os.pathsep}{os.environ.get('PATH', '')}"
    done = subprocess.run(command, capture_output=True, check=False, env={**os.environ, "PATH": path})
    return done.returncode == 0


def _prepared(port: int, pid: int) -> Flags | None:
    """Waits until it answers, and makes two flags that half of all users get."""
    until = time.monotonic() + START_SECONDS
    while _ask(port, "GET", "/health") is None:
        if time.monotonic() > until:
            return None
        time.sleep(0.5)
    for flag in FLAGS:
        features = "/api/admin/projects/default/features"
        _ask(port, "POST", features, {"name": flag, "type": "release"})
        rollout = {"rollout": "50", "stickiness": "userId", "groupId": flag}
        environment = f"{features}/{flag}/environments/development"
        _ask(port, "POST", f"{environment}/strategies", {"name": "flexibleRollout", "parameters": rollout})
        _ask(port, "POST", f"{environment}/on", {})
    while time.monotonic() < until:
        found = [
            _ask(port, "GET", f"/api/frontend?userId=visitor-{number}", token=FRONTEND) for number in range(9)
        ]
        if any(answer and answer.get("toggles") for answer in found):
            package = FOLDER / "node_modules" / "unleash-server" / "package.json"
            return Flags(port, pid, json.loads(package.read_text())["version"])
        time.sleep(0.5)
    return None


def _ask(port: int, method: str, path: str, body: object = None, *, token: str = ADMIN) -> Any:
    """The answer's JSON; None for anything else."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}",
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": token, "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            text = answer.read()
    except (OSError, urllib.error.URLError):
        return None
    return json.loads(text) if text else {}


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
