"""`GET /v1/review`: the quarter's review of every rule."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from opportune.core.learnings.review import Review
from opportune.http.answers import json_answer
from opportune.http.edge import Edge, headers_of
from opportune.http.endpoint import Endpoint
from opportune.services.learnings import reviewing


async def review(edge: Edge, request: Request) -> Response:
    (await edge.authorize(headers_of(request.scope), request.scope)).require("read")
    return json_answer(await edge.reader(reviewing.review, edge.house.clock()))


ROUTES: tuple[Endpoint, ...] = (
    Endpoint(
        method="GET",
        path="/v1/review",
        handler=review,
        summary="Every rule: keep, merge or retire, with reasons; which signals and places pay",
        access="secret",
        scope="read",
        answer=Review,
    ),
)
