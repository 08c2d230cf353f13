"""`opportune review` on a folder: one screen, and the same as JSON."""

from __future__ import annotations

import json

import msgspec
from tests.cli.test_report_command import Seed, seed
from tests.serving import done, run_command

from opportune.core.learnings.review import Review

__all__ = ["seed"]


def test_the_review_is_read_in_one_screen_and_as_json(seed: Seed) -> None:
    folder = seed(sums={"people": (1000, 1000), "bought": (20, 30)})
    printed = done("review", "--data", folder)
    assert "1 rule: 1 to keep, 0 to merge, 0 to retire." in printed
    assert "Keep: Viewed something (live, 0 people)\n  its test showed a gain" in printed
    assert "orders within 7 days: +50% in its test" in printed
    found = json.loads(done("review", "--data", folder, "--json"))
    assert msgspec.convert(found, Review).rules[0].verdict == "keep"


def test_without_an_installation_it_says_what_to_name(tmp_path: object) -> None:
    refused = run_command("review", "--data", f"{tmp_path}/none")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "There is no installation" in refused.stderr
