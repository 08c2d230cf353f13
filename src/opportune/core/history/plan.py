"""The tracking plan: which events exist, what they carry, how long they count, and the words for them.

A built-in plan knows Segment's e-commerce, e-mail and lifecycle events; a playbook's `plan.yaml` adds and
overrides. In `learning` mode unknown events are taken and listed; in `strict` mode they are set aside.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Literal

import msgspec

from opportune.core.history.event import Event, Unfit
from opportune.core.history.values import find_values, has_type

EventClass = Literal[0, 1, 2]
KEY_EVENT: EventClass = 0
BEHAVIOUR: EventClass = 1
TELEMETRY: EventClass = 2

PropertyType = Literal["text", "number", "money", "yes/no", "list", "product", "category", "moment"]


class PropertyPlan(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """One declared property; `name` is also the name of its fact.

    `path` is where it stands in the event's properties (`products.*.product_id`); several places are
    separated by `|` and the first that holds something counts. Empty: the property has its own name.
    """

    name: str
    type: PropertyType = "text"
    path: str = ""
    is_required: bool = False

    @cached_property
    def paths(self) -> tuple[tuple[str, ...], ...]:
        """The places to look at, each as its steps; `*` stands for every item of a list."""
        return tuple(tuple(place.strip().split(".")) for place in (self.path or self.name).split("|"))


class EventPlan(msgspec.Struct, frozen=True, kw_only=True):
    """One declared event.

    `says` are its verb phrases in the past tense, canonical first (`("viewed", "looked at")`), read after
    "a visitor". `has_not` is the canonical phrase behind "has not" (`bought`). `things` is the noun of what
    is counted ("product"). `business_key` names the property that makes two versions one event (`order_id`).
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


class Plan(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """All declared events by current name. `currency` is the reporting currency of money."""

    mode: Literal["learning", "strict"] = "learning"
    currency: str = "EUR"
    rates: Mapping[str, tuple[tuple[int, float], ...]] = msgspec.field(default_factory=dict)
    """By foreign currency: (from when, what one unit is worth in the reporting currency), oldest first."""
    events: Mapping[str, EventPlan] = msgspec.field(default_factory=dict)

    def rate_at(self, currency: str, at: int) -> float | None:
        """The rate in force at a moment, the oldest one for anything before it; None without any."""
        found = None
        for since, rate in self.rates.get(currency, ()):
            if found is not None and since > at:
                break
            found = rate
        return found

    def counts_money_in(self, currency: str, at: int) -> bool:
        """Whether it is the reporting currency, or has a rate; what states none is taken for the reporting one."""
        stated = currency.upper()
        return len(stated) != 3 or stated == self.currency or self.rate_at(stated, at) is not None

    def names_of(self, name: str) -> tuple[str, ...]:
        """The current name and every former one, as rows may carry either."""
        event = self.events.get(name)
        return (name, *event.was) if event is not None else (name,)

    def current_name(self, name: str) -> str:
        """What an event that arrives under a former name is called today; any other name is itself."""
        return self._current_names.get(name, name)

    def class_of(self, name: str) -> EventClass:
        """How long an event of that name counts; one nobody declared is behaviour."""
        event = self.events.get(name)
        return event.event_class if event is not None else BEHAVIOUR

    @cached_property
    def _current_names(self) -> Mapping[str, str]:
        declared = self.events
        return {
            former: event.name
            for event in declared.values()
            for former in event.was
            if former not in declared
        }


def judge(plan: Plan, event: Event) -> Unfit | None:
    """Why this event is to be set aside, or None. The event carries its current name.

    A required property must be there and have its type in both modes; strict mode also refuses
    undeclared track events and declared properties of another type.
    """
    declared = plan.events.get(event.name)
    is_strict = plan.mode == "strict"
    if declared is None:
        if is_strict and event.type == "track":
            return Unfit("undeclared", f"the plan does not declare the event {event.name!r} and is strict")
        return None
    for wanted in declared.properties:
        if not (is_strict or wanted.is_required):
            continue
        values = find_values(event.properties, wanted.paths)
        if not values:
            if wanted.is_required:
                where = " or ".join(".".join(path) for path in wanted.paths)
                return Unfit("missing_property", f"{event.name} lacks {where}, which the plan requires")
            continue
        wrong = next((value for value in values if not has_type(value, wanted.type)), None)
        if wrong is not None:
            text = repr(wrong)[:40]
            return Unfit("wrong_type", f"{event.name}: {wanted.name} should be {wanted.type}, but is {text}")
    return None
