"""Several processes on one port: started, watched over, replaced when one dies, and ended together."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Event
from types import FrameType

from opportune.errors import OpportuneError

log = logging.getLogger("opportune")

Work = Callable[[Callable[[], None]], None]
"""A process's whole life; it calls what it is given once it is ready. Must be picklable."""

LOOK_SECONDS = 0.5
GOODBYE_SECONDS = 15.0
SHORT_LIFE_SECONDS = 5.0
LONGEST_PAUSE_SECONDS = 3.0


def run_workers(work: Work, count: int, *, announce: Callable[[], None]) -> None:
    """Runs until SIGTERM or Ctrl-C. `announce` is called once all of the first are ready."""
    Workers(work, count, announce).run()


class Workers:
    """The parent's side."""

    def __init__(self, work: Work, count: int, announce: Callable[[], None]) -> None:
        self._work = work
        self._announce = announce
        self._context = multiprocessing.get_context("spawn")
        self._is_ending = False
        self._ready: list[Event] = []
        self._born: dict[BaseProcess, float] = {}
        self._pause = 0.0
        self._count = count

    def run(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._end)
        for _ in range(self._count):
            self._start()
        try:
            while not self._is_ending:
                self._say_when_ready()
                wait([process.sentinel for process in self._born], LOOK_SECONDS)
                self._replace_the_dead()
        finally:
            self._stop()

    def _start(self) -> None:
        ready = self._context.Event()
        process = self._context.Process(target=_live, args=(self._work, ready), name="opportune-worker")
        process.start()
        self._ready.append(ready)
        self._born[process] = time.monotonic()

    def _say_when_ready(self) -> None:
        if len(self._ready) == self._count and all(ready.is_set() for ready in self._ready):
            self._ready.clear()
            self._announce()

    def _replace_the_dead(self) -> None:
        """One that did not live long is replaced after a pause, which grows while that goes on."""
        for process in [process for process in self._born if not process.is_alive()]:
            lived = time.monotonic() - self._born.pop(process)
            if self._is_ending:
                continue
            log.warning("worker_died pid=%s exit=%s lived=%.1fs", process.pid, process.exitcode, lived)
            self._pause = (
                min(max(self._pause * 2, 0.1), LONGEST_PAUSE_SECONDS) if lived < SHORT_LIFE_SECONDS else 0.0
            )
            until = time.monotonic() + self._pause
            while not self._is_ending and time.monotonic() < until:
                time.sleep(0.05)
            if not self._is_ending:
                self._start()

    def _end(self, _signal: int, _frame: FrameType | None) -> None:
        self._is_ending = True

    def _stop(self) -> None:
        for process in self._born:
            process.terminate()
        until = time.monotonic() + GOODBYE_SECONDS
        for process in self._born:
            process.join(max(until - time.monotonic(), 0.1))
            if process.is_alive():
                process.kill()
                process.join()


def _live(work: Work, ready: Event) -> None:
    """The worker's side. It does not outlive its parent, however that ended."""
    end_with_parent()
    try:
        work(ready.set)
    except OpportuneError as error:
        log.error("worker_failed pid=%s error=%s", os.getpid(), error)  # noqa: TRY400 - it says what is wrong
        raise SystemExit(1) from None


def end_with_parent() -> None:
    """From now on this process is asked to end when the one that started it is gone, however that ended."""
    threading.Thread(target=_follow_parent, name="opportune-parent", daemon=True).start()


def _follow_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
