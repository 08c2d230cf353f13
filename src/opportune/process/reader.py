"""The reading process: long reads over many visitors run there, on a read-only store, and disturb no decision.

Started with the first read, stepped back behind deciding, and started again should it break.
"""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from typing import Any

from opportune.errors import StorageBusyError
from opportune.process.over_there import OpenStorage, Refused, read, start_reading

ATTEMPTS = 2
LONGEST_WAIT_SECONDS = 15.0
"""More than the longest read may take, and one or two before it."""
START_SECONDS = 30.0
"""More than the process may take to be there: it steps back behind everything else on a busy machine, too."""


class ReadingProcess:
    """Calls `function(storage, *arguments)` over there; arguments and results must be picklable."""

    def __init__(self, open_storage: OpenStorage, *, nice: int = 0) -> None:
        self._start = partial(start_reading, open_storage, nice)
        self._pool: ProcessPoolExecutor | None = None
        self._is_there = False

    async def __call__(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Raises what the function raises; StorageBusyError when the process breaks twice or is busy for long.

        That it starts with the first read does not count to how long it is busy.
        """
        for _ in range(ATTEMPTS):
            pool = self._pool = self._pool or self._make_pool()
            try:
                longest = LONGEST_WAIT_SECONDS + (0 if self._is_there else START_SECONDS)
                async with asyncio.timeout(longest):
                    result = await asyncio.wrap_future(pool.submit(read, function, arguments))
                self._is_there = True
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
            self._pool, self._is_there = None, False
        pool.shutdown(wait=False, cancel_futures=True)
