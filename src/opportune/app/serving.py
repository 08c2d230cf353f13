"""What a server is put together from: both edges on one port, and the processes that read beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import lru_cache, partial
from threading import Event
from typing import Any

from starlette.types import Receive, Scope, Send

from opportune.app.pasting import snippet_of
from opportune.app.storing import open_reading
from opportune.console.pages import ConsoleApp, ConsoleOptions, File
from opportune.console.setting_up import create_console_app
from opportune.http.edge import EdgeOptions
from opportune.http.routes import HttpApp, create_http_app
from opportune.http.script import head_block
from opportune.platforms import PLATFORMS, Filling, archive_of, files_of, text_of
from opportune.process.apart import Apart
from opportune.process.place import Place
from opportune.process.reader import ReadingProcess
from opportune.services.house import House
from opportune.services.limiting import Rate, Rates
from opportune.settings import DEFAULTS, Settings

BURST_SECONDS = 20
"""A limit of so many requests a second may be used up for this long at once."""


def build_reader(place: Place, settings: Settings) -> ReadingProcess:
    return ReadingProcess(partial(open_reading, place), nice=settings.reader_nice)


def build_apart(place: Place, settings: Settings, ends: Event) -> Apart:
    return Apart(partial(open_reading, place), nice=settings.reader_nice, ends=ends)


def build_http_app(house: House, reader: ReadingProcess, apart: Apart, settings: Settings) -> HttpApp:
    async def read_apart(function: Callable[..., Any], *arguments: Any) -> Any:
        return await asyncio.to_thread(apart, function, *arguments)

    return create_http_app(house, reader, read_apart, edge_options(settings))


def build_console_app(house: House, reader: ReadingProcess, settings: Settings) -> ConsoleApp:
    options = ConsoleOptions(
        url=settings.url.rstrip("/"),
        is_default_url=settings.url == DEFAULTS.url,
        trusts_proxy=settings.trusts_proxy,
        snippet=snippet_of,
        files=files_to_paste,
    )
    return create_console_app(house, reader, options)


class Edges:
    """Both edges on one port: the console below its own path, the JSON edge everywhere else."""

    def __init__(self, http: HttpApp, console: ConsoleApp) -> None:
        self.http = http
        self.console = console

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_console = scope["type"] == "http" and self.console.knows(scope["path"])
        await (self.console if is_console else self.http)(scope, receive, send)


@lru_cache(maxsize=4)
def files_to_paste(url: str, key: str) -> tuple[File, ...]:
    """What a shop or a tag manager is given, ready to paste or to upload."""
    filling = Filling(url, key, head_block())
    return tuple(
        File("woocommerce", "opportune.zip", "Plugins > Add New > Upload Plugin", archive_of(filling), True)
        if pasted.is_archive
        else File(
            platform,
            pasted.name,
            pasted.where or "Templates > New > Import",
            text_of(pasted, filling).encode(),
            platform == "tag-manager",
        )
        for platform in PLATFORMS
        for pasted in files_of(platform)
    )


def edge_options(settings: Settings) -> EdgeOptions:
    return EdgeOptions(
        rates=Rates(
            key=_rate(settings.key_rate, settings.workers),
            address=_rate(settings.address_rate, settings.workers),
            id=_rate(settings.id_rate, settings.workers),
        ),
        trusts_proxy=settings.trusts_proxy,
        country_header=settings.country_header,
        wants_metrics_key=settings.wants_metrics_key,
        data_folder="" if settings.database else settings.data,
    )


def _rate(per_second: float, workers: int) -> Rate:
    """What one of several processes lets pass, as each gets its share of the requests."""
    share = per_second / workers
    return Rate(share, round(share * BURST_SECONDS))
