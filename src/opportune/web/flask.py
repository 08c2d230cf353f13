"""Flask: an extension with `{% call(hero) slot("home hero") %}...normal content...{% endcall %}` in templates."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from flask import Flask, Request, Response, g, request
from markupsafe import Markup

from opportune.web import client
from opportune.web.forwarding import (
    FORWARD_MS,
    LARGEST_BYTES,
    UNREACHABLE,
    headers_back,
    headers_to,
    route_of,
)
from opportune.web.page import PRIVATE, SHARED_CACHES, BlockingPage, Fields
from opportune.web.site import PageRequest, Site

log = logging.getLogger("opportune.web")


class Opportune:
    """`Opportune(app, url=..., key=...)`, or `init_app` later. The current page is `opportune.page`."""

    def __init__(self, app: Flask | None = None, **settings: Any) -> None:
        self.site = Site.of(settings)
        self.client = client.Opportune(self.site.url, self.site.key, deadline_ms=self.site.deadline_ms)
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        app.extensions["opportune"] = self
        app.jinja_env.globals.update(slot=self._slot, opportune_script=self._script)
        app.before_request(self._begin)
        app.after_request(self._finish)

    @property
    def page(self) -> BlockingPage:
        """The page of the request being answered."""
        if "opportune" not in g:
            g.opportune = self._page_for(request)
        page: BlockingPage = g.opportune
        return page

    def _page_for(self, asked: Request) -> BlockingPage:
        site = self.site
        user, consent = site.user, site.consent
        return BlockingPage(
            self.client,
            site,
            PageRequest(
                url=asked.url,
                path=asked.path,
                headers={name.lower(): value for name, value in asked.headers.items()},
                cookies=asked.cookies,
            ),
            user=(lambda: user(asked)) if user is not None else None,
            consent=(lambda: consent(asked)) if consent is not None else None,
        )

    def _slot(self, name: str, caller: Callable[[Fields], str]) -> Markup:
        return Markup(self.page.slot(name, lambda fields: str(caller(fields))))  # noqa: S704  Jinja escaped it

    def _script(self) -> Markup:
        return Markup(self.page.script())  # noqa: S704  attributes are escaped

    def _begin(self) -> Response | None:
        folder = self.site.path
        return self._forward() if folder and request.path.startswith(folder) else None

    def _finish(self, response: Response) -> Response:
        try:
            if not (self.site.path and request.path.startswith(self.site.path)):
                self._finish_page(self.page, response)
        except Exception as fault:  # noqa: BLE001 - the page leaves as it is, whatever went wrong here
            log.warning("page_not_finished path=%s reason=%r", request.path, fault)
        return response

    def _finish_page(self, page: BlockingPage, response: Response) -> None:
        is_html = response.mimetype == "text/html"
        if (
            is_html
            and page.has_slots
            and not response.is_streamed
            and "Content-Encoding" not in response.headers
        ):
            response.set_data(page.finish(response.get_data(as_text=True)))
        page.ask(())
        if page.was_asked or (is_html and page.is_new):
            _keep_private(response)
        if is_html and (page.is_new or page.has_lost_id):
            response.headers.add("Set-Cookie", page.cookie())

    def _forward(self) -> Response:
        route = route_of(request.method, request.path, self.site.path)
        if not route:
            return Response(status=404)
        if (request.content_length or 0) > LARGEST_BYTES:
            return Response(status=413)
        page = self.page
        headers = headers_to(page.request.headers, request.remote_addr or "")
        try:
            reply = self.client.forward(request.method, route, headers, request.get_data(), FORWARD_MS)
        except OSError as fault:
            log.info("forward_failed route=%s reason=%s", route, fault)
            return Response(status=UNREACHABLE)
        response = Response(reply.body, reply.status, headers_back(reply))
        if route == "/o.js" and page.is_new:
            _keep_private(response)
            response.headers.add("Set-Cookie", page.cookie())
        return response


def _keep_private(response: Response) -> None:
    response.headers["Cache-Control"] = PRIVATE
    for name in SHARED_CACHES:
        response.headers.pop(name, None)
