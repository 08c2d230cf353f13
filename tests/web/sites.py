"""The same small site on every framework a helper exists for: real frameworks, asked in this process."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import django
import httpx
from django.conf import settings as django_settings
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.template import engines
from django.test import Client
from django.urls import path
from django.views.decorators.cache import cache_page
from fastapi import FastAPI
from flask import Flask, Response, render_template_string
from jinja2 import DictLoader, Environment
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, StreamingResponse
from starlette.routing import Route
from starlette.templating import Jinja2Templates

import opportune.web.django as django_helper
from opportune.web.flask import Opportune
from opportune.web.starlette import OpportuneMiddleware, add_slots, page_of

HOST = "shop.test"
CUSTOMER = "x-customer"
AGREED = "x-agreed"
VIEWED = ("Product Viewed", {"product_id": "boot-1", "category": "shoes"})
DJANGO_HERO = """{% load opportune %}{% slot "home hero" as hero %}
<section class="hero"><h1>{{ hero.headline|default:"Made for hills" }}</h1></section>{% endslot %}"""
JINJA_HERO = """{% call(hero) slot("home hero") %}
<section class="hero"><h1>{{ hero.headline or "Made for hills" }}</h1></section>{% endcall %}"""
DJANGO_OFFER = '{% slot "offer bar" %}{{ slot.text|default:"No offer" }}{% endslot %}'
JINJA_OFFER = '{% call(bar) slot("offer bar") %}{{ bar.text or "No offer" }}{% endcall %}'
DJANGO_PAGES = {
    "home": f"<body>{DJANGO_HERO}<p>{{% if 0 %}}{DJANGO_OFFER}{{% endif %}}after</p></body>",
    "two": f"<body>{DJANGO_HERO}<p>{DJANGO_OFFER}</p></body>",
    "script": "{% load opportune %}<body>{% opportune_script %}</body>",
    "broken": '{% load opportune %}{% slot "home hero" %}'
    "{% if slot.headline %}{{ slot.headline|add:nothing.at.all }}{% include slot.nowhere %}"
    "{% else %}Made for hills{% endif %}{% endslot %}",
}
JINJA_PAGES = {
    "home": f"<body>{JINJA_HERO}<p>{{% if 0 %}}{JINJA_OFFER}{{% endif %}}after</p></body>",
    "two": f"<body>{JINJA_HERO}<p>{JINJA_OFFER}</p></body>",
    "script": "<body>{{ opportune_script() }}</body>",
    "broken": '{% call(hero) slot("home hero") %}'
    "{% if hero.headline %}{{ 1 // 0 }}{% else %}Made for hills{% endif %}{% endcall %}",
}
ABOUT = {"page_type": "product", "category": "shoes", "product": "boot-1", "mood": "calm"}


@dataclass(frozen=True, slots=True)
class Answered:
    """What a browser gets. Header names are lower-case; `cookies` are the values of `Set-Cookie`."""

    status: int
    headers: Mapping[str, str]
    cookies: tuple[str, ...]
    text: str


Ask = Callable[..., Answered]
"""`ask(path, method=..., headers=..., body=...)`"""


def agreed_of(value: str | None) -> list[str] | None:
    return value.split() if value is not None else None


def from_httpx(response: httpx.Response) -> Answered:
    cookies = tuple(response.headers.get_list("set-cookie"))
    return Answered(response.status_code, dict(response.headers), cookies, response.text)


# -- Django ---------------------------------------------------------------------------------


def _django_page(name: str) -> Callable[[HttpRequest], HttpResponse]:
    def view(request: HttpRequest) -> HttpResponse:
        request.opportune.describe(**ABOUT)
        return HttpResponse(engines["django"].from_string(DJANGO_PAGES[name]).render({}, request))

    return view


def _django_value(request: HttpRequest) -> HttpResponse:
    request.opportune.track(*VIEWED)
    request.opportune.track(*VIEWED)
    return HttpResponse(request.opportune.value("home hero", {"headline": "Default"})["headline"])


def _django_streamed(request: HttpRequest) -> StreamingHttpResponse:
    text = engines["django"].from_string(DJANGO_PAGES["home"]).render({}, request)
    return StreamingHttpResponse(iter([text]))


def _django_added(request: HttpRequest) -> HttpResponse:
    request.opportune.track(*VIEWED)
    return HttpResponse("added", content_type="text/plain")


@contextmanager
def django_site(**settings: Any) -> Iterator[Ask]:
    if not django_settings.configured:
        _configure_django()
    own = {"user": lambda request: request.headers.get(CUSTOMER)}
    if settings.pop("asks_consent", False):
        own["consent"] = lambda request: agreed_of(request.headers.get(AGREED, ""))
    django_settings.OPPORTUNE = {**own, **settings}
    django_helper.site.cache_clear()
    django_helper.client.cache_clear()
    client = Client(raise_request_exception=True)

    def ask(
        path: str, *, method: str = "GET", headers: Mapping[str, str] | None = None, body: str = ""
    ) -> Answered:
        client.cookies.clear()
        given = {"host": HOST, **(headers or {})}
        response = client.generic(method, path, body, given.pop("content-type", "text/plain"), headers=given)
        cookies = tuple(morsel.OutputString() for morsel in response.cookies.values())
        text = b"".join(response) if response.streaming else response.content
        answered = {name.lower(): value for name, value in response.items()}
        return Answered(response.status_code, answered, cookies, text.decode())

    try:
        yield ask
    finally:
        django_helper.client().close()


def _configure_django() -> None:
    addresses = ModuleType("opportune_test_addresses")
    sys.modules[addresses.__name__] = addresses
    django_settings.configure(
        SECRET_KEY="of tests",
        ALLOWED_HOSTS=[HOST],
        ROOT_URLCONF=addresses.__name__,
        INSTALLED_APPS=["opportune.web.django"],
        MIDDLEWARE=["opportune.web.django.OpportuneMiddleware"],
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
            }
        ],
        CACHES={"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}},
    )
    django.setup()
    addresses.urlpatterns = [  # type: ignore[attr-defined]  # a module made here
        path("", _django_page("home")),
        path("two", _django_page("two")),
        path("script", _django_page("script")),
        path("broken", _django_page("broken")),
        path("cached", cache_page(600)(_django_page("home"))),
        path("value", _django_value),
        path("streamed", _django_streamed),
        path("added", _django_added),
        path("plain", lambda _: HttpResponse("<body>plain</body>")),
    ]


# -- Flask ----------------------------------------------------------------------------------


@contextmanager
def flask_site(**settings: Any) -> Iterator[Ask]:
    app = Flask("shop")
    consent = (
        (lambda request: agreed_of(request.headers.get(AGREED, "")))
        if settings.pop("asks_consent", False)
        else None
    )
    helper = Opportune(app, user=lambda request: request.headers.get(CUSTOMER), consent=consent, **settings)
    kept: dict[str, str] = {}

    def page(name: str) -> str:
        helper.page.describe(**ABOUT)
        return render_template_string(JINJA_PAGES[name])

    def value() -> str:
        helper.page.track(*VIEWED)
        helper.page.track(*VIEWED)
        return str(helper.page.value("home hero", {"headline": "Default"})["headline"])

    def added() -> Response:
        helper.page.track(*VIEWED)
        return Response("added", mimetype="text/plain")

    for name in JINJA_PAGES:
        app.add_url_rule("/" if name == "home" else f"/{name}", name, lambda name=name: page(name))
    app.add_url_rule("/cached", "cached", lambda: kept.setdefault("page", kept.get("page") or page("home")))
    app.add_url_rule("/value", "value", value)
    app.add_url_rule("/added", "added", added)
    app.add_url_rule("/streamed", "streamed", lambda: Response(iter([page("home")])))
    app.add_url_rule("/plain", "plain", lambda: "<body>plain</body>")
    client = app.test_client(use_cookies=False)

    def ask(
        path: str, *, method: str = "GET", headers: Mapping[str, str] | None = None, body: str = ""
    ) -> Answered:
        response = client.open(
            path, method=method, headers={"host": HOST, **(headers or {})}, data=body or None
        )
        cookies = tuple(response.headers.getlist("Set-Cookie"))
        answered = {key.lower(): each for key, each in response.headers.items()}
        return Answered(response.status_code, answered, cookies, response.get_data(as_text=True))

    try:
        yield ask
    finally:
        helper.client.close()


# -- Starlette and FastAPI ------------------------------------------------------------------


def _templates() -> Jinja2Templates:
    templates = Jinja2Templates(env=Environment(loader=DictLoader(JINJA_PAGES), autoescape=True))
    add_slots(templates)
    return templates


def _views() -> dict[str, Callable[..., Any]]:
    templates = _templates()
    kept: dict[str, bytes] = {}

    def page(name: str) -> Callable[..., Any]:
        async def view(request: Request) -> Any:
            page_of(request).describe(**ABOUT)
            return templates.TemplateResponse(request, name)

        return view

    async def cached(request: Request) -> Any:
        if "page" not in kept:
            kept["page"] = bytes(templates.TemplateResponse(request, "home").body)
        return HTMLResponse(kept["page"])

    async def value(request: Request) -> Any:
        page = page_of(request)
        page.track(*VIEWED)
        page.track(*VIEWED)
        found = await page.value("home hero", {"headline": "Default"})
        return HTMLResponse(found["headline"])

    async def streamed(request: Request) -> Any:
        text = bytes(templates.TemplateResponse(request, "home").body)
        return StreamingResponse(iter([text[:20], text[20:]]), media_type="text/html")

    async def added(request: Request) -> Any:
        page_of(request).track(*VIEWED)
        return PlainTextResponse("added")

    async def plain(_: Request) -> Any:
        return HTMLResponse("<body>plain</body>")

    views = {("/" if name == "home" else f"/{name}"): page(name) for name in JINJA_PAGES}
    more = {"/cached": cached, "/value": value, "/streamed": streamed, "/added": added, "/plain": plain}
    return {**views, **more}


def _wrapped(settings: dict[str, Any]) -> dict[str, Any]:
    own: dict[str, Any] = {"user": lambda request: request.headers.get(CUSTOMER)}
    if settings.pop("asks_consent", False):
        own["consent"] = lambda request: agreed_of(request.headers.get(AGREED, ""))
    return {**own, **settings}


@contextmanager
def _asgi_site(app: Any, settings: dict[str, Any]) -> Iterator[Ask]:
    app.add_middleware(OpportuneMiddleware, **_wrapped(settings))
    transport = httpx.ASGITransport(app=app)
    with asyncio.Runner() as runner:

        def ask(
            path: str, *, method: str = "GET", headers: Mapping[str, str] | None = None, body: str = ""
        ) -> Answered:
            async def request() -> httpx.Response:
                async with httpx.AsyncClient(transport=transport, base_url=f"http://{HOST}") as client:
                    return await client.request(method, path, headers=headers, content=body or None)

            return from_httpx(runner.run(request()))

        try:
            yield ask
        finally:
            runner.run(_stop(app))


async def _stop(app: Any) -> None:
    """A server's start and stop, as the application is told of them."""
    coming = iter(({"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}))

    async def receive() -> Any:
        return next(coming)

    async def send(_: Any) -> None:
        await asyncio.sleep(0)

    await app({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, receive, send)


@contextmanager
def starlette_site(**settings: Any) -> Iterator[Ask]:
    app = Starlette(routes=[Route(address, view) for address, view in _views().items()])
    with _asgi_site(app, settings) as ask:
        yield ask


@contextmanager
def fastapi_site(**settings: Any) -> Iterator[Ask]:
    app = FastAPI()
    for address, view in _views().items():
        app.get(address)(view)
    with _asgi_site(app, settings) as ask:
        yield ask


SITES = {"django": django_site, "flask": flask_site, "starlette": starlette_site, "fastapi": fastapi_site}
