"""Turns: long reads of the whole log, one at a time; who asks the same shares its answer, and few may wait."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from math import ceil
from time import monotonic
from typing import Any

from opportune.errors import CountingGoesOnError

MOST_WAITING = 4
"""The one that is being made among them. Each may take as long as counting every event does."""
USUAL_SECONDS, LONGEST_RETRY_SECONDS = 5, 300


class Turns:
    """Calls `function(storage, *arguments)` where long reads disturb nobody."""

    def __init__(self, read: Callable[..., Awaitable[Any]]) -> None:
        self._read = read
        self._turn = asyncio.Semaphore(1)
        self._asked: dict[Hashable, asyncio.Task[Any]] = {}
        self._took = float(USUAL_SECONDS)

    async def __call__(self, what: Hashable, function: Callable[..., Any], *arguments: Any) -> Any:
        """`what` is asked, by which the same question is known. Raises what the function does, CountingGoesOnError."""
        task = self._asked.get(what)
        if task is None:
            if len(self._asked) >= MOST_WAITING:
                seconds = min(ceil(self._took * len(self._asked)), LONGEST_RETRY_SECONDS)
                raise CountingGoesOnError(waiting=len(self._asked), retry_after_seconds=max(1, seconds))
            task = self._asked[what] = asyncio.create_task(self._make(function, arguments))
            task.add_done_callback(lambda done: self._forget(what, done))
        return await asyncio.shield(task)

    async def _make(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        async with self._turn:
            began = monotonic()
            try:
                return await self._read(function, *arguments)
            finally:
                self._took = monotonic() - began

    def _forget(self, what: Hashable, done: asyncio.Task[Any]) -> None:
        """Also looks at its error, which nobody else may have waited for."""
        del self._asked[what]
        if not done.cancelled():
            done.exception()
