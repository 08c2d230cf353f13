"""Asking Opportune from a site's own server, with blocking calls that never raise and never take long.

One deadline holds for everything a call does: finding the address, connecting, sending, and the whole answer.
Safe to share between threads, and after a fork.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import ssl
import time
from collections import deque
from collections.abc import Mapping, Sequence
from threading import Event as Flag
from threading import Lock, Thread
from typing import Any
from urllib.parse import urlencode

from opportune.web.asking import (
    NOTHING,
    Answer,
    Event,
    Question,
    answers_of,
    are_events_taken,
    decisions_in,
    headers_for,
    is_our_mistake,
    json_in,
)
from opportune.web.breaker import Breaker
from opportune.web.exchange import ConnectionGoneError, ExchangeError, Reply, Server, request_bytes
from opportune.web.outbox import Outbox

DECIDE_MS = 50
CAPTURE_MS = 1_000
READ_MS = 5_000
MOST_KEPT = 32
KEPT_SECONDS = 20.0
ADDRESS_SECONDS = 60.0
PIECE_BYTES = 64 * 1024

log = logging.getLogger("opportune.web")


class Opportune:
    """One server and one key: a secret one (scopes `decide` and `capture`), or the public write key."""

    def __init__(
        self,
        url: str,
        key: str,
        *,
        deadline_ms: float = DECIDE_MS,
        breaker: Breaker | None = None,
    ) -> None:
        self.server = Server.at(url)
        self.deadline_ms = deadline_ms
        self._headers = headers_for(key)
        self._breaker = breaker if breaker is not None else Breaker()
        self._capture_breaker = Breaker()
        self._connections = _Connections(self.server)
        self._outbox = Outbox(lambda events: self.capture(*events))

    def decide(
        self,
        question: Question,
        *,
        headers: Mapping[str, str] = NOTHING,
        deadline_ms: float | None = None,
    ) -> dict[str, Answer]:
        """An answer for every slot of the question, by the slot's name. Never raises.

        `headers` are those of the visitor's browser, which Opportune reads with a write key only. Events of a
        question that failed are sent again in the background.
        """
        if not question.slots:
            self.capture_later(*question.events)
            return {}
        try:
            limit = self.deadline_ms if deadline_ms is None else deadline_ms
            body = question.to_json()
            reply = self._call(self._breaker, "POST", "/v1/decide", {**self._headers, **headers}, body, limit)
            answers = answers_of(question.slots, decisions_in(reply))
            if question.events and not are_events_taken(reply):
                self.capture_later(*question.events)
        except (OSError, ValueError, TypeError) as fault:
            log.info("decide_fell_back slots=%d reason=%s", len(question.slots), fault)
            self.capture_later(*question.events)
            return answers_of(question.slots)
        return answers

    def capture(self, *events: Event, deadline_ms: float = CAPTURE_MS) -> bool:
        """Hands events over and waits until they are safe: the next question knows them. Never raises."""
        try:
            body = json.dumps({"batch": list(events)}).encode()
            breaker = self._capture_breaker
            json_in(self._call(breaker, "POST", "/v1/batch", self._headers, body, deadline_ms))
        except (OSError, ValueError, TypeError) as fault:
            log.info("capture_failed events=%d reason=%s", len(events), fault)
            return False
        return True

    def capture_later(self, *events: Event) -> None:
        """Hands events over in the background; they are tried again for a while."""
        self._outbox.put(events)

    def get(
        self, path: str, query: Mapping[str, str] = NOTHING, *, deadline_ms: float = READ_MS
    ) -> dict[str, Any]:
        """What one of the reading routes answers (docs/reference/http.md); empty when there is no answer."""
        address = f"{path}?{urlencode(query)}" if query else path
        try:
            return json_in(self._call(Breaker(), "GET", address, self._headers, b"", deadline_ms))
        except OSError as fault:
            log.info("read_failed path=%s reason=%s", path, fault)
            return {}

    def forward(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes, deadline_ms: float
    ) -> Reply:
        """A browser's own request, passed on without the site's key. Raises OSError."""
        return self._exchange(method, path, headers, body, deadline_ms)

    def close(self) -> None:
        """Sends what waits, and closes the connections that were kept."""
        self._outbox.close()
        self._connections.close()

    def _call(  # noqa: PLR0917  a request has these parts
        self,
        breaker: Breaker,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes,
        deadline_ms: float,
    ) -> Reply:
        """One request, if the breaker allows it. Raises OSError, also for a time-out."""
        if not breaker.allows():
            raise ExchangeError("Opportune did not answer lately")
        try:
            reply = self._exchange(method, path, headers, body, deadline_ms)
        except OSError as fault:
            note_failure(breaker, fault)
            raise
        note_status(breaker, reply)
        return reply

    def _exchange(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes, deadline_ms: float
    ) -> Reply:
        until = time.monotonic() + deadline_ms / 1_000
        data = request_bytes(self.server, method, path, headers, body)
        kept = self._connections.take()
        if kept is not None:
            try:
                return self._speak(kept, data, until)
            except ConnectionGoneError:
                pass
        return self._speak(self._connections.open(until), data, until)

    def _speak(self, connection: socket.socket, data: bytes, until: float) -> Reply:
        reply = Reply()
        try:
            connection.settimeout(_left(until))
            connection.sendall(data)
            while not _receive(connection, reply, until):
                pass
        except OSError as fault:
            connection.close()
            is_gone = isinstance(fault, ConnectionError | ExchangeError) and not reply.has_begun
            raise (ConnectionGoneError(str(fault)) if is_gone else fault) from fault
        if reply.may_be_kept:
            self._connections.keep(connection)
        else:
            connection.close()
        return reply


def _receive(connection: socket.socket, reply: Reply, until: float) -> bool:
    connection.settimeout(_left(until))
    return reply.feed(connection.recv(PIECE_BYTES))


def _left(until: float) -> float:
    """Seconds left. Raises TimeoutError when there are none."""
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError("the deadline is over")
    return left


def note_failure(breaker: Breaker, fault: Exception) -> None:
    if breaker.fail():
        log.warning("opportune_unreachable reason=%s", fault)


def note_status(breaker: Breaker, reply: Reply) -> None:
    """A refusal or a fault of the server's counts as a failure; a request that was wrong in itself does not."""
    if reply.status < 300:
        breaker.succeed()
    elif not is_our_mistake(reply.status):
        note_failure(breaker, ExchangeError(f"it answers {reply.status}: {reply.body[:200]!r}"))


class _Connections:
    """Connections kept open between calls, the latest first, and where new ones lead."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._lock = Lock()
        self._process = os.getpid()
        self._kept: deque[tuple[float, socket.socket]] = deque()
        self._addresses = _Addresses(server)
        self._secure = ssl.create_default_context() if server.is_secure else None

    def take(self) -> socket.socket | None:
        """A kept connection, if there is one that is not too old."""
        with self._lock:
            if self._process != os.getpid():
                self._start_again()
            while self._kept:
                since, connection = self._kept.pop()
                if time.monotonic() - since < KEPT_SECONDS:
                    return connection
                connection.close()
        return None

    def keep(self, connection: socket.socket) -> None:
        with self._lock:
            self._kept.append((time.monotonic(), connection))
            oldest = self._kept.popleft()[1] if len(self._kept) > MOST_KEPT else None
        if oldest is not None:
            oldest.close()

    def open(self, until: float) -> socket.socket:
        """A new connection. Raises OSError."""
        fault: OSError = ExchangeError(f"the name {self._server.host} was not found")
        for family, address in self._addresses.find(until):
            connection = socket.socket(family, socket.SOCK_STREAM)
            try:
                connection.settimeout(_left(until))
                connection.connect(address)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if self._secure is None:
                    return connection
                connection.settimeout(_left(until))
                return self._secure.wrap_socket(connection, server_hostname=self._server.host)
            except OSError as wrong:
                connection.close()
                fault = wrong
        raise fault

    def close(self) -> None:
        with self._lock:
            while self._kept:
                self._kept.pop()[1].close()

    def _start_again(self) -> None:
        """After a fork: the connections are the parent's."""
        self._process = os.getpid()
        while self._kept:
            self._kept.pop()[1].close()
        self._addresses = _Addresses(self._server)


class _Addresses:
    """Where a name leads, looked up in a thread, as a look-up itself knows no deadline; old answers go on serving."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._lock = Lock()
        self._found: list[tuple[int, Any]] = []
        self._fresh_until = 0.0
        self._looking: Flag | None = None

    def find(self, until: float) -> Sequence[tuple[int, Any]]:
        if time.monotonic() >= self._fresh_until:
            looking = self._look()
            if not self._found:
                looking.wait(_left(until))
        return self._found

    def _look(self) -> Flag:
        with self._lock:
            if self._looking is None:
                self._looking = Flag()
                Thread(target=self._run, args=(self._looking,), name="opportune-address", daemon=True).start()
            return self._looking

    def _run(self, looking: Flag) -> None:
        try:
            found = socket.getaddrinfo(self._server.host, self._server.port, type=socket.SOCK_STREAM)
            self._found = [(family, address) for family, _, _, _, address in found]
            self._fresh_until = time.monotonic() + ADDRESS_SECONDS
        except OSError as fault:
            log.info("address_not_found host=%s reason=%s", self._server.host, fault)
        finally:
            with self._lock:
                self._looking = None
            looking.set()
