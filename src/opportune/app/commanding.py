"""Commands on a place that no server runs on: in this process, over a house that is open as long as they take."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from opportune.app.house import opened_house
from opportune.process.commands import execute
from opportune.process.connection import Execute
from opportune.process.place import Place
from opportune.settings import Settings


@contextmanager
def opened_here(place: Place) -> Iterator[Execute]:
    """Raises DataFolderBusyError where another process works on the folder."""
    settings = Settings(data=str(place.data), database=place.database)
    with opened_house(place, settings=settings) as house:
        yield partial(execute, house)
