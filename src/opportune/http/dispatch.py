"""From a request to its handler and back: look-up, preflight, errors to answers, and the count of requests.

Exact paths are found in a dictionary; only paths with parts that vary are matched by pattern.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import cast

from starlette.requests import ClientDisconnect, Request
from starlette.types import Message, Receive, Scope, Send

from opportune.errors import OpportuneError
from opportune.http.cors import opened, preflight_headers
from opportune.http.edge import Edge
from opportune.http.endpoint import BareHandler, Endpoint, Handler
from opportune.http.errors import error_answer, to_answer, unexpected_answer

Methods = dict[str, Endpoint]

_PART = re.compile(r"\{(\w+)(:path)?\}")


def pattern_of(path: str) -> re.Pattern[str]:
    """`/v1/people/{id}` as a pattern; `{name:path}` also takes slashes."""
    text, position = "", 0
    for part in _PART.finditer(path):
        text += re.escape(path[position : part.start()])
        text += f"(?P<{part[1]}>.+)" if part[2] else f"(?P<{part[1]}>[^/]+)"
        position = part.end()
    return re.compile(text + re.escape(path[position:]), re.DOTALL)


class HttpApp:
    """The ASGI application of the JSON edge. A host may ask `knows(path)` before handing a request over."""

    def __init__(self, edge: Edge, endpoints: Iterable[Endpoint]) -> None:
        self.edge = edge
        self.endpoints = tuple(endpoints)
        self._exact: dict[str, Methods] = {}
        by_pattern: dict[str, Methods] = {}
        for endpoint in self.endpoints:
            table = by_pattern if "{" in endpoint.path else self._exact
            table.setdefault(endpoint.path, {})[endpoint.method] = endpoint
        self._patterns = [(pattern_of(path), methods) for path, methods in by_pattern.items()]

    def knows(self, path: str) -> bool:
        return self._find(path)[0] is not None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._answer(scope, receive, send)
        elif scope["type"] == "lifespan":
            await _live(receive, send)
        else:
            await send({"type": "websocket.close", "code": 1000})

    def _find(self, path: str) -> tuple[Methods | None, dict[str, str]]:
        methods = self._exact.get(path)
        if methods is not None:
            return methods, {}
        for pattern, found in self._patterns:
            match = pattern.fullmatch(path)
            if match is not None:
                return found, match.groupdict()
        if path.endswith("/") and len(path) > 1:
            return self._find(path.rstrip("/") or "/")
        return None, {}

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        methods, parts = self._find(scope["path"])
        method = scope["method"]
        endpoint = methods.get("GET" if method == "HEAD" else method) if methods is not None else None
        if endpoint is None:
            await self._refuse(methods, scope, receive, send)
            return
        if parts:
            scope["path_params"] = parts
        if endpoint.has_cors:
            send = opened(send)
        status = await self._handle(endpoint, scope, receive, send)
        self.edge.metrics.requests[endpoint.method, endpoint.path, status] += 1

    async def _handle(self, endpoint: Endpoint, scope: Scope, receive: Receive, send: Send) -> int:
        try:
            if endpoint.is_bare:
                return await cast("BareHandler", endpoint.handler)(self.edge, scope, receive, send)
            answer = await cast("Handler", endpoint.handler)(self.edge, Request(scope, receive))
        except OpportuneError as error:
            answer = to_answer(error)
        except ClientDisconnect:
            return 499
        except Exception as fault:  # noqa: BLE001 - the one place where a fault of ours becomes an answer
            answer = unexpected_answer(endpoint.path, fault)
        if endpoint.is_bare or scope["method"] != "HEAD":
            await answer(scope, receive, send)
        else:
            await answer(scope, receive, _without_body(send))
        return answer.status_code

    async def _refuse(self, methods: Methods | None, scope: Scope, receive: Receive, send: Send) -> None:
        """No such path, no such method there, or a browser asking whether it may."""
        if methods is None:
            await error_answer(404, "not_found", "There is nothing at this address.")(scope, receive, send)
            return
        allowed = ", ".join(sorted({*methods, "OPTIONS"}))
        if scope["method"] == "OPTIONS":
            is_public = any(endpoint.has_cors for endpoint in methods.values())
            headers = preflight_headers(allowed.encode()) if is_public else [(b"allow", allowed.encode())]
            await send({"type": "http.response.start", "status": 204, "headers": headers})
            await send({"type": "http.response.body", "body": b""})
            return
        answer = error_answer(405, "method_not_allowed", f"Use {allowed} here.")
        answer.headers["Allow"] = allowed
        await answer(scope, receive, send)


def _without_body(send: Send) -> Send:
    async def send_head(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return send_head


async def _live(receive: Receive, send: Send) -> None:
    """Nothing to start or stop here: whoever built the house closes it."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
