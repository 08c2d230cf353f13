"""`/v1/backtest/{rule}`: what a rule would have done on the team's own log, sampled or, part by part, in full."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from opportune.core.history.key import LANES
from opportune.core.traffic.tally import Tally
from opportune.errors import BadRequestError, OpportuneError
from opportune.http.answers import json_answer
from opportune.http.asking import read_json
from opportune.http.edge import Edge, headers_of
from opportune.http.query import query_of
from opportune.services.traffic.backtesting import backtest, conclude, count_part
from opportune.services.traffic.trying import DAYS, Asked

LONGEST_DAYS = 90
PART_SECONDS = 1.0
"""Other long reads take turns with the parts of a full answer."""


class BacktestQuery(msgspec.Struct, frozen=True):
    """How far back; `full` looks at every visitor and tells its progress, a JSON object a line."""

    days: int = DAYS
    full: bool = False


class DraftRequest(msgspec.Struct, frozen=True):
    """The files of a playbook that is not published, by their paths."""

    files: dict[str, str]


_draft = msgspec.json.Decoder(DraftRequest)


async def published(edge: Edge, request: Request) -> Response:
    (await edge.authorize(headers_of(request.scope), request.scope)).require("read")
    return await _answer(edge, request, None)


async def drafted(edge: Edge, request: Request) -> Response:
    (await edge.authorize(headers_of(request.scope), request.scope)).require("read")
    draft = await read_json(edge, request.scope, request.receive, _draft)
    return await _answer(edge, request, draft.files)


async def _answer(edge: Edge, request: Request, files: Mapping[str, str] | None) -> Response:
    query = query_of(request, BacktestQuery)
    if not 1 <= query.days <= LONGEST_DAYS:
        raise BadRequestError(wrong=f"`days` lies between 1 and {LONGEST_DAYS}.")
    asked = Asked(rule=request.path_params["rule"], files=files, days=query.days)
    now = edge.house.clock()
    if not query.full:
        return json_answer(await edge.reader(backtest, now, asked))
    first = await edge.reader(count_part, now, asked, 0, PART_SECONDS)
    return StreamingResponse(_parts(edge, now, asked, first), media_type="application/x-ndjson")


async def _parts(edge: Edge, now: int, asked: Asked, tally: Tally) -> AsyncIterator[bytes]:
    """`{"done": 40, "of": 256}` lines, then `{"backtest": ...}`, or `{"error": ...}` should it break on the way."""
    try:
        while 0 < tally.lanes < LANES:
            yield _line({"done": tally.lanes, "of": LANES})
            tally.join(await edge.reader(count_part, now, asked, tally.lanes, PART_SECONDS))
        yield _line({"backtest": await edge.reader(conclude, now, asked, tally)})
    except OpportuneError as error:
        yield _line({"error": {"code": error.code, "message": str(error)}})


def _line(value: object) -> bytes:
    return msgspec.json.encode(value) + b"\n"
