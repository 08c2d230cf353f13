"""`GET /v1/events`: what was taken in, newest first; `/v1/set-aside`: what was not, and taking it in again."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from opportune.core.history.key import Namespace
from opportune.http.answers import json_answer
from opportune.http.asking import read_json
from opportune.http.edge import Edge, headers_of
from opportune.http.query import MAX_CURSOR, cursor_of, moment_of, query_of
from opportune.services.reading import EventFilter, list_events, list_set_aside
from opportune.services.setting_aside import drop, replay

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


Ids = Annotated[
    list[Annotated[int, msgspec.Meta(ge=1, le=MAX_CURSOR)]], msgspec.Meta(min_length=1, max_length=1_000)
]


class ReplayRequest(msgspec.Struct, frozen=True):
    """Numbers of open set-aside events; `fix` is merged into each message first (null removes a field)."""

    ids: Ids
    fix: dict[str, Any] | None = None


class DropRequest(msgspec.Struct, frozen=True):
    """Numbers of open set-aside events to give up on; they stay listed as dropped."""

    ids: Ids


class Dropped(msgspec.Struct, frozen=True):
    """How many were given up on."""

    dropped: int


_replay = msgspec.json.Decoder(ReplayRequest)
_drop = msgspec.json.Decoder(DropRequest)


async def events(edge: Edge, request: Request) -> Response:
    (await edge.authorize(headers_of(request.scope), request.scope)).require("read")
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
    (await edge.authorize(headers_of(request.scope), request.scope)).require("read")
    query = query_of(request, SetAsideQuery)
    return json_answer(await edge.reader(list_set_aside, query.state, cursor_of(query.cursor), query.limit))


async def replay_set_aside(edge: Edge, request: Request) -> Response:
    (await edge.authorize(headers_of(request.scope), request.scope)).require("operate")
    wanted = await read_json(edge, request.scope, request.receive, _replay)
    return json_answer(await asyncio.to_thread(replay, edge.house, wanted.ids, wanted.fix))


async def drop_set_aside(edge: Edge, request: Request) -> Response:
    (await edge.authorize(headers_of(request.scope), request.scope)).require("operate")
    wanted = await read_json(edge, request.scope, request.receive, _drop)
    return json_answer(Dropped(await asyncio.to_thread(drop, edge.house, wanted.ids)))
