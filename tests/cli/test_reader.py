"""The reading process: it answers, passes errors on as they are, and comes back when it breaks."""

from __future__ import annotations

import asyncio
import os
import signal
from functools import partial
from pathlib import Path

import pytest

from opportune.app.storing import open_reading, open_storage
from opportune.errors import NotFoundError
from opportune.process.place import Place
from opportune.process.reader import ReadingProcess
from opportune.storage.base import Storage


def tell_process(storage: Storage) -> tuple[int, int]:
    """Which process this is, and how far it stepped back."""
    assert storage.list_api_keys() == []
    return os.getpid(), os.nice(0)


def refuse(storage: Storage, what: str) -> None:
    raise NotFoundError(what=what)


@pytest.fixture
def reader(tmp_path: Path) -> ReadingProcess:
    place = Place(tmp_path)
    open_storage(place).close()
    return ReadingProcess(partial(open_reading, place), nice=7)


def test_it_reads_elsewhere_comes_back_and_passes_errors_on(reader: ReadingProcess) -> None:
    async def talk() -> None:
        process, niceness = await reader(tell_process)
        assert process != os.getpid()
        assert niceness == 7 + os.nice(0)
        with pytest.raises(NotFoundError, match="A person was not found"):
            await reader(refuse, "A person")
        assert (await reader(tell_process))[0] == process
        os.kill(process, signal.SIGKILL)
        assert (await reader(tell_process))[0] != process

    try:
        asyncio.run(talk())
    finally:
        reader.close()


def test_it_starts_with_the_first_read_only(reader: ReadingProcess) -> None:
    reader.close()
    assert reader._pool is None
