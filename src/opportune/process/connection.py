"""A command's side of the control socket: what is asked and answered on it, line by line."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from opportune.core.problem import Problem

ANSWER_SECONDS = 600.0

Execute = Callable[[str, Mapping[str, Any]], Any]
"""Runs a command by its name with its arguments."""


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
