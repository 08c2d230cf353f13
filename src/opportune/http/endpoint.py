"""One row of the route table, with what the OpenAPI document says about it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Literal

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from opportune.http.edge import Edge

Handler = Callable[[Edge, Request], Awaitable[Response]]
BareHandler = Callable[[Edge, Scope, Receive, Send], Awaitable[int]]
"""Answers by itself, for endpoints where a request object costs too much; gives the status it sent."""

Access = Literal["public", "secret", "open"]
"""`public`: a write key or a secret key. `secret`: a secret key with a scope. `open`: no key."""

Message = MutableMapping[str, Any]


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """Method, path (`{name}` stands for one part, `{name:path}` for the rest), and who answers."""

    method: str
    path: str
    handler: Handler | BareHandler
    summary: str
    access: Access = "public"
    scope: str = ""
    is_bare: bool = False
    is_hidden: bool = False
    """Another spelling of a documented route: answered, not listed in the OpenAPI document."""
    query: type[msgspec.Struct] | None = None
    body: Any = None
    answer: Any = None
    media_type: str = "application/json"

    @property
    def has_cors(self) -> bool:
        """Browsers of any origin may call what a public key opens."""
        return self.access == "public"
