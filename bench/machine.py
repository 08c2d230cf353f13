"""The machine a run happened on, and which of its cores server and load get."""

from __future__ import annotations

import os
import platform
import shutil
import sqlite3
from importlib.metadata import version
from pathlib import Path

PACKAGES = ("msgspec", "starlette", "uvicorn", "uvloop", "httptools")
SERVER_CORE, LOAD_CORE = "0", "1"


def describe_machine() -> str:
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return (
        f"{os.cpu_count()} cores ({_processor()}), Python {platform.python_version()}, "
        f"SQLite {sqlite3.sqlite_version}, {packages}; load average at the start {os.getloadavg()[0]:.1f}"
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown"
    )


def pinned(core: str, command: list[str]) -> list[str]:
    """The command held to one core, where there is `taskset` and more than one core."""
    taskset = shutil.which("taskset")
    if taskset is None or (os.cpu_count() or 1) < 2:
        return command
    return [taskset, "-c", core, *command]


def describe_pinning() -> str:
    if shutil.which("taskset") is None or (os.cpu_count() or 1) < 2:
        return "Server and load share all cores (no `taskset`, or one core)."
    return f"Server on core {SERVER_CORE}, load on core {LOAD_CORE} (`taskset`)."
