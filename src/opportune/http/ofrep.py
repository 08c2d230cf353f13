"""OFREP, the OpenFeature Remote Evaluation Protocol: a slot is a flag, its value the content.

One evaluation exposes at once. A bulk evaluation is an answer given ahead: asked, not exposed, until
the `decision` token in its metadata comes back with `Slot Viewed`.
"""

from __future__ import annotations

from hashlib import sha256
from time import perf_counter
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from opportune.core.programme import Programme
from opportune.core.slot import Slot
from opportune.errors import BadRequestError, BodyTooLargeError, BrokenJsonError, OpportuneError
from opportune.http.answers import encode, json_answer
from opportune.http.asking import Asker, asker_of, read_json, stated_context
from opportune.http.decide import count, hint_for
from opportune.http.edge import Edge, headers_of
from opportune.http.errors import retry_after_of
from opportune.services.authorizing import Caller
from opportune.services.deciding import UNKNOWN_SLOT, Answered, Question, decide_slots
from opportune.services.tokens import LIFE_MS

PARSE_ERROR, INVALID_CONTEXT, GENERAL = "PARSE_ERROR", "INVALID_CONTEXT", "GENERAL"
TARGETING_KEY_MISSING = "TARGETING_KEY_MISSING"

Plain = str | int | float | bool
_OURS = frozenset({"targetingKey", "userId", "userToken"})
_EMPTY: dict[str, Any] = {"object": {}, "list": [], "text": "", "number": 0, "yes/no": False}


class EvaluationRequest(msgspec.Struct, frozen=True):
    """`targetingKey` is the anonymous id; `userId` with `userToken` (or a secret key) names a known user."""

    context: Any = None


class Flag(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One slot evaluated. Without `value` the code's own default is meant: the place has no normal content."""

    key: str
    value: Any = msgspec.UNSET
    reason: str
    variant: str
    metadata: dict[str, Plain]


class FlagError(msgspec.Struct, frozen=True, rename="camel"):
    """Why a slot could not be evaluated."""

    key: str
    error_code: str
    error_details: str


class BulkError(msgspec.Struct, frozen=True, rename="camel"):
    """Why no slot could be evaluated."""

    error_code: str
    error_details: str


class BulkAnswer(msgspec.Struct, frozen=True):
    """Every slot of the running playbook."""

    flags: list[Flag]
    metadata: dict[str, Plain]


class RefusedError(Exception):
    """A request that does not fit, with OFREP's code for it."""

    def __init__(self, code: str, details: str) -> None:
        self.code = code
        self.details = details
        super().__init__(details)


async def evaluate(edge: Edge, request: Request) -> Response:
    """`POST /ofrep/v1/evaluate/flags/{slot}`."""
    slot = request.path_params["slot"]
    try:
        started = perf_counter()
        question = await _read(edge, request)
        question = msgspec.structs.replace(question, slots=(slot,), started=started)
        answer = await decide_slots(edge.house, question)
    except (RefusedError, OpportuneError) as error:
        return _refusal(error, slot)
    count(edge, answer, perf_counter() - started)
    answered = answer.decisions[0]
    if answered.decision.error_code == UNKNOWN_SLOT:
        hint = hint_for(edge, slot)
        details = f"There is no slot {slot!r} in the running playbook{f'; {hint}' if hint else ''}"
        return json_answer(FlagError(slot, UNKNOWN_SLOT, details), 404)
    return json_answer(_to_flag(answered, edge.house.programme))


async def evaluate_all(edge: Edge, request: Request) -> Response:
    """`POST /ofrep/v1/evaluate/flags`: all slots, with an ETag of the answer itself."""
    try:
        started = perf_counter()
        question = msgspec.structs.replace(await _read(edge, request), is_ahead=True, started=started)
        answer = await decide_slots(edge.house, question)
    except (RefusedError, OpportuneError) as error:
        return _refusal(error, None)
    count(edge, answer, perf_counter() - started)
    flags = [_to_flag(answered, edge.house.programme) for answered in answer.decisions]
    etag = _etag(flags, question, answer.revision, edge.house.clock())
    headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
    if _matches(request.headers.get("if-none-match", ""), etag):
        return Response(status_code=304, headers=headers)
    return json_answer(BulkAnswer(flags, {"revision": answer.revision}), 200, headers)


async def _read(edge: Edge, request: Request) -> Question:
    """The question of an evaluation, for all slots. Raises RefusedError and what authorizing raises."""
    headers = headers_of(request.scope)
    caller = await edge.authorize(headers, request.scope)
    caller.admit("decide")
    try:
        body = await read_json(edge, request.scope, request.receive, _decoder)
    except (BrokenJsonError, BadRequestError) as error:
        raise RefusedError(PARSE_ERROR, str(error)) from None
    context = body.context
    if not isinstance(context, dict):
        raise RefusedError(INVALID_CONTEXT, '"context" must be an object with a targetingKey')
    asker = _asker(edge, caller, context)
    stated = {name: value for name, value in context.items() if name not in _OURS}
    return Question(
        user_id=asker.user_id,
        anonymous_id=asker.anonymous_id,
        context=stated_context(edge, caller, headers, stated),
    )


_decoder = msgspec.json.Decoder(EvaluationRequest)


def _asker(edge: Edge, caller: Caller, context: dict[str, Any]) -> Asker:
    device, user, token = (context.get(name) for name in ("targetingKey", "userId", "userToken"))
    for name, value in (("targetingKey", device), ("userId", user)):
        if not isinstance(value, str | int | None) or isinstance(value, bool):
            raise RefusedError(INVALID_CONTEXT, f"{name} must be a text")
    try:
        asker = asker_of(
            edge,
            caller,
            user_id=user,
            anonymous_id=device,
            user_token=token if isinstance(token, str) else None,
        )
    except BadRequestError as error:
        raise RefusedError(INVALID_CONTEXT, str(error)) from None
    if asker.id is None:
        raise RefusedError(
            TARGETING_KEY_MISSING, "The context needs a targetingKey: the visitor's anonymous id"
        )
    return asker


def _refusal(error: RefusedError | OpportuneError, slot: str | None) -> Response:
    """Every error in OFREP's shape."""
    headers = {"Cache-Control": "no-store"}
    if isinstance(error, RefusedError):
        status, code, details = 400, error.code, error.details
    else:
        status, code, details = type(error).status, _code_of(error), str(error)
        retry_after = retry_after_of(error)
        if retry_after is not None:
            headers["Retry-After"] = str(retry_after)
    body = FlagError(slot, code, details) if slot is not None else BulkError(code, details)
    return json_answer(body, status, headers)


def _code_of(error: OpportuneError) -> str:
    return PARSE_ERROR if isinstance(error, BodyTooLargeError) else GENERAL


def _to_flag(answered: Answered, programme: Programme) -> Flag:
    decision = answered.decision
    place = programme.places.get(decision.slot)
    slot = place.slot if place is not None else None
    metadata: dict[str, Plain] = {"outcome": decision.outcome, "revision": programme.revision}
    if decision.rule:
        metadata["rule"] = decision.rule
    if decision.gate:
        metadata["gate"] = decision.gate
    if answered.token:
        metadata["decision"] = answered.token
    return Flag(
        key=decision.slot,
        value=_flag_value(decision.value, slot, is_hidden=decision.outcome == "hidden"),
        reason=decision.reason,
        variant=decision.variant or decision.outcome,
        metadata=metadata,
    )


def _flag_value(value: Any, slot: Slot | None, *, is_hidden: bool) -> Any:
    """The value as typed clients expect it: whole numbers keep a fraction where the slot's numbers have one.

    A hidden place without content of its own is empty, not absent: absent means the code's default.
    """
    if value is None:
        return _EMPTY[slot.type] if is_hidden and slot is not None else msgspec.UNSET
    if slot is not None and type(value) is int and is_fractional(slot):
        return float(value)
    return value


def is_fractional(slot: Slot) -> bool:
    """Whether any of a slot's contents is a number with a fraction, so that all of them are floats."""
    values = (slot.fallback, slot.hidden, *(variant.value for variant in slot.variants))
    return any(isinstance(value, float) for value in values)


def _etag(flags: list[Flag], question: Question, revision: str, now: int) -> str:
    """A hash of the answer without its tokens, for this visitor, renewed before the tokens grow old."""
    contents = [
        (
            flag.key,
            flag.value if flag.value is not msgspec.UNSET else None,
            flag.reason,
            flag.variant,
            flag.metadata.get("rule"),
        )
        for flag in flags
    ]
    age = now // (LIFE_MS // 2)
    text = encode((contents, question.anonymous_id, question.user_id, revision, age))
    return f'"{sha256(text).hexdigest()[:24]}"'


def _matches(header: str, etag: str) -> bool:
    return any(part.strip().removeprefix("W/") == etag for part in header.split(","))
