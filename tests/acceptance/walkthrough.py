"""A page of the documentation as something that can be walked: files written, commands run, output compared.

A `yaml` block whose first line is a comment with a path is a file. A `console` block holds commands after
`$ ` (going on after `> `), each with what it prints. `...` stands for anything; ids, moments and revisions
are compared by their kind.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.serving import PATIENT, START_SECONDS, environment

from opportune.settings import DEFAULTS

DOCUMENTED = f"127.0.0.1:{DEFAULTS.port}"
"""Where pages say the server listens."""
END = "end of the command"
STOP_SECONDS = 60
KINDS = (
    (re.compile(r"\bo[sw]k_[\w-]{20,}"), "KEY"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"), "MOMENT"),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"), "UUID"),
    (re.compile(r"\b[0-9a-f]{12}\b"), "REVISION"),
    (re.compile(r"\b\d\d:\d\d\b"), "CLOCK"),
    (re.compile(r"process \d+"), "process N"),
    (re.compile(r"[\d,]+ events/s( with decisions between, [\d.]+ s)?"), "N events/s"),
    (re.compile(r"\([\d,]+ bytes\)"), "(N bytes)"),
    (re.compile(r" {2,}"), "  "),
)


class Step(NamedTuple):
    """One thing a reader does. A file has a `path` and its text; a command what it should print."""

    line: int
    path: str
    text: str
    prints: str = ""


def steps_of(page: str) -> Iterator[Step]:
    for number, language, body in blocks_of(page):
        first = body.partition("\n")[0]
        if language == "yaml" and re.fullmatch(r"# [\w./-]+\.yaml", first):
            yield Step(number, first.removeprefix("# "), body)
        elif language == "console":
            yield from _commands_in(number, body)


def blocks_of(page: str) -> Iterator[tuple[int, str, str]]:
    """Every fenced block: the line it starts in, its language, its text."""
    start, language, lines = 0, "", list[str]()
    for number, line in enumerate(page.splitlines(), 1):
        if not line.startswith("```"):
            lines.append(line)
        elif start:
            yield start, language, "\n".join(lines) + "\n"
            start = 0
        else:
            start, language, lines = number, line.removeprefix("```").strip(), []
    assert not start, f"the block of line {start} never ends"


def _commands_in(number: int, body: str) -> Iterator[Step]:
    command, prints, at = "", list[str](), number
    for offset, line in enumerate(body.splitlines(), 1):
        if line.startswith("$ "):
            if command:
                yield Step(at, "", command, "\n".join(prints))
            command, prints, at = line.removeprefix("$ "), [], number + offset
        elif line.startswith("> ") and command and not prints:
            command += "\n" + line.removeprefix("> ")
        else:
            prints.append(line)
    if command:
        yield Step(at, "", command, "\n".join(prints))


def is_as_printed(documented: str, printed: str) -> bool:
    pattern = ".*?".join(re.escape(part) for part in _by_kind(documented).split("..."))
    return re.fullmatch(pattern, _by_kind(printed), re.DOTALL) is not None


def _by_kind(text: str) -> str:
    for pattern, kind in KINDS:
        text = pattern.sub(kind, text)
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


class Walk:
    """A reader in an empty folder with one shell, and the server they started there."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self._port = f"127.0.0.1:{port}"
        bin_ = folder.parent / f"{folder.name}-bin"
        bin_.mkdir()
        command = bin_ / "opportune"
        command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m opportune "$@"\n')
        command.chmod(0o755)
        path = os.pathsep.join((str(bin_), os.environ.get("PATH", "")))
        self._environment = environment(
            PATH=path,
            OPPORTUNE_PORT=str(port),
            OPPORTUNE_URL=f"http://{self._port}",
            COLUMNS="100",
            **PATIENT,
        )
        self._environment.pop("PYTHONWARNINGS")
        self._server: subprocess.Popen[bytes] | None = None
        self._shell = subprocess.Popen(
            [shutil.which("bash") or "sh"],
            cwd=folder,
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def take(self, step: Step) -> str:
        """Does one step; what it printed."""
        if step.path:
            path = self.folder / step.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(step.text)
            return ""
        if step.text.startswith("opportune serve"):
            return self._serve(step)
        return self._run(step.text)

    def _run(self, command: str) -> str:
        assert self._shell.stdin
        assert self._shell.stdout
        self._shell.stdin.write(f"{command.replace(DOCUMENTED, self._port)}\necho; echo '{END}'\n")
        self._shell.stdin.flush()
        lines = []
        for line in self._shell.stdout:
            if line.strip() == END:
                break
            lines.append(line)
        return "".join(lines).replace(self._port, DOCUMENTED)

    def _serve(self, step: Step) -> str:
        self.stop_server()
        log = self.folder.parent / f"{self.folder.name}.log"
        with log.open("w") as file:
            self._server = subprocess.Popen(
                step.text.split(),
                cwd=self.folder,
                env=self._environment,
                stdout=file,
                stderr=subprocess.STDOUT,
                executable=shutil.which("opportune", path=self._environment["PATH"]),
            )
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until and self._server.poll() is None:
            printed = log.read_text().replace(self._port, DOCUMENTED)
            if is_as_printed(step.prints, printed):
                return printed
            time.sleep(0.02)
        return log.read_text().replace(self._port, DOCUMENTED)

    def stop_server(self) -> None:
        if self._server is not None:
            self._server.terminate()
            self._server.wait(STOP_SECONDS)

    def __enter__(self) -> Walk:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop_server()
        self._shell.kill()
        self._shell.communicate(timeout=STOP_SECONDS)
