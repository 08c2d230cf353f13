"""The composition root: the only file that names adapters and puts the house together from them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from opportune.core.programme import empty_programme
from opportune.errors import PlaybookError
from opportune.http.edge import EdgeOptions
from opportune.http.routes import HttpApp, create_http_app
from opportune.process.data_folder import DataFolder
from opportune.process.reader import ReadingProcess
from opportune.services.house import House
from opportune.services.limiting import Rate, Rates
from opportune.services.operating import load_secret
from opportune.services.publishing import load_running
from opportune.settings import DEFAULTS, Settings
from opportune.storage.base import Storage
from opportune.storage.sqlite import SqliteStorage

BURST_SECONDS = 20
"""A limit of so many requests a second may be used up for this long at once."""


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def open_storage(folder: DataFolder) -> Storage:
    """The folder's store, for the one process that holds its lock."""
    return SqliteStorage(folder.store)


def open_reading(store: Path) -> Storage:
    """The same store for reading only, from any process."""
    return SqliteStorage(store, read_only=True)


def back_up(folder: DataFolder, target: Path) -> None:
    """A copy of the whole store as of one moment, beside a server that goes on working."""
    storage = SqliteStorage(folder.store, read_only=True)
    partial_copy = target.with_name(f"{target.name}.partial")
    try:
        storage.backup(partial_copy)
    finally:
        storage.close()
    partial_copy.rename(target)


def build_house(
    storage: Storage,
    *,
    clock: Callable[[], int] = now_ms,
    settings: Settings = DEFAULTS,
    on_unreadable: Callable[[PlaybookError], None] = lambda _error: None,
) -> House:
    """A house over an open store: its secret, and the programme that runs there."""
    house = House(
        storage=storage,
        clock=clock,
        secret=load_secret(storage),
        programme=empty_programme(),
        deadline_seconds=settings.deadline_ms / 1_000,
    )
    try:
        load_running(house)
    except PlaybookError as error:  # written for an engine of another version; the house works without
        on_unreadable(error)
    return house


@contextmanager
def opened_house(folder: DataFolder, *, settings: Settings = DEFAULTS) -> Iterator[House]:
    """The house for a command that works on the folder itself, as no server runs there."""
    with folder.lock(wait_seconds=5.0):
        storage = open_storage(folder)
        try:
            yield build_house(storage, settings=settings)
        finally:
            storage.close()


def build_reader(folder: DataFolder, settings: Settings) -> ReadingProcess:
    return ReadingProcess(partial(open_reading, folder.store), nice=settings.reader_nice)


def build_http_app(house: House, reader: ReadingProcess, settings: Settings) -> HttpApp:
    return create_http_app(house, reader, edge_options(settings))


def edge_options(settings: Settings) -> EdgeOptions:
    return EdgeOptions(
        rates=Rates(
            key=_rate(settings.key_rate), address=_rate(settings.address_rate), id=_rate(settings.id_rate)
        ),
        trusts_proxy=settings.trusts_proxy,
        country_header=settings.country_header,
        wants_metrics_key=settings.wants_metrics_key,
        data_folder=settings.data,
    )


def _rate(per_second: float) -> Rate:
    return Rate(per_second, round(per_second * BURST_SECONDS))
