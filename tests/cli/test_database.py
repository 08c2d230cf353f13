"""`opportune database move`, `backup` and `restore`, as an operator gives them."""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from tests.contract.stored import quick_folder
from tests.serving import SECRET_KEY, WRITE_KEY, done, make_keys, run_command, write_playbook

from opportune.app.moving import opened_for_moving
from opportune.process.place import Place, place_from
from opportune.services.moving import move

DAYS = [(datetime.now(UTC) - timedelta(days=ago)).date() for ago in (4, 3, 2)]
"""Lately: what is long past is not read."""
CSV = "visitor,event,product_id,category,at\n" + "".join(
    f"v-{number % 5},Product Viewed,p-{number},shoes,{DAYS[number % 3]}T10:00:{number:02}Z\n"
    for number in range(40)
)
MAPPING = [
    word
    for pair in ("anonymousId=visitor", "properties.product_id=product_id", "timestamp=at")
    for word in ("--map", pair)
]


@pytest.fixture(scope="module")
def installation() -> Iterator[Path]:
    """With keys, a playbook and some history, to be copied."""
    with quick_folder() as folder:
        data = folder / "data"
        make_keys(Place(data))
        (folder / "past.csv").write_text(CSV)
        done("publish", write_playbook(folder / "playbook"), "--data", data)
        done("import", folder / "past.csv", "--format", "csv", *MAPPING, "--data", data)
        yield data


@pytest.fixture
def folder() -> Iterator[Path]:
    with quick_folder() as quick:
        yield quick


@pytest.fixture
def data(installation: Path, folder: Path) -> Path:
    return Path(shutil.copytree(installation, folder / "data"))


def test_an_installation_goes_to_a_database_and_back(data: Path, folder: Path, postgres_url: str) -> None:
    before = done("explain", "--person", "v-1", "--slot", "home-hero", "--data", data)
    moved = run_command("database", "move", "--from", data, "--to", postgres_url)
    assert moved.returncode == 0, moved.stderr
    assert "events       40" in moved.stdout
    assert "Counts and checksums are the same on both sides" in moved.stdout
    assert f"opportune serve --database {postgres_url}" in moved.stdout
    assert done("explain", "--person", "v-1", "--slot", "home-hero", "--database", postgres_url) == before
    again = run_command("database", "move", "--from", data, "--to", postgres_url)
    assert again.returncode == 1
    assert again.stderr == "opportune: The target is not empty. Name a new folder, or an empty database.\n"
    done("database", "move", "--from", postgres_url, "--to", folder / "back")
    assert done("explain", "--person", "v-1", "--slot", "home-hero", "--data", folder / "back") == before
    listed = done("keys", "list", "--data", folder / "back")
    assert WRITE_KEY in listed
    assert SECRET_KEY not in listed


def test_what_differs_after_a_move_is_named_and_nothing_starts_there(
    data: Path, folder: Path, postgres_url: str
) -> None:
    with (
        opened_for_moving(Place(data)) as source,
        opened_for_moving(place_from(postgres_url)) as target,
    ):
        move(source, target, lambda _done, _of: None)
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("UPDATE keys SET id = 'somebody' WHERE id = 'v-1'")
    moved = run_command("database", "move", "--from", data, "--to", postgres_url)
    assert (moved.returncode, moved.stdout) == (1, "")
    lines = moved.stderr.splitlines()
    assert lines[0] == "keys: 5 rows on both sides, with differing checksums"
    assert re.fullmatch(r"  lane \d+, key \d+: differs in id", lines[1])
    assert "Move again, into an empty place" in lines[2]
    refused = run_command("serve", "--database", postgres_url, "--port", "0")
    assert refused.returncode == 1
    assert "it is not whole yet" in refused.stderr


def _backup(data: Path, folder: Path) -> Path:
    file = folder / "backups" / "today.sqlite"
    done("backup", file, "--data", data)
    return file


def test_a_wrong_call_is_explained(data: Path, folder: Path) -> None:
    for source, target, said in (
        (data, data, "are the same place"),
        (data, "mysql://host/shop", "A database is named by its URL"),
        (data, "postgresql://host", "A database is named by its URL"),
        (folder / "nothing", folder / "new", "There is no installation in"),
        (data, "postgresql://127.0.0.1:9/shop", "run the same command again"),
    ):
        refused = run_command("database", "move", "--from", source, "--to", target)
        assert refused.returncode in (1, 2)
        assert said in refused.stderr
        assert "Traceback" not in refused.stderr


def test_a_backup_is_restored(data: Path, folder: Path) -> None:
    file = _backup(data, folder)
    assert file.stat().st_mode & 0o077 == 0
    said = done("restore", file, "--data", folder / "new")
    assert f"40 events, the newest of {DAYS[-1].day} {DAYS[-1]:%B %Y}, 10:00" in said
    assert "5 ids of visitors and users; 1 published playbook." in said
    expected = done("explain", "--person", "v-1", "--slot", "home-hero", "--data", data)
    assert done("explain", "--person", "v-1", "--slot", "home-hero", "--data", folder / "new") == expected
    again = run_command("restore", file, "--data", folder / "new")
    assert (again.returncode, "There is an installation" in again.stderr) == (1, True)


def test_a_store_that_is_still_open_is_restored_with_its_log(data: Path, folder: Path) -> None:
    with closing(sqlite3.connect(data / "opportune.sqlite", isolation_level=None)) as file:
        file.execute("PRAGMA wal_autocheckpoint = 0")
        file.execute("INSERT INTO keys VALUES (1, 1, 'user', 'only in the log')")
        shutil.copytree(data, folder / "copied")
    said = done("restore", folder / "copied" / "opportune.sqlite", "--data", folder / "new")
    assert "6 ids" in said


def test_what_is_not_a_whole_store_is_not_restored(data: Path, folder: Path) -> None:
    whole = _backup(data, folder).read_bytes()
    (folder / "text").write_text("Nothing of the kind. " * 500)
    (folder / "cut").write_bytes(whole[: len(whole) // 2])
    (folder / "damaged").write_bytes(whole[:8192] + bytes(4096) + whole[12288:])
    with closing(sqlite3.connect(folder / "other")) as file:
        file.execute("CREATE TABLE something (else_ TEXT)")
    shutil.copy(folder / "backups" / "today.sqlite", folder / "newer")
    with closing(sqlite3.connect(folder / "newer")) as file:
        file.execute("PRAGMA user_version = 99")
    for name, said in {
        "text": "is not a whole store of Opportune",
        "cut": "is not a whole store of Opportune",
        "damaged": "damaged",
        "other": "is not a store of Opportune",
        "newer": "layout 99",
    }.items():
        refused = run_command("restore", folder / name, "--data", folder / "new")
        assert refused.returncode == 1, name
        assert said in refused.stderr or "malformed" in refused.stderr
        assert "Traceback" not in refused.stderr
        assert [path.name for path in (folder / "new").iterdir()] == ["lock"], name
