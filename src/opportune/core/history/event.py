"""An event: something that happened, in Segment's spec, as it is once accepted.

Reading wire JSON into it is `from_segment`; what of it a decision may see is `facts_of`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from hashlib import sha256
from typing import Any, Literal, cast, get_args

import msgspec

from opportune.core.history.key import Namespace, key_of
from opportune.core.history.values import EARLIEST_AT, to_moment, to_text

EventType = Literal["track", "identify", "page", "screen", "group", "alias"]
SourceKind = Literal["browser", "app", "server", "shop", "import"]

MAX_EVENT_BYTES = 32 * 1024
MAX_BATCH_BYTES = 500 * 1024
MAX_BATCH_EVENTS = 2_500
MAX_ID_CHARS = 200
MAX_NAME_CHARS = 120
MAX_DEPTH = 64
"""Events nested deeper than this are set aside: whoever reads them later must not stumble."""

TYPES: frozenset[str] = frozenset(get_args(EventType))
NO_ID = frozenset({"undefined", "null", "[object object]", "nan"})
"""What broken scripts send instead of an id. Taken as absent, or every visitor would be one person."""

IsProven = Callable[[str, object], bool]
"""Whether a token (the second value, whatever was sent as one) proves that a request speaks for a user id."""

NAMES: dict[str, str] = {
    "page": "Page Viewed",
    "screen": "Screen Viewed",
    "identify": "Identified",
    "group": "Group Joined",
    "alias": "Aliased",
}
"""What the types without an event name of their own are called on a timeline."""


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One accepted event. Ids are None when absent; moments are milliseconds.

    `user_id` is only ever set when proven; an unproven one stands in `claimed_user_id`.
    """

    type: EventType
    name: str
    message_id: str
    user_id: str | None = None
    anonymous_id: str | None = None
    claimed_user_id: str | None = None
    previous_id: str | None = None
    group_id: str | None = None
    occurred_at: int
    received_at: int
    source: SourceKind
    properties: dict[str, Any] = msgspec.field(default_factory=dict)
    traits: dict[str, Any] = msgspec.field(default_factory=dict)
    context: dict[str, Any] = msgspec.field(default_factory=dict)

    @property
    def namespace(self) -> Namespace:
        if self.user_id is not None:
            return "user"
        return "anonymous" if self.anonymous_id is not None else "claim"

    @property
    def id(self) -> str:
        """The id that owns it: the proven user, else the device, else the unproven claim."""
        return self.user_id or self.anonymous_id or self.claimed_user_id or ""

    @property
    def key(self) -> int:
        return key_of(self.namespace, self.id)


class SetAside(msgspec.Struct, frozen=True, kw_only=True):
    """An event kept aside: the raw JSON, the reason in words, and where it stood."""

    reason: str
    code: str
    raw: bytes
    message_id: str = ""
    name: str = ""
    source: str = ""
    received_at: int = 0


MACHINE = "machine"
"""The code of what bots send: no mistake of the shop's."""


class Unfit(msgspec.Struct, frozen=True):
    """Why an event cannot be taken as it is: a stable code and a sentence for people."""

    code: str
    reason: str


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of all messages of one request. `source` None: each message's own context tells."""

    received_at: int
    is_secret: bool = False
    source: SourceKind | None = None
    type: EventType | None = None
    sent_at: int | None = None
    """When the whole batch was sent, by the sender's clock."""
    context: Mapping[str, Any] = {}
    """Given once for a whole batch; each event's own context goes over it."""


def from_segment(
    message: object, origin: Origin, *, is_proven: IsProven, spare_id: Callable[[], str]
) -> Event | Unfit:
    """Reads one message in Segment's spec, as Segment's and RudderStack's libraries send it.

    Never raises, whatever the message is. `spare_id` makes its message id if it brings none.
    """
    if not isinstance(message, dict):
        return Unfit("not_an_object", "an event must be a JSON object")
    kind = origin.type or str(message.get("type", "")).lower()
    if kind not in TYPES:
        return Unfit("unknown_type", f"the type {kind[:40]!r} is none of {', '.join(sorted(TYPES))}")
    context = _object(message.get("context"))
    if origin.context:
        context = {**origin.context, **context}
    user, device = _id(message, "userId"), _id(message, "anonymousId")
    previous = _id(message, "previousId") if kind == "alias" else None
    group = _id(message, "groupId") if kind == "group" else None
    name = _name(message, kind)
    for read in (user, device, previous, group, name):
        if isinstance(read, Unfit):
            return read
    user, device = cast("str | None", user), cast("str | None", device)
    if user is None and device is None:
        return Unfit("no_id", "userId or anonymousId is needed")
    if kind == "alias" and (user is None or previous is None):
        return Unfit("no_id", "alias needs userId and previousId")
    is_user = user is not None and (origin.is_secret or is_proven(user, context.get("userToken")))
    properties = _object(message.get("properties"))
    traits = _object(message.get("traits"))
    if kind in ("page", "screen"):
        properties = _with_page_name(properties, message)
    elif kind == "identify" and isinstance(context.get("traits"), dict):
        traits = {**context["traits"], **traits}
    return Event(
        type=cast("EventType", kind),
        name=cast("str", name),
        message_id=message_id_of(message) or spare_id(),
        user_id=user if is_user else None,
        claimed_user_id=None if is_user else user,
        anonymous_id=device,
        previous_id=cast("str | None", previous),
        group_id=cast("str | None", group),
        occurred_at=occurred_at(message, origin),
        received_at=origin.received_at,
        source=_source(origin, context, has_device=device is not None),
        properties=properties,
        traits=traits,
        context=context,
    )


def from_body(name: str, body: Mapping[str, Any], occurred: int, source: SourceKind = "server") -> Event:
    """What a stored event said, read again from its body for its facts; it owns no key."""
    kind = str(body.get("type", "track"))
    properties = _object(body.get("properties"))
    return Event(
        type=cast("EventType", kind if kind in TYPES else "track"),
        name=name,
        message_id=message_id_of(body),
        occurred_at=occurred,
        received_at=occurred,
        source=source,
        properties=_with_page_name(properties, body) if kind in ("page", "screen") else properties,
        context=_object(body.get("context")),
    )


def message_id_of(message: Mapping[str, Any]) -> str:
    """Its message id as text, empty when it has none; one that is far too long is known by its hash."""
    text = to_text(message.get("messageId"), 10_000) or ""
    return text if len(text) <= MAX_ID_CHARS else sha256(text.encode("utf-8", "replace")).hexdigest()


def occurred_at(message: Mapping[str, Any], origin: Origin) -> int:
    """When it happened, by our clock: `received - (sent - timestamp)`, as Segment corrects it.

    RudderStack calls the sender's time `originalTimestamp`; where both stand, somebody corrected
    `timestamp` already. Nothing lies in the future, and what cannot be read or is older than 2005 happened
    now. History that is imported was sent long ago and keeps its times.
    """
    received, stamp = origin.received_at, message.get("timestamp")
    original = message.get("originalTimestamp")
    at = to_moment(stamp if stamp is not None else original)
    if at is None:
        return received
    if (stamp is None or original is None) and origin.source != "import":
        sent_at = message.get("sentAt")
        sent = to_moment(sent_at) if sent_at is not None else origin.sent_at
        if sent is not None:
            at = received - (sent - at)
    return at if EARLIEST_AT <= at <= received else received


def _source(origin: Origin, context: Mapping[str, Any], *, has_device: bool) -> SourceKind:
    """History keeps what it was when it happened, so that past visits are visits: what names a device came from it."""
    if origin.source == "import":
        return source_of(context, is_secret=False) if has_device else "import"
    return origin.source or source_of(context, is_secret=origin.is_secret)


def source_of(context: Mapping[str, Any], *, is_secret: bool) -> SourceKind:
    """What kind of program sent it: a secret key is a server's; else its library and device tell."""
    if is_secret:
        return "server"
    library = context.get("library")
    name = library.get("name") if isinstance(library, dict) else None
    if isinstance(name, str):
        kind = _kind_of_library(name)
        if kind is not None:
            return kind
    device = context.get("device")
    system = device.get("type") if isinstance(device, dict) else None
    return "app" if isinstance(system, str) and system.lower() in ("ios", "android") else "browser"


@lru_cache(maxsize=256)
def _kind_of_library(name: str) -> SourceKind | None:
    name = name.lower()
    if any(mobile in name for mobile in ("android", "ios", "swift", "kotlin", "flutter", "react-native")):
        return "app"
    if name.startswith("analytics-") or name.endswith(("/analytics-node", "-sdk-python")):
        return "server"
    return None


def is_too_deep(value: object, limit: int = MAX_DEPTH) -> bool:
    """Whether lists and objects stand more than `limit` deep inside each other."""
    level: list[object] = [value]
    for _ in range(limit + 1):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _id(message: Mapping[str, Any], field: str) -> str | Unfit | None:
    value = message.get(field)
    if value is None:
        return None
    text = to_text(value, 100_000) if value != "" else ""
    if text is None:
        return Unfit("bad_id", f"{field} must be text or a number")
    text = text.strip()
    if len(text) > MAX_ID_CHARS:
        return Unfit("id_too_long", f"{field} has {len(text)} characters; at most {MAX_ID_CHARS} are taken")
    return None if not text or text.lower() in NO_ID else text


def _name(message: Mapping[str, Any], kind: str) -> str | Unfit:
    if kind != "track":
        return NAMES[kind]
    name = (to_text(message.get("event"), 100_000) or "").strip()
    if not name:
        return Unfit("no_event", "a track call needs the name of its event")
    if len(name) > MAX_NAME_CHARS:
        return Unfit(
            "name_too_long", f"the event's name has {len(name)} characters; at most {MAX_NAME_CHARS}"
        )
    return name


def _with_page_name(properties: dict[str, Any], message: Mapping[str, Any]) -> dict[str, Any]:
    """Name and category of a page call stand beside its properties; they belong to them."""
    beside = {
        field: message[field]
        for field in ("name", "category")
        if message.get(field) is not None and properties.get(field) is None
    }
    return {**properties, **beside} if beside else properties
