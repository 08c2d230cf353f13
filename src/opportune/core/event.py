"""An event: something that happened, in Segment's spec, as it is once accepted.

Reading wire JSON into it is `from_segment`; what of it a decision may see is `facts_of`.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from opportune.core.key import Namespace, key_of

EventType = Literal["track", "identify", "page", "screen", "group", "alias"]
SourceKind = Literal["browser", "app", "server", "shop", "import"]

MAX_EVENT_BYTES = 32 * 1024
MAX_BATCH_BYTES = 500 * 1024
MAX_BATCH_EVENTS = 2_500

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
