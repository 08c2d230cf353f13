"""`GET /v1/events`: what was taken in, newest first; `/v1/set-aside`: what was not, and taking it in again."""

from __future__ import annotations

from typing import Literal

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from opportune.core.key import Namespace
from opportune.http.answers import json_answer
from opportune.http.edge import Edge, headers_of
from opportune.http.query import cursor_of, moment_of, query_of
from opportune.services.reading import EventFilter, list_events, list_set_aside

Limit = int


class EventsQuery(msgspec.Struct, frozen=True, rename="camel"):
    """Filters; all of those given must fit. `id` finds every key of that person."""

    name: str | None = None
    id: str | None = None
    namespace: Namespace | None = None
    source: str | None = None
    message_id: str | None = None
    since: str | None = None
    until: str | None = None
    cursor: str | None = None
    limit: Limit = 100


class SetAsideQuery(msgspec.Struct, frozen=True):
    """Which ones: still open, replayed or dropped."""

    state: Literal["open", "replayed", "dropped"] = "open"
    cursor: str | None = None
    limit: Limit = 100


async def events(edge: Edge, request: Request) -> Response:
    edge.authorize(headers_of(request.scope), request.scope).require("read")
    query = query_of(request, EventsQuery)
    wanted = EventFilter(
        name=query.name,
        id=query.id,
        namespace=query.namespace,
        source=query.source,
        message_id=query.message_id,
        since_at=moment_of("since", query.since),
        until_at=moment_of("until", query.until),
        before_seq=cursor_of(query.cursor),
        limit=query.limit,
    )
    return json_answer(await edge.reader(list_events, wanted))


async def set_aside(edge: Edge, request: Request) -> Response:
    edge.authorize(headers_of(request.scope), request.scope).require("read")
    query = query_of(request, SetAsideQuery)
    return json_answer(await edge.reader(list_set_aside, query.state, cursor_of(query.cursor), query.limit))
