"""How a shop's server talks to Opportune: one question for each page, events when something happens.

A page never waits longer than its time-out, and always has content of its own to fall back on.
Uses nothing but the standard library; copy it if you like.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from queue import Empty, LifoQueue
from typing import Any
from urllib.parse import quote, urlsplit

DECIDE_SECONDS = 0.3
EVENTS_SECONDS = 3.0
READ_SECONDS = 5.0
MOST_KEPT = 8


@dataclass(frozen=True, slots=True)
class Answer:
    """What one slot shows: the answer's value, or the code's own when no answer came in time."""

    value: Any
    variant: str = ""
    reason: str = "ERROR"
    rule: str = ""
    outcome: str = "error"
    holds_until: str = ""
    why: Mapping[str, Any] = field(default_factory=dict)
    is_answered: bool = False


class Opportune:
    """One server, one secret key. Safe to share between threads: each call takes a connection of its own."""

    def __init__(self, url: str, secret_key: str) -> None:
        parts = urlsplit(url)
        self.url = url.rstrip("/")
        self._place = (parts.hostname or "127.0.0.1", parts.port or 80)
        self._headers = {"Authorization": f"Bearer {secret_key}", "Content-Type": "application/json"}
        self._connections: LifoQueue[http.client.HTTPConnection] = LifoQueue(MOST_KEPT)

    def decide(
        self,
        anonymous_id: str,
        defaults: Mapping[str, Any],
        context: Mapping[str, Any],
        *,
        user_id: str | None = None,
        is_previewing: bool = False,
    ) -> dict[str, Answer]:
        """An answer for every slot in `defaults`; one that did not come in time is the default. Never raises."""
        question = {
            "anonymousId": anonymous_id,
            "userId": user_id,
            "slots": list(defaults),
            "context": context,
            "preview": is_previewing,
            "receipts": True,
        }
        try:
            decisions = self._call("POST", "/v1/decide", question, DECIDE_SECONDS)["decisions"]
        except (OSError, http.client.HTTPException, ValueError, KeyError):
            decisions = {}
        return {slot: _answer(decisions.get(slot), default) for slot, default in defaults.items()}

    def send(self, events: Sequence[Mapping[str, Any]]) -> bool:
        """Hands events over and waits until they are safe: the next question already knows them."""
        try:
            self._call("POST", "/v1/batch", {"batch": list(events)}, EVENTS_SECONDS)
        except (OSError, http.client.HTTPException, ValueError):
            return False
        return True

    def find_person(self, person_id: str) -> dict[str, Any]:
        """History and what is known of one visitor; empty when there is nothing, or no answer."""
        try:
            return self._call("GET", f"/v1/people/{quote(person_id, safe='')}", None, READ_SECONDS)
        except (OSError, http.client.HTTPException, ValueError):
            return {}

    def close(self) -> None:
        """Closes the connections that were kept."""
        while not self._connections.empty():
            self._connections.get_nowait().close()

    def _call(self, method: str, path: str, body: object, seconds: float) -> dict[str, Any]:
        """One request. Raises OSError (also for time-outs), HTTPException, or ValueError for a refusal."""
        data = json.dumps(body).encode() if body is not None else None
        connection, is_fresh = self._connection(seconds)
        try:
            status, text = self._exchange(connection, method, path, data)
        except (ConnectionError, http.client.BadStatusLine):
            connection.close()
            if is_fresh:
                raise
            connection = self._new_connection(seconds)  # the kept one was closed meanwhile
            status, text = self._exchange(connection, method, path, data)
        except BaseException:
            connection.close()
            raise
        self._keep(connection)
        if status >= 300:
            raise ValueError(f"{method} {path} answered {status}: {text[:200]!r}")
        found = json.loads(text)
        if not isinstance(found, dict):
            raise ValueError(f"{method} {path} answered no object")  # noqa: TRY004  a wrong answer, not a wrong type
        return found

    def _exchange(
        self, connection: http.client.HTTPConnection, method: str, path: str, data: bytes | None
    ) -> tuple[int, bytes]:
        connection.request(method, path, data, self._headers)
        answer = connection.getresponse()
        return answer.status, answer.read()

    def _connection(self, seconds: float) -> tuple[http.client.HTTPConnection, bool]:
        """A connection, and whether it is a new one."""
        try:
            kept = self._connections.get_nowait()
        except Empty:
            return self._new_connection(seconds), True
        kept.timeout = seconds
        if kept.sock is not None:
            kept.sock.settimeout(seconds)
        return kept, False

    def _new_connection(self, seconds: float) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(*self._place, timeout=seconds)

    def _keep(self, connection: http.client.HTTPConnection) -> None:
        if self._connections.full():
            connection.close()
        else:
            self._connections.put(connection)


def _answer(decision: Mapping[str, Any] | None, default: Any) -> Answer:
    """The decision as given; an error, or a slot nobody declared, becomes the default."""
    if decision is None:
        return Answer(default)
    is_error = decision.get("reason") == "ERROR"
    return Answer(
        value=default if is_error else decision.get("value"),
        variant=decision.get("variant", ""),
        reason=decision.get("reason", "ERROR"),
        rule=decision.get("rule", ""),
        outcome=(decision.get("receipt") or {}).get("outcome", "normal"),
        holds_until=decision.get("holdsUntil", ""),
        why=decision.get("why") or {},
        is_answered=not is_error,
    )
