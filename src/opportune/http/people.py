"""`/v1/people/{id}`: one person's history and what we know; all that is kept of them, to hand out; and erasing them."""

from __future__ import annotations

import asyncio

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from opportune.core.history.key import Namespace
from opportune.http.answers import json_answer
from opportune.http.edge import Edge, headers_of
from opportune.http.query import query_of
from opportune.services.house import House
from opportune.services.people.erasing import Erased
from opportune.services.people.exporting import export_person
from opportune.services.people.redacting import erase_person
from opportune.services.reading import EventView, ExposureView, KeyView, Known, list_known, read_person


class PersonQuery(msgspec.Struct, frozen=True):
    """Whose id it is; without it a user's id is looked for first, then a device's."""

    namespace: Namespace | None = None


class PersonView(msgspec.Struct, frozen=True, kw_only=True):
    """One person, whole."""

    namespace: str
    id: str
    stage: str
    keys: list[KeyView]
    known: list[Known]
    history: list[EventView]
    exposures: list[ExposureView]


async def person(edge: Edge, request: Request) -> Response:
    (await edge.authorize(headers_of(request.scope), request.scope)).require("read")
    namespace = query_of(request, PersonQuery).namespace
    await edge.settle()
    record = await edge.reader(read_person, request.path_params["id"], namespace)
    stage, known = list_known(edge.house, record)
    view = PersonView(
        namespace=record.namespace,
        id=record.id,
        stage=stage,
        keys=record.keys,
        known=known,
        history=record.history,
        exposures=record.exposures,
    )
    return json_answer(view)


async def export(edge: Edge, request: Request) -> Response:
    (await edge.authorize(headers_of(request.scope), request.scope)).require("export")
    namespace = query_of(request, PersonQuery).namespace
    await edge.settle()
    kept = await edge.reader(export_person, request.path_params["id"], namespace)
    return json_answer(kept, headers={"Cache-Control": "no-store"})


async def remove(edge: Edge, request: Request) -> Response:
    caller = await edge.authorize(headers_of(request.scope), request.scope)
    caller.require("erase")
    namespace = query_of(request, PersonQuery).namespace
    identifier = request.path_params["id"]
    return json_answer(await asyncio.to_thread(_erase, edge.house, identifier, namespace, caller.name))


def _erase(house: House, identifier: str, namespace: Namespace | None, by: str) -> Erased:
    return erase_person(house, identifier, namespace, by=by)
