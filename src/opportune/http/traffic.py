"""`/v1/plan`, `/v1/next`, `/v1/check`: what can be tested here, what is worth it, and what would go wrong."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from opportune.http.answers import json_answer
from opportune.http.asking import read_json
from opportune.http.backtests import DraftRequest
from opportune.http.edge import Edge, headers_of
from opportune.services.traffic import planning
from opportune.services.traffic.forewarning import forewarn
from opportune.services.traffic.ranking import rank

_draft = msgspec.json.Decoder(DraftRequest)


async def plan(edge: Edge, request: Request) -> Response:
    (await edge.authorize(headers_of(request.scope), request.scope)).require("read")
    return json_answer(await edge.reader(planning.plan, edge.house.clock()))


async def next_rules(edge: Edge, request: Request) -> Response:
    (await edge.authorize(headers_of(request.scope), request.scope)).require("read")
    return json_answer(await edge.reader(rank, edge.house.clock()))


async def check(edge: Edge, request: Request) -> Response:
    (await edge.authorize(headers_of(request.scope), request.scope)).require("read")
    return json_answer(await edge.reader(forewarn, edge.house.clock()))


async def check_draft(edge: Edge, request: Request) -> Response:
    (await edge.authorize(headers_of(request.scope), request.scope)).require("read")
    draft = await read_json(edge, request.scope, request.receive, _draft)
    return json_answer(await edge.reader(forewarn, edge.house.clock(), draft.files))
