"""The life of a server process: lock, store, listening, commands, background work, and an end without loss."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from functools import partial
from hashlib import sha256
from pathlib import Path
from secrets import token_hex
from types import FrameType

import uvicorn
import uvloop

from opportune.app.house import build_house
from opportune.app.mailing import mail_server_of, switched_off_mail, weekly_mail
from opportune.app.serving import Edges, build_apart, build_console_app, build_http_app, build_reader
from opportune.app.storing import opened_store
from opportune.core.learnings.weekly import Weekly
from opportune.core.visitor import user_agent
from opportune.errors import BadRequestError, OpportuneError, PlaybookError, RecountGoesOnError
from opportune.process import commands
from opportune.process.control import ControlServer
from opportune.process.delivering import deliver_switched_off, deliver_weekly
from opportune.process.feeding import fetch_feed, is_due
from opportune.process.place import Place
from opportune.process.posting import Mail
from opportune.process.workers import run_workers
from opportune.services.back_filling import back_fill
from opportune.services.catalogue.cataloguing import refresh_catalogue
from opportune.services.catalogue.recommending import (
    begin_counting,
    count_anew,
    count_products,
    is_recount_due,
    recount,
    refresh_counters,
)
from opportune.services.catalogue.selling import count_sales
from opportune.services.catalogue.selling import is_due as is_count_due
from opportune.services.experiments.foreseeing import keep_experiments
from opportune.services.experiments.keeping_measured import Rounds
from opportune.services.experiments.measuring import measure_timed
from opportune.services.guard.guarding import guard
from opportune.services.guard.watching import tally_watched
from opportune.services.house import House
from opportune.services.learnings.learning import draft_missing
from opportune.services.learnings.mailing import is_weekly_due, list_unmailed
from opportune.services.learnings.telling import weekly
from opportune.services.people.erasing import take_over_erasures
from opportune.services.people.redacting import erase_requested
from opportune.services.people.requesting import list_requests
from opportune.services.people.tallying import tally_consents
from opportune.services.publishing import load_running
from opportune.services.retiring import retire
from opportune.settings import DEFAULTS, Settings

log = logging.getLogger("opportune")

FOLD_SECONDS = 1.0
REDACT_SECONDS = 1.0
LEARN_SECONDS = 60.0
MAIL_SECONDS = 5.0
MAIL_LEASE_MS = 5 * 60_000
"""Longer than a mail may take."""
RETIRE_SECONDS = 60.0
COUNT_SECONDS = 2.0
MEASURE_SECONDS = 5.0
MEASURE_LEASE_MS = 15 * 60_000
"""Longer than a round of measuring may take."""
GUARD_SECONDS = 60.0
GUARD_LEASE_MS = 5 * 60_000
"""Longer than a look may take."""
RECOUNT_SECONDS = 5.0
"""Between two looks whether it is due."""
RETIRE_PAUSE_SECONDS = 0.1
FILL_PAUSE_SECONDS = 0.02
"""Between two steps of back-filling, so that visitors' requests come first."""
SETTLE_MS = 3_000
"""After which every process on a database has taken over what was published."""
LEASE_MS = 15_000
FEED_LEASE_MS = 15 * 60_000
"""Longer than a feed may take."""
EXPERIMENT_SECONDS = 15.0
"""A test that waited for its first event begins so long after it at most; and one that is over ends."""
FEED_SECONDS = 5.0
SHORT_PAUSE_SECONDS = 0.05
FAILURE_PAUSE_SECONDS = 0.5
LISTEN_SECONDS = 0.25
WATCH_PAUSES = 5
"""After taking over a change: as many times as long as that took, since anybody's new event names are changes, too."""
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
    """What runs in the event loop beside the requests.

    `version` is the store's from before the house was built: what changed meanwhile is taken over, too.
    """

    def __init__(self, house: House, settings: Settings, announce: Announce, version: str) -> None:
        self.house = house
        self.settings = settings
        self.announce = announce
        self.reader = build_reader(place_of(settings), settings)
        self.ends = threading.Event()
        apart = build_apart(place_of(settings), settings, self.ends)
        self.http = build_http_app(house, self.reader, apart, settings)
        self.edges = Edges(self.http, build_console_app(house, self.reader, settings))
        self.http.edge.keys.refresh()
        begin_counting(house)
        house.count_anew = partial(apart, count_anew)
        self._apart = apart
        self._measure_apart = partial(apart, measure_timed)
        self._tell_apart = partial(apart, weekly)
        self._rounds = Rounds(pause_seconds=settings.measure_seconds)
        self._version = version
        self._name = f"{socket.gethostname()} {os.getpid()} {token_hex(4)}"

    def fold(self) -> None:
        """Brings the totals up to date, a bounded step at a time."""
        while self._is_ours("totals") and self.house.storage.fold_totals():
            pass

    def count(self) -> None:
        """Brings the counts of products up to date, a bounded step at a time."""
        while not self.ends.is_set() and count_products(self.house):
            pass
        refresh_counters(self.house)

    def tally(self) -> None:
        """Adds what was counted of visits' consent and of rules' answers."""
        tally_consents(self.house)
        tally_watched(self.house)

    def recount(self) -> None:
        """Every night all counts of products are made anew, by one of all processes."""
        if is_recount_due(self.house) and self._is_ours("recount"):
            with contextlib.suppress(RecountGoesOnError):
                recount(self.house)

    def experiment(self) -> None:
        """Begins and ends experiments as tests do, by one of all processes."""
        if self._is_ours("experiments"):
            keep_experiments(self.house, may_go_on=lambda: not self.ends.wait(FILL_PAUSE_SECONDS))

    def measure(self) -> None:
        """Keeps what experiments came to, by one of all processes, and done by one that does nothing else."""
        if not self._is_ours("measuring") or not self._rounds.is_due:
            return
        if self._is_ours("measuring", MEASURE_LEASE_MS):
            self._rounds.make(self.house, self._measure_apart)

    def guard(self) -> None:
        """Switches off what does harm, by one of all processes."""
        if self._is_ours("guarding", GUARD_LEASE_MS):
            guard(self.house, ask=self._apart)

    def fill(self) -> None:
        """Reads past events again after a playbook declared what they carry."""
        settle_ms = SETTLE_MS if self.house.storage.is_shared else 0
        while self._is_ours("back-fill") and not back_fill(self.house, settle_ms=settle_ms).is_complete:
            self.ends.wait(FILL_PAUSE_SECONDS)

    def retire(self) -> None:
        """Lets events leave that are past their time, and stops at once when the server ends."""
        retire(self.house, self.settings.keep_months, may_go_on=self._may_retire)

    def feed(self) -> None:
        """Reads the shop's product feed when it is time, and counts what was sold this week."""
        url, hours = self.settings.feed_url, self.settings.feed_hours
        if url and is_due(self.house, hours) and self._is_ours("feed", FEED_LEASE_MS):
            fetch_feed(self.house, url)
        if is_count_due(self.house) and self._is_ours("sales"):
            count_sales(self.house, may_go_on=lambda: not self.ends.wait(FILL_PAUSE_SECONDS))

    def redact(self) -> None:
        """Erases whom a shop asked to erase, and goes on where an erasure was broken off."""
        if list_requests(self.house.storage) and self._is_ours("redacting"):
            erase_requested(self.house, may_go_on=partial(self._is_ours, "redacting"))

    def learn(self) -> None:
        """Tests that ended leave a draft of what they taught."""
        if self._is_ours("learning"):
            draft_missing(self.house)

    def mail(self) -> None:
        """Mails to the team, by one of all processes: whoever comes later finds them noted."""
        server = mail_server_of(self.settings)
        is_due = server is not None and (is_weekly_due(self.house) or list_unmailed(self.house))
        if server is not None and is_due and self._is_ours("mail", MAIL_LEASE_MS):
            deliver_switched_off(self.house, server, switched_off_mail)
            deliver_weekly(self.house, server, self._weekly_mail)

    def _weekly_mail(self) -> Mail:
        """Its identifier is the same whenever it is made in this week, and no other installation's."""
        found: Weekly = self._tell_apart(self.house.clock())
        whose = sha256(self.house.secret).hexdigest()[:12]
        return weekly_mail(found, identifier=f"{found.number}-{whose}")

    def _may_retire(self) -> bool:
        return not self.ends.wait(RETIRE_PAUSE_SECONDS) and self._is_ours("retiring")

    def _is_ours(self, work: str, lease_ms: int = LEASE_MS) -> bool:
        """Of all processes on one store one does the work, until it ends or does not say so for a while."""
        if self.ends.is_set():
            return False
        now = self.house.clock()
        return self.house.storage.take_lease(work, holder=self._name, now=now, until_at=now + lease_ms)

    @property
    def pause_seconds(self) -> float:
        """Between two looks for changes. A database tells of them by itself."""
        return SHORT_PAUSE_SECONDS if self.settings.database else self.settings.watch_ms / 1_000

    def watch(self) -> None:
        """Takes over what another process changed in the store."""
        self.house.storage.wait_for_change(LISTEN_SECONDS)
        version = self.house.storage.changed_at()
        if version != self._version:
            began = time.monotonic()
            self.http.edge.keys.refresh()  # requests look without waiting: a revoked key would work once more
            load_running(self.house)
            refresh_catalogue(self.house)
            take_over_erasures(self.house)
            self._version = version
            self.ends.wait((time.monotonic() - began) * WATCH_PAUSES)


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
    tasks = [
        asyncio.create_task(_repeat(server.fold, FOLD_SECONDS)),
        asyncio.create_task(_repeat(server.count, COUNT_SECONDS)),
        asyncio.create_task(_repeat(server.tally, COUNT_SECONDS)),
        asyncio.create_task(_repeat(server.recount, RECOUNT_SECONDS)),
        asyncio.create_task(
            _repeat(server.experiment, min(EXPERIMENT_SECONDS, server.settings.measure_seconds))
        ),
        asyncio.create_task(_repeat(server.measure, min(MEASURE_SECONDS, server.settings.measure_seconds))),
        asyncio.create_task(_repeat(server.guard, GUARD_SECONDS)),
        asyncio.create_task(_repeat(server.fill, FOLD_SECONDS)),
        asyncio.create_task(_repeat(server.retire, RETIRE_SECONDS)),
        asyncio.create_task(_repeat(server.feed, FEED_SECONDS)),
        asyncio.create_task(_repeat(server.redact, REDACT_SECONDS)),
        asyncio.create_task(_repeat(server.learn, LEARN_SECONDS)),
        asyncio.create_task(_repeat(server.mail, MAIL_SECONDS)),
        asyncio.create_task(_repeat(server.watch, server.pause_seconds)),
    ]
    try:
        await _Uvicorn(config, lambda: _settle(server, listener)).serve(sockets=[listener])
    finally:
        server.ends.set()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with contextlib.suppress(OpportuneError):
            await asyncio.to_thread(server.tally)
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


async def _repeat(work: Callable[[], None], seconds: float) -> None:
    """Runs `work` in a thread for ever. A failure is logged once and tried again, not too often."""
    failing = ""
    while True:
        await asyncio.sleep(max(seconds, FAILURE_PAUSE_SECONDS) if failing else seconds)
        try:
            await asyncio.to_thread(work)
            failing = ""
        except Exception as error:  # noqa: BLE001 - the server outlives whatever its background work meets
            if str(error) != failing:
                reason = error.__cause__ or error
                log.warning("background_work_failed work=%s error=%r", work.__name__, reason)
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
