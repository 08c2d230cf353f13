"""The console as an ASGI application: its few routes, who is let in, and headers that keep pages to themselves."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from importlib.resources import files
from typing import Any

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import Receive, Scope, Send

from opportune.errors import NotFoundError, OpportuneError
from opportune.services.admitting import SESSION_LIFE_MS, is_admitted, knows_link, open_link
from opportune.services.house import House

Reader = Callable[..., Awaitable[Any]]
"""Runs `function(storage, *arguments)` where long reads disturb no decision."""

ROOT = "/setup"
REPORTS = "/reports"
ROOTS = (ROOT, REPORTS)
"""One link and one session open both."""
COOKIE = "o_setup"
HEADERS = {
    "Cache-Control": "private, no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}
DOWNLOADS = ("opportune.zip", "opportune.tpl")
FILES = {"setup.css": "text/css", "report.css": "text/css", "setup.js": "text/javascript"}

Snippet = Callable[[str, str, str, str], str]
"""What a site pastes, from the server's address and a write key."""


class File(msgspec.Struct, frozen=True):
    """Something to paste or to upload, with the address and the key in it, and where it goes."""

    platform: str
    name: str
    where: str
    content: bytes
    is_download: bool

    @property
    def text(self) -> str:
        return self.content.decode()


class ConsoleOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What the composition root gives the console."""

    url: str
    """Where visitors find the server; the request's own address stands in for the default."""
    is_default_url: bool
    trusts_proxy: bool
    snippet: Snippet
    files: Callable[[str, str], Sequence[File]] = lambda _url, _key: ()
    """For shops and tag managers, from the same."""


class Pages:
    """What a page is made with."""

    def __init__(self, house: House, reader: Reader, options: ConsoleOptions) -> None:
        self.house = house
        self.reader = reader
        self.options = options
        self._templates = Environment(
            loader=PackageLoader("opportune.console"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def render(self, name: str, status: int = 200, **values: Any) -> Response:
        return self.page(self._templates.get_template(name).render(root=ROOT, **values), status)

    @staticmethod
    def page(html: str, status: int = 200) -> Response:
        """One that stays with who asked for it."""
        return HTMLResponse(html, status, HEADERS)

    def address_of(self, request: Request) -> str:
        """The server's address as browsers know it."""
        if not self.options.is_default_url:
            return self.options.url
        scheme = request.url.scheme
        if self.options.trusts_proxy:
            scheme = request.headers.get("x-forwarded-proto", scheme).split(",")[0].strip()
        host = request.headers.get("host", "")
        return f"{scheme}://{host}" if host and scheme in ("http", "https") else self.options.url

    def write_key(self) -> str:
        """The first public key in force; empty where there is none."""
        keys = self.house.storage.list_api_keys()
        return next((each.public_value for each in keys if each.kind == "write" and not each.revoked_at), "")

    def files(self, request: Request) -> Sequence[File]:
        key = self.write_key()
        return self.options.files(self.address_of(request), key) if key else ()


Show = Callable[[Pages, Request], Awaitable[Response]]


class ConsoleApp:
    """Answers everything below its roots; `shows` makes the pages of each."""

    def __init__(self, pages: Pages, shows: Mapping[str, Show]) -> None:
        self.pages = pages
        self._shows = shows

    @staticmethod
    def knows(path: str) -> bool:
        return _root_of(path) != ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            answer = await self._answer(request)
        except NotFoundError as error:
            answer = self._missing(str(error), error.status, "Not found")
        except OpportuneError as error:
            answer = self._missing(str(error), 503, "Not now")
        await answer(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        root = _root_of(request.url.path)
        name = request.url.path.removeprefix(root).strip("/")
        word = request.query_params.get("open", "") if not name and root == ROOT else ""
        if request.method == "POST" and word:
            return await self._open(request, word)
        if request.method not in ("GET", "HEAD"):
            return Response("Only to be read.", 405, {**HEADERS, "Allow": "GET, HEAD"}, "text/plain")
        if name in FILES:
            return _file(name)
        if name and root == ROOT and name not in DOWNLOADS:
            return self._nothing()
        if word:
            return await self._offer(word)
        if not is_admitted(self.pages.house, request.cookies.get(COOKIE, "")):
            return self._closed("This page opens with a link.")
        if name and root == ROOT:
            return await asyncio.to_thread(self._download, request, name)
        return await self._shows[root](self.pages, request)

    def _download(self, request: Request, name: str) -> Response:
        found = next(
            (file for file in self.pages.files(request) if file.is_download and file.name == name), None
        )
        if found is None:
            return self._nothing()
        attached = {"Content-Disposition": f'attachment; filename="{found.name}"'}
        return Response(found.content, 200, {**HEADERS, **attached}, "application/octet-stream")

    async def _offer(self, word: str) -> Response:
        """A button. Mail and chat programs look at every address they show: looking must not use a link up."""
        if not await asyncio.to_thread(knows_link, self.pages.house, word):
            return self._used()
        return self.pages.render("setup/opening.html", word=word)

    async def _open(self, request: Request, word: str) -> Response:
        """A link works once."""
        cookie = await asyncio.to_thread(open_link, self.pages.house, word)
        if cookie is None:
            return self._used()
        answer = Response(status_code=303, headers={**HEADERS, "Location": ROOT})
        for path in ROOTS:
            answer.set_cookie(
                COOKIE,
                cookie,
                max_age=SESSION_LIFE_MS // 1_000,
                path=path,
                secure=self.pages.address_of(request).startswith("https://"),
                httponly=True,
                samesite="strict",
            )
        return answer

    def _nothing(self) -> Response:
        return self._missing("There is nothing at this address.", 404, "Not found")

    def _used(self) -> Response:
        return self._closed("This link was used already, or is older than a quarter of an hour.")

    def _closed(self, words: str) -> Response:
        """With how to be let in."""
        return self.pages.render("setup/closed.html", 403, words=words, heading="Set-up", is_closed=True)

    def _missing(self, words: str, status: int, heading: str) -> Response:
        """To who is in, or asks for what nobody keeps closed: with where to go on."""
        return self.pages.render(
            "setup/closed.html", status, words=words, heading=heading, is_closed=False, reports=REPORTS
        )


def _root_of(path: str) -> str:
    """Below which root a path lies; empty for somebody else's."""
    return next((root for root in ROOTS if path == root or path.startswith(f"{root}/")), "")


def _file(name: str) -> Response:
    text = files("opportune.console").joinpath("static", name).read_text("utf-8")
    return Response(
        text, 200, {"Cache-Control": "public, max-age=300", "X-Content-Type-Options": "nosniff"}, FILES[name]
    )
