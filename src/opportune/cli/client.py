"""A client of the public HTTP surface, as `replay` needs it: batches in, decisions out, one connection.

Uses what any shop's server could use; it waits when the server says so, and gives up with a clear word.
"""

from __future__ import annotations

import base64
import http.client
import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import msgspec

from opportune.cli.clickstreams import Message
from opportune.errors import BadRequestError

TRIES = 6
TIMEOUT_SECONDS = 30.0
BUSY = frozenset({429, 503})


class Taken(msgspec.Struct):
    """What became of messages sent."""

    accepted: int = 0
    duplicate: int = 0
    set_aside: int = 0
    reason: str = ""
    """The first reason for setting one aside."""


class Client:
    """One keep-alive connection to a server, with one key."""

    def __init__(self, url: str, key: str) -> None:
        parts = urlsplit(url if "//" in url else f"http://{url}")
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise BadRequestError(wrong=f"{url!r} is no address of a server, such as http://127.0.0.1:8400.")
        self.url = url
        self._prefix = parts.path.rstrip("/")
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._connection = kind(parts.hostname, parts.port, timeout=TIMEOUT_SECONDS)
        self._headers = {
            "Authorization": "Basic " + base64.b64encode(f"{key}:".encode()).decode(),
            "Content-Type": "application/json",
        }

    def send(self, messages: Sequence[Message]) -> Taken:
        """One batch; returns once the server has it for good."""
        headers, _ = self._post("/v1/batch", {"batch": messages})
        aside, _, reason = headers.get("opportune-set-aside", "0").partition(";")
        duplicate = int(headers.get("opportune-duplicate", "0"))
        return Taken(len(messages) - duplicate - int(aside), duplicate, int(aside), reason.strip())

    def decide(self, anonymous_id: str | None, user_id: str | None = None) -> dict[str, Any]:
        """Decisions by slot, for every slot there is."""
        question = {"anonymousId": anonymous_id, "userId": user_id, "slots": "all"}
        _, answer = self._post("/v1/decide", {name: value for name, value in question.items() if value})
        decisions: dict[str, Any] = answer.get("decisions", {})
        return decisions

    def close(self) -> None:
        self._connection.close()

    def _post(self, path: str, content: object) -> tuple[dict[str, str], Any]:
        body = msgspec.json.encode(content)
        for attempt in range(TRIES):
            try:
                self._connection.request("POST", self._prefix + path, body, self._headers)
                response = self._connection.getresponse()
                answered = response.read()
            except (OSError, http.client.HTTPException) as error:
                self._connection.close()
                if attempt == 0 and isinstance(error, http.client.RemoteDisconnected | ConnectionResetError):
                    continue  # an idle connection may have been closed meanwhile; messages carry their ids
                raise BadRequestError(wrong=f"No server answers at {self.url}: {error}.") from None
            headers = {name.lower(): value for name, value in response.getheaders()}
            if response.status in BUSY:
                time.sleep(min(float(headers.get("retry-after", "1")), 30.0))
                continue
            return headers, _checked(path, response.status, answered)
        raise BadRequestError(
            wrong=f"{self.url}{path} stayed busy; nothing is lost, run the same again later."
        )


def _checked(path: str, status: int, answered: bytes) -> Any:
    try:
        content = msgspec.json.decode(answered)
    except msgspec.DecodeError:
        content = {}
    if status == 200:
        return content
    message = content.get("message") or content.get("error") or "" if isinstance(content, dict) else ""
    raise BadRequestError(wrong=f"The server answered {status} to {path}: {message or answered[:200]!r}")
