"""Commands as processes of their own that need not import the house first: each is forked from one that has.

Most of what a small command takes is the start of its interpreter. What starts here is a process like any other, with
its own output, environment, folder and exit status. Run as a script, this file is the process that is forked.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib
import json
import os
import pkgutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).parents[1]
STREAMS = 3  # standard input, output and error


class Warmed:
    """A process with the house imported, started with the first command and ended with these tests."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._line: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def run(
        self, command: Sequence[str], environment: Mapping[str, str], seconds: float
    ) -> subprocess.CompletedProcess[str]:
        """One `opportune` command to its end."""
        if sys.platform != "linux":  # elsewhere a fork may not go on with what was imported
            started = [sys.executable, "-m", "opportune", *command]
            return subprocess.run(
                started, capture_output=True, text=True, check=False, env=environment, timeout=seconds
            )
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            status = self._status_of(command, environment, seconds, out, err)
            return subprocess.CompletedProcess(command, status, _text_of(out), _text_of(err))

    def _status_of(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        seconds: float,
        out: IO[str],
        err: IO[str],
    ) -> int:
        asked = {"command": command, "environment": dict(environment), "folder": str(Path.cwd())}
        mine, theirs = socket.socketpair()
        with mine, mine.makefile() as told, Path(os.devnull).open() as nothing:
            with theirs, self._lock:
                line = self._started()
                socket.send_fds(line, [b"."], [nothing.fileno(), out.fileno(), err.fileno(), theirs.fileno()])
            mine.settimeout(seconds)
            mine.sendall(json.dumps(asked).encode() + b"\n")
            process_id = int(told.readline())
            try:
                return int(told.readline())
            except TimeoutError:
                os.kill(process_id, signal.SIGKILL)
                raise subprocess.TimeoutExpired(list(command), seconds) from None

    def _started(self) -> socket.socket:
        if self._line is None:
            self._line, theirs = socket.socketpair()
            with theirs:
                self._process = subprocess.Popen(
                    [sys.executable, "-P", __file__, str(theirs.fileno())],
                    pass_fds=[theirs.fileno()],
                    stdin=subprocess.DEVNULL,
                    env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "PYTHONWARNINGS": "default"},
                    start_new_session=True,
                )
            atexit.register(self._end)
        return self._line

    def _end(self) -> None:
        if self._line is not None and self._process is not None:
            self._line.close()
            self._process.wait()


def _text_of(file: IO[str]) -> str:
    file.seek(0)
    return file.read()


def serve(line: socket.socket) -> None:
    """Forks for every command, until nobody can ask any more."""
    _import_the_house()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those who watch a command
    while True:
        said, files, _, _ = socket.recv_fds(line, 1, STREAMS + 1)
        if not said:
            return
        if os.fork() == 0:
            line.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            _watch(files)
        for file in files:
            os.close(file)


def _import_the_house() -> None:
    house = importlib.import_module("opportune")
    for module in pkgutil.walk_packages(house.__path__, "opportune."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)


def _watch(files: Sequence[int]) -> None:
    """Runs one command, and tells who asked for it its number and how it ended."""
    with socket.socket(fileno=files[STREAMS]) as asker:
        with asker.makefile() as lines:
            asked = json.loads(lines.readline())
        process_id = os.fork()
        if process_id == 0:
            asker.close()
            _become(asked, files[:STREAMS])
        asker.sendall(b"%d\n" % process_id)
        for file in files[:STREAMS]:
            os.close(file)
        _, ended = os.waitpid(process_id, 0)
        with contextlib.suppress(OSError):
            asker.sendall(b"%d\n" % os.waitstatus_to_exitcode(ended))
    os._exit(0)


def _become(asked: dict[str, Any], streams: Sequence[int]) -> None:
    """What the command's own interpreter would have found, then the command."""
    for number, file in enumerate(streams):
        os.dup2(file, number)
        os.close(file)
    os.environ.clear()
    os.environ.update(asked["environment"])
    os.chdir(asked["folder"])
    time.tzset()
    sys.argv = ["opportune", *asked["command"]]
    importlib.import_module("opportune.cli").main()
    sys.exit()


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
