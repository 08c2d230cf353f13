"""The places of one page: remembered while it renders, asked for in one question, filled before it leaves.

A place renders its normal content at once, between two comments that only this page knows. What a cache inside the
site keeps is therefore normal content, and whatever fails afterwards, normal content is what stays.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from secrets import token_hex
from typing import Any
from uuid import uuid4

from opportune.web.asking import Answer, Question, slot_id
from opportune.web.client import Opportune
from opportune.web.site import (
    THIRTEEN_MONTHS,
    PageRequest,
    Purposes,
    Site,
    limited,
    purposes_in,
    without_addresses,
)

MEASURE = "measure"
PRIVATE = "private, no-store"
SHARED_CACHES = ("surrogate-control", "cdn-cache-control", "cloudflare-cdn-cache-control", "expires", "etag")
"""Headers of a response that would let somebody keep it all the same."""
_FIRST_TAG = re.compile(r"\s*(?:<!--.*?-->\s*)*<[a-zA-Z][\w:-]*(?=[\s/>])", re.DOTALL)

log = logging.getLogger("opportune.web")


class Fields:
    """What a place shows, by field: `slot.headline`, `slot.button_text`; empty, and false, for normal content."""

    __slots__ = ("_fields",)

    def __init__(self, value: Any = None) -> None:
        if isinstance(value, Mapping):
            fields = {str(name).replace(" ", "_"): each for name, each in value.items()}
        else:
            fields = {} if value is None else {"value": value}
        self._fields = fields

    def __getitem__(self, name: str) -> Any:
        return self._fields[name]

    def __getattr__(self, name: str) -> Any:
        try:
            return self._fields[name]
        except KeyError:
            raise AttributeError(name) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __bool__(self) -> bool:
        return bool(self._fields)


NORMAL = Fields()
Render = Callable[[Fields], str]


@dataclass(frozen=True, slots=True)
class _Waiting:
    slot: str
    render: Render
    normal: str


class Page:
    """One page for one visitor. `render` functions are called again with the fields that were decided."""

    def __init__(
        self,
        site: Site,
        request: PageRequest,
        *,
        user: Callable[[], str | int | None] | None = None,
        consent: Callable[[], Purposes] | None = None,
    ) -> None:
        self.site, self.request = site, request
        self._user = user
        agreed = _agreed(consent) if consent is not None else None
        self._purposes = limited(agreed) if request.refuses_measuring else agreed
        brought = request.id_in(site.id_cookie)
        self.may_measure = self._purposes is None or MEASURE in self._purposes
        self.is_new = self.may_measure and not brought and not request.is_ahead
        """This browser brought no id; it gets one with this page."""
        self.has_lost_id = bool(brought) and not self.may_measure
        """The visitor no longer agrees to an id: the cookie goes."""
        self.visitor_id = (brought or (uuid4().hex if self.is_new else "")) if self.may_measure else ""
        """Empty before consent, and for a page that is loaded ahead."""
        self._about: dict[str, Any] = {}
        self._more: dict[str, Any] = {}
        self._events: list[dict[str, Any]] = []
        self._waiting: list[_Waiting] = []
        self._mark = token_hex(8)
        self._between = re.compile(rf"<!--o:{self._mark}:(\d+)-->(.*?)<!--/o:{self._mark}:\1-->", re.DOTALL)
        self.answers: dict[str, Answer] = {}
        self.was_asked = False

    # -- what a view says ---------------------------------------------------------------------

    def describe(
        self, *, page_type: str = "", category: str = "", product: str = "", title: str = "", **more: Any
    ) -> None:
        """What the view knows about its page, for rules: the page's type (`product`), category, product, anything."""
        said = {"type": page_type, "category": category, "product": product, "title": title}
        self._about |= {name: value for name, value in said.items() if value}
        self._more |= more

    def track(self, event: str, properties: Mapping[str, Any] | None = None) -> None:
        """Something the visitor did on this page; the page's own question already knows it."""
        if not self.visitor_id:
            return
        message = {
            "type": "track",
            "event": event,
            "messageId": uuid4().hex,
            "timestamp": datetime.now(UTC).isoformat(),
            "anonymousId": self.visitor_id,
            "properties": dict(properties or {}),
            "context": {"page": self._page(), "userAgent": self.request.headers.get("user-agent", "")},
        }
        user = self.user_id
        self._events.append({**message, "userId": user} if user else message)

    def slot(self, name: str, render: Render) -> str:
        """A place's normal content, to be filled when the page is finished."""
        slot = slot_id(name)
        if slot in self.answers:
            return self._content(slot, render, None)
        normal = marked(render(NORMAL), slot)
        number = len(self._waiting)
        self._waiting.append(_Waiting(slot, render, normal))
        return f"<!--o:{self._mark}:{number}-->{normal}<!--/o:{self._mark}:{number}-->"

    # -- asking and filling -------------------------------------------------------------------

    @property
    def has_slots(self) -> bool:
        return bool(self._waiting)

    @property
    def user_id(self) -> str:
        """The customer who is logged in, as the site's `user` says; empty for nobody."""
        try:
            found = self._user() if self._user is not None else None
        except Exception as fault:  # noqa: BLE001 - the site's own function must not take its page down here
            log.warning("user_not_read reason=%r", fault)
            found = None
        return str(found) if found not in (None, "") else ""

    def slots_in(self, html: str) -> list[str]:
        """The places that really stand in the page and are not answered yet."""
        found = (self._waiting[int(number)].slot for number, _ in self._between.findall(html))
        return [slot for slot in dict.fromkeys(found) if slot not in self.answers]

    def question(self, slots: Sequence[str]) -> Question | None:
        """What to ask for these places, with the events of this page; None when nobody is to be asked."""
        events, self._events = tuple(self._events), []
        if self.request.is_ahead or not (slots or events):
            return None
        self.was_asked = self.was_asked or bool(slots)
        user = self.user_id if self.may_measure else ""
        return Question(
            slots=slots,
            anonymous_id=self.visitor_id,
            user_id=user,
            user_token=self.site.user_token(user),
            context=self._context(),
            events=events,
        )

    def fill(self, html: str) -> str:
        """The page with every place as it was decided; asks nobody."""
        return self._between.sub(self._filled, html)

    def _filled(self, found: re.Match[str]) -> str:
        waiting = self._waiting[int(found[1])]
        content = self._content(waiting.slot, waiting.render, found[2])
        return self.fill(content)

    def _content(self, slot: str, render: Render, normal: str | None) -> str:
        """A place's content. `normal` as it was rendered already, if it was."""
        answer = self.answers.get(slot, Answer(slot))
        if not answer.is_normal:
            if answer.value is None:
                return ""
            try:
                return marked(render(Fields(answer.value)), slot, answer.token)
            except Exception as fault:  # noqa: BLE001 - a version the template cannot show must not break the page
                log.warning("slot_not_rendered slot=%s variant=%s reason=%r", slot, answer.variant, fault)
                return normal if normal is not None else marked(render(NORMAL), slot)
        return marked(normal if normal is not None else render(NORMAL), slot, answer.token)

    # -- what the response says ---------------------------------------------------------------

    @property
    def is_private(self) -> bool:
        """Whether the response is this visitor's alone."""
        return self.was_asked or self.is_new

    def cookie(self) -> str:
        """The value of `Set-Cookie`. Readable by scripts: the page script sends its events under the same id."""
        secure = "; Secure" if self.request.is_secure else ""
        value = f"{self.visitor_id}; Max-Age={THIRTEEN_MONTHS}" if self.visitor_id else "; Max-Age=0"
        return f"{self.site.id_cookie}={value}; Path=/; SameSite=Lax{secure}"

    def script(self) -> str:
        """The tag of the page script, with what this page is about; nothing without a write key."""
        if not self.site.write_key:
            return ""
        folder = self.site.path or self.site.url.rstrip("/") + "/"
        cookie = self.site.id_cookie if self.site.id_cookie != "o_id" else ""
        said = {
            "key": self.site.write_key,
            "places": "server",
            "cookie": cookie,
            "page-type": self._about.get("type"),
            "category": self._about.get("category"),
            "product": self._about.get("product"),
        }
        data = "".join(f' data-{name}="{escape(str(value))}"' for name, value in said.items() if value)
        return f'<script async src="{escape(folder)}o.js"{data}></script>'

    def _page(self) -> dict[str, Any]:
        request = self.request
        referrer = without_addresses(request.headers.get("referer", ""))
        where = {"url": without_addresses(request.url), "path": request.path, "referrer": referrer}
        return {**{name: value for name, value in where.items() if value}, **self._about}

    def _context(self) -> dict[str, Any]:
        headers = self.request.headers
        context: dict[str, Any] = {
            **self._more,
            "page": self._page(),
            "userAgent": headers.get("user-agent", ""),
            "locale": headers.get("accept-language", "").partition(",")[0].partition(";")[0],
        }
        if self.site.country_header and (country := headers.get(self.site.country_header.lower())):
            context["country"] = country
        if self._purposes is not None:
            context["consent"] = self._purposes
        return context


class BlockingPage(Page):
    """A page whose view waits for its answers."""

    def __init__(self, client: Opportune, site: Site, request: PageRequest, **more: Any) -> None:
        super().__init__(site, request, **more)
        self._client = client

    def value(self, name: str, default: Any = None) -> Any:
        """One place's value, for the view's own code; asked at once, and counted as shown to this visitor."""
        return self.values({name: default})[name]

    def values(self, defaults: Mapping[str, Any]) -> dict[str, Any]:
        """Several places' values in one question; the default where no answer came in time."""
        self.ask([slot_id(name) for name in defaults])
        return {
            name: self.answers.get(slot_id(name), Answer(name)).value_or(default)
            for name, default in defaults.items()
        }

    def ask(self, slots: Sequence[str]) -> None:
        """Asks for those places that are not answered yet; hands over what happened on the page."""
        question = self.question([slot for slot in slots if slot not in self.answers])
        if question is not None:
            self.answers |= self._client.decide(question, headers=self.request.passed_on())

    def finish(self, html: str) -> str:
        """The page as this visitor gets it."""
        self.ask(self.slots_in(html))
        return self.fill(html)


def _agreed(consent: Callable[[], Purposes]) -> list[str] | None:
    """What the site's own function says; one that fails is no consent."""
    try:
        return purposes_in(consent())
    except Exception as fault:  # noqa: BLE001 - the site's own function must not take its page down here
        log.warning("consent_not_read reason=%r", fault)
        return []


def marked(html: str, slot: str, token: str = "") -> str:
    """The content with `data-slot`, and with `data-decision` once it is decided, on its first element."""
    said = f' data-decision="{escape(token)}"' if token else ""
    own = re.search(rf"""\sdata-slot=["']{re.escape(slot)}["']""", html)
    if own is not None:
        return html[: own.end()] + said + html[own.end() :]
    attributes = f' data-slot="{escape(slot)}"{said}'
    first = _FIRST_TAG.match(html)
    if first is not None:
        return html[: first.end()] + attributes + html[first.end() :]
    return f"<span{attributes}>{html}</span>" if html.strip() else html
