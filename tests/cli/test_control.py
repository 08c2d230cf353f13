"""The control socket: commands reach the server, and whatever goes wrong comes back as a clear answer."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from opportune.core.problem import Problem
from opportune.errors import NotFoundError, PlaybookError
from opportune.process.connection import CommandError, Connection
from opportune.process.control import ControlServer

PROBLEM = Problem("rules/x.yaml", 3, "when", "not understood", "did you mean ...")


def execute(command: str, args: Mapping[str, Any]) -> Any:
    if command == "missing":
        raise NotFoundError(what="The rule")
    if command == "publish":
        raise PlaybookError([PROBLEM])
    if command == "broken":
        raise ZeroDivisionError("a fault")
    return {"command": command, **args}


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    """A connection to a control server that runs in a thread of its own."""
    path = tmp_path / "control.sock"
    listens, loop = threading.Event(), asyncio.new_event_loop()

    def run() -> None:
        server = ControlServer(execute, path)
        loop.run_until_complete(server.start())
        listens.set()
        loop.run_forever()
        loop.run_until_complete(server.stop())
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()

    thread = threading.Thread(target=run)
    thread.start()
    assert listens.wait(60)
    connection = Connection(path)
    yield connection
    connection.close()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    assert not path.exists()


def test_a_command_gets_its_result(connection: Connection) -> None:
    assert connection.ask("rules", {"data": "x"}) == {"command": "rules", "data": "x"}


def test_one_connection_takes_many_commands(connection: Connection) -> None:
    assert [connection.ask("import", {"n": n})["n"] for n in range(50)] == list(range(50))


def test_a_large_command_passes(connection: Connection) -> None:
    assert len(connection.ask("publish it", {"text": "x" * 3_000_000})["text"]) == 3_000_000


def test_an_error_made_on_purpose_comes_back_with_its_words(connection: Connection) -> None:
    with pytest.raises(CommandError, match="The rule was not found"):
        connection.ask("missing", {})


def test_a_playbooks_problems_come_back_each(connection: Connection) -> None:
    with pytest.raises(CommandError) as caught:
        connection.ask("publish", {})
    assert caught.value.problems == (PROBLEM,)


def test_a_fault_is_an_answer_and_the_server_lives_on(connection: Connection) -> None:
    with pytest.raises(CommandError, match="a fault"):
        connection.ask("broken", {})
    assert connection.ask("rules", {})["command"] == "rules"


def test_nobody_there_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        Connection(tmp_path / "control.sock")
