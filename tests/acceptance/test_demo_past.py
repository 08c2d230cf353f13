"""The demo's past: tests that really ran, with visitors who did what they did because of what they saw."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.acceptance.test_demo_in_browser import demo

LONG = 400.0
"""Seconds in which sixty days are lived through on a busy machine."""


def test_past_tests_came_out_as_their_true_effects_have_it(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    with demo(folder, "--days", "60", "--visitors", "1000", seconds=LONG):
        printed = subprocess.run(
            [sys.executable, "-m", "opportune", "report", "--json", "--data", str(folder / "data")],
            capture_output=True,
            check=True,
        )
    report = json.loads(printed.stdout)
    assert {line["rule"]: line["conclusion"]["state"] for line in report["tests"]} == {
        "Welcome": "keep",
        "Back again": "not proven",
        "Letter pop-up": "rolled back",
        "Category returner": "collecting",
    }
    assert report["programme"]["conclusion"]["state"] == "collecting"
    out, personalized = report["programme"]["people"]
    assert out["decided"] > 1_000
    assert 0.9 < out["decided"] / personalized["decided"] < 1.1
