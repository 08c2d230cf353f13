"""`GET /v1/reports` and `/v1/reports/{rule}`: the same that the command and the page tell, as JSON."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from opportune.http.answers import json_answer
from opportune.http.edge import Edge, headers_of
from opportune.http.query import query_of
from opportune.services.experiments import reporting


class ReportQuery(msgspec.Struct, frozen=True):
    """With `fresh` the sums are derived from the events now, instead of read as they were counted last."""

    fresh: bool = False


async def overview(edge: Edge, request: Request) -> Response:
    (await edge.authorize(headers_of(request.scope), request.scope)).require("read")
    if query_of(request, ReportQuery).fresh:
        return json_answer(await edge.apart("overview", reporting.fresh_overview, edge.house.clock()))
    return json_answer(await edge.reader(reporting.overview, edge.house.clock()))


async def report(edge: Edge, request: Request) -> Response:
    (await edge.authorize(headers_of(request.scope), request.scope)).require("read")
    rule, now = request.path_params["rule"], edge.house.clock()
    if query_of(request, ReportQuery).fresh:
        return json_answer(await edge.apart(("report", rule), reporting.fresh_report, rule, now))
    return json_answer(await edge.reader(reporting.report, rule, now))
