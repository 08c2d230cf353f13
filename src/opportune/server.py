"""The life of a server process: lock, store, listening, commands, background work, and an end without loss."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import logging
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

import uvicorn
import uvloop

from opportune import app
from opportune.core.visitor import user_agent
from opportune.errors import BadRequestError, PlaybookError
from opportune.process import commands
from opportune.process.control import ControlServer
from opportune.process.data_folder import DataFolder
from opportune.services.back_filling import back_fill
from opportune.services.house import House
from opportune.services.publishing import load_running
from opportune.settings import Settings

log = logging.getLogger("opportune")

FOLD_SECONDS = 1.0
FILL_PAUSE_SECONDS = 0.02
"""Between two steps of back-filling, so that visitors' requests come first."""
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

    Raises DataFolderBusyError when a server already runs on the folder, BadRequestError when it cannot listen.
    """
    folder = DataFolder(settings.data)
    with folder.lock() as lock, listening_socket(settings.host, settings.port) as listener:
        storage = app.open_storage(folder)
        try:
            house = app.build_house(storage, settings=settings, on_unreadable=on_unreadable)
            prepare(house)
            control = lock.announce()
            with _told_to_stop(), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(_live(Server(house, folder, settings, announce), listener, control))
        finally:
            storage.close()


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


class Server:
    """What runs in the event loop beside the requests."""

    def __init__(self, house: House, folder: DataFolder, settings: Settings, announce: Announce) -> None:
        self.house = house
        self.settings = settings
        self.announce = announce
        self.reader = app.build_reader(folder, settings)
        self.http = app.build_http_app(house, self.reader, settings)
        self._version = house.storage.changed_at()

    def fold(self) -> None:
        """Brings the totals up to date, a bounded step at a time."""
        while self.house.storage.fold_totals():
            pass

    def fill(self) -> None:
        """Reads past events again after a playbook declared what they carry."""
        while not back_fill(self.house).is_complete:
            time.sleep(FILL_PAUSE_SECONDS)

    def watch(self) -> None:
        """Takes over what another process changed in the store."""
        version = self.house.storage.changed_at()
        if version != self._version:
            load_running(self.house)
            self._version = version


class _Uvicorn(uvicorn.Server):
    """Says when it listens."""

    def __init__(self, config: uvicorn.Config, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._started = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._started()


async def _live(server: Server, listener: socket.socket, control_path: Path) -> None:
    config = uvicorn.Config(
        server.http,
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
    control = ControlServer(lambda command, args: commands.execute(server.house, command, args), control_path)
    await control.start()
    tasks = [
        asyncio.create_task(_repeat(server.fold, FOLD_SECONDS)),
        asyncio.create_task(_repeat(server.fill, FOLD_SECONDS)),
        asyncio.create_task(_repeat(server.watch, server.settings.watch_ms / 1_000)),
    ]
    try:
        await _Uvicorn(config, lambda: _settle(server, listener)).serve(sockets=[listener])
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await control.stop()
        server.reader.close()


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


async def _repeat(work: Callable[[], None], seconds: float) -> None:
    """Runs `work` in a thread for ever. A failure is logged once and tried again."""
    failing = ""
    while True:
        await asyncio.sleep(seconds)
        try:
            await asyncio.to_thread(work)
            failing = ""
        except Exception as error:  # noqa: BLE001 - the server outlives whatever its background work meets
            if str(error) != failing:
                log.warning("background_work_failed work=%s error=%r", work.__name__, error)
            failing = str(error)


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
