"""`/v1/plan`: which tests this traffic can answer."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from opportune.http.answers import json_answer
from opportune.http.edge import Edge, headers_of
from opportune.services import planning


async def plan(edge: Edge, request: Request) -> Response:
    (await edge.authorize(headers_of(request.scope), request.scope)).require("read")
    return json_answer(await edge.reader(planning.plan, edge.house.clock()))
