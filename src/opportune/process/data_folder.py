"""The data folder: what lies where in it, and the lock that lets one process at a time write there.

The lock is the kernel's (`flock`), so that it ends with its process however that ends; what a crashed
server left in the file says nothing.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
import time
from pathlib import Path
from types import TracebackType

from opportune.errors import BadRequestError, DataFolderBusyError

LONGEST_SOCKET_PATH = 100
"""Bytes; the kernel's own limit is 104 on macOS and 108 on Linux."""


class DataFolder:
    """One installation's folder. Made when missing, for its owner's eyes only."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path).expanduser().absolute()

    @property
    def store(self) -> Path:
        return self.path / "opportune.sqlite"

    @property
    def exists(self) -> bool:
        return self.store.exists()

    def make(self) -> None:
        """Raises BadRequestError when there is a file in its place, or no right to make it."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise BadRequestError(
                wrong=f"The data folder {self.path} cannot be made: {error.strerror}."
            ) from None

    def lock(self, *, wait_seconds: float = 1.0) -> FolderLock:
        """Takes the lock, or raises DataFolderBusyError with the holder's process id.

        Waits a moment for a command that is about to finish.
        """
        self.make()
        give_up_at = time.monotonic() + wait_seconds
        while True:
            try:
                return FolderLock(self.path)
            except DataFolderBusyError:
                if time.monotonic() >= give_up_at or self.find_socket() is not None:
                    raise
            time.sleep(0.05)

    def find_socket(self) -> Path | None:
        """Where a server on this folder listens for commands; of a crashed one nobody answers there."""
        lines = self._announced()
        return Path(lines[1]) if len(lines) > 1 and Path(lines[1]).is_socket() else None

    def find_url(self) -> str:
        """Where a server on this folder answers requests; empty where none said so."""
        lines = self._announced()
        return lines[2] if len(lines) > 2 and self.find_socket() is not None else ""

    def _announced(self) -> list[str]:
        try:
            return (self.path / "lock").read_text().splitlines()
        except OSError:
            return []


class FolderLock:
    """Held from its making until `release` or the end of the process."""

    def __init__(self, path: Path) -> None:
        self._path = path / "lock"
        try:
            self._file = self._path.open("a+")
        except OSError as error:
            raise BadRequestError(
                wrong=f"The data folder {path} cannot be written: {error.strerror}."
            ) from None
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.seek(0)
            pid = self._file.readline().strip() or "unknown"
            self._file.close()
            raise DataFolderBusyError(path=path, pid=pid) from None
        self._write(str(os.getpid()))

    def announce(self, url: str = "") -> Path:
        """Where this process's control socket shall be; other processes find it, and `url`, through the lock file."""
        socket = self._path.with_name("control.sock")
        if len(os.fsencode(socket)) > LONGEST_SOCKET_PATH:
            socket = Path(tempfile.mkdtemp(prefix="opportune-")) / "control.sock"
        self._write(f"{os.getpid()}\n{socket}\n{url}")
        return socket

    def release(self) -> None:
        if not self._file.closed:
            self._write("")
            self._file.close()

    def _write(self, text: str) -> None:
        self._file.seek(0)
        self._file.truncate()
        self._file.write(text)
        self._file.flush()

    def __enter__(self) -> FolderLock:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()
