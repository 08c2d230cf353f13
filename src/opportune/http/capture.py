"""Capture as Segment's and RudderStack's libraries speak it: every path, key and spelling they use.

The answer is exactly 200 `{"success": true}`, and only after the durable commit; what was set aside and what
was known already is told in the headers `Opportune-Set-Aside` and `Opportune-Duplicate`, and how much was not
kept as its visitor did not agree, in `Opportune-Not-Kept`. Bad input is a final 4xx, since libraries send anything
else again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from opportune.core.history.event import MAX_BATCH_BYTES, MAX_BATCH_EVENTS, EventType, SetAside
from opportune.core.history.json_text import parse_leniently
from opportune.core.moment import to_iso
from opportune.errors import BadRequestError, StorageBusyError
from opportune.http.answers import json_answer
from opportune.http.body import read_body
from opportune.http.edge import Edge, headers_of
from opportune.http.endpoint import BareHandler, Endpoint
from opportune.services.authorizing import Caller
from opportune.services.capturing import CaptureResult, CaptureSource, Message, prepare, store
from opportune.services.people.consenting import keep_agreed
from opportune.services.preparing import Ready

PIECE = 100
"""So many messages are prepared at a time before other requests get their turn."""
LONGEST_WAIT_SECONDS = 5.0
SUCCESS = b'{"success":true}'
LONGEST_REASON = 200


class Envelope(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """A request's body as far as it matters before its messages are read; a single message has no `batch`."""

    batch: list[msgspec.Raw] | None = None
    write_key: Any = None
    sent_at: Any = None
    context: Any = None


class SegmentEvent(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """One message of Segment's spec. `userId` or `anonymousId` is needed, and `event` for `track`."""

    type: str = ""
    event: str = ""
    user_id: str | int | None = None
    anonymous_id: str | int | None = None
    previous_id: str | int | None = None
    group_id: str | int | None = None
    message_id: str = ""
    timestamp: str = ""
    sent_at: str = ""
    name: str = ""
    category: str = ""
    properties: dict[str, Any] = {}
    traits: dict[str, Any] = {}
    context: dict[str, Any] = {}
    write_key: str = ""


class SegmentBatch(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """Up to 2,500 messages, 500 KB together and 32 KB each; `context` holds for all of them."""

    batch: list[SegmentEvent]
    sent_at: str = ""
    context: dict[str, Any] = {}
    write_key: str = ""


class Taken(msgspec.Struct, frozen=True):
    """Everything is stored or set aside."""

    success: bool = True


_decoder = msgspec.json.Decoder(Envelope)


def takes(kind: EventType | None) -> BareHandler:
    """The handler of a path: for one type of call, or (None) for batches of any."""

    async def take(edge: Edge, scope: Scope, receive: Receive, send: Send) -> int:
        headers = headers_of(scope)
        body = await read_body(scope, receive, min(MAX_BATCH_BYTES, edge.options.max_body_bytes))
        envelope, messages = open_envelope(body)
        caller = await edge.authorize(headers, scope, query_key(scope) or _text(envelope.write_key))
        caller.admit("capture")
        if kind is None and b'"batch"' not in body and b'"type"' not in body:
            raise BadRequestError(wrong='`batch` is missing: send {"batch": [events]}.')
        if len(messages) > MAX_BATCH_EVENTS:
            wrong = f"The batch has {len(messages)} events; at most {MAX_BATCH_EVENTS} are taken at once."
            raise BadRequestError(wrong=wrong)
        result, not_kept = await _capture(edge, caller, envelope, messages, kind)
        await _succeed(send, result, not_kept)
        return 200

    return take


def open_envelope(body: bytes) -> tuple[Envelope, Sequence[Message]]:
    """The body's own fields and its messages, still as JSON. Raises BrokenJsonError, BadRequestError."""
    try:
        envelope = _decoder.decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return _open_leniently(body)
    return envelope, (body,) if envelope.batch is None else envelope.batch


def _open_leniently(body: bytes) -> tuple[Envelope, Sequence[Message]]:
    whole = parse_leniently(body)
    if isinstance(whole, list):
        whole = {"batch": whole}
    if not isinstance(whole, dict):
        raise BadRequestError(wrong='The body must be a JSON object: one event, or {"batch": [events]}.')
    batch = whole.get("batch")
    if batch is not None and not isinstance(batch, list):
        raise BadRequestError(wrong="`batch` must be a list of events.")
    envelope = Envelope(None, whole.get("writeKey"), whole.get("sentAt"), whole.get("context"))
    return envelope, (whole,) if batch is None else batch


async def _capture(
    edge: Edge, caller: Caller, envelope: Envelope, messages: Sequence[Message], kind: EventType | None
) -> tuple[CaptureResult, int]:
    """What became of them, and how many were not kept as nobody agreed."""
    is_batch = len(messages) != 1 or envelope.batch is not None
    context = envelope.context if is_batch and isinstance(envelope.context, dict) else {}
    source = CaptureSource(is_secret=caller.is_secret, name=caller.name, type=kind, context=context)
    sent_at, received_at = envelope.sent_at if is_batch else None, edge.house.clock()
    prepared: list[Ready | SetAside] = []
    for start in range(0, len(messages), PIECE):
        if start:
            await asyncio.sleep(0)
        prepared += prepare(edge.house, source, messages[start : start + PIECE], sent_at, received_at)
    if not caller.is_secret:
        _limit_one(edge, caller, prepared)
    agreed = await keep_agreed(edge.house, prepared, is_believed=caller.is_secret)
    result = await _stored(store(edge.house, agreed)) if agreed else CaptureResult(())
    not_kept = len(prepared) - len(agreed)
    edge.metrics.count_events(result.accepted, result.duplicate, result.set_aside, not_kept, result.erased)
    return result, not_kept


async def _stored(storing: Future[CaptureResult]) -> CaptureResult:
    """Raises StorageBusyError to a sender who has waited long enough; what is stored yet is known when sent again."""
    try:
        async with asyncio.timeout(LONGEST_WAIT_SECONDS):
            return await asyncio.wrap_future(storing)
    except TimeoutError:
        raise StorageBusyError from None


def _limit_one(edge: Edge, caller: Caller, prepared: Sequence[Ready | SetAside]) -> None:
    """A browser speaks for one id and is limited by it; a batch for many is limited by key and address."""
    ids = {ready.event.id for ready in prepared if isinstance(ready, Ready)}
    if len(ids) == 1:
        edge.limit_id(caller, ids.pop())


async def _succeed(send: Send, result: CaptureResult, not_kept: int = 0) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(SUCCESS))]
    if result.set_aside:
        headers.append((b"opportune-set-aside", set_aside_header(result)))
    if result.duplicate:
        headers.append((b"opportune-duplicate", b"%d" % result.duplicate))
    if not_kept:
        headers.append((b"opportune-not-kept", b"%d; measuring was not agreed to" % not_kept))
    if result.erased:
        headers.append((b"opportune-erased", b"%d" % result.erased))
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": SUCCESS})


def set_aside_header(result: CaptureResult) -> bytes:
    """`2; a track call needs the name of its event`, in characters a header may have."""
    reason = "".join(mark if " " <= mark <= "~" else "?" for mark in result.first_reason[:LONGEST_REASON])
    return f"{result.set_aside}; {reason}".encode("ascii")


def query_key(scope: Scope) -> str | None:
    """The key of `?writeKey=`, as beacons send it, which cannot set headers."""
    query = scope.get("query_string", b"")
    if b"writeKey=" not in query:
        return None
    found = parse_qs(query.decode("latin-1")).get("writeKey")
    return found[0] if found else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


async def drop(_edge: Edge, scope: Scope, receive: Receive, send: Send) -> int:
    """Segment's library reports on itself here; nobody wants it."""
    await read_body(scope, receive, MAX_BATCH_BYTES)
    await _succeed(send, CaptureResult(()))
    return 200


async def segment_settings(edge: Edge, request: Request) -> Response:
    """What analytics.js loads first: where to send events, and that there is nothing else to load."""
    key = request.path_params["key"]
    await _check_public(edge, request, key)
    integration = {
        "apiKey": key,
        "apiHost": f"{_host(request)}/v1",
        "protocol": _protocol(edge, request),
        "addBundledMetadata": True,
        "unbundledIntegrations": [],
        "maybeBundledConfigIds": {},
        "versionSettings": {"version": "4.4.7", "componentTypes": ["browser"]},
    }
    settings = {
        "integrations": {"Segment.io": integration},
        "plan": {
            "track": {"__default": {"enabled": True, "integrations": {}}},
            "identify": {"__default": {"enabled": True}},
            "group": {"__default": {"enabled": True}},
        },
        "edgeFunction": {},
        "analyticsNextEnabled": True,
        "middlewareSettings": {},
        "enabledMiddleware": {},
        "metrics": {"sampleRate": 0},
        "legacyVideoPluginsEnabled": False,
        "remotePlugins": [],
    }
    return json_answer(settings, headers={"Cache-Control": "public, max-age=120", "Vary": "Origin"})


async def rudder_settings(edge: Edge, request: Request) -> Response:
    """What RudderStack's library loads first."""
    caller = await edge.authorize(headers_of(request.scope), request.scope, query_key(request.scope))
    key = query_key(request.scope) or ""
    host = f"{_protocol(edge, request)}://{_host(request)}"
    source = {
        "id": caller.name,
        "name": caller.name,
        "writeKey": key,
        "enabled": True,
        "workspaceId": "opportune",
        "destinations": [],
        "config": {"statsCollection": {"errors": {"enabled": False}, "metrics": {"enabled": False}}},
        "dataplanes": {"DEFAULT": [{"url": host, "default": True}]},
    }
    return json_answer({"source": source, "updatedAt": to_iso(edge.house.clock())})


async def _check_public(edge: Edge, request: Request, key: str) -> None:
    """Raises UnknownKeyError; a secret key in a page's source is a mistake worth stopping."""
    others = {name: value for name, value in headers_of(request.scope).items() if name != b"authorization"}
    if (await edge.authorize(others, request.scope, key)).is_secret:
        raise BadRequestError(
            wrong="This is a secret key: pages need a write key, as anybody can read it there."
        )


def _host(request: Request) -> str:
    """The host the caller used; it is given back to nobody else."""
    return request.headers.get("host") or request.url.netloc


def _protocol(edge: Edge, request: Request) -> str:
    """`https` when the page or the proxy in front says so, as a browser would refuse to mix."""
    if urlsplit(request.headers.get("origin", "")).scheme == "https":
        return "https"
    if edge.options.trusts_proxy:
        forwarded = request.headers.get("x-forwarded-proto", "")
        if forwarded in ("http", "https"):
            return forwarded
    return request.url.scheme


def _endpoint(path: str, kind: EventType | None, summary: str = "", *, is_hidden: bool = True) -> Endpoint:
    return Endpoint(
        method="POST",
        path=path,
        handler=takes(kind),
        is_bare=True,
        summary=summary,
        is_hidden=is_hidden,
        body=SegmentEvent if kind is not None else SegmentBatch,
        answer=Taken,
    )


ROUTES: tuple[Endpoint, ...] = (
    _endpoint("/v1/batch", None, "Takes events, several at once", is_hidden=False),
    _endpoint("/v1/track", "track", "Takes one event", is_hidden=False),
    _endpoint("/v1/identify", "identify", "Takes who a visitor is, with traits", is_hidden=False),
    _endpoint("/v1/page", "page", "Takes a page view", is_hidden=False),
    _endpoint("/v1/screen", "screen", "Takes a screen view of an app", is_hidden=False),
    _endpoint("/v1/group", "group", "Takes which group a user is in", is_hidden=False),
    _endpoint(
        "/v1/alias", "alias", "Joins two user ids; joins nothing without a secret key", is_hidden=False
    ),
    _endpoint("/v1/import", None),
    _endpoint("/v1/b", None),
    _endpoint("/v1/t", "track"),
    _endpoint("/v1/i", "identify"),
    _endpoint("/v1/p", "page"),
    _endpoint("/v1/s", "screen"),
    _endpoint("/v1/g", "group"),
    _endpoint("/v1/a", "alias"),
    _endpoint("/beacon/v1/batch", None),
    Endpoint(
        method="POST",
        path="/v1/m",
        handler=drop,
        is_bare=True,
        is_hidden=True,
        summary="Drops what Segment's library says about itself",
    ),
    Endpoint(
        method="GET",
        path="/v1/projects/{key}/settings",
        handler=segment_settings,
        summary="Settings of Segment's browser library",
        answer=dict[str, Any],
    ),
    Endpoint(
        method="GET",
        path="/sourceConfig",
        handler=rudder_settings,
        summary="Settings of RudderStack's browser library",
        answer=dict[str, Any],
    ),
)
