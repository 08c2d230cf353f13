"""From who a request says it is to the question the house is asked: proof of the user, and the context.

Shared by every route that decides. A user id without proof is not asked for at all: it would read
somebody's history.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec
from starlette.types import Receive

from opportune.core.history.values import mended
from opportune.core.situation import Context
from opportune.core.visitor.context import from_request
from opportune.errors import BadRequestError, BrokenJsonError
from opportune.http.answers import encode
from opportune.http.body import decode_json, parse_json, read_body
from opportune.http.edge import MAX_ID_CHARS, Edge, Headers, Scope
from opportune.services.authorizing import Caller, verify_user_token
from opportune.services.previewing import is_preview as is_preview_word

T = TypeVar("T")
Identifier = str | int | None


class Asker(msgspec.Struct, frozen=True, gc=False):
    """The ids a question may use: a user only with proof, and the device as it is named."""

    user_id: str | None
    anonymous_id: str | None
    is_proven: bool

    @property
    def id(self) -> str | None:
        return self.anonymous_id or self.user_id


def asker_of(
    edge: Edge, caller: Caller, *, user_id: Identifier, anonymous_id: Identifier, user_token: str | None
) -> Asker:
    """Who asks, within the limits of one id. Raises BadRequestError, TooManyRequestsError."""
    user, device = text_id(user_id, "userId"), text_id(anonymous_id, "anonymousId")
    is_proven = user is not None and (caller.is_secret or verify_user_token(edge.house, user, user_token))
    asker = Asker(user if is_proven else None, device, is_proven)
    edge.limit_id(caller, asker.id)
    return asker


def text_id(value: Identifier, name: str) -> str | None:
    """An id as text; empty means none. Raises BadRequestError for one no site would use."""
    if value is None or value == "":
        return None
    text = value if isinstance(value, str) else str(value)
    if len(text) > MAX_ID_CHARS:
        raise BadRequestError(wrong=f"{name} has {len(text)} characters; at most {MAX_ID_CHARS} are taken")
    return text


def stated_context(
    edge: Edge, caller: Caller, headers: Headers, stated: Mapping[str, Any], *, is_preview: bool = False
) -> Context:
    """The context of a request: what the caller states, and what the visitor's own browser sent."""
    options = edge.options
    context = from_request(
        stated,
        headers=_browser_headers(edge, headers) if not caller.is_secret else None,
        country_header=options.country_header if options.trusts_proxy else "",
        headless_is_machine=options.headless_is_machine,
        may_preview=caller.is_secret,
    )
    may_see = (is_preview and caller.is_secret) or is_preview_word(edge.house, stated.get("preview"))
    if may_see and not context.is_preview:
        return msgspec.structs.replace(context, is_preview=True)
    return context


def _browser_headers(edge: Edge, headers: Headers) -> dict[str, str]:
    """The headers that speak of the visitor; a library such as `python-requests` asks for somebody else."""
    if not headers.get(b"user-agent", b"").startswith(b"Mozilla/"):
        return {}
    return {
        name: value.decode("latin-1")
        for name, raw in edge.browser_headers
        if (value := headers.get(raw)) is not None
    }


async def read_json(edge: Edge, scope: Scope, receive: Receive, decoder: msgspec.json.Decoder[T]) -> T:
    """The request's JSON body. What no store or answer could hold (NUL, half a surrogate pair) is mended."""
    body = await read_body(scope, receive, edge.options.max_body_bytes)
    if b"\\u" in body:
        try:
            body = encode(mended(parse_json(body)))
        except RecursionError as fault:
            raise BrokenJsonError(wrong="it is nested too deeply") from fault
    return decode_json(body, decoder)
