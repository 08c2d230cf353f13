"""Starlette and FastAPI: an ASGI middleware, and `slot` for Jinja templates.

app.add_middleware(OpportuneMiddleware, url=..., key=...)
add_slots(templates)   # {% call(hero) slot("home hero") %}...normal content...{% endcall %}
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.templating import Jinja2Templates
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from opportune.web.asking import Answer, slot_id
from opportune.web.async_client import AsyncOpportune
from opportune.web.forwarding import (
    FORWARD_MS,
    LARGEST_BYTES,
    UNREACHABLE,
    headers_back,
    headers_to,
    route_of,
)
from opportune.web.page import NORMAL, PRIVATE, SHARED_CACHES, Fields, Page
from opportune.web.site import PageRequest, Site

log = logging.getLogger("opportune.web")


class AsyncPage(Page):
    """A page whose view awaits its answers: `await page_of(request).value("free shipping from", 50)`."""

    def __init__(self, client: AsyncOpportune, site: Site, request: PageRequest, **more: Any) -> None:
        super().__init__(site, request, **more)
        self._client = client

    async def value(self, name: str, default: Any = None) -> Any:
        """One place's value, for the view's own code; asked at once, and counted as shown to this visitor."""
        return (await self.values({name: default}))[name]

    async def values(self, defaults: Mapping[str, Any]) -> dict[str, Any]:
        """Several places' values in one question; the default where no answer came in time."""
        await self.ask([slot_id(name) for name in defaults])
        return {
            name: self.answers.get(slot_id(name), Answer(name)).value_or(default)
            for name, default in defaults.items()
        }

    async def ask(self, slots: Sequence[str]) -> None:
        """Asks for those places that are not answered yet; hands over what happened on the page."""
        question = self.question([slot for slot in slots if slot not in self.answers])
        if question is not None:
            self.answers |= await self._client.decide(question, headers=self.request.passed_on())

    async def finish(self, html: str) -> str:
        """The page as this visitor gets it."""
        await self.ask(self.slots_in(html))
        return self.fill(html)


class OpportuneMiddleware:
    """Gives each request its page (`page_of(request)`), and finishes it. Compression belongs outside of this."""

    def __init__(self, app: ASGIApp, **settings: Any) -> None:
        self._app = app
        self._site = Site.of(settings)
        self._client = AsyncOpportune(self._site.url, self._site.key, deadline_ms=self._site.deadline_ms)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, self._closing(send))
            return
        request = Request(scope, receive)
        page = self._page_for(request)
        if self._site.path and request.url.path.startswith(self._site.path):
            response = await self._forward(request, page)
            await response(scope, receive, send)
            return
        scope.setdefault("state", {})["opportune"] = page
        await self._app(scope, receive, _Finishing(page, send).send)

    def _closing(self, send: Send) -> Send:
        """Lets go of everything when the server stops."""

        async def send_last(message: Message) -> None:
            if message["type"] in ("lifespan.shutdown.complete", "lifespan.shutdown.failed"):
                await self._client.close()
            await send(message)

        return send_last

    def _page_for(self, request: Request) -> AsyncPage:
        site, headers = self._site, request.headers
        user, consent = site.user, site.consent
        return AsyncPage(
            self._client,
            site,
            PageRequest(
                url=str(request.url),
                path=request.url.path,
                headers=dict(headers.items()),
                cookies=request.cookies,
            ),
            user=(lambda: user(request)) if user is not None else None,
            consent=(lambda: consent(request)) if consent is not None else None,
        )

    async def _forward(self, request: Request, page: AsyncPage) -> Response:
        route = route_of(request.method, request.url.path, self._site.path)
        if not route:
            return Response(status_code=404)
        body = b""
        async for piece in request.stream():
            body += piece
            if len(body) > LARGEST_BYTES:
                return Response(status_code=413)
        headers = headers_to(request.headers, request.client.host if request.client else "")
        try:
            reply = await self._client.forward(request.method, route, headers, body, FORWARD_MS)
        except OSError as fault:
            log.info("forward_failed route=%s reason=%s", route, fault)
            return Response(status_code=UNREACHABLE)
        response = Response(reply.body, reply.status, headers_back(reply))
        if route == "/o.js" and page.is_new:
            _keep_private(response.headers)
            response.headers.append("set-cookie", page.cookie())
        return response


class _Finishing:
    """One response on its way out. HTML with places is held until it is whole; all else passes at once."""

    def __init__(self, page: AsyncPage, send: Send) -> None:
        self._page, self._send = page, send
        self._start: Message = {}
        self._body = b""
        self._is_held = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
            headers = Headers(raw=message["headers"])
            is_html = headers.get("content-type", "").startswith("text/html")
            self._is_held = is_html and self._page.has_slots and "content-encoding" not in headers
            if not self._is_held:
                await self._page.ask(())
                self._prepare(is_html=is_html)
                await self._send(message)
        elif self._is_held and message["type"] == "http.response.body":
            self._body += message.get("body", b"")
            if not message.get("more_body"):
                await self._release()
        else:
            await self._send(message)

    async def _release(self) -> None:
        charset = _charset_of(Headers(raw=self._start["headers"]).get("content-type", ""))
        body = self._body
        try:
            body = (await self._page.finish(body.decode(charset))).encode(charset)
        except Exception as fault:  # noqa: BLE001 - the page leaves as it is, whatever went wrong here
            log.warning("page_not_finished path=%s reason=%r", self._page.request.path, fault)
        headers = MutableHeaders(scope=self._start)
        if "content-length" in headers and body:
            headers["content-length"] = str(len(body))
        self._prepare(is_html=True)
        await self._send(self._start)
        await self._send({"type": "http.response.body", "body": body})

    def _prepare(self, *, is_html: bool) -> None:
        page, headers = self._page, MutableHeaders(scope=self._start)
        if page.was_asked or (is_html and page.is_new):
            _keep_private(headers)
        if is_html and (page.is_new or page.has_lost_id):
            headers.append("set-cookie", page.cookie())


def page_of(request: Request) -> AsyncPage:
    """The page of a request that went through the middleware."""
    page: AsyncPage = request.state.opportune
    return page


def add_slots(templates: Jinja2Templates) -> None:
    """Teaches templates `slot` and `opportune_script`."""
    templates.env.globals.update(slot=_slot, opportune_script=_script)


@pass_context
def _slot(context: Context, name: str, caller: Callable[[Fields], str]) -> Markup:
    page = _page_in(context)
    html = str(caller(NORMAL)) if page is None else page.slot(name, lambda fields: str(caller(fields)))
    return Markup(html)  # noqa: S704  Jinja escaped it


@pass_context
def _script(context: Context) -> Markup:
    page = _page_in(context)
    return Markup(page.script() if page is not None else "")  # noqa: S704  attributes are escaped


def _page_in(context: Context) -> Page | None:
    request = context.get("request")
    found = getattr(request.state, "opportune", None) if isinstance(request, Request) else None
    return found if isinstance(found, Page) else None


def _charset_of(content_type: str) -> str:
    _, found, charset = content_type.lower().partition("charset=")
    return charset.partition(";")[0].strip(' "') if found else "utf-8"


def _keep_private(headers: MutableHeaders) -> None:
    headers["cache-control"] = PRIVATE
    for name in SHARED_CACHES:
        if name in headers:
            del headers[name]
