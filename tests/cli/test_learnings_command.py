"""`opportune learnings` on a folder and beside a running server: listed, searched, completed, said at publishing."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.test_report_command import FILES, Seed, seed
from tests.serving import ServerProcess, done, run_command

from opportune.app.clock import now_ms
from opportune.core.moment import DAY

__all__ = ["seed"]
OVER = {"sums": {"people": (1000, 1000), "bought": (20, 40)}}
AGAIN = "rule: Looked again\nwhen: a visitor viewed a product at least 3 times in 14 days\nshow:\n  home hero: Shoes\n"


def ended(seed: Seed) -> Path:
    return seed(**OVER, ended_at=now_ms() - 10 * DAY, ended_as="finished")


def test_a_learning_is_listed_found_by_a_word_and_completed(seed: Seed) -> None:
    folder = ended(seed)
    listed = done("learnings", "--data", folder)
    assert listed.startswith("Viewed something/1: supported (+100% bought, ")
    assert "not written down yet" in listed
    assert done("learnings", "shoes", "bought", "--data", folder) == listed
    assert "No learning has all of these words: coupon" in done("learnings", "coupon", "--data", folder)
    completed = done(
        "learnings",
        "edit",
        "viewed something",
        "--decision",
        "We keep it",
        "--next",
        "Try boots",
        "--data",
        folder,
    )
    assert "decision  We keep it" in completed
    (found,) = json.loads(done("learnings", "list", "--json", "--data", folder))
    assert (found["decision"], found["next"], found["status"]) == ("We keep it", "Try boots", "supported")


def test_another_status_needs_a_reason(seed: Seed) -> None:
    folder = ended(seed)
    done("learnings", "--data", folder)
    arguments = ("learnings", "edit", "Viewed something/1", "--status", "rejected", "--data", folder)
    refused = run_command(*arguments)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "needs a reason" in refused.stderr
    assert "rejected" in done(*arguments, "--reason", "It cost more than it brought")


def test_nothing_learned_yet_says_when_there_will_be(seed: Seed) -> None:
    assert "a draft is written when a test ends" in done("learnings", "--data", seed(**OVER))


def test_a_server_drafts_and_says_so_when_a_similar_rule_is_published(seed: Seed, tmp_path: Path) -> None:
    folder = ended(seed)
    playbook = tmp_path / "playbook"
    for path, text in {**FILES, "rules/again.yaml": AGAIN}.items():
        (playbook / path).parent.mkdir(parents=True, exist_ok=True)
        (playbook / path).write_text(text)
    with ServerProcess(folder):
        assert "supported" in done("learnings", "--data", folder)
        published = done("publish", playbook, "--data", folder)
    assert '"Looked again" is like “Viewed something” (supported: +100% bought' in published
