"""`opportune person`: with and without a running server, one person or many, and a backup that brings them back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from tests.serving import SECRET_KEY, ServerProcess, done, run_command

from opportune.cli import opportune

HISTORY = [
    {"type": "identify", "userId": "ada", "anonymousId": "a-1", "traits": {"email": "ada@example.org"}},
    {"type": "track", "event": "Product Viewed", "anonymousId": "a-1", "properties": {"product_id": "boot"}},
    {"type": "track", "event": "Product Viewed", "anonymousId": "b-2", "properties": {"product_id": "boot"}},
    {"type": "track", "event": "Product Viewed", "anonymousId": "c-3", "properties": {"product_id": "boot"}},
]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    import_history(tmp_path, folder)
    return folder


def import_history(tmp_path: Path, folder: Path) -> dict[str, Any]:
    file = tmp_path / "history.jsonl"
    lines = [
        {**message, "messageId": f"m-{number}", "timestamp": "2026-10-01T00:00:00Z"}
        for number, message in enumerate(HISTORY)
    ]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    told: dict[str, Any] = json.loads(
        run(folder, "import", str(file), "--format", "segment-jsonl", "--json").stdout
    )
    return told


def run(data: Path, *arguments: str, answer: str | None = None, status: int = 0) -> Result:
    result = CliRunner().invoke(opportune, [*arguments, "--data", str(data)], input=answer)
    assert result.exit_code == status, (result.output, result.exception)
    return result


def test_it_says_what_was_found_and_asks_before_it_erases(data: Path) -> None:
    told = run(data, "person", "erase", "ada@example.org", answer="n\n", status=1).output
    assert "user ada, device a-1" in told
    assert "2 events" in told
    assert len(json.loads(run(data, "person", "export", "ada").stdout)["events"]) == 2
    told = run(data, "person", "erase", "ada@example.org", "--vacuum", answer="y\n").output
    assert "Erased ada@example.org: 2 ids" in told
    found = CliRunner().invoke(opportune, ["person", "export", "ada", "--data", str(data)])
    assert "'ada' was not found" in str(found.exception)


def test_an_export_goes_into_a_file_for_its_owner_alone(data: Path, tmp_path: Path) -> None:
    target = tmp_path / "ada.json"
    run(data, "person", "export", "a-1", "--to", str(target))
    assert json.loads(target.read_text())["addresses"] == ["ada@example.org"]
    assert target.stat().st_mode & 0o777 == 0o600
    run(data, "person", "export", "a-1", "--to", str(target), status=1)


def test_many_are_erased_from_a_file_and_who_is_not_there_keeps_nobody(data: Path, tmp_path: Path) -> None:
    file = tmp_path / "ids.txt"
    file.write_text("ada\na-1\n\nnobody\nb-2\n")
    told = run(data, "person", "erase", "--from", str(file), "--yes", status=1).output
    assert "nobody: not found" in told
    assert "1 of 4 were not found" in told
    assert "Erased ada" in told
    assert "Erased b-2" in told
    assert json.loads(run(data, "person", "export", "c-3").stdout)["events"]


def test_one_id_or_a_file_is_wanted(data: Path) -> None:
    assert "--from" in run(data, "person", "erase", status=2).output


def test_an_import_done_again_brings_nobody_back(data: Path, tmp_path: Path) -> None:
    run(data, "person", "erase", "ada", "--yes")
    told = import_history(tmp_path, data)
    assert (told["accepted"], told["duplicate"], told["erased"]) == (0, 2, 2)


def test_a_restored_backup_erases_again_by_the_list_beside_it_or_by_a_copy(
    data: Path, tmp_path: Path
) -> None:
    backup, kept = tmp_path / "monday.sqlite", tmp_path / "kept.jsonl"
    run(data, "backup", str(backup))
    run(data, "person", "erase", "ada", "--yes")
    run(data, "person", "erasures", "--to", str(kept))
    assert "ada" not in kept.read_text()
    for file in data.glob("opportune.sqlite*"):
        file.unlink()
    assert "Erased again: 2 ids" in run(data, "restore", str(backup)).output
    run(data, "person", "erase", "ada", "--yes", status=1)
    elsewhere = tmp_path / "elsewhere"
    assert "is back" in run(elsewhere, "restore", str(backup)).output
    assert "2 ids" in run(elsewhere, "person", "erasures", "--apply", str(kept)).output
    run(elsewhere, "person", "export", "ada", status=1)
    third = tmp_path / "third"
    assert "2 ids" in run(third, "restore", str(backup), "--erased", str(kept)).output
    assert json.loads(run(third, "person", "export", "c-3").stdout)["events"]


def test_a_file_that_is_no_list_is_named(data: Path, tmp_path: Path) -> None:
    file = tmp_path / "no.jsonl"
    file.write_text("hello\n")
    found = CliRunner().invoke(opportune, ["person", "erasures", "--apply", str(file), "--data", str(data)])
    assert f"{file} is no list of erased people" in str(found.exception)


def test_through_a_running_server_the_next_decision_knows_nobody(tmp_path: Path) -> None:
    with ServerProcess(tmp_path) as server:
        assert [server.view("ada-device", number) for number in range(3)] == [200] * 3
        server.hero("ada-device")
        assert len(json.loads(done("person", "export", "ada-device", *server.place))["events"]) == 3
        assert "Erased ada-device" in done(
            "person", "erase", "ada-device", "--yes", "--vacuum", *server.place
        )
        status, _, _ = server.get("/v1/people/ada-device/export", key=SECRET_KEY)
        assert status == 404
        assert run_command("person", "export", "ada-device", *server.place).returncode == 1
        assert server.view("ada-device", 9) == 200
        assert len(json.loads(done("person", "export", "ada-device", *server.place))["events"]) == 1
