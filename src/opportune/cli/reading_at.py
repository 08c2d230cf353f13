"""How a command reads an installation's store beside its running server, which is not disturbed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from opportune.app.storing import open_reading
from opportune.errors import BadRequestError
from opportune.process.place import Place
from opportune.storage.base import Storage
from opportune.storage.memory import MemoryStorage


@contextmanager
def read_at(place: Place, *, must_exist: bool = False) -> Iterator[Storage]:
    """Raises BadRequestError where there is nothing to read and there must be."""
    if must_exist and not (place.database or place.folder.exists):
        wrong = f"There is no installation in {place.data}. Name its folder with --data, or its --database."
        raise BadRequestError(wrong=wrong)
    storage = open_reading(place) if place.database or place.folder.exists else MemoryStorage()
    try:
        yield storage
    finally:
        storage.close()
