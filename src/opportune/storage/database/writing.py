"""The one door for changes: a thread that takes jobs from a queue and commits them durably, several at a time.

A job's future resolves after the commit that holds it, or with the reason why there was none. Whatever happens
to the store, the thread lives and tries again with the next group. How a group is committed is the adapter's.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any

from opportune.errors import StorageBusyError

MOST_JOBS_WAITING = 10_000
MOST_JOBS_TOGETHER = 256


@dataclass(slots=True)
class Waiting:
    """A job, the keys it is about, and the future of its result."""

    job: Callable[[Any], Any]
    about: frozenset[int]
    future: Future[Any] = field(default_factory=Future)


class Writer(ABC):
    """`submit` may be called from any thread."""

    def __init__(self, *, most_jobs_waiting: int = MOST_JOBS_WAITING) -> None:
        self._most_jobs_waiting = most_jobs_waiting
        self._queue: SimpleQueue[Waiting | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._is_closed = False
        self._is_ending = False
        self._thread = threading.Thread(target=self._work, name="opportune-writer", daemon=True)
        self._thread.start()

    def submit(self, job: Callable[[Any], Any], about: frozenset[int] = frozenset()) -> Future[Any]:
        waiting = Waiting(job, about)
        with self._lock:
            if self._is_closed or self._queue.qsize() >= self._most_jobs_waiting:
                waiting.future.set_exception(StorageBusyError())
            else:
                self._queue.put(waiting)
        return waiting.future

    def count_waiting(self) -> int:
        return self._queue.qsize()

    def close(self) -> None:
        """Commits what is waiting, then ends."""
        with self._lock:
            if self._is_closed:
                return
            self._is_closed = True
            self._queue.put(None)
        self._thread.join()

    @abstractmethod
    def write_group(self, first: Waiting, find_next: Callable[[], Waiting | None]) -> None:
        """Runs and commits this job and as many of the next as are wanted; tells their futures. Raises nothing."""

    @abstractmethod
    def end(self) -> None:
        """Closes what the thread holds open."""

    def _work(self) -> None:
        while not self._is_ending:
            first = self._take(self._queue.get())
            if first is not None:
                self.write_group(first, self._find_next)
        self.end()

    def _find_next(self) -> Waiting | None:
        """The next job that waits; None when none does now."""
        while not self._is_ending:
            try:
                waiting = self._queue.get_nowait()
            except Empty:
                return None
            if (taken := self._take(waiting)) is not None:
                return taken
        return None

    def _take(self, waiting: Waiting | None) -> Waiting | None:
        """None for one that was cancelled, and at the end of the queue."""
        if waiting is None:
            self._is_ending = True
            return None
        return waiting if waiting.future.set_running_or_notify_cancel() else None
