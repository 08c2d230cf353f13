"""The life of a server process: lock, store, listening, commands, and an end without loss."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from types import FrameType

import uvicorn
import uvloop

from opportune.app.house import build_house
from opportune.app.serving import Edges, build_apart, build_console_app, build_http_app, build_reader
from opportune.app.storing import opened_store
from opportune.app.working import Background
from opportune.core.visitor import user_agent
from opportune.errors import BadRequestError, PlaybookError
from opportune.process import commands
from opportune.process.control import ControlServer
from opportune.process.place import Place
from opportune.process.workers import run_workers
from opportune.services.catalogue.recommending import begin_counting, count_anew
from opportune.services.house import House
from opportune.settings import DEFAULTS, Settings

SWITCH_SECONDS = 0.0005
"""How long a background thread may hold the interpreter before deciding gets its turn again."""
YOUNG_OBJECTS = 20_000
BACKLOG = 2_048
GOODBYE_SECONDS = 10

Announce = Callable[[House, str], None]


def serve(
    settings: Settings,
    *,
    prepare: Callable[[House], None],
    announce: Announce,
    on_unreadable: Callable[[PlaybookError], None],
) -> None:
    """Runs until it is told to stop. `prepare` gets the house before it listens, `announce` its address after.

    Raises DataFolderBusyError when a server already runs on the folder, BadRequestError when it cannot listen,
    StorageBusyError when the database cannot be reached.
    """
    place = place_of(settings)
    with (
        nullcontext() if place.database else place.folder.lock() as lock,
        listening_socket(settings.host, settings.port) as listener,
        opened_store(place) as storage,
    ):
        version = storage.changed_at()
        house = build_house(storage, settings=settings, on_unreadable=on_unreadable)
        prepare(house)
        if settings.workers == 1:
            control = lock.announce(known_at(settings, listener)) if lock is not None else None
            _run(Server(house, settings, announce, version), listener, control)
            return
        run_workers(
            partial(work, settings, listener),
            settings.workers,
            announce=lambda: announce(house, url_of(listener)),
        )


def work(settings: Settings, listener: socket.socket, is_ready: Callable[[], None]) -> None:
    """One of several processes that share a port, from its beginning to its end."""
    with opened_store(place_of(settings)) as storage:
        version = storage.changed_at()
        house = build_house(storage, settings=settings)
        _run(Server(house, settings, lambda _house, _url: is_ready(), version), listener, None)


def place_of(settings: Settings) -> Place:
    return Place(Path(settings.data), settings.database)


def _run(server: Server, listener: socket.socket, control: Path | None) -> None:
    with _told_to_stop(), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_live(server, listener, control))


def listening_socket(host: str, port: int) -> socket.socket:
    """Raises BadRequestError that says what to do when the port is taken or not allowed."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            wrong = f"Port {port} of {host} is in use. Take another with --port, or --port 0 for a free one."
        else:
            wrong = f"Cannot listen on {host} port {port}: {error.strerror}."
        raise BadRequestError(wrong=wrong) from None


def url_of(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def known_at(settings: Settings, listener: socket.socket) -> str:
    """Where visitors find it, as far as it was told; else where it listens."""
    return settings.url.rstrip("/") if settings.url != DEFAULTS.url else url_of(listener)


class Server:
    """What a process serves, and what it does beside that.

    `version` is the store's from before the house was built.
    """

    def __init__(self, house: House, settings: Settings, announce: Announce, version: str) -> None:
        self.house = house
        self.announce = announce
        self.reader = build_reader(place_of(settings), settings)
        ends = threading.Event()
        apart = build_apart(place_of(settings), settings, ends)
        self.http = build_http_app(house, self.reader, apart, settings)
        self.edges = Edges(self.http, build_console_app(house, self.reader, settings))
        begin_counting(house)
        house.count_anew = partial(apart, count_anew)
        keys = self.http.edge.keys
        keys.refresh()
        self.background = Background(house, settings, apart, keys=keys, ends=ends, version=version)


class _Uvicorn(uvicorn.Server):
    """Says when it listens."""

    def __init__(self, config: uvicorn.Config, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._started = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._started()


async def _live(server: Server, listener: socket.socket, control_path: Path | None) -> None:
    config = uvicorn.Config(
        server.edges,
        loop="none",
        http="httptools",
        lifespan="off",
        ws="none",
        access_log=False,
        log_level="warning",
        proxy_headers=False,  # the edge reads them itself, and only where a setting says they are trusted
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=GOODBYE_SECONDS,
    )
    control = _control(server, control_path) if control_path is not None else None
    if control is not None:
        await control.start()
    try:
        async with server.background.working():
            await _Uvicorn(config, lambda: _settle(server, listener)).serve(sockets=[listener])
    finally:
        if control is not None:
            await control.stop()
        server.reader.close()


def _control(server: Server, path: Path) -> ControlServer:
    return ControlServer(lambda command, args: commands.execute(server.house, command, args), path)


def _settle(server: Server, listener: socket.socket) -> None:
    """What was loaded so far stays: the collector need not look at it again (measured: p99 a third lower).

    What the first visitor would wait for is loaded before that.
    """
    user_agent.prepare()
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 10, 10)
    server.announce(server.house, url_of(listener))


@contextlib.contextmanager
def _told_to_stop() -> Iterator[None]:
    """Lets uvicorn's own handling of signals end in an orderly way out instead of the default death."""

    def note(_signal: int, _frame: FrameType | None) -> None:
        pass

    before = {number: signal.signal(number, note) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
