"""The other side of a process that reads: it opens the store and runs what it is asked.

Started for every long read, it loads what reading needs, and no event loop.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable
from functools import cache
from multiprocessing.connection import Connection
from typing import Any

from opportune.errors import OpportuneError
from opportune.process.workers import end_with_parent
from opportune.storage.base import Storage

OpenStorage = Callable[[], Storage]


class Refused:
    """An error raised on purpose, as it travels between processes."""

    def __init__(self, error: OpportuneError) -> None:
        self.kind = type(error)
        self.fields = error.fields

    def to_error(self) -> OpportuneError:
        return self.kind(**self.fields)


_open_storage: OpenStorage | None = None


def start_reading(open_storage: OpenStorage, nice: int) -> None:
    """Runs once in the reading process. Ctrl-C is the server's business, which ends this one too."""
    global _open_storage  # noqa: PLW0603 - a process pool offers its workers no other place
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()
    with contextlib.suppress(OSError):
        os.nice(nice)
    _open_storage = cache(open_storage)


def read(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    """Opens the store with the first read, and with the next one where that failed."""
    assert _open_storage is not None  # noqa: S101 - start_reading ran before any call
    try:
        return function(_open_storage(), *arguments)
    except OpportuneError as error:
        return Refused(error)


def work_once(
    open_storage: OpenStorage,
    nice: int,
    sending: Connection,
    function: Callable[..., Any],
    arguments: tuple[Any, ...],
) -> None:
    """The whole life of a process that reads once."""
    start_reading(open_storage, nice)
    sending.send(read(function, arguments))
