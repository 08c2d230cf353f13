"""A real server on a real socket, for client libraries that speak to nothing else."""

from __future__ import annotations

import socket
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

START_SECONDS = 60.0
HOST = "127.0.0.1"


@contextmanager
def served(house: House) -> Iterator[str]:
    """The house's JSON edge on uvicorn in a thread; gives its address."""

    async def reader(function: Callable[..., Any], *arguments: Any) -> Any:
        return function(house.storage, *arguments)

    app = create_http_app(house, reader, reader, EdgeOptions(rates=NO_LIMITS))
    with on_a_port(app) as address:
        yield address


@contextmanager
def on_a_port(app: Any) -> Iterator[str]:
    """Any application on a port that is its own from the beginning; gives its address."""
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", ws="none"))
    with socket.create_server((HOST, 0)) as listening:
        thread = Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        until = time.monotonic() + START_SECONDS
        while not server.started:
            if not thread.is_alive() or time.monotonic() > until:
                raise RuntimeError("the server did not start")
            time.sleep(0.01)
        try:
            yield f"http://{HOST}:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(START_SECONDS)
