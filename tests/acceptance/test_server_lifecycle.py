"""The server as a process: start, publish while it runs, refuse a second one, crash, full disk, orderly end."""

from __future__ import annotations

import json
import re
import shlex
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event

import psutil
import pytest
from tests.postgres_server import copied_database
from tests.serving import WRITE_KEY, ServerProcess, done, run_command, viewed, write_playbook

ON_A_FILE = pytest.mark.parametrize("server", ["a file"], indirect=True)
ON_A_DATABASE = pytest.mark.parametrize("server", ["a database"], indirect=True)
"""For what would be the same over the other; several processes stand behind this one."""
PATIENT = {"OPPORTUNE_DEADLINE_MS": "30000"}
"""A busy machine answers late, and what is late is normal content."""
HEARD_SECONDS = 60.0
"""Processes hear of an operator's act in less than one, unless the machine is busy."""
WELCOME, SHOES = {"headline": "Welcome"}, {"headline": "Shoes for you"}


@pytest.fixture(scope="module")
def playbook(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_playbook(tmp_path_factory.mktemp("playbook"))


@pytest.fixture(scope="module", params=["a file", "a database"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, playbook: Path
) -> Iterator[ServerProcess]:
    """A server that these tests share, over a database as two processes; each test leaves it as it was."""
    with ExitStack() as stack:
        database, workers = "", 1
        if request.param == "a database":
            layout = request.getfixturevalue("postgres_layout")
            server = request.getfixturevalue("postgres_server")
            database, workers = stack.enter_context(copied_database(server, layout)), 2
        options = ("--playbook", playbook, "--workers", workers)
        data = tmp_path_factory.mktemp("data")
        running = stack.enter_context(ServerProcess(data, *options, database=database, **PATIENT))
        yield running
        assert running.stop() == 0
        assert "Traceback" not in running.printed()


@pytest.fixture(params=["a file", "a database"])
def database(request: pytest.FixtureRequest) -> str:
    """For a server of a test's own; empty text for a file in its folder."""
    url: str = request.getfixturevalue("postgres_store") if request.param == "a database" else ""
    return url


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def assert_heard(server: ServerProcess, visitor: str, value: object) -> None:
    """Every process shows it to the visitor: on a file at the very next question, else soon."""
    is_one = "--data" in server.place
    until = time.monotonic() + (0 if is_one else HEARD_SECONDS)
    while any(server.hero(visitor)["value"] != value for _ in range(1 if is_one else 8)):
        assert time.monotonic() < until


def test_it_says_where_it_listens_and_what_runs(server: ServerProcess) -> None:
    assert server.url in server.printed()
    assert "1 rule, 1 place" in server.printed()
    assert server.get("/health/ready")[0] == 200


def test_an_acknowledged_event_changes_the_next_decision(server: ServerProcess) -> None:
    assert server.view("v-1", 1) == 200
    assert server.hero("v-1")["value"] == WELCOME
    assert server.view("v-1", 2) == 200
    assert server.hero("v-1")["value"] == SHOES


def test_publishing_reaches_the_running_server_and_its_history(
    server: ServerProcess, playbook: Path, tmp_path: Path
) -> None:
    server.view("v-2", 1)
    assert server.hero("v-2")["value"] == WELCOME
    done("publish", write_playbook(tmp_path / "eager", times=1), *server.place)
    assert_heard(server, "v-2", SHOES)
    done("publish", playbook, *server.place)
    assert_heard(server, "v-2", WELCOME)


@ON_A_FILE
def test_a_playbook_that_does_not_check_never_replaces_the_running_one(
    server: ServerProcess, tmp_path: Path
) -> None:
    folder = write_playbook(tmp_path / "broken")
    (folder / "rules" / "viewed.yaml").write_text(
        "rule: Viewed something\nwhen: a visitor flew to the moon\n"
    )
    refused = run_command("publish", folder, *server.place)
    assert refused.returncode == 1
    assert "rules/viewed.yaml:2" in refused.stderr
    assert server.hero("v-3")["value"] == WELCOME


@ON_A_DATABASE
def test_a_publish_based_on_an_older_revision_is_refused(server: ServerProcess, tmp_path: Path) -> None:
    folder = write_playbook(tmp_path / "late", headline="Hello")
    refused = run_command("publish", folder, *server.place, "--based-on", "0123456789ab")
    assert refused.returncode == 1
    assert "yours is based on 0123456789ab" in refused.stderr


@ON_A_FILE
def test_what_runs_can_be_exported_and_checks(server: ServerProcess, playbook: Path, tmp_path: Path) -> None:
    done("export", tmp_path / "copy", *server.place)
    found = done("check", tmp_path / "copy")
    assert json.loads(done("status", *server.place, "--json"))["revision"] in found
    assert (tmp_path / "copy" / "team.yaml").read_text() == (playbook / "team.yaml").read_text()


def test_a_key_made_while_it_runs_opens_at_once_and_a_revoked_one_no_more(server: ServerProcess) -> None:
    value = done("keys", "add", *server.place, "--kind", "secret", "--name", "reports").strip()
    assert server.get("/v1/events", key=value)[0] == 200
    done("keys", "revoke", *server.place, "--name", "reports")
    until = time.monotonic() + HEARD_SECONDS
    while any(server.get("/v1/events", key=value)[0] != 401 for _ in range(8)):
        assert time.monotonic() < until
        time.sleep(0.05)


def test_off_and_on_take_effect_at_once(server: ServerProcess) -> None:
    server.view("v-4", 1)
    server.view("v-4", 2)
    done("off", *server.place, "--reason", "strange prices")
    assert_heard(server, "v-4", WELCOME)
    assert server.hero("v-4")["reason"] == "DISABLED"
    done("on", *server.place)
    assert_heard(server, "v-4", SHOES)


def test_a_paused_rule_does_nothing(server: ServerProcess) -> None:
    server.view("v-5", 1)
    server.view("v-5", 2)
    done("rule", "Viewed something", "paused", *server.place)
    assert_heard(server, "v-5", WELCOME)
    (row,) = json.loads(done("rules", *server.place, "--json"))
    assert (row["state"], row["acts"]) == ("paused", False)
    done("rule", "Viewed something", "live", *server.place)
    assert_heard(server, "v-5", SHOES)


def test_a_decision_is_explained_replayed_and_rebuilt_by_its_token(server: ServerProcess) -> None:
    server.view("v-6", 1)
    server.view("v-6", 2)
    server.hero("v-6")
    token = server.hero("v-6")["decision"]
    said = done("explain", token, *server.place)
    assert "Viewed something" in said
    assert done("explain", token, "--replay", *server.place).startswith("Equal")
    assert done("explain", token, "--rebuild", *server.place).startswith("Equal")


@ON_A_DATABASE
def test_why_not_is_explained_for_a_person_with_what_would_change_it(server: ServerProcess) -> None:
    server.view("v-7", 1)
    said = done("explain", "--person", "v-7", "--slot", "home-hero", *server.place)
    assert "Viewed something" in said
    person = ["explain", "--person", "v-7", "--slot", "home-hero", *server.place]
    refused = run_command(*person, "--with", "cart_valu=60")
    assert refused.returncode == 1
    assert 'did you mean "cart value"' in refused.stderr
    refused = run_command("explain", "--person", "nobody", "--slot", "home-hero", *server.place)
    assert refused.returncode == 1
    assert "nobody" in refused.stderr


def test_an_import_goes_through_the_running_server(server: ServerProcess, tmp_path: Path) -> None:
    stream = tmp_path / "history.jsonl"
    stream.write_text("".join(json.dumps(viewed("v-11", f"past-{n}")) + "\n" for n in (1, 2, 2)))
    taken = json.loads(done("import", stream, "--format", "segment-jsonl", *server.place, "--json"))
    assert (taken["accepted"], taken["duplicate"]) == (2, 1)
    assert server.hero("v-11")["value"] == SHOES


@ON_A_FILE
def test_a_second_server_is_refused_with_the_firsts_process(server: ServerProcess) -> None:
    second = run_command("serve", "--data", server.data, "--port", 0)
    assert second.returncode == 1
    assert str(server.process.pid) in second.stderr
    assert server.view("v-8") == 200


@ON_A_FILE
def test_a_port_in_use_is_said(server: ServerProcess, tmp_path: Path) -> None:
    port = server.url.rpartition(":")[2]
    second = run_command("serve", "--data", tmp_path / "other", "--port", port)
    assert second.returncode == 1
    assert f"Port {port}" in second.stderr


def test_long_reads_run_in_the_reading_process(server: ServerProcess) -> None:
    server.view("v-9", 1)
    status, page, _ = server.get("/v1/events?limit=1")
    assert status == 200
    assert [event["messageId"] for event in page["events"]] == ["v-9-1"]
    assert server.get("/v1/people/nobody-we-know")[0] == 404
    assert server.get("/v1/events")[0] == 200


@ON_A_DATABASE
def test_a_stream_is_replayed_once_however_often_it_is_sent(server: ServerProcess, tmp_path: Path) -> None:
    stream = tmp_path / "stream.csv"
    day = (datetime.now(UTC) - timedelta(days=2)).date()  # within what is kept
    rows = [f"{day} 00:00:{n % 60:02} UTC,view,{n},1,shoes,x,9.5,{n % 7},s" for n in range(150)]
    heading = "event_time,event_type,product_id,category_id,category_code,brand,price,user_id,user_session"
    stream.write_text("\n".join([heading, *rows, rows[0]]))
    send = ["replay", stream, "--format", "rees46", "--url", server.url, "--write-key", WRITE_KEY, "--json"]
    first, again = json.loads(done(*send)), json.loads(done(*send))
    assert (first["accepted"], first["duplicate"], first["set_aside"]) == (150, 1, 0)
    assert (again["accepted"], again["duplicate"]) == (0, 151)
    assert first["decisions"] == 14  # seven visitors in each of two batches, one place


@ON_A_FILE
def test_a_backup_made_while_it_runs_is_a_whole_installation(server: ServerProcess, tmp_path: Path) -> None:
    server.view("v-10", 1)
    server.view("v-10", 2)
    copy = tmp_path / "restored" / "opportune.sqlite"
    done("backup", copy, *server.place)
    said = done("explain", "--person", "v-10", "--slot", "home-hero", "--data", copy.parent)
    assert "Shoes" in said
    assert run_command("backup", copy, *server.place).returncode == 1


def test_a_server_that_is_not_there_is_said(tmp_path: Path) -> None:
    (tmp_path / "stream.csv").write_text("user_id,event\nu,Signed Up\n")
    url = "http://127.0.0.1:9"
    refused = run_command(
        "replay", tmp_path / "stream.csv", "--format", "csv", "--url", url, "--write-key", "k"
    )
    assert refused.returncode == 1
    assert f"No server answers at {url}" in refused.stderr


def test_without_a_playbook_it_captures_and_knows_no_place(data: Path) -> None:
    with ServerProcess(data, OPPORTUNE_WANTS_METRICS_KEY="true") as server:
        assert "No playbook is published yet" in server.printed()
        assert server.view("v-1") == 200
        hero = server.hero("v-1")
        assert (hero["reason"], hero["errorCode"]) == ("ERROR", "FLAG_NOT_FOUND")
        assert server.get("/metrics", key="")[0] == 401
        assert server.get("/metrics")[0] == 200


def test_a_wrong_setting_is_named(data: Path) -> None:
    refused = run_command("serve", "--data", data, OPPORTUNE_KEY_RATE="fast")
    assert refused.returncode == 1
    assert "OPPORTUNE_KEY_RATE='fast'" in refused.stderr


def test_it_ends_orderly_and_what_was_published_last_runs_again(
    data: Path, database: str, tmp_path: Path
) -> None:
    folder = write_playbook(tmp_path / "playbook")
    with ServerProcess(data, "--playbook", folder, database=database, **PATIENT) as server:
        server.view("v-1", 1)
        server.view("v-1", 2)
        assert server.stop() == 0
        assert "Traceback" not in server.printed()
    (folder / "slots" / "home-hero.yaml").write_text("slot: [\n")
    with ServerProcess(data, "--playbook", folder, database=database, **PATIENT) as server:
        assert "slots/home-hero.yaml" in server.printed()
        assert "goes on running" in server.printed()
        assert server.hero("v-1")["value"] == SHOES


def test_a_rule_changed_under_its_running_test_is_not_published_at_the_start(
    data: Path, database: str, tmp_path: Path
) -> None:
    folder = write_playbook(tmp_path / "playbook")
    rule = folder / "rules" / "viewed.yaml"
    rule.write_text(rule.read_text() + "test: half and half, on orders, for 6 weeks\n")
    place = ["--database", database] if database else ["--data", str(data)]
    done("publish", folder, *place)
    rule.write_text(rule.read_text().replace("at least 2 times", "at least 3 times"))
    with ServerProcess(data, "--playbook", folder, database=database, **PATIENT) as server:
        printed = server.printed()
        assert 'A test is running on: "Viewed something".' in printed
        assert re.search(r"Not published; revision [0-9a-f]{12} goes on running\.", printed)
        done(*_command_in(printed))
    assert "Published" not in done("publish", folder, *place)


def _command_in(printed: str) -> list[str]:
    """The command that a server's words tell to give."""
    return shlex.split(printed.partition("begin a new one: opportune ")[2].partition("\n")[0])


def test_after_a_crash_every_acknowledged_event_is_there_once(data: Path, database: str) -> None:
    acknowledged: list[str] = []
    enough = Event()

    def send(server: ServerProcess, sender: int) -> None:
        number = 0
        while not enough.is_set():
            batch = [f"s{sender}-{number}-{place}" for place in range(5)]
            messages = [viewed(f"v-{sender}-{place}", message) for place, message in enumerate(batch)]
            try:
                status, _, _ = server.post("/v1/batch", {"batch": messages})
            except (OSError, ValueError):
                return
            if status == 200:
                acknowledged.extend(batch)
            number += 1

    with ServerProcess(data, database=database) as server, ThreadPoolExecutor(4) as pool:
        sending = [pool.submit(send, server, sender) for sender in range(4)]
        while len(acknowledged) < 600 and not all(sender.done() for sender in sending):
            time.sleep(0.01)
        server.kill()
        enough.set()
    with ServerProcess(data, database=database) as server:
        assert len(acknowledged) >= 600
        assert_stored_once(server, acknowledged)
        again = [viewed(f"v-{name[1]}-{name[-1]}", name) for name in acknowledged[-5:]]
        assert server.post("/v1/batch", {"batch": again})[0] == 200
        assert_stored_once(server, acknowledged)


def test_a_server_that_is_killed_leaves_no_process_behind(data: Path, database: str) -> None:
    workers = 2 if database else 1
    with ServerProcess(data, "--workers", workers, database=database) as server:
        assert server.get("/v1/events")[0] == 200
        others = psutil.Process(server.process.pid).children(recursive=True)
        assert others
        server.kill()
    _, left = psutil.wait_procs(others, timeout=30)
    assert left == []


def assert_stored_once(server: ServerProcess, names: list[str]) -> None:
    counts = server.count_stored()
    assert set(names) <= counts.keys()
    assert max(counts.values()) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can limit the files of a running process")
def test_a_full_disk_refuses_events_but_never_a_page(data: Path, playbook: Path) -> None:
    with ServerProcess(data, "--playbook", playbook) as server:
        fill_the_disk_of(server)


def fill_the_disk_of(server: ServerProcess) -> None:
    import resource  # noqa: PLC0415 (not there on every system)

    before = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
    server.view("v-1", 1)
    server.view("v-1", 2)
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (4_096, before[1]))
    status, answer, headers = server.post("/v1/track", viewed("v-2", "lost"))
    assert (status, answer["code"]) == (503, "storage_unavailable")
    assert int(headers["retry-after"]) >= 1
    assert server.hero("v-1")["value"] in (WELCOME, SHOES)
    assert server.hero("v-2")["value"] == WELCOME
    assert server.get("/health/live")[0] == 200
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, before)
    assert server.post("/v1/track", viewed("v-2", "taken"))[0] == 200
    assert server.process.poll() is None
