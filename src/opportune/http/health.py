"""Is it up, can it serve, and what has it counted: for load balancers, uptime checks and Prometheus."""

from __future__ import annotations

import asyncio
from shutil import disk_usage

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from opportune import __version__
from opportune.errors import OpportuneError
from opportune.http.answers import json_answer
from opportune.http.edge import Edge, headers_of

READY_SECONDS = 3.0
LEAST_FREE_BYTES = 64 * 1024 * 1024


class About(msgspec.Struct, frozen=True):
    """What answers here, and where its description and its health are."""

    name: str = "opportune"
    version: str = __version__
    openapi: str = "/openapi.json"
    health: str = "/health/ready"


class Liveness(msgspec.Struct, frozen=True):
    """The process answers."""

    status: str = "live"


class Readiness(msgspec.Struct, frozen=True, kw_only=True):
    """What serving depends on, each `ok` or the trouble in words."""

    status: str
    storage: str
    writer: str
    disk: str
    revision: str
    """The running playbook; empty when none was published."""


async def about(_edge: Edge, _request: Request) -> Response:
    return json_answer(About())


async def live(_edge: Edge, _request: Request) -> Response:
    return json_answer(Liveness())


async def ready(edge: Edge, _request: Request) -> Response:
    """200 when the store can be read and a write went through just now; else 503 with the reason."""
    storage, writer = await asyncio.gather(_read_trouble(edge), _write_trouble(edge))
    disk = _disk_trouble(edge)
    is_ready = not (storage or writer or disk)
    answer = Readiness(
        status="ready" if is_ready else "not ready",
        storage=storage or "ok",
        writer=writer or "ok",
        disk=disk or "ok",
        revision=edge.house.programme.revision,
    )
    return json_answer(answer, 200 if is_ready else 503, {"Cache-Control": "no-store"})


async def _read_trouble(edge: Edge) -> str:
    try:
        await asyncio.wait_for(asyncio.to_thread(edge.house.storage.changed_at), READY_SECONDS)
    except TimeoutError:
        return f"no answer within {READY_SECONDS:g} s"
    except Exception as error:  # noqa: BLE001 - a health check reports every kind of trouble
        return _in_words(error)
    return ""


async def _write_trouble(edge: Edge) -> str:
    """An empty job through the one door: the writer lives and the disk takes a commit."""
    try:
        future = asyncio.wrap_future(edge.house.storage.write(lambda transaction: transaction.head_seq))
        await asyncio.wait_for(future, READY_SECONDS)
    except TimeoutError:
        return f"no commit within {READY_SECONDS:g} s"
    except Exception as error:  # noqa: BLE001 - a health check reports every kind of trouble
        return _in_words(error)
    return ""


def _disk_trouble(edge: Edge) -> str:
    if not edge.options.data_folder:
        return ""
    try:
        free = disk_usage(edge.options.data_folder).free
    except OSError as error:
        return f"the data folder cannot be looked at: {error.strerror}"
    return "" if free >= LEAST_FREE_BYTES else f"only {free // 1024 // 1024} MB are free"


def _in_words(error: Exception) -> str:
    return str(error) if isinstance(error, OpportuneError) else type(error).__name__


async def metrics(edge: Edge, request: Request) -> Response:
    if edge.options.wants_metrics_key:
        (await edge.authorize(headers_of(request.scope), request.scope)).require("read")
    from opportune.http.exposition import Exposition  # noqa: PLC0415 - its docstring says why so late

    shown = Exposition(edge.metrics)
    return Response(shown.render(), 200, {"Cache-Control": "no-store"}, shown.content_type)
