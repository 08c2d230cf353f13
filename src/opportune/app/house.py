"""The house over a place's store: its secret, its catalogue, and the programme that runs there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

from opportune.app.clock import now_ms
from opportune.app.storing import opened_store
from opportune.core.programme import empty_programme
from opportune.errors import PlaybookError
from opportune.process.place import Place
from opportune.services.catalogue.cataloguing import refresh_catalogue
from opportune.services.house import House
from opportune.services.moving import check_whole
from opportune.services.operating import load_secret
from opportune.services.publishing import load_running
from opportune.settings import DEFAULTS, Settings
from opportune.storage.base import Storage


def build_house(
    storage: Storage,
    *,
    clock: Callable[[], int] = now_ms,
    settings: Settings = DEFAULTS,
    on_unreadable: Callable[[PlaybookError], None] = lambda _error: None,
) -> House:
    """A house over an open store: its secret, and the programme that runs there."""
    check_whole(storage)
    house = House(
        storage=storage,
        clock=clock,
        secret=load_secret(storage),
        programme=empty_programme(),
        deadline_seconds=settings.deadline_ms / 1_000,
    )
    refresh_catalogue(house)
    try:
        load_running(house)
    except PlaybookError as error:  # written for an engine of another version; the house works without
        on_unreadable(error)
    return house


@contextmanager
def opened_house(place: Place, *, settings: Settings = DEFAULTS) -> Iterator[House]:
    """The house for a command that works on the place itself: no server runs on the folder, or any may."""
    with (
        nullcontext() if place.database else place.folder.lock(wait_seconds=5.0),
        opened_store(place) as storage,
    ):
        yield build_house(storage, settings=settings)
