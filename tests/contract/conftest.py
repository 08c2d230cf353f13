"""The stores that the storage contract is held against. A new adapter joins by one more name here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.contract.stored import quick_folder

from opportune.storage.base import Storage
from opportune.storage.memory import MemoryStorage
from opportune.storage.sqlite import SqliteStorage

ADAPTERS: dict[str, Callable[[Path], Storage]] = {
    "memory": lambda _: MemoryStorage(),
    "sqlite": lambda folder: SqliteStorage(folder / "opportune.db"),
}


@pytest.fixture(params=sorted(ADAPTERS))
def storage(request: pytest.FixtureRequest) -> Iterator[Storage]:
    with quick_folder() as folder:
        opened = ADAPTERS[request.param](folder)
        yield opened
        opened.close()
