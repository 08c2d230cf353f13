"""The whole JSON edge on one screen: every route, who may call it, and who answers."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from opportune.core.report import parts
from opportune.core.traffic.backtest import Backtest
from opportune.http import (
    backtests,
    capture,
    events,
    fragments,
    health,
    learnings,
    notes,
    ofrep,
    openapi,
    people,
    reports,
    reviews,
    script,
    sources,
    traffic,
)
from opportune.http import decide as deciding
from opportune.http.answers import json_answer
from opportune.http.dispatch import HttpApp
from opportune.http.edge import Edge, EdgeOptions, HouseReader
from opportune.http.endpoint import Endpoint
from opportune.services import reading, setting_aside
from opportune.services.guard import noting
from opportune.services.house import House
from opportune.services.people import erasing, exporting
from opportune.services.traffic import forewarning, planning, ranking

__all__ = ["DECIDE", "OPEN", "READ", "ROUTES", "TRAFFIC", "HttpApp", "create_http_app", "document"]


async def describe(_edge: Edge, _request: Request) -> Response:
    return json_answer(document(), headers={"Cache-Control": "public, max-age=300"})


DECIDE: tuple[Endpoint, ...] = (
    Endpoint(
        method="POST",
        path="/v1/decide",
        handler=deciding.decide,
        is_bare=True,
        summary="What each place shows this visitor now, and why; events sent along are taken in first",
        body=deciding.DecideRequest,
        answer=deciding.DecideAnswer,
    ),
    Endpoint(
        method="GET",
        path="/v1/fragments/{slot}",
        handler=fragments.fragment,
        summary="One place as HTML, for includes; never fails a page",
        media_type="text/html",
    ),
    Endpoint(
        method="POST",
        path="/ofrep/v1/evaluate/flags/{slot:path}",
        handler=ofrep.evaluate,
        summary="OFREP: one slot as a flag; counts as exposure",
        body=ofrep.EvaluationRequest,
        answer=ofrep.Flag,
    ),
    Endpoint(
        method="POST",
        path="/ofrep/v1/evaluate/flags",
        handler=ofrep.evaluate_all,
        summary="OFREP: every slot as a flag, with an ETag of the answer; given ahead, so no exposure",
        body=ofrep.EvaluationRequest,
        answer=ofrep.BulkAnswer,
    ),
)

READ: tuple[Endpoint, ...] = (
    Endpoint(
        method="GET",
        path="/v1/events",
        handler=events.events,
        summary="Events taken in, newest first",
        access="secret",
        scope="read",
        query=events.EventsQuery,
        answer=reading.EventPage,
    ),
    Endpoint(
        method="GET",
        path="/v1/people/{id}",
        handler=people.person,
        summary="One person: history, what we know, where they are, what they were given and why",
        access="secret",
        scope="read",
        query=people.PersonQuery,
        answer=people.PersonView,
    ),
    Endpoint(
        method="GET",
        path="/v1/people/{id}/export",
        handler=people.export,
        summary="Everything that is kept of one person, by an id of theirs or an e-mail address",
        access="secret",
        scope="export",
        query=people.PersonQuery,
        answer=exporting.PersonExport,
    ),
    Endpoint(
        method="DELETE",
        path="/v1/people/{id}",
        handler=people.remove,
        summary="Erases one person for good; what comes in later from before that is dropped",
        access="secret",
        scope="erase",
        query=people.PersonQuery,
        answer=erasing.Erased,
    ),
    Endpoint(
        method="GET",
        path="/v1/reports",
        handler=reports.overview,
        summary="Is it earning: everything we personalize, then every test with its state and date",
        access="secret",
        scope="read",
        query=reports.ReportQuery,
        answer=parts.Overview,
    ),
    Endpoint(
        method="GET",
        path="/v1/reports/{rule:path}",
        handler=reports.report,
        summary="One rule's report, or with `programme` that of everything we personalize",
        access="secret",
        scope="read",
        query=reports.ReportQuery,
        answer=parts.Report,
    ),
    Endpoint(
        method="GET",
        path="/v1/notes",
        handler=notes.notes,
        summary="What was switched off by itself, warnings, and what to look at, newest first",
        access="secret",
        scope="read",
        query=notes.NotesQuery,
        answer=noting.NotePage,
    ),
    Endpoint(
        method="GET",
        path="/v1/set-aside",
        handler=events.set_aside,
        summary="Events kept aside with the reason",
        access="secret",
        scope="read",
        query=events.SetAsideQuery,
        answer=reading.SetAsidePage,
    ),
    Endpoint(
        method="POST",
        path="/v1/set-aside/replay",
        handler=events.replay_set_aside,
        summary="Takes events set aside in again, corrected if need be",
        access="secret",
        scope="operate",
        body=events.ReplayRequest,
        answer=setting_aside.ReplayResult,
    ),
    Endpoint(
        method="POST",
        path="/v1/set-aside/drop",
        handler=events.drop_set_aside,
        summary="Gives up on events set aside",
        access="secret",
        scope="operate",
        body=events.DropRequest,
        answer=events.Dropped,
    ),
)

TRAFFIC: tuple[Endpoint, ...] = (
    Endpoint(
        method="GET",
        path="/v1/backtest/{rule}",
        handler=backtests.published,
        summary="What a published rule would have done here; with `full` a line of progress at a time",
        access="secret",
        scope="read",
        query=backtests.BacktestQuery,
        answer=Backtest,
    ),
    Endpoint(
        method="POST",
        path="/v1/backtest/{rule}",
        handler=backtests.drafted,
        summary="The same for a rule of files that are not published",
        access="secret",
        scope="read",
        query=backtests.BacktestQuery,
        body=backtests.DraftRequest,
        answer=Backtest,
    ),
    Endpoint(
        method="GET",
        path="/v1/plan",
        handler=traffic.plan,
        summary="Which tests this traffic can answer, and by when",
        access="secret",
        scope="read",
        answer=planning.Planned,
    ),
    Endpoint(
        method="GET",
        path="/v1/next",
        handler=traffic.next_rules,
        summary="Ready rules and drafts, ranked by people, money and days to an answer",
        access="secret",
        scope="read",
        answer=ranking.Ranked,
    ),
    Endpoint(
        method="GET",
        path="/v1/check",
        handler=traffic.check,
        summary="What would go wrong with the published playbook, held against past traffic; and the signal map",
        access="secret",
        scope="read",
        answer=forewarning.Forewarned,
    ),
    Endpoint(
        method="POST",
        path="/v1/check",
        handler=traffic.check_draft,
        summary="The same for files that are not published",
        access="secret",
        scope="read",
        body=backtests.DraftRequest,
        answer=forewarning.Forewarned,
    ),
)

OPEN: tuple[Endpoint, ...] = (
    Endpoint(
        method="GET",
        path="/",
        handler=health.about,
        summary="What answers here, and where to read on",
        access="open",
        answer=health.About,
    ),
    Endpoint(
        method="GET",
        path="/o.js",
        handler=script.script,
        summary="The browser script",
        access="open",
        media_type="text/javascript",
    ),
    Endpoint(
        method="GET",
        path="/preview.js",
        handler=script.preview,
        summary="What it loads where a preview link was opened",
        access="open",
        media_type="text/javascript",
    ),
    Endpoint(
        method="GET",
        path="/forms.js",
        handler=script.forms,
        summary="What tells of forms, for pages that load it too",
        access="open",
        media_type="text/javascript",
    ),
    Endpoint(
        method="GET",
        path="/health/live",
        handler=health.live,
        summary="The process answers",
        access="open",
        answer=health.Liveness,
    ),
    Endpoint(
        method="GET",
        path="/health/ready",
        handler=health.ready,
        summary="The store can be read, a write goes through, the disk has room; else 503",
        access="open",
        answer=health.Readiness,
    ),
    Endpoint(
        method="GET",
        path="/metrics",
        handler=health.metrics,
        summary="Counts for Prometheus",
        access="open",
        media_type="text/plain",
    ),
    Endpoint(
        method="GET",
        path="/openapi.json",
        handler=describe,
        summary="This document",
        access="open",
        answer=dict[str, Any],
    ),
)

ROUTES: tuple[Endpoint, ...] = (
    *capture.ROUTES,
    *sources.ROUTES,
    *DECIDE,
    *READ,
    *learnings.ROUTES,
    *reviews.ROUTES,
    *TRAFFIC,
    *OPEN,
)


def document() -> dict[str, Any]:
    """The OpenAPI document of all routes."""
    return openapi.document_of(ROUTES)


def create_http_app(house: House, reader: HouseReader, apart: HouseReader, options: EdgeOptions) -> HttpApp:
    """The JSON edge of a house. `reader` runs a function of services/reading.py on a storage."""
    return HttpApp(Edge.of(house, reader, apart, options), ROUTES)
