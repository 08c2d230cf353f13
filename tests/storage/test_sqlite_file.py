"""The file itself: layouts, the reader beside the writer, the log's size, copies, and SQL kept by name."""

from __future__ import annotations

import re
import sqlite3
import threading
from pathlib import Path
from zlib import crc32

import pytest
from tests.contract.stored import DEVICE, NOW, append, event, events_of, quick_folder

from opportune.errors import NewerStoreError, NotFoundError, SlowReadError, StorageBusyError
from opportune.storage.base import EventQuery
from opportune.storage.database.bodies import WORDS_1, pack, unpack
from opportune.storage.sqlite import SqliteStorage, checkpoints, migrating, statements
from opportune.storage.sqlite.connection import open_connection

PACKAGE = Path(statements.__file__).parent


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "opportune.db"


def test_everything_is_there_after_opening_again(path: Path) -> None:
    first = SqliteStorage(path)
    append(first, event(product="p-1"))
    before = first.recall((DEVICE,), now=NOW)
    first.close()
    second = SqliteStorage(path)
    assert second.recall((DEVICE,), now=NOW) == before
    assert append(second, event()) == [2]
    second.close()


def test_a_file_from_a_newer_version_is_refused(path: Path) -> None:
    SqliteStorage(path).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 999")
    connection.close()
    for read_only in (False, True):
        with pytest.raises(NewerStoreError, match="layout 999"):
            SqliteStorage(path, read_only=read_only)


def test_a_step_that_fails_leaves_the_file_as_it_was(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    SqliteStorage(path).close()
    steps = tmp_path / "steps"
    steps.mkdir()
    for step in migrating.list_migrations():
        (steps / step.name).write_text(step.read_text())
    number = len(list(steps.iterdir())) + 1
    (steps / f"{number:04}_break.sql").write_text("CREATE TABLE half (a);\nCREATE TABLE half (a);\n")
    monkeypatch.setattr(migrating, "FOLDER", steps)
    with pytest.raises(sqlite3.OperationalError, match="already exists"):
        SqliteStorage(path)
    monkeypatch.undo()
    storage = SqliteStorage(path)
    assert append(storage, event()) == [1]
    storage.close()


def test_steps_without_a_gap_are_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "0002_second.sql").write_text("SELECT 1;")
    monkeypatch.setattr(migrating, "FOLDER", tmp_path)
    with pytest.raises(ValueError, match="without a gap"):
        migrating.list_migrations()


@pytest.mark.parametrize("_time", range(20))
def test_several_that_make_one_file_at_once_all_find_it_whole(path: Path, _time: int) -> None:
    opened: list[SqliteStorage] = []
    threads = [threading.Thread(target=lambda: opened.append(SqliteStorage(path))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(opened) == 4
    assert [append(storage, event())[0] for storage in opened] == [1, 2, 3, 4]
    for storage in opened:
        storage.close()


def test_the_reader_sees_what_the_writer_commits_and_writes_nothing(path: Path) -> None:
    writer = SqliteStorage(path)
    reader = SqliteStorage(path, read_only=True)
    for number in range(5):
        append(writer, event(at=NOW + number))
        assert len(events_of(reader.recall((DEVICE,), now=NOW))) == number + 1
        assert len(reader.list_events(EventQuery())) == number + 1
    with pytest.raises(StorageBusyError):
        reader.write(lambda _: None).result()
    reader.close()
    assert append(writer, event()) == [6]
    writer.close()


def test_a_reader_needs_a_file(path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"opportune\.db"):
        SqliteStorage(path, read_only=True)


def test_a_read_that_takes_too_long_is_stopped(path: Path) -> None:
    writer = SqliteStorage(path)
    append(writer, *(event(message_id=f"m-{number}") for number in range(3_000)))
    reader = SqliteStorage(path, read_only=True, longest_read_seconds=0)
    with pytest.raises(SlowReadError):
        reader.list_events(EventQuery(message_id="nobody has this one"))
    patient = SqliteStorage(path, read_only=True)
    assert patient.list_events(EventQuery(message_id="m-17"))[0].seq == 18
    for storage in (reader, patient, writer):
        storage.close()


def test_the_log_stays_small_under_steady_writing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "PAUSE_SECONDS", 0.002)
    monkeypatch.setattr(checkpoints, "MOST_PAGES_IN_LOG", 64)
    with quick_folder() as folder:
        storage = SqliteStorage(folder / "opportune.db")
        for number in range(200):
            append(
                storage, *(event(DEVICE + step * 997, note="z" * 600) for step in range(number, number + 20))
            )
        log_pages = (folder / "opportune.db-wal").stat().st_size // 4_096
        assert log_pages < 200 * 20  # never emptied it has almost four for each event
        storage.close()


def test_the_thread_that_empties_the_log_hears_of_the_end_at_any_moment(path: Path) -> None:
    checkpointer = checkpoints.Checkpointer(path)
    commits = checkpointer._has_commits

    def clear_after_the_end_was_told() -> None:
        checkpointer._ends.set()
        commits.set()
        threading.Event.clear(commits)

    commits.clear = clear_after_the_end_was_told  # type: ignore[method-assign]  # the one way to stand between the two calls
    checkpointer.notice_commit()
    checkpointer._thread.join(60)
    assert not checkpointer._thread.is_alive()


def test_a_commit_is_synchronous_and_logged_ahead(path: Path) -> None:
    storage = SqliteStorage(path)

    def pragmas(transaction: object) -> list[object]:
        names = ("journal_mode", "synchronous", "wal_autocheckpoint")
        return [transaction.connection.execute(f"PRAGMA {name}").fetchone()[0] for name in names]

    assert storage.write(pragmas).result(timeout=60) == ["wal", 2, 0]
    storage.close()


def test_a_copy_is_whole(path: Path, tmp_path: Path) -> None:
    storage = SqliteStorage(path)
    append(storage, event(product="p-1"))
    storage.backup(tmp_path / "copy.db")
    append(storage, event())
    copy = SqliteStorage(tmp_path / "copy.db")
    assert len(events_of(copy.recall((DEVICE,), now=NOW))) == 1
    copy.close()
    storage.close()


def test_a_thread_that_ended_leaves_no_connection(path: Path) -> None:
    storage = SqliteStorage(path)
    before = len(storage._readers._opened)
    for _ in range(5):
        thread = threading.Thread(target=storage.changed_at)
        thread.start()
        thread.join()
    assert len(storage._readers._opened) == before
    storage.close()


def test_reads_after_closing_say_so(path: Path) -> None:
    storage = SqliteStorage(path)
    storage.close()
    with pytest.raises(StorageBusyError):
        storage.recall((DEVICE,), now=NOW)


def test_every_table_of_a_person_carries_its_lane(path: Path) -> None:
    SqliteStorage(path).close()
    connection = open_connection(path, read_only=True)
    tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    for table in tables:
        columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
        of_a_person = {"key", "unit", "person"} & set(columns)
        if of_a_person and table not in {"bodies", "business_keys"}:  # found by seq and by value, not by key
            assert columns[0] == "lane", table
    connection.close()


@pytest.mark.parametrize("text", [b"", b"x", b'{"a":1}' * 30, WORDS_1[:900], bytes(range(256)) * 4])
def test_what_is_packed_comes_back(text: bytes) -> None:
    assert unpack(pack(text)) == text


def test_a_body_is_packed_to_less_than_half() -> None:
    body = event(url="https://shop.example/products/runner", path="/products/runner", title="Runner").body
    assert len(pack(body)) < len(body) / 2


def test_an_unknown_packing_is_refused() -> None:
    with pytest.raises(ValueError, match="does not know"):
        unpack(b"\x09abc")


def test_the_dictionary_in_use_was_not_edited() -> None:
    assert crc32(WORDS_1) == WORDS_1_CHECK, "rows packed with it could not be read: add words_2.txt instead"


WORDS_1_CHECK = 3310672434


def test_every_statement_is_run_by_the_code() -> None:
    folders = (PACKAGE, PACKAGE.parent / "database")
    code = "\n".join(path.read_text() for folder in folders for path in folder.glob("*.py"))
    assert statements.SQL.keys() <= set(re.findall(r'"(\w+)"', code))


def test_a_statement_needs_its_sentence(tmp_path: Path) -> None:
    (tmp_path / "a.sql").write_text("-- name: find_nothing\nSELECT 1;\n")
    with pytest.raises(ValueError, match="needs a sentence"):
        statements.load_statements(tmp_path)


def test_a_statement_has_one_home(tmp_path: Path) -> None:
    (tmp_path / "a.sql").write_text("-- name: find_one\n-- One.\nSELECT 1;\n")
    (tmp_path / "b.sql").write_text("-- name: find_one\n-- One.\nSELECT 1;\n")
    with pytest.raises(ValueError, match="exists already"):
        statements.load_statements(tmp_path)
