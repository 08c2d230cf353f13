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


def test_check_reads_every_rule_back_and_says_what_it_was_read_from(tmp_path: Path) -> None:
    done("init", tmp_path)
    rule = tmp_path / "rules" / "category-returner.yaml"
    rule.write_text(
        rule.read_text().replace("at least 2 times in 7 days", "twice or more in the last 7 days")
    )
    lines = done("check", tmp_path).splitlines()
    assert lines[0].startswith(f"{tmp_path} checks: 2 rules, 2 places, revision ")
    assert lines[1] == (
        '  "Category returner": a visitor viewed the same category at least 2 times in 7 days;'
        " shows Category promise in home hero"
        " (read from: a visitor viewed the same category twice or more in the last 7 days)"
    )
    assert lines[2] == (
        '  "Quiet in support": a visitor is on a help, returns or shipping page, or has an open ticket;'
        " hides everything marked promo"
    )
    assert len(lines) == 3


def test_a_quiet_check_prints_problems_only(tmp_path: Path) -> None:
    done("init", tmp_path)
    assert not done("check", tmp_path, "--quiet")
    (tmp_path / "rules" / "quiet-in-support.yaml").unlink()
    (tmp_path / "team.yaml").unlink()
    refused = run_command("check", tmp_path, "--quiet")
    assert refused.returncode == 1
    assert "nobody said the owner" in refused.stderr


def test_a_playbook_is_printed_as_a_document_from_its_folder_or_as_published(tmp_path: Path) -> None:
    done("init", tmp_path / "playbook")
    page = done("document", tmp_path / "playbook")
    assert page.startswith("# Our shop: what we personalize\n")
    assert "### Quiet in support" in page
    done("publish", tmp_path / "playbook", "--data", tmp_path / "data")
    assert done("document", "--data", tmp_path / "data") == page
