"""`POST /v1/decide`: what each place shows this visitor now, and why; events sent along are taken in first.

The busiest route, so it answers without request and response objects. Anything the house cannot answer
in time comes back as normal content with the reason ERROR (`services/deciding.py`), never as a failure.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from time import perf_counter
from typing import Any, Literal

import msgspec
from starlette.types import Receive, Scope, Send

from opportune.core.decision import Decision
from opportune.core.explanation import Explanation
from opportune.core.moment import to_iso
from opportune.core.placement import OnPage
from opportune.core.receipt import Receipt
from opportune.core.slot import slot_id
from opportune.core.visitor.consent import CONSENT, MEASURE
from opportune.errors import BadRequestError, OpportuneError, StorageBusyError
from opportune.http.answers import encode
from opportune.http.asking import Identifier, asker_of, read_json, stated_context
from opportune.http.edge import Edge, Headers, headers_of
from opportune.services.authorizing import Caller
from opportune.services.capturing import CaptureResult, CaptureSource, prepare, store
from opportune.services.deciding import UNKNOWN_SLOT, Answer, Answered, Question, decide_slots, keys_of
from opportune.services.passing import NOTHING, read_passing
from opportune.services.people.consenting import Prepared, is_record, keep_agreed, keys_about, may_keep
from opportune.services.people.tallying import notice_visit

MOST_SLOTS = 200
NO_RECEIPTS = "receipts need a secret key"
MOST_NAME_CHARS = 200
EVENTS_SECONDS = 2.0
"""How long a request waits for its events to be safe before it decides without them."""


class DecideRequest(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """Who asks, for which slots, on which page; `events` are taken in before deciding."""

    user_id: Identifier = None
    anonymous_id: Identifier = None
    user_token: str | None = None
    slots: list[str] | Literal["all"] = "all"
    context: dict[str, Any] = {}
    events: list[dict[str, Any]] = []
    receipts: bool = False
    """Secret keys only: each decision with its receipt, and why in words."""
    preview: bool = False
    """Secret keys only: sees rules in preview, enters no test."""
    ahead: bool = False
    """The answer is for a page still to come: asked, not exposed, until its token comes back."""
    page: bool = False
    """The page script asks: each decision with where it stands on the page and how it is put there."""
    before: bool | None = None
    """From the page script: whether this visit let us measure when it asked last; without it, the visit begins."""
    sent_at: str | None = None
    write_key: str | None = None
    """For beacons, which cannot send headers."""


class SlotAnswer(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """What one place shows. `decision` is the token that `Slot Viewed` gives back.

    With the `errorCode` FLAG_NOT_FOUND, `hint` offers the place that was probably meant.
    """

    value: Any
    variant: str
    reason: str
    rule: str = ""
    decision: str = ""
    holds_until: str = ""
    error_code: str = ""
    hint: str = ""
    receipt: Receipt | None = None
    why: Explanation | None = None
    page: OnPage | None = None


class EventsTaken(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """What became of the events sent along. With an `error` none of them is acknowledged: send them again.

    `notKept`: measuring was not agreed to, so they counted for this answer and were forgotten.
    """

    accepted: int = 0
    duplicate: int = 0
    set_aside: int = 0
    not_kept: int = 0
    reason: str = ""
    error: str = ""


class DecideAnswer(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The running playbook's revision, and a decision for every slot asked for.

    Where `receipts` were asked for and may not be given, the field says why.
    """

    revision: str
    decisions: dict[str, SlotAnswer]
    receipts: str = ""
    events: EventsTaken | None = None


_decoder = msgspec.json.Decoder(DecideRequest)
_HEADERS = [
    (b"content-type", b"application/json"),
    (b"cache-control", b"private, no-store"),
]


async def decide(edge: Edge, scope: Scope, receive: Receive, send: Send) -> int:
    started = perf_counter()
    headers = headers_of(scope)
    request = await _read(edge, scope, receive)
    caller = await edge.authorize(headers, scope, request.write_key)
    caller.admit("decide")
    question = _question(edge, caller, headers, request, started)
    stated = request.context.get(CONSENT)
    if isinstance(stated, dict) and "banner" in stated and not caller.is_secret:
        has_gpc = headers.get(b"sec-gpc") == b"1"
        notice_visit(edge.house, question.context, stated["banner"], before=request.before, has_gpc=has_gpc)
    taken = None
    if request.events:
        taken, question = await _take_events(edge, caller, request, question)
    answer = (
        await decide_slots(edge.house, question)
        if request.slots
        else Answer(edge.house.programme.revision, 0, ())
    )
    count(edge, answer, perf_counter() - started)
    refused = NO_RECEIPTS if request.receipts and not caller.is_secret else ""
    slots = _to_slots(edge, answer)
    body = encode(DecideAnswer(revision=answer.revision, decisions=slots, receipts=refused, events=taken))
    head = [*_HEADERS, (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await send({"type": "http.response.body", "body": body})
    return 200


async def _read(edge: Edge, scope: Scope, receive: Receive) -> DecideRequest:
    try:
        return await read_json(edge, scope, receive, _decoder)
    except BadRequestError as error:
        if "`$.slots" in str(error):
            wrong = 'slots: give a list of places, such as ["home-hero"], or "all"'
            raise BadRequestError(wrong=wrong) from None
        raise


def _question(
    edge: Edge, caller: Caller, headers: Headers, request: DecideRequest, started: float | None
) -> Question:
    asker = asker_of(
        edge,
        caller,
        user_id=request.user_id,
        anonymous_id=request.anonymous_id,
        user_token=request.user_token,
    )
    slots = request.slots
    if len(slots) > MOST_SLOTS:
        raise BadRequestError(
            wrong=f'{len(slots)} slots were asked for; at most {MOST_SLOTS} at once, or "all"'
        )
    return Question(
        user_id=asker.user_id,
        anonymous_id=asker.anonymous_id,
        slots=None if isinstance(slots, str) else tuple(dict.fromkeys(slots)),
        context=stated_context(edge, caller, headers, request.context, is_preview=request.preview),
        is_ahead=request.ahead,
        is_for_page=request.page,
        wants_receipts=request.receipts and caller.is_secret,
        started=started,
    )


async def _take_events(
    edge: Edge, caller: Caller, request: DecideRequest, question: Question
) -> tuple[EventsTaken, Question]:
    """Waits until the events are safe, so that the decision after it knows them.

    Of a visitor who did not agree to be measured they are only read. Trouble is told in the answer, as the page
    still needs its decisions; where none is asked for, it is raised.
    """
    house = edge.house
    who = {"userId": request.user_id, "anonymousId": request.anonymous_id}
    messages = [_with_ids(message, who) for message in request.events]
    proof = {"userToken": request.user_token} if request.user_token is not None else {}
    source = CaptureSource(is_secret=caller.is_secret, name=caller.name, context=proof)
    prepared: Sequence[Prepared] = prepare(house, source, messages, request.sent_at)
    passing, result, sent = NOTHING, CaptureResult(()), len(prepared)
    try:
        async with asyncio.timeout(EVENTS_SECONDS):
            if await _may_keep(edge, question, prepared):
                prepared = await keep_agreed(house, prepared, is_believed=True)
            else:
                passing = read_passing(house, source, messages, request.sent_at)
                prepared = [each for each in prepared if is_record(house, each)]
            if prepared:
                result = await asyncio.wrap_future(store(house, prepared))
    except (TimeoutError, OpportuneError) as fault:
        error = fault if isinstance(fault, OpportuneError) else StorageBusyError()
        if not request.slots:
            raise error from fault
        return EventsTaken(error=str(error)), msgspec.structs.replace(question, started=None)
    taken = EventsTaken(
        accepted=result.accepted,
        duplicate=result.duplicate,
        set_aside=result.set_aside,
        not_kept=sent - len(prepared),
        reason=result.first_reason or passing.reason,
    )
    edge.metrics.count_events(taken.accepted, taken.duplicate, taken.set_aside, taken.not_kept, result.erased)
    first_seq = min((outcome.seq for outcome in result.outcomes if outcome.seq), default=None)
    return taken, msgspec.structs.replace(question, started=None, own_since=first_seq, passing=passing)


async def _may_keep(edge: Edge, question: Question, prepared: Sequence[Prepared]) -> bool:
    purposes = question.context.purposes
    if purposes is not None:
        return MEASURE in purposes
    keys = keys_of(question) or next((keys_about(each) for each in prepared), ())
    return await may_keep(edge.house, keys, prepared)


def _with_ids(message: dict[str, Any], who: dict[str, Any]) -> dict[str, Any]:
    """An event sent along with a question is about the one who asks, unless it names somebody itself."""
    return message if message.get("userId") or message.get("anonymousId") else {**message, **who}


def _to_slots(edge: Edge, answer: Answer) -> dict[str, SlotAnswer]:
    return {answered.decision.slot: _to_slot(edge, answered) for answered in answer.decisions}


def _to_slot(edge: Edge, answered: Answered) -> SlotAnswer:
    decision = answered.decision
    return SlotAnswer(
        value=decision.value,
        variant=decision.variant,
        reason=decision.reason,
        rule=decision.rule,
        decision=answered.token,
        holds_until=to_iso(decision.holds_until) if decision.holds_until is not None else "",
        error_code=decision.error_code,
        hint=hint_for(edge, decision.slot) if decision.error_code == UNKNOWN_SLOT else "",
        receipt=answered.receipt,
        why=answered.why,
        page=answered.on_page,
    )


def hint_for(edge: Edge, unknown: str) -> str:
    """What to ask for instead of a place's title; empty when that is no place either."""
    name = slot_id(unknown[:MOST_NAME_CHARS].lower())
    return f'did you mean "{name}"?' if name in edge.house.programme.places else ""


def count(edge: Edge, answer: Answer, seconds: float) -> None:
    """One more answered request, by slot and outcome; slots nobody declared are counted under one name."""
    edge.metrics.count_decided(seconds, [_counted(answered.decision) for answered in answer.decisions])


def _counted(decision: Decision) -> tuple[str, str]:
    if decision.error_code == UNKNOWN_SLOT:
        return "", "unknown slot"
    return decision.slot, decision.outcome
