"""The tracking plan: which events exist, what they carry, how long they count, and the words for them.

A built-in plan knows Segment's e-commerce, e-mail and lifecycle events; a playbook's `plan.yaml` adds and
overrides. In `learning` mode unknown events are taken and listed; in `strict` mode they are set aside.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

EventClass = Literal[0, 1, 2]
KEY_EVENT: EventClass = 0
BEHAVIOUR: EventClass = 1
TELEMETRY: EventClass = 2

PropertyType = Literal["text", "number", "money", "yes/no", "list", "product", "category", "moment"]


class PropertyPlan(msgspec.Struct, frozen=True, kw_only=True):
    """One declared property. `path` is where it stands in the event's properties (`products.*.product_id`)."""

    name: str
    type: PropertyType = "text"
    path: str = ""
    is_required: bool = False


class EventPlan(msgspec.Struct, frozen=True, kw_only=True):
    """One declared event.

    `says` are its verb phrases in the past tense, canonical first (`("viewed", "looked at")`), read after
    "a visitor". `has_not` is the canonical phrase behind "has not" (`bought`). `things` is the noun of what is counted
    ("product"). `business_key` names the property that makes two versions one event (`order_id`).
    """

    name: str
    says: tuple[str, ...] = ()
    has_not: str = ""
    things: str = ""
    event_class: EventClass = BEHAVIOUR
    business_key: str = ""
    was: tuple[str, ...] = ()
    is_key_event: bool = False
    properties: tuple[PropertyPlan, ...] = ()


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """All declared events by current name. `currency` is the reporting currency of money."""

    mode: Literal["learning", "strict"] = "learning"
    currency: str = "EUR"
    events: Mapping[str, EventPlan] = msgspec.field(default_factory=dict)

    def names_of(self, name: str) -> tuple[str, ...]:
        """The current name and every former one, as rows may carry either."""
        event = self.events.get(name)
        return (name, *event.was) if event is not None else (name,)
