"""`GET /v1/learnings`: what tests taught, newest first, searched by words."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from opportune.core.learnings.learning import Learning
from opportune.http.answers import json_answer
from opportune.http.edge import Edge, headers_of
from opportune.http.endpoint import Endpoint
from opportune.http.query import query_of
from opportune.services.learnings import learning


class LearningsQuery(msgspec.Struct, frozen=True):
    """Only those in which every one of these words stands."""

    words: str = ""


class Learnings(msgspec.Struct, frozen=True):
    """Newest first."""

    learnings: list[Learning]


async def learnings(edge: Edge, request: Request) -> Response:
    (await edge.authorize(headers_of(request.scope), request.scope)).require("read")
    words = query_of(request, LearningsQuery).words
    return json_answer(Learnings(await edge.reader(learning.list_learnings, words)))


ROUTES: tuple[Endpoint, ...] = (
    Endpoint(
        method="GET",
        path="/v1/learnings",
        handler=learnings,
        summary="What tests taught, newest first; searched by words",
        access="secret",
        scope="read",
        query=LearningsQuery,
        answer=Learnings,
    ),
)
