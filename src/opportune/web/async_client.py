"""The same client for asyncio: one deadline over connecting, sending and the whole answer; never raises."""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress

from opportune.web.asking import (
    NOTHING,
    Answer,
    Event,
    Question,
    answers_of,
    are_events_taken,
    decisions_in,
    headers_for,
)
from opportune.web.breaker import Breaker
from opportune.web.client import (
    DECIDE_MS,
    KEPT_SECONDS,
    MOST_KEPT,
    PIECE_BYTES,
    Opportune,
    note_failure,
    note_status,
)
from opportune.web.exchange import ConnectionGoneError, ExchangeError, Reply, request_bytes

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]

log = logging.getLogger("opportune.web")


class AsyncOpportune:
    """One server and one key, for a server that waits for nothing. Events leave through a thread of their own."""

    def __init__(
        self, url: str, key: str, *, deadline_ms: float = DECIDE_MS, breaker: Breaker | None = None
    ) -> None:
        self.blocking = Opportune(url, key, deadline_ms=deadline_ms)
        """The same server for code that runs in a thread."""
        self.server = self.blocking.server
        self.deadline_ms = deadline_ms
        self._headers = headers_for(key)
        self._breaker = breaker if breaker is not None else Breaker()
        self._kept: deque[tuple[float, Connection]] = deque()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._secure = ssl.create_default_context() if self.server.is_secure else None

    async def decide(
        self, question: Question, *, headers: Mapping[str, str] = NOTHING, deadline_ms: float | None = None
    ) -> dict[str, Answer]:
        """An answer for every slot of the question, by the slot's name; see `Opportune.decide`."""
        if not question.slots:
            self.capture_later(*question.events)
            return {}
        limit = self.deadline_ms if deadline_ms is None else deadline_ms
        try:
            body = question.to_json()
            reply = await self._call("POST", "/v1/decide", {**self._headers, **headers}, body, limit)
            answers = answers_of(question.slots, decisions_in(reply))
            if question.events and not are_events_taken(reply):
                self.capture_later(*question.events)
        except (OSError, ValueError, TypeError) as fault:
            log.info("decide_fell_back slots=%d reason=%s", len(question.slots), fault)
            self.capture_later(*question.events)
            return answers_of(question.slots)
        return answers

    async def capture(self, *events: Event) -> bool:
        """Hands events over and waits until they are safe: the next question knows them. Never raises."""
        return await asyncio.to_thread(self.blocking.capture, *events)

    def capture_later(self, *events: Event) -> None:
        """Hands events over in the background; they are tried again for a while."""
        self.blocking.capture_later(*events)

    async def forward(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes, deadline_ms: float
    ) -> Reply:
        """A browser's own request, passed on without the site's key. Raises OSError."""
        return await self._exchange(method, path, headers, body, deadline_ms)

    async def close(self) -> None:
        """Sends what waits, and closes the connections that were kept."""
        while self._kept:
            self._kept.pop()[1][1].close()
        await asyncio.to_thread(self.blocking.close)

    async def _call(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes, deadline_ms: float
    ) -> Reply:
        if not self._breaker.allows():
            raise ExchangeError("Opportune did not answer lately")
        try:
            reply = await self._exchange(method, path, headers, body, deadline_ms)
        except OSError as fault:
            note_failure(self._breaker, fault)
            raise
        note_status(self._breaker, reply)
        return reply

    async def _exchange(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes, deadline_ms: float
    ) -> Reply:
        data = request_bytes(self.server, method, path, headers, body)
        async with asyncio.timeout(deadline_ms / 1_000):
            kept = self._take()
            if kept is not None:
                with suppress(ConnectionGoneError):
                    return await self._speak(kept, data)
            opened = await asyncio.open_connection(self.server.host, self.server.port, ssl=self._secure)
            return await self._speak(opened, data)

    async def _speak(self, connection: Connection, data: bytes) -> Reply:
        reader, writer = connection
        reply = Reply()
        try:
            writer.write(data)
            await writer.drain()
            while not reply.feed(await reader.read(PIECE_BYTES)):
                pass
        except BaseException as fault:
            writer.close()
            if isinstance(fault, ConnectionError | ExchangeError) and not reply.has_begun:
                raise ConnectionGoneError(str(fault)) from fault
            raise
        if reply.may_be_kept and len(self._kept) < MOST_KEPT:
            self._kept.append((time.monotonic(), connection))
        else:
            writer.close()
        return reply

    def _take(self) -> Connection | None:
        """A kept connection of this very loop, if there is one that is still open and not too old."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._loop = loop
            self._kept.clear()
        while self._kept:
            since, (reader, writer) = self._kept.pop()
            if time.monotonic() - since < KEPT_SECONDS and not reader.at_eof() and not writer.is_closing():
                return reader, writer
            writer.close()
        return None
