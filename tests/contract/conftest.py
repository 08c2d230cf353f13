"""The stores that the storage contract is held against. A new adapter joins by one more name here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.contract.stored import quick_folder

from opportune.storage.base import Storage
from opportune.storage.memory import MemoryStorage
from opportune.storage.postgres import PostgresStorage
from opportune.storage.sqlite import SqliteStorage

Asked = pytest.FixtureRequest
ADAPTERS: dict[str, Callable[[Asked, Path], Storage]] = {
    "memory": lambda _, __: MemoryStorage(),
    "postgres": lambda request, _: PostgresStorage(request.getfixturevalue("postgres_store")),
    "sqlite": lambda _, folder: SqliteStorage(folder / "opportune.db"),
}


@pytest.fixture(params=sorted(ADAPTERS))
def storage(request: Asked) -> Iterator[Storage]:
    with quick_folder() as folder:
        opened = ADAPTERS[request.param](request, folder)
        yield opened
        opened.close()
