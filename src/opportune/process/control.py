"""The control socket: how a command reaches the server that runs on a data folder.

One JSON object a line each way: `{"command", "args"}` in, `{"ok": true, "result"}` or `{"ok": false,
"code", "error", "problems"}` out. Commands run one after another, in a thread beside the event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from opportune.core.problem import Problem
from opportune.errors import OpportuneError, PlaybookError

MAX_LINE_BYTES = 64 * 1024 * 1024
ANSWER_SECONDS = 600.0

Execute = Callable[[str, Mapping[str, Any]], Any]


class Request(msgspec.Struct, frozen=True):
    """One command with its arguments by name."""

    command: str
    args: dict[str, Any] = msgspec.field(default_factory=dict)


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a command. `problems` are those of a playbook that does not check."""

    ok: bool
    result: Any = None
    code: str = ""
    error: str = ""
    problems: tuple[Problem, ...] = ()


class CommandError(Exception):
    """A command was refused; the text says why, in words for the person who gave it."""

    def __init__(self, text: str, *, code: str = "error", problems: tuple[Problem, ...] = ()) -> None:
        self.code = code
        self.problems = problems
        super().__init__(text)


def answer(execute: Execute, line: bytes) -> bytes:
    """Runs one line; whatever goes wrong becomes an answer."""
    try:
        request = msgspec.json.decode(line, type=Request)
        given = Answer(ok=True, result=execute(request.command, request.args))
    except PlaybookError as error:
        given = Answer(ok=False, code=error.code, error=str(error), problems=error.problems)
    except OpportuneError as error:
        given = Answer(ok=False, code=error.code, error=str(error))
    except msgspec.DecodeError as error:
        given = Answer(ok=False, code="bad_request", error=f"The command cannot be read: {error}")
    except Exception as error:  # noqa: BLE001 - the server lives on whatever a command does
        given = Answer(ok=False, error=f"{type(error).__name__}: {error}")
    return msgspec.json.encode(given) + b"\n"


class ControlServer:
    """Listens while the server runs. Only the folder's owner can connect."""

    def __init__(self, execute: Execute, path: Path) -> None:
        self._execute = execute
        self._path = path
        self._turn = asyncio.Lock()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._talk, self._path, limit=MAX_LINE_BYTES)
        self._path.chmod(0o600)

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        self._path.unlink(missing_ok=True)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, ValueError, asyncio.CancelledError):
            while line := await reader.readline():
                async with self._turn:
                    given = await asyncio.to_thread(answer, self._execute, line)
                writer.write(given)
                await writer.drain()
        writer.close()


class Connection:
    """A command's side of the socket."""

    def __init__(self, path: Path) -> None:
        """Raises OSError when nobody listens there."""
        self._socket = socket.socket(socket.AF_UNIX)
        try:
            self._socket.settimeout(ANSWER_SECONDS)
            self._socket.connect(str(path))
        except OSError:
            self._socket.close()
            raise
        self._lines = self._socket.makefile("rb")

    def ask(self, command: str, args: Mapping[str, Any]) -> Any:
        """The result; raises CommandError when the server refuses or ends meanwhile."""
        try:
            self._socket.sendall(msgspec.json.encode(Request(command, dict(args))) + b"\n")
            line = self._lines.readline()
        except OSError as error:
            raise CommandError(f"The running server did not answer: {error}") from None
        if not line:
            raise CommandError("The running server ended before it answered.")
        return result_of(msgspec.json.decode(line, type=Answer))

    def close(self) -> None:
        self._lines.close()
        self._socket.close()


def result_of(given: Answer) -> Any:
    if not given.ok:
        raise CommandError(given.error, code=given.code, problems=given.problems)
    return given.result
