"""The store itself: one job after another over dictionaries."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from functools import partial
from threading import RLock
from typing import TypeVar

from opportune.errors import StorageBusyError
from opportune.storage.base import Transaction
from opportune.storage.memory.counting import MemoryCountReads
from opportune.storage.memory.erasing import MemoryErasureReads
from opportune.storage.memory.events import MemoryEventReads
from opportune.storage.memory.exposures import MemoryExposureReads
from opportune.storage.memory.measuring import MemoryMeasuringReads
from opportune.storage.memory.operators import MemoryOperatorReads
from opportune.storage.memory.people import MemoryPeopleReads
from opportune.storage.memory.products import MemoryProductReads
from opportune.storage.memory.recalling import MemoryRecollectionReads
from opportune.storage.memory.tables import Tables
from opportune.storage.memory.transaction import MemoryTransaction

T = TypeVar("T")


class MemoryStorage(
    MemoryEventReads,
    MemoryPeopleReads,
    MemoryExposureReads,
    MemoryRecollectionReads,
    MemoryMeasuringReads,
    MemoryCountReads,
    MemoryProductReads,
    MemoryOperatorReads,
    MemoryErasureReads,
):
    """Jobs run in the caller's thread, one after another; a job's future is done when `write` returns."""

    def __init__(self) -> None:
        self._tables = Tables()
        self._lock = RLock()
        self._waiting: deque[Callable[[], Callable[[], None]]] = deque()
        self._is_writing = False
        self._is_closed = False

    def write(self, job: Callable[[Transaction], T], about: Iterable[int] = ()) -> Future[T]:  # noqa: ARG002 - one writer
        future: Future[T] = Future()
        with self._lock:
            if self._is_closed:
                future.set_exception(StorageBusyError())
                return future
            self._waiting.append(lambda: self._run(job, future))
            outcomes = [] if self._is_writing else self._run_waiting()
        for tell in outcomes:
            tell()
        return future

    def _run_waiting(self) -> list[Callable[[], None]]:
        """A job that writes once more from inside is not run inside itself but after."""
        outcomes = []
        self._is_writing = True
        try:
            while self._waiting:
                outcomes.append(self._waiting.popleft()())
        finally:
            self._is_writing = False
        return outcomes

    def _run(self, job: Callable[[Transaction], T], future: Future[T]) -> Callable[[], None]:
        """Runs one job; what is returned tells its future, once nobody is kept waiting by it."""
        if not future.set_running_or_notify_cancel():
            return lambda: None
        try:
            result = job(MemoryTransaction(self._tables))
        except BaseException as error:  # noqa: BLE001 - whatever a job raises is its caller's, through the future
            self._tables.undo()
            return partial(future.set_exception, error)
        self._tables.keep()
        return partial(future.set_result, result)

    def close(self) -> None:
        self._is_closed = True
