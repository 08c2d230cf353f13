"""Preparing: a message as it came to an event ready for the store, or set aside with the reason. Touches nothing.

Reading a message is `core/history/event.py`, judging it `core/history/plan.py`; here is what stands around both: its
JSON, limits, proof of the user, facts, and the body that is kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any, cast
from uuid import uuid4

import msgspec

from opportune.core.history.data_layer import PREFIX, from_data_layer, is_data_layer
from opportune.core.history.event import (
    MACHINE,
    MAX_DEPTH,
    MAX_EVENT_BYTES,
    Event,
    EventType,
    Origin,
    SetAside,
    SourceKind,
    Unfit,
    from_segment,
    is_too_deep,
)
from opportune.core.history.facts import facts_of, value_of
from opportune.core.history.json_text import parse_leniently
from opportune.core.history.key import key_of
from opportune.core.history.plan import Plan, judge
from opportune.core.history.standard_plan import STANDARD_PLAN
from opportune.core.history.trait import traits_of
from opportune.core.history.values import mended, to_moment
from opportune.core.situation import Trait
from opportune.core.visitor.user_agent import is_machine
from opportune.errors import BrokenJsonError
from opportune.services.authorizing import verify_user_token
from opportune.services.house import House
from opportune.services.tokens import TOKEN_EVENTS, Token, read_token
from opportune.storage.base import EventRow

MAX_EVENT_NAMES = 2_000
"""Names of events kept apart; with a public key anybody may invent some."""
TRUSTED, PROVEN = "verified", "proven user"
"""What a set-aside event's source says beside its kind, so that a replay trusts it neither more nor less."""

Message = object
"""A decoded object, or its JSON (`bytes`, `msgspec.Raw`), which is then kept as it is."""

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode
_DATA_LAYER = PREFIX.encode()
_UNSTORABLE = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")


class CaptureSource(msgspec.Struct, frozen=True, kw_only=True):
    """Who sent a request's messages, and what the request says for all of them.

    `is_secret`: a secret key, which proves the user ids it names and makes its values verified.
    `kind` None: each message's own context tells. `type` is that of a path such as `/v1/track`.
    """

    is_secret: bool = False
    name: str = ""
    kind: SourceKind | None = None
    type: EventType | None = None
    context: Mapping[str, Any] = {}
    is_user_proven: bool = False
    """A replay of an event whose user was proven by a token, which is not kept."""


class Ready(msgspec.Struct, frozen=True, kw_only=True):
    """An event with all that can be worked out before the store is asked."""

    event: Event
    row: EventRow
    traits: Mapping[str, Trait]
    device: int | None
    """The key of the device it names besides its proven user."""
    business_key: str = ""
    is_secret: bool = False
    token: Token | None = None

    @property
    def is_verified(self) -> bool:
        """Whether somebody vouches for its values: a secret key, or a shop's signed webhook."""
        return self.is_secret or self.event.source == "shop"


def prepare(
    house: House,
    source: CaptureSource,
    messages: Iterable[Message],
    sent_at: object = None,
    received_at: int | None = None,
) -> list[Ready | SetAside]:
    """Reads and judges messages; touches nothing. A long list may be prepared in pieces."""
    reader = _Reader(house, source, sent_at, received_at if received_at is not None else house.clock())
    return [reader.read(each) for message in messages for each in _in_plan_words(message)]


def _in_plan_words(message: Message) -> Sequence[Message]:
    """Itself, or the events that a tag manager's data layer meant by it."""
    if isinstance(message, bytes | msgspec.Raw):
        if _DATA_LAYER not in bytes(message):
            return (message,)
        fields, _ = _decoded(message)
        return from_data_layer(fields) if is_data_layer(fields) else (message,)
    return from_data_layer(message) if is_data_layer(message) else (message,)


def plan_of(house: House) -> Plan:
    """The plan in force; before any playbook was published, the standard one."""
    plan = house.programme.playbook.plan
    return plan if plan.events else STANDARD_PLAN


def source_text(event: Event | None, kind: SourceKind | None = None, *, is_secret: bool) -> str:
    """What a set-aside event's source says: `browser`, `server, verified`, `browser, proven user`."""
    if event is not None:
        kind = event.source
    elif kind is None and is_secret:
        kind = "server"
    trust = TRUSTED if is_secret else ""
    if not trust and event is not None and event.user_id is not None:
        trust = PROVEN
    return ", ".join(text for text in (kind, trust) if text)


def _new_id() -> str:
    return str(uuid4())


def hash_of(message_id: str) -> int:
    """63 bits of SHA-256 over a message id."""
    return int.from_bytes(sha256(message_id.encode("utf-8", "replace")).digest()[:8], "big") >> 1


class _Reader:
    """Reads the messages of one request."""

    def __init__(self, house: House, source: CaptureSource, sent_at: object, received_at: int) -> None:
        self.house = house
        self.source = source
        self.sent_at = sent_at
        self.plan = plan_of(house)
        self.origin = Origin(
            received_at=received_at,
            is_secret=source.is_secret,
            source=source.kind,
            type=source.type,
            sent_at=to_moment(sent_at),
            context=source.context,
        )

    def read(self, message: Message) -> Ready | SetAside:
        fields, body = _decoded(message)
        if body is None:
            return self._set_aside(Unfit("broken", "the event is not valid JSON"), fields, message)
        if len(body) > MAX_EVENT_BYTES:
            size = f"the event has {len(body)} bytes; at most {MAX_EVENT_BYTES} are taken"
            return self._set_aside(Unfit("too_large", size), fields, message)
        if (body.count(b"{") + body.count(b"[")) > MAX_DEPTH and is_too_deep(fields):
            return self._set_aside(
                Unfit("too_deep", f"the event is nested deeper than {MAX_DEPTH}"), fields, message
            )
        if _UNSTORABLE.search(body):
            fields = mended(fields)
            body = _encode(fields)
        event = from_segment(fields, self.origin, is_proven=self._is_proven, spare_id=_new_id)
        if isinstance(event, Unfit):
            return self._set_aside(event, fields, message)
        current = self.plan.current_name(event.name)
        if current != event.name:
            event = msgspec.structs.replace(event, name=current)
        unfit = _unfit_sender(event) or self._judge(event)
        if unfit is not None:
            return self._set_aside(unfit, fields, message, event)
        return self._ready(event, cast("dict[str, Any]", fields), body)

    def _is_proven(self, user_id: str, token: object) -> bool:
        return self.source.is_user_proven or (
            token is not None and verify_user_token(self.house, user_id, token)
        )

    def _judge(self, event: Event) -> Unfit | None:
        seen = self.house.seen_events
        if event.name not in self.plan.events and event.name not in seen and len(seen) >= MAX_EVENT_NAMES:
            return Unfit("too_many_names", f"more than {MAX_EVENT_NAMES} names of events; declare this one")
        return judge(self.plan, event)

    def _ready(self, event: Event, fields: dict[str, Any], body: bytes) -> Ready:
        plan = self.plan
        facts = facts_of(plan, event)
        declared = plan.events.get(event.name)
        business_key = declared.business_key if declared is not None else ""
        decision = event.properties.get("decision") if event.name in TOKEN_EVENTS else None
        return Ready(
            event=event,
            row=EventRow(
                key=event.key,
                event_class=plan.class_of(event.name),
                occurred_at=event.occurred_at,
                name=event.name,
                source=event.source,
                message=hash_of(event.message_id),
                facts=_encode(facts),
                body=self._body(event, fields, body),
                value=value_of(facts),
            ),
            traits=traits_of(event),
            device=_device_of(event),
            business_key=str(facts.get(business_key) or "") if business_key else "",
            is_secret=self.source.is_secret,
            token=self._token(event, decision) if isinstance(decision, str) else None,
        )

    def _token(self, event: Event, text: str) -> Token | None:
        """A decision's token, if it is ours and was given to one of the ids this event names."""
        token = read_token(self.house, text) if self.source.kind != "import" else None
        if token is None or token.unit not in (event.key, _device_of(event)):
            return None
        return token

    def _body(self, event: Event, fields: dict[str, Any], body: bytes) -> bytes:
        """The message as it came; written anew only to complete it, or to leave a token out."""
        context = fields.get("context")
        has_token = isinstance(context, dict) and "userToken" in context
        if (
            not has_token
            and not self.origin.context
            and fields.get("messageId") == event.message_id
            and fields.get("type") == event.type
        ):
            return body
        kept = {name: value for name, value in event.context.items() if name != "userToken"}
        return _encode({**fields, "type": event.type, "messageId": event.message_id, "context": kept})

    def _set_aside(
        self, unfit: Unfit, fields: object, message: Message, event: Event | None = None
    ) -> SetAside:
        name, message_id = "", ""
        if event is not None:
            name, message_id = event.name, event.message_id
        elif isinstance(fields, dict):
            said, sent_id = fields.get("event"), fields.get("messageId")
            name = str(said)[:200] if isinstance(said, str) else ""
            message_id = str(sent_id)[:200] if isinstance(sent_id, str) else ""
        return SetAside(
            reason=unfit.reason,
            code=unfit.code,
            raw=self._raw(unfit, fields, message),
            message_id=cast("str", mended(message_id)),
            name=cast("str", mended(name)),
            source=source_text(event, self.source.kind, is_secret=self.source.is_secret),
            received_at=self.origin.received_at,
        )

    def _raw(self, unfit: Unfit, fields: object, message: Message) -> bytes:
        """JSON that anybody can decode and that stands by itself: with its type, and when it was sent."""
        if not isinstance(fields, dict) or unfit.code in ("broken", "too_deep"):
            return _encode(_text_of(message))
        whole = {**fields}
        if self.origin.context:
            context = fields.get("context")
            whole["context"] = {**self.origin.context, **(context if isinstance(context, dict) else {})}
        if self.origin.type is not None:
            whole["type"] = self.origin.type
        if self.sent_at is not None and whole.get("sentAt") is None:
            whole["sentAt"] = self.sent_at
        context = whole.get("context")
        if isinstance(context, dict) and "userToken" in context:
            whole["context"] = {name: value for name, value in context.items() if name != "userToken"}
        try:
            return _encode(mended(whole))
        except (RecursionError, TypeError, ValueError):
            return _encode(_text_of(message))


def _unfit_sender(event: Event) -> Unfit | None:
    """Crawlers that run the page's script are no visitors; a shop's server is believed about whom it reports."""
    if event.source != "browser":
        return None
    said = event.context.get("userAgent")
    if not isinstance(said, str) or not is_machine(said):
        return None
    return Unfit(MACHINE, "it was sent by a bot or an automated browser, not by a visitor")


def _device_of(event: Event) -> int | None:
    if event.user_id is None or event.anonymous_id is None:
        return None
    return key_of("anonymous", event.anonymous_id)


def _decoded(message: Message) -> tuple[object, bytes | None]:
    """The fields and the JSON of a message; JSON is None when there is none to be had."""
    if not isinstance(message, bytes | msgspec.Raw):
        return _encoded(message)
    body = bytes(message)
    try:
        return _decode(body), body
    except (msgspec.MsgspecError, ValueError, RecursionError):
        pass
    try:
        return _encoded(parse_leniently(body))
    except BrokenJsonError:
        return None, None


def _encoded(fields: object) -> tuple[object, bytes | None]:
    try:
        try:
            return fields, _encode(fields)
        except UnicodeEncodeError:
            fields = mended(fields)
            return fields, _encode(fields)
    except (ValueError, RecursionError, TypeError):
        return fields, None


def _text_of(message: Message) -> str:
    if not isinstance(message, bytes | msgspec.Raw):
        return str(message)[:200]
    return bytes(message).decode("utf-8", "replace")
