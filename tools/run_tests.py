"""Runs the tests, two files at a time, and asks the few that failed once more, alone. Arguments are pytest's own.

A browser and three servers on two busy cores answer late at times, and that is no defect of the house. What fails
alone too fails the run; what passes alone is named, because its patience wants mending.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

SIDE_BY_SIDE = ("-n", "2", "--dist", "loadfile", "--no-loadscope-reorder")
FAILED_BEFORE = ("--last-failed", "--last-failed-no-failures=none")
FAILED = Path(".pytest_cache/v/cache/lastfailed")
TESTS_FAILED = 1
MOST = 5


def run(arguments: list[str]) -> int:
    """The run's exit status: pytest's own, of the second asking where there was one."""
    FAILED.unlink(missing_ok=True)
    status = _pytest(*SIDE_BY_SIDE, *arguments)
    names = sorted(json.loads(FAILED.read_text())) if FAILED.is_file() else []
    if status != TESTS_FAILED or not 0 < len(names) <= MOST:
        return status
    print("\nAsked once more, alone:", *names, sep="\n  ", flush=True)
    status = _pytest(*FAILED_BEFORE, *arguments)
    if status == 0:
        print("\nFAILED BESIDE OTHERS, passed alone (make them patient):", *names, sep="\n  ")
    return status


def _pytest(*arguments: str) -> int:
    return subprocess.run([sys.executable, "-m", "pytest", *arguments], check=False).returncode


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
