"""One long read in a process of its own, so that no decision waits for it; it ends with the server."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from threading import Event
from typing import Any

from opportune.errors import StorageBusyError
from opportune.process.over_there import OpenStorage, Refused, work_once

LOOK_SECONDS = 0.2


class Apart:
    """Calls `function(storage, *arguments)` over there; arguments and results must be picklable."""

    def __init__(self, open_storage: OpenStorage, *, nice: int, ends: Event) -> None:
        self._open_storage = open_storage
        self._nice = nice
        self._ends = ends

    def __call__(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Raises what the function raises; StorageBusyError when the process breaks, or when all is to end."""
        context = multiprocessing.get_context("spawn")
        receiving, sending = context.Pipe(duplex=False)
        work = (self._open_storage, self._nice, sending, function, arguments)
        process = context.Process(target=work_once, args=work, daemon=True)
        process.start()
        sending.close()
        try:
            while not receiving.poll(LOOK_SECONDS):
                if self._ends.is_set():
                    raise StorageBusyError
            result = receiving.recv()
        except EOFError:
            raise StorageBusyError from None
        finally:
            process.terminate()
            process.join()
            receiving.close()
        if isinstance(result, Refused):
            raise result.to_error()
        return result
