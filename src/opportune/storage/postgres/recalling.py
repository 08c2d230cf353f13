"""The hot read of the database: many visitors who ask at the same moment are answered by one statement.

In the event loop two connections take whoever waits, a few to a statement, so that the database looks up some
while the process answers others. A person with several keys is read inside one snapshot, so that the parts belong
together.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import psycopg

from opportune.core.history.key import lane_of
from opportune.core.history.link import Link
from opportune.storage.base import EXPOSURE_BOUND, OPPORTUNITY_BOUND, Recollection
from opportune.storage.database.recollecting import (
    BEHAVIOUR_BOUND,
    BEHAVIOUR_MS,
    KEY_EVENTS_BOUND,
    NOTHING,
    Asked,
    AssignmentsAsked,
    KeysAsked,
    KeyTexts,
    LinksAsked,
    StretchesAsked,
    recollect,
    run,
    stranger,
)
from opportune.storage.person import Stretch
from opportune.storage.postgres.connection import (
    WATCHDOG,
    AsyncConnection,
    Connection,
    connect_async,
    is_hung_up,
    raw,
    raw_async,
    reason_of,
)
from opportune.storage.postgres.statements import Row, over_rows

BOUNDS = {
    "key_events": KEY_EVENTS_BOUND,
    "behaviour": BEHAVIOUR_BOUND,
    "exposures": EXPOSURE_BOUND,
    "opportunities": OPPORTUNITY_BOUND,
}

CONNECTIONS = 2
MOST_TOGETHER = 8
"""More to a statement cost less each; but then nobody is answered while all of them are looked up."""
READ_SECONDS = 2.0
BREATH_SECONDS = 0.2
"""After a connection could not be made, before the next try; who asks meanwhile is told at once."""
SNAPSHOT = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
NOBODY = -1
"""Fills a list of keys up to a length the server knows."""


def recall(
    connection: Connection, keys: Sequence[int], *, now: int, as_of: int | None, together: int = MOST_TOGETHER
) -> Recollection:
    """In the caller's thread; all of it as of one moment. `together`: keys to a statement."""
    is_past = as_of is not None
    if len(keys) == 1:
        [texts] = _read(connection, keys, now, as_of, together)
        if texts.is_strangers:
            return stranger(keys[0], texts, is_past=is_past)
    connection.execute(SNAPSHOT)
    try:

        def answer(asked: Asked) -> Any:
            if isinstance(asked, KeysAsked):
                return _read(connection, asked.keys, now, as_of, together)
            return _answered(asked, raw(connection).execute(*_question(asked, now)).fetchall())

        return run(recollect(keys, is_past=is_past), answer)
    finally:
        connection.execute("COMMIT")


def _read(
    connection: Connection, keys: Sequence[int], now: int, as_of: int | None, together: int
) -> list[KeyTexts]:
    found: dict[int, KeyTexts] = {}
    for start in range(0, len(keys), together):
        rows = raw(connection).execute(
            *_of_keys([(key, now) for key in keys[start : start + together]], as_of)
        )
        found |= {row[0]: KeyTexts(*row[1:]) for row in rows.fetchall()}
    return [found[key] for key in keys]


def _of_keys(asked: Sequence[tuple[int, int]], as_of: int | None = None) -> tuple[Any, list[object]]:
    """The statement for some (key, now), filled up to the next power of two, so that few are planned."""
    count = 1 << (len(asked) - 1).bit_length()
    rows: list[Row] = []
    for key, now in (*asked, *[(NOBODY, 0)] * (count - len(asked))):
        row = (lane_of(key), key, now - BEHAVIOUR_MS)
        rows.append(row if as_of is None else (*row, as_of))
    name = "recall_keys" if as_of is None else "recall_keys_as_of"
    return _bounded(name, count, len(rows[0])), [value for row in rows for value in row]


@lru_cache
def _bounded(name: str, count: int, width: int) -> str:
    """A statement over rows that says how much is read at most."""
    text = over_rows(name, count, width)
    for what, bound in BOUNDS.items():
        text = text.replace(f":{what}", str(bound))
    return text


def _question(asked: Asked, now: int) -> tuple[Any, Any]:
    match asked:
        case StretchesAsked(key, stretches, seq):
            row = (lane_of(key), key, now - BEHAVIOUR_MS, _multirange(stretches), seq)
            return _bounded("recall_stretches", 1, len(row)), row
        case LinksAsked(_, keys):
            places = [(lane_of(key), key) for key in keys]
            return over_rows("find_links", len(places), 2), [value for row in places for value in row]
        case AssignmentsAsked(keys, seq):
            rows = [(lane_of(key), key, seq) for key in keys]
            return over_rows("recall_assignments", len(rows), 3), [value for row in rows for value in row]
    raise AssertionError(asked)


def _answered(asked: Asked, rows: Sequence[Any]) -> Any:
    return [Link(*row) for row in rows] if isinstance(asked, LinksAsked) else rows[0]


def _multirange(stretches: Sequence[Stretch]) -> str:
    """As PostgreSQL writes one: `{[1,5),[9,12)}`."""
    return "{" + ",".join(f"[{first},{end})" for first, end in stretches) + "}"


class _Asking(NamedTuple):
    """Who waits to be recalled."""

    keys: Sequence[int]
    now: int
    future: asyncio.Future[Recollection]


class Recalling:
    """Answers a process's event loop. Begins with the first question; ends with `close`, or with its loop."""

    def __init__(self, url: str, together: int = MOST_TOGETHER) -> None:
        self._url = url
        self._together = together
        self._waiting: asyncio.Queue[_Asking] = asyncio.Queue()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._good: set[AsyncConnection] = set()

    def ask(self, keys: Sequence[int], now: int) -> asyncio.Future[Recollection]:
        """To be called in the loop. The future raises StorageBusyError while the database cannot be read."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._begin(loop)
        future: asyncio.Future[Recollection] = loop.create_future()
        self._waiting.put_nowait(_Asking(keys, now, future))
        return future

    def close(self) -> None:
        loop, self._loop = self._loop, None
        if loop is not None and not loop.is_closed():
            for task in self._tasks:
                loop.call_soon_threadsafe(task.cancel)

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop, self._waiting = loop, asyncio.Queue()
        self._good.clear()
        self._tasks = [loop.create_task(self._work(self._waiting)) for _ in range(CONNECTIONS)]

    async def _work(self, waiting: asyncio.Queue[_Asking]) -> None:
        connection: AsyncConnection | None = None
        try:
            while True:
                first = await waiting.get()
                try:
                    connection = await self._renewed(connection)
                except Exception as error:  # noqa: BLE001 - who waits is told, and the next question tries again
                    connection = None
                    waiting.put_nowait(first)
                    await self._refuse_all(waiting, reason_of(error))
                else:
                    await self._serve(connection, _some(first, waiting))
        finally:
            if connection is not None:
                await self._hang_up(connection)

    async def _renewed(self, connection: AsyncConnection | None) -> AsyncConnection:
        """The same while it is good, or another one."""
        if connection is not None:
            if not is_hung_up(connection):
                return connection
            await self._hang_up(connection)
        connection = await connect_async(self._url, "decisions")
        self._good.add(connection)
        return connection

    async def _hang_up(self, connection: AsyncConnection) -> None:
        self._good.discard(connection)
        with contextlib.suppress(psycopg.Error):
            await connection.close()

    async def _serve(self, connection: AsyncConnection, taken: Sequence[_Asking]) -> None:
        try:
            with WATCHDOG.guard(connection, READ_SECONDS):
                await _answer(connection, taken, self._together)
        except Exception as error:  # noqa: BLE001 - as above
            _refuse(taken, reason_of(error))
            await self._hang_up(connection)

    async def _refuse_all(self, waiting: asyncio.Queue[_Asking], reason: BaseException) -> None:
        """Without any connection nobody is kept waiting; and for a breath nobody tries again."""
        for pause in (BREATH_SECONDS, 0):
            while not self._good and not waiting.empty():
                _refuse([waiting.get_nowait()], reason)
            await asyncio.sleep(pause)


def _some(first: _Asking, waiting: asyncio.Queue[_Asking]) -> list[_Asking]:
    """Who waited longest, and as many more as one statement answers; those who gave up are passed over."""
    taken, count = [first], len(first.keys)
    while count < MOST_TOGETHER and not waiting.empty():
        asking = waiting.get_nowait()
        if not asking.future.done():
            taken.append(asking)
            count += len(asking.keys)
    return taken


def _refuse(asked: Iterable[_Asking], reason: BaseException) -> None:
    for asking in asked:
        if not asking.future.done():
            asking.future.set_exception(reason)


async def _answer(connection: AsyncConnection, taken: Sequence[_Asking], together: int) -> None:
    asked = [(key, asking.now) for asking in taken for key in asking.keys]
    found = await _read_async(connection, asked, together)
    place, others = 0, []
    for asking in taken:
        texts = found[place]
        place += len(asking.keys)
        if len(asking.keys) > 1 or not texts.is_strangers:
            others.append(asking)
        elif not asking.future.done():
            asking.future.set_result(stranger(asking.keys[0], texts, is_past=False))
    for asking in others:
        recollection = await _recollect(connection, asking, together)
        if not asking.future.done():
            asking.future.set_result(recollection)


async def _recollect(connection: AsyncConnection, asking: _Asking, together: int) -> Recollection:
    await connection.execute(SNAPSHOT)
    steps = recollect(asking.keys, is_past=False)
    try:
        asked = next(steps)
        while True:
            if isinstance(asked, KeysAsked):
                theirs = [(key, asking.now) for key in asked.keys]
                answer: Any = await _read_async(connection, theirs, together)
            else:
                cursor = await raw_async(connection).execute(*_question(asked, asking.now))
                answer = _answered(asked, await cursor.fetchall())
            asked = steps.send(answer)
    except StopIteration as done:
        recollection: Recollection = done.value
        return recollection
    finally:
        await connection.execute("COMMIT")


async def _read_async(
    connection: AsyncConnection, asked: Sequence[tuple[int, int]], together: int
) -> list[KeyTexts]:
    found: dict[int, KeyTexts] = {}
    for start in range(0, len(asked), together):
        cursor = await raw_async(connection).execute(*_of_keys(asked[start : start + together]))
        found |= {row[0]: KeyTexts(*row[1:]) for row in await cursor.fetchall()}
    return [found.get(key, NOTHING) for key, _ in asked]
