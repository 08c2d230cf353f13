"""`GET /v1/notes`: what was switched off by itself, warnings, steps of slow launches, and what to look at."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from opportune.http.answers import json_answer
from opportune.http.edge import Edge, headers_of
from opportune.http.query import cursor_of, query_of
from opportune.services.guard.noting import list_notes


class NotesQuery(msgspec.Struct, frozen=True):
    """Which page, and how many at once."""

    cursor: str | None = None
    limit: int = 100


async def notes(edge: Edge, request: Request) -> Response:
    (await edge.authorize(headers_of(request.scope), request.scope)).require("read")
    query = query_of(request, NotesQuery)
    return json_answer(await edge.reader(list_notes, cursor_of(query.cursor), query.limit))
