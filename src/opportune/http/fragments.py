"""`GET /v1/fragments/{slot}`: one place as finished HTML, for server-side includes and htmx.

A page must never break on it: whatever is wrong, the answer is 200 with the normal content or nothing,
and a header says why.
"""

from __future__ import annotations

from time import perf_counter
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from opportune.core.fragment import to_html
from opportune.errors import OpportuneError
from opportune.http.asking import asker_of, stated_context
from opportune.http.decide import count
from opportune.http.edge import Edge, headers_of
from opportune.http.errors import log
from opportune.services.deciding import Answered, Question, decide_slots

OURS = frozenset({"key", "writeKey", "userId", "anonymousId", "userToken", "hidden"})
"""Parameters that say who asks and how; all others describe the page (`path`, `category`, ...)."""
NOTHING = "<!-- nothing here -->"
"""With `hidden=comment`: what a place that shows nothing answers, for includes that take an empty answer for none."""
DECISION_HEADER = "Opportune-Decision"
REASON_HEADER = "Opportune-Reason"
VARIANT_HEADER = "Opportune-Variant"
"""Percent-encoded, as a name may have any letters; `normal` where the page's own content stands."""


async def fragment(edge: Edge, request: Request) -> Response:
    slot = request.path_params["slot"]
    try:
        answered = await _decide(edge, request, slot)
        place = edge.house.programme.places.get(slot)
        if place is None:
            return _html("", {REASON_HEADER: "unknown slot"})
        html = _decided(to_html(place.slot, answered.decision.value), answered)
        if not html and not answered.decision.error_code and request.query_params.get("hidden") == "comment":
            html = NOTHING
    except OpportuneError as error:
        return _html("", {REASON_HEADER: type(error).code})
    except Exception as fault:  # noqa: BLE001 - a page that includes this must not break
        log.error("fragment_failed slot=%s", slot, exc_info=fault)
        return _html("", {REASON_HEADER: "error"})
    decision = answered.decision
    told = {
        REASON_HEADER: decision.reason,
        VARIANT_HEADER: quote(decision.variant, safe=" "),
        DECISION_HEADER: answered.token,
    }
    return _html(html, told)


def _decided(html: str, answered: Answered) -> str:
    """The fragment with its token beside `data-slot`: the page script takes such an element as decided."""
    own = f'data-slot="{answered.decision.slot}"'
    return html.replace(own, f'{own} data-decision="{answered.token}"', 1) if answered.token else html


async def _decide(edge: Edge, request: Request, slot: str) -> Answered:
    started = perf_counter()
    headers, query = headers_of(request.scope), request.query_params
    caller = await edge.authorize(headers, request.scope, query.get("key") or query.get("writeKey"))
    caller.admit("decide")
    asker = asker_of(
        edge,
        caller,
        user_id=query.get("userId") or request.headers.get("opportune-user"),
        anonymous_id=_device(edge, request),
        user_token=query.get("userToken") or request.headers.get("opportune-user-token"),
    )
    question = Question(
        user_id=asker.user_id,
        anonymous_id=asker.anonymous_id,
        slots=(slot,),
        context=stated_context(edge, caller, headers, _page(request)),
        started=started,
    )
    answer = await decide_slots(edge.house, question)
    count(edge, answer, perf_counter() - started)
    return answer.decisions[0]


def _device(edge: Edge, request: Request) -> str | None:
    """The device's id: parameter, header, or the cookie that the site's own server set."""
    return (
        request.query_params.get("anonymousId")
        or request.headers.get("opportune-id")
        or request.cookies.get(edge.options.id_cookie)
    )


def _page(request: Request) -> dict[str, Any]:
    """The page this stands in: what the parameters say, else the page that included it."""
    page: dict[str, Any] = {name: value for name, value in request.query_params.items() if name not in OURS}
    if not ({"url", "path"} & page.keys()):
        referrer = request.headers.get("hx-current-url") or request.headers.get("referer")
        if referrer:
            page["url"] = referrer
    return page


def _html(text: str, headers: dict[str, str]) -> Response:
    kept = {name: value for name, value in headers.items() if value}
    return Response(text, 200, {"Cache-Control": "private, no-store", **kept}, "text/html")
