"""Django: a middleware, template tags (`{% load opportune %}`) and `request.opportune` for views.

Settings: `INSTALLED_APPS += ["opportune.web.django"]`, `MIDDLEWARE += ["opportune.web.django.OpportuneMiddleware"]`
and `OPPORTUNE = {"url": ..., "key": ...}`; see docs/how/python.md.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cache
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured, SuspiciousOperation
from django.http import HttpRequest, HttpResponse

from opportune.web.client import Opportune
from opportune.web.forwarding import (
    FORWARD_MS,
    LARGEST_BYTES,
    UNREACHABLE,
    headers_back,
    headers_to,
    route_of,
)
from opportune.web.page import PRIVATE, SHARED_CACHES, BlockingPage
from opportune.web.site import THIRTEEN_MONTHS, PageRequest, Site

log = logging.getLogger("opportune.web")


class OpportuneMiddleware:
    """Gives each request its page, and finishes it: below a cache or compression, above what makes HTML."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response
        self._site = site()
        self._client = client()

    def __call__(self, request: HttpRequest) -> HttpResponse:
        page = page_for(request)
        if self._site.path and request.path.startswith(self._site.path):
            return self._forward(request, page)
        request.opportune = page
        response = self._get_response(request)
        try:
            return self._finish(page, response)
        except Exception as fault:  # noqa: BLE001 - the page leaves as it is, whatever went wrong here
            log.warning("page_not_finished path=%s reason=%r", request.path, fault)
            return response

    def _finish(self, page: BlockingPage, response: HttpResponse) -> HttpResponse:
        is_html = response.get("Content-Type", "").startswith("text/html")
        if is_html and not response.streaming and not response.has_header("Content-Encoding"):
            html = response.content.decode(response.charset)
            finished = page.finish(html) if page.has_slots else html
            if finished is not html:
                response.content = finished.encode(response.charset)
                if response.has_header("Content-Length"):
                    response["Content-Length"] = str(len(response.content))
        page.ask(())
        if page.was_asked or (is_html and page.is_new):
            _keep_private(response)
        if is_html:
            _set_cookie(page, response)
        return response

    def _forward(self, request: HttpRequest, page: BlockingPage) -> HttpResponse:
        route = route_of(request.method or "", request.path, self._site.path)
        if not route:
            return HttpResponse(status=404)
        if int(request.META.get("CONTENT_LENGTH") or 0) > LARGEST_BYTES:
            return HttpResponse(status=413)
        headers = headers_to(_headers(request), request.META.get("REMOTE_ADDR", ""))
        try:
            reply = self._client.forward(request.method or "", route, headers, request.body, FORWARD_MS)
        except OSError as fault:
            log.info("forward_failed route=%s reason=%s", route, fault)
            return HttpResponse(status=UNREACHABLE)
        response = HttpResponse(reply.body, status=reply.status, headers=headers_back(reply))
        if route == "/o.js" and page.is_new:
            _keep_private(response)
            _set_cookie(page, response)
        return response


@cache
def site() -> Site:
    """The project's settings. Raises ImproperlyConfigured."""
    said = getattr(settings, "OPPORTUNE", None)
    if not isinstance(said, dict):
        raise ImproperlyConfigured('Opportune: write OPPORTUNE = {"url": ..., "key": ...} into the settings')
    try:
        return Site.of(said)
    except ValueError as fault:
        raise ImproperlyConfigured(f"OPPORTUNE: {fault}") from fault


@cache
def client() -> Opportune:
    """The process's one client, for code outside of a request too."""
    said = site()
    return Opportune(said.url, said.key, deadline_ms=said.deadline_ms)


def page_for(request: HttpRequest) -> BlockingPage:
    """One request's page; the middleware makes one for every request."""
    said = site()
    asked = PageRequest(
        url=_url(request),
        path=request.path,
        headers=_headers(request),
        cookies=request.COOKIES,
    )
    user, consent = said.user or _logged_in, said.consent
    return BlockingPage(
        client(),
        said,
        asked,
        user=lambda: user(request),
        consent=(lambda: consent(request)) if consent is not None else None,
    )


def _logged_in(request: HttpRequest) -> Any:
    user = getattr(request, "user", None)
    return user.pk if user is not None and user.is_authenticated else None


def _url(request: HttpRequest) -> str:
    try:
        return str(request.build_absolute_uri())
    except SuspiciousOperation:  # a host nobody serves: Django refuses the request itself
        return str(request.get_full_path())


def _headers(request: HttpRequest) -> dict[str, str]:
    return {name.lower(): value for name, value in request.headers.items()}


def _keep_private(response: HttpResponse) -> None:
    response["Cache-Control"] = PRIVATE
    for name in SHARED_CACHES:
        if response.has_header(name):
            del response[name]


def _set_cookie(page: BlockingPage, response: HttpResponse) -> None:
    name, is_secure = page.site.id_cookie, page.request.is_secure
    if page.is_new:
        response.set_cookie(name, page.visitor_id, max_age=THIRTEEN_MONTHS, samesite="Lax", secure=is_secure)
    elif page.has_lost_id:
        response.delete_cookie(name, samesite="Lax")
