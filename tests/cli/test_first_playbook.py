"""`opportune init`: what somebody starts from checks without a remark, and nothing of theirs is written over."""

from __future__ import annotations

from pathlib import Path

from tests.serving import done, run_command

from opportune.cli.init import first_files
from opportune.services.publishing import check_folder


def test_the_first_playbook_checks_without_a_warning(tmp_path: Path) -> None:
    done("init", tmp_path / "playbook")
    checked = check_folder(tmp_path / "playbook")
    assert not checked.problems
    assert checked.playbook
    assert set(checked.playbook.rules) == {"Category returner", "Quiet in support"}


def test_init_says_what_it_wrote_and_what_comes_next(tmp_path: Path) -> None:
    printed = done("init", tmp_path)
    assert all(f"Wrote {tmp_path / path}" in printed for path in first_files())
    assert printed.splitlines()[-3:] == [
        f"  opportune check {tmp_path}",
        f"  opportune publish {tmp_path}",
        "  opportune serve",
    ]


def test_init_writes_nothing_over(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    refused = run_command("init", tmp_path)
    assert refused.returncode == 1
    assert "is not empty" in refused.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
