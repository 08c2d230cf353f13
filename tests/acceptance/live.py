"""A real server on a real socket, for client libraries that speak to nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

import uvicorn

from opportune.http.edge import EdgeOptions
from opportune.http.routes import create_http_app
from opportune.services.house import House
from opportune.services.limiting import NO_LIMITS

START_SECONDS = 20.0


@contextmanager
def served(house: House, port: int) -> Iterator[str]:
    """The house's JSON edge on uvicorn in a thread; gives its address."""

    async def reader(function: Callable[..., Any], *arguments: Any) -> Any:
        return function(house.storage, *arguments)

    app = create_http_app(house, reader, reader, EdgeOptions(rates=NO_LIMITS))
    config = uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning", ws="none")
    server = uvicorn.Server(config)
    thread = Thread(target=server.run, daemon=True)
    thread.start()
    until = time.monotonic() + START_SECONDS
    while not server.started:
        if not thread.is_alive() or time.monotonic() > until:
            raise RuntimeError("the server did not start")
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(START_SECONDS)
