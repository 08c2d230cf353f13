"""Events that nobody waits for: kept in memory, sent in batches by a thread of their own, again after a failure."""

from __future__ import annotations

import atexit
import logging
import os
from collections import deque
from collections.abc import Callable, Sequence
from threading import Condition, Thread

from opportune.web.asking import Event

MOST_WAITING = 2_000
MOST_AT_ONCE = 100
TRIES = 5
LAST_SECONDS = 1.0
"""How long a process that ends waits for the rest to leave."""

log = logging.getLogger("opportune.web")


class Outbox:
    """`send` says whether a batch is safe. What does not fit or does not leave is let go, and logged."""

    def __init__(self, send: Callable[[Sequence[Event]], bool]) -> None:
        self._send = send
        self._waiting: deque[Event] = deque()
        self._change = Condition()
        self._process = 0
        self._is_closed = False
        self._is_sending = False

    def put(self, events: Sequence[Event]) -> None:
        """Takes events and returns at once."""
        if not events:
            return
        if self._process != os.getpid():
            self._begin()
        with self._change:
            lost = len(self._waiting) + len(events) - MOST_WAITING
            self._waiting.extend(events[: MOST_WAITING - len(self._waiting)])
            self._change.notify_all()
        if lost > 0:
            log.warning("events_let_go count=%d reason=%s", lost, "too many are waiting")

    def close(self, seconds: float = LAST_SECONDS) -> None:
        """Sends what is left, within these seconds."""
        with self._change:
            self._is_closed = True
            self._change.notify_all()
            if self._process == os.getpid():
                self._change.wait_for(lambda: not self._waiting and not self._is_sending, seconds)

    def _begin(self) -> None:
        """A process that was forked has a copy of what waits, but no thread: the parent sends its own."""
        self._change, self._waiting, self._process = Condition(), deque(), os.getpid()
        self._is_closed = self._is_sending = False
        Thread(target=self._run, name="opportune-outbox", daemon=True).start()
        atexit.register(self.close)

    def _run(self) -> None:
        change = self._change
        while True:
            with change:
                change.wait_for(lambda: bool(self._waiting) or self._is_closed)
                batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), MOST_AT_ONCE))]
                self._is_sending = bool(batch)
            if batch:
                self._deliver(batch)
            with change:
                self._is_sending = False
                change.notify_all()
                if self._is_closed and not self._waiting:
                    return

    def _deliver(self, batch: Sequence[Event]) -> None:
        for attempt in range(TRIES):
            if self._send(batch):
                return
            with self._change:
                if self._is_closed:
                    break
                self._change.wait_for(lambda: self._is_closed, 2**attempt)
        log.warning("events_let_go count=%d reason=%s", len(batch), "they could not be delivered")
