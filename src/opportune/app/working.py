"""What a server does beside the requests: every kind of work, how often, and by which of all processes."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from hashlib import sha256
from secrets import token_hex
from threading import Event

from opportune.app.mailing import mail_server_of, switched_off_mail, weekly_mail
from opportune.core.learnings.weekly import Weekly
from opportune.errors import OpportuneError, RecountGoesOnError
from opportune.process.apart import Apart
from opportune.process.delivering import deliver_switched_off, deliver_weekly
from opportune.process.feeding import fetch_feed, is_due
from opportune.process.posting import Mail
from opportune.services.authorizing import KeyRing
from opportune.services.back_filling import back_fill
from opportune.services.catalogue.cataloguing import refresh_catalogue
from opportune.services.catalogue.recommending import (
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
from opportune.settings import Settings

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


class Background:
    """Works in threads beside the event loop, until `ends` is set.

    `version` is the store's from before the house was built: what changed meanwhile is taken over, too.
    """

    def __init__(
        self, house: House, settings: Settings, apart: Apart, *, keys: KeyRing, ends: Event, version: str
    ) -> None:
        self.house = house
        self.settings = settings
        self.ends = ends
        self._keys = keys
        self._apart = apart
        self._measure_apart = partial(apart, measure_timed)
        self._tell_apart = partial(apart, weekly)
        self._rounds = Rounds(pause_seconds=settings.measure_seconds)
        self._version = version
        self._name = f"{socket.gethostname()} {os.getpid()} {token_hex(4)}"

    @property
    def works(self) -> tuple[tuple[Callable[[], None], float], ...]:
        """All of it, with the seconds from the end of one time to the next."""
        measure_seconds = self.settings.measure_seconds
        return (
            (self.fold, FOLD_SECONDS),
            (self.count, COUNT_SECONDS),
            (self.tally, COUNT_SECONDS),
            (self.recount, RECOUNT_SECONDS),
            (self.experiment, min(EXPERIMENT_SECONDS, measure_seconds)),
            (self.measure, min(MEASURE_SECONDS, measure_seconds)),
            (self.guard, GUARD_SECONDS),
            (self.fill, FOLD_SECONDS),
            (self.retire, RETIRE_SECONDS),
            (self.feed, FEED_SECONDS),
            (self.redact, REDACT_SECONDS),
            (self.learn, LEARN_SECONDS),
            (self.mail, MAIL_SECONDS),
            (self.watch, self.pause_seconds),
        )

    @contextlib.asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """While it is open, everything goes on; at its end what was counted so far is kept."""
        tasks = [asyncio.create_task(_repeat(work, seconds)) for work, seconds in self.works]
        try:
            yield
        finally:
            self.ends.set()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            with contextlib.suppress(OpportuneError):
                await asyncio.to_thread(self.tally)

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
            self._keys.refresh()  # requests look without waiting: a revoked key would work once more
            load_running(self.house)
            refresh_catalogue(self.house)
            take_over_erasures(self.house)
            self._version = version
            self.ends.wait((time.monotonic() - began) * WATCH_PAUSES)


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
