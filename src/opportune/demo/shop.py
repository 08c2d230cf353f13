"""The shop's machinery: from a request to a page. One question to Opportune a page, asked before rendering."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit
from uuid import uuid4

from jinja2 import Environment, PackageLoader, select_autoescape
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from opportune.demo.catalogue import BY_SLUG, CATEGORIES, PRODUCTS, SHOP_NAME, money
from opportune.demo.console import Console
from opportune.demo.guest import Guest, keep, read_guest
from opportune.demo.ledger import Ledger
from opportune.demo.places import defaults_of
from opportune.demo.rulebook import Rulebook
from opportune.demo.traffic import earlier_visit
from opportune.demo.why import reasons_of, side_of
from opportune.web.asking import Question
from opportune.web.client import Opportune

LOCAL = frozenset({"127.0.0.1", "localhost", "::1"})
DECIDE_MS = 300
EVENTS_MS = 3_000
READ_MS = 20_000
"""Longer than a real shop would take: the demo's visitors are on the machine that does everything else too."""
Message = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Visited:
    """One request: who it is, what they sent, and where."""

    request: Request
    guest: Guest
    form: dict[str, str]

    @property
    def url(self) -> str:
        return str(self.request.url)

    @property
    def query(self) -> str:
        return self.request.query_params.get("q", "").strip()[:80]


@dataclass(slots=True)
class Page:
    """What is to be rendered. `type`, `category` and `product` describe it; opening it made the `events`."""

    template: str
    title: str
    type: str = "other"
    category: str = ""
    product: str = ""
    events: list[Message] = field(default_factory=list)
    content: dict[str, Any] = field(default_factory=dict)
    status: int = 200


Handler = Callable[["Shop", Visited], Page | Response]


class Shop:
    """Everything a page needs: the client, the shop's own records, the templates."""

    def __init__(
        self,
        *,
        api_url: str,
        secret_key: str,
        write_key: str,
        playbook_dir: Path,
        data_dir: Path,
        deadline_ms: float = DECIDE_MS,
    ) -> None:
        self.opportune = Opportune(api_url, secret_key, deadline_ms=deadline_ms)
        self.browser = Opportune(api_url, write_key)
        """The public key, as the page script uses it."""
        self.api_url = api_url.rstrip("/")
        self.write_key = write_key
        self.secret = secret_key
        self.ledger = Ledger(data_dir / "shop.jsonl")
        self.rulebook = Rulebook(playbook_dir, data_dir)
        self.console = Console(self.api_url, self.rulebook)
        self._templates = Environment(
            loader=PackageLoader("opportune.demo"),
            autoescape=select_autoescape(),
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.globals.update(
            shop_name=SHOP_NAME, categories=CATEGORIES, products=PRODUCTS, titles=BY_SLUG, money=money
        )

    def endpoint(self, handler: Handler) -> Callable[[Request], Any]:
        """An endpoint around a plain function, which may wait for Opportune in a thread of its own."""

        async def answer(request: Request) -> Response:
            if not is_from_here(request):
                return Response("This form was sent from another site.", 403)
            body = parse_qs((await request.body()).decode("utf-8", "replace")[:20_000])
            form = {name: values[-1].strip()[:500] for name, values in body.items()}
            return await run_in_threadpool(self._answer, handler, request, form)

        return answer

    def _answer(self, handler: Handler, request: Request, form: dict[str, str]) -> Response:
        guest = read_guest(request.cookies, self.secret)
        if guest.is_new and "Mozilla/" in request.headers.get("user-agent", ""):
            self.give_past(guest.device)
        visited = Visited(request, guest, form)
        answer = handler(self, visited)
        response = self.render(visited, answer) if isinstance(answer, Page) else answer
        keep(guest, response, self.secret)
        return response

    def give_past(self, device: str) -> None:
        """An earlier visit, told as its browser would have: whoever opens the demo is a returning visitor."""
        self._hand_over(self.browser, earlier_visit(device, datetime.now(UTC)))

    def send(self, *events: Message) -> None:
        """Hands events over before the next page is asked for, so that its answer knows them."""
        self._hand_over(self.opportune, events)

    def _hand_over(self, client: Opportune, events: Sequence[Message]) -> None:
        """What was not taken in time is told later."""
        if not client.capture(*events, deadline_ms=max(EVENTS_MS, self.opportune.deadline_ms)):
            client.capture_later(*events)

    def find_person(self, person_id: str) -> dict[str, Any]:
        """History and what is known of one visitor; empty when there is nothing, or no answer."""
        return self.opportune.get(f"/v1/people/{quote(person_id, safe='')}", deadline_ms=READ_MS)

    def render(self, visited: Visited, page: Page) -> HTMLResponse:
        """The page as HTML: its events first, then the one question, then the template."""
        if page.events:
            self.send(*page.events)
        guest = visited.guest
        defaults = defaults_of(page.type)
        answers = self.opportune.decide(
            Question(
                slots=list(defaults),
                anonymous_id=guest.device,
                user_id=guest.customer or "",
                context=self._context(visited, page),
                receipts=True,
                preview=guest.is_previewing,
            )
        )
        script = self._script_url(visited.request)
        html = self._templates.get_template(page.template).render(
            page=page,
            guest=guest,
            here=_here(visited.request),
            query=visited.query,
            slots={name.replace("-", "_"): answers[name].value_or(own) for name, own in defaults.items()},
            reasons=reasons_of(answers),
            side="" if guest.is_previewing else side_of(answers.values()),
            script=script,
            write_key=self.write_key,
            panel=visited.request.cookies.get("shop_why", ""),
            **page.content,
        )
        return HTMLResponse(html, page.status, _headers(script))

    def render_part(self, template: str, **content: Any) -> HTMLResponse:
        return HTMLResponse(self._templates.get_template(template).render(**content), headers=_headers(""))

    def _context(self, visited: Visited, page: Page) -> dict[str, Any]:
        """What the question says about the page and the browser that will show it."""
        headers = visited.request.headers
        referrer = headers.get("referer", "")
        return {
            "page": {
                "url": visited.url,
                "path": visited.request.url.path,
                "title": page.title,
                "type": page.type,
                "category": page.category,
                "product": page.product,
                "referrer": referrer if urlsplit(referrer).netloc != visited.request.url.netloc else "",
            },
            "userAgent": headers.get("user-agent", ""),
            "locale": headers.get("accept-language", "").split(",")[0],
            "purpose": headers.get("sec-purpose", headers.get("purpose", "")),
        }

    def _script_url(self, request: Request) -> str:
        """Where this browser finds Opportune: on this machine under the name it used for the shop."""
        parts = urlsplit(self.api_url)
        asked = request.url.hostname or ""
        if parts.hostname in LOCAL and asked not in LOCAL:
            return f"{parts.scheme}://{asked}:{parts.port}"
        return self.api_url


def console_url(shop: Shop, visited: Visited, path: str) -> str:
    """A page of Opportune's own, under the name this browser has for the machine, as cookies go by name."""
    parts, asked = urlsplit(shop.api_url), visited.request.url.hostname or ""
    if parts.hostname not in LOCAL or not asked:
        return f"{shop.api_url}{path}"
    return f"{parts.scheme}://{f'[{asked}]' if ':' in asked else asked}:{parts.port}{path}"


def go(path: str) -> RedirectResponse:
    """On to another page, after a form."""
    return RedirectResponse(path, 303)


def back(visited: Visited, otherwise: str = "/") -> RedirectResponse:
    """Back to the page the form stood on."""
    path = visited.form.get("back", "")
    return go(path if path.startswith("/") and not path.startswith(("//", "/\\")) else otherwise)


def new_device() -> str:
    return uuid4().hex


def is_from_here(request: Request) -> bool:
    """Forms are taken from the shop's own pages only."""
    origin = request.headers.get("origin")
    return request.method != "POST" or origin is None or urlsplit(origin).netloc == request.url.netloc


def _here(request: Request) -> str:
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


def _headers(script: str) -> dict[str, str]:
    """A strict policy on purpose: the page script must work under it."""
    sources: Sequence[str] = ("'self'", script) if script else ("'self'",)
    allowed = " ".join(sources)
    return {
        "Cache-Control": "private, no-store",
        "Content-Security-Policy": (
            f"default-src 'self'; script-src {allowed}; connect-src {allowed}; img-src 'self' data:; "
            "style-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
        ),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
    }
