"""The reading process: long reads over many visitors run there, on a read-only store, and disturb no decision.

Started with the first read, stepped back behind deciding, and started again should it break.
"""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import signal
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import cache, partial
from typing import Any

from opportune.errors import OpportuneError, StorageBusyError
from opportune.process.workers import end_with_parent
from opportune.storage.base import Storage

OpenStorage = Callable[[], Storage]
ATTEMPTS = 2
LONGEST_WAIT_SECONDS = 15.0
"""More than the longest read may take, and one or two before it."""


class Refused:
    """An error raised on purpose, as it travels between processes."""

    def __init__(self, error: OpportuneError) -> None:
        self.kind = type(error)
        self.fields = error.fields

    def to_error(self) -> OpportuneError:
        return self.kind(**self.fields)


class ReadingProcess:
    """Calls `function(storage, *arguments)` over there; arguments and results must be picklable."""

    def __init__(self, open_storage: OpenStorage, *, nice: int = 0) -> None:
        self._start = partial(start_reading, open_storage, nice)
        self._pool: ProcessPoolExecutor | None = None

    async def __call__(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Raises what the function raises; StorageBusyError when the process breaks twice or is busy for long."""
        for _ in range(ATTEMPTS):
            pool = self._pool = self._pool or self._make_pool()
            try:
                async with asyncio.timeout(LONGEST_WAIT_SECONDS):
                    result = await asyncio.wrap_future(pool.submit(read, function, arguments))
            except TimeoutError:
                raise StorageBusyError from None
            except BrokenProcessPool:
                self._discard(pool)
                continue
            if isinstance(result, Refused):
                raise result.to_error()
            return result
        raise StorageBusyError

    def close(self) -> None:
        if self._pool is not None:
            self._discard(self._pool)

    def _make_pool(self) -> ProcessPoolExecutor:
        context = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(1, mp_context=context, initializer=self._start)

    def _discard(self, pool: ProcessPoolExecutor) -> None:
        if self._pool is pool:
            self._pool = None
        pool.shutdown(wait=False, cancel_futures=True)


class ReadingThread:
    """The same in a thread of this process, for a store that lives in memory."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def __call__(self, function: Callable[..., Any], *arguments: Any) -> Any:
        return await asyncio.to_thread(function, self._storage, *arguments)

    def close(self) -> None:
        pass


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
