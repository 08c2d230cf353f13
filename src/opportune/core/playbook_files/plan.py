"""`plan.yaml`: the events a team uses, over those every shop has, and the customer details it may name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast, get_args

import msgspec

from opportune.core.currency import CURRENCIES
from opportune.core.history.plan import (
    BEHAVIOUR,
    KEY_EVENT,
    TELEMETRY,
    EventClass,
    EventPlan,
    Plan,
    PropertyPlan,
    PropertyType,
)
from opportune.core.history.standard_plan import STANDARD_PLAN
from opportune.core.moment import from_iso
from opportune.core.playbook_files.form import TEXT, TEXTS, YES_OR_NO, Field, Form, nearest, one_of
from opportune.core.playbook_files.yaml_text import Entries, Node, Scalar
from opportune.core.problem import Problem

CLASSES: Mapping[str, EventClass] = {"key": KEY_EVENT, "behaviour": BEHAVIOUR, "telemetry": TELEMETRY}
TYPES: tuple[str, ...] = get_args(PropertyType)
MOST_KEY_EVENTS = 7
Rates = tuple[tuple[int, float], ...]

PROPERTY_FIELDS = (
    Field("type", "What it holds.", {"enum": list(TYPES)}, "money"),
    Field("path", "Where it stands in the event's properties.", TEXT, "products.*.color"),
    Field("required", "Yes: an event without it is set aside.", YES_OR_NO),
)
_PROPERTY: Mapping[str, Any] = {"anyOf": [{"enum": list(TYPES)}, {"$ref": "#/$defs/property"}]}
EVENT_FIELDS = (
    Field("says", "Verbs in the past tense that mean it, the usual one first.", TEXTS, "viewed, looked at"),
    Field("has not", 'The verb behind "has not".', TEXT, "bought"),
    Field("things", "What is counted, in the singular.", TEXT, "product"),
    Field("class", "How long it counts.", {"enum": list(CLASSES)}, "key"),
    Field("business key", "The property that makes two versions of it one event.", TEXT, "order_id"),
    Field("was", "Former names, under which it may still arrive.", TEXTS),
    Field("key event", "Yes for the five to seven events that matter most.", YES_OR_NO),
    Field(
        "properties",
        "What it carries: a type, or type, path and required.",
        {"type": "object", "additionalProperties": _PROPERTY},
    ),
)
PLAN_FIELDS = (
    Field(
        "mode",
        "learning: take every event; strict: set unknown events aside.",
        {"enum": ["learning", "strict"]},
    ),
    Field(
        "events",
        "Events by name. One of the standard events may be named to change it.",
        {"type": "object", "additionalProperties": {"anyOf": [{"$ref": "#/$defs/event"}, {"type": "null"}]}},
    ),
    Field("key events", "The five to seven events that matter most, instead of the standard choice.", TEXTS),
    Field(
        "rates",
        "What one unit of a foreign currency is worth in the reporting currency, or that by its first day.",
        {
            "type": "object",
            "additionalProperties": {
                "anyOf": [
                    {"type": "number"},
                    {"type": "object", "additionalProperties": {"type": "number"}},
                ]
            },
        },
        "{CAD: 0.68}",
    ),
    Field(
        "customer details", "Traits and attributes that sentences and texts may name.", TEXTS, "loyalty tier"
    ),
)


class PlanFile(msgspec.Struct, frozen=True):
    """What `plan.yaml` says."""

    plan: Plan
    attributes: tuple[str, ...] = ()


def read_plan(node: Node | None, file: str, currency: str, problems: list[Problem]) -> PlanFile:
    """The standard plan with the file's events over it."""
    form = Form.of(node, PLAN_FIELDS, file, problems) if node is not None else None
    if form is None:
        return PlanFile(msgspec.structs.replace(STANDARD_PLAN, currency=currency))
    declared = _events(form)
    events = {**STANDARD_PLAN.events, **declared}
    _check_former_names(form, events, declared)
    events = _with_key_events(form, events, declared)
    is_strict = form.choice("mode", ("learning", "strict"), "learning") == "strict"
    plan = Plan(
        mode="strict" if is_strict else "learning", currency=currency, rates=_rates(form), events=events
    )
    return PlanFile(plan, form.texts("customer details"))


def _rates(form: Form) -> dict[str, Rates]:
    node = form.find("rates")
    if node is None:
        return {}
    if not isinstance(node, Entries):
        form.wrong("rates", "rates by currency were expected", "write `CAD: 0.68`, one on a line")
        return {}
    for key, _ in node.entries:
        if key.text.upper() not in CURRENCIES:
            wrong = f'"{key.text}" is not a currency'
            form.wrong(f"rates.{key.text}", wrong, nearest(key.text, CURRENCIES) or "three letters, like CAD",
                       line=key.line)  # fmt: skip
    known = [(key.text, value) for key, value in node.entries if key.text.upper() in CURRENCIES]
    return {name.upper(): _rates_of(form, name, value) for name, value in known}


def _rates_of(form: Form, currency: str, node: Node) -> Rates:
    """One rate for all time, or several by the day from which they hold."""
    if not isinstance(node, Entries):
        return tuple((0, rate) for rate in _rate(form, currency, node))
    found = []
    for day, value in node.entries:
        try:
            since = from_iso(day.text)
        except ValueError:
            form.wrong(f"rates.{currency}", f'"{day.text}" is not a day', "write 2026-01-31", line=day.line)
            continue
        found += [(since, rate) for rate in _rate(form, currency, value)]
    return tuple(sorted(found))


def _rate(form: Form, currency: str, node: Node) -> list[float]:
    try:
        rate = float(node.text) if isinstance(node, Scalar) else 0.0
    except ValueError:
        rate = 0.0
    if 0 < rate < float("inf"):
        return [rate]
    form.wrong(
        f"rates.{currency}",
        "this is not a rate",
        "write a currency and a number, as in `CAD: 0.68`",
        line=node.line,
    )
    return []


def _events(form: Form) -> dict[str, EventPlan]:
    node = form.find("events")
    if node is None:
        return {}
    if not isinstance(node, Entries):
        form.wrong("events", "events by name were expected", "write `Event Name:` and its fields below")
        return {}
    found = {}
    for key, value in node.entries:
        before = STANDARD_PLAN.events.get(key.text, EventPlan(name=key.text))
        if isinstance(value, Scalar) and value.value is None:
            found[key.text] = before
            continue
        inner = Form.of(value, EVENT_FIELDS, form.file, form.problems, f"events.{key.text}")
        if inner is not None:
            found[key.text] = _event(inner, before)
    return found


def _event(form: Form, before: EventPlan) -> EventPlan:
    properties = {known.name: known for known in before.properties} | {
        each.name: each for each in _properties(form)
    }
    says = form.texts("says") or before.says
    event = EventPlan(
        name=before.name,
        says=says,
        has_not=form.text("has not", before.has_not or (says[0] if says else "")),
        things=form.text("things", before.things),
        event_class=CLASSES.get(form.choice("class", tuple(CLASSES), ""), before.event_class),
        business_key=form.text("business key", before.business_key),
        was=form.texts("was") or before.was,
        is_key_event=form.yes("key event", default=before.is_key_event),
        properties=tuple(properties.values()),
    )
    if event.business_key and event.business_key not in properties:
        right = nearest(event.business_key, properties) or f"declare `{event.business_key}` under properties"
        form.wrong("business key", f'no property is called "{event.business_key}"', right)
    return event


def _properties(form: Form) -> list[PropertyPlan]:
    node = form.find("properties")
    if node is None:
        return []
    if not isinstance(node, Entries):
        form.wrong("properties", "properties by name were expected", "write `price: money`, one on a line")
        return []
    return [_property(form, key.text, value) for key, value in node.entries]


def _property(form: Form, name: str, node: Node) -> PropertyPlan:
    where = f"properties.{name}"
    if isinstance(node, Scalar):
        return PropertyPlan(name=name, type=_type(form, where, node.text, node.line))
    inner = Form.of(node, PROPERTY_FIELDS, form.file, form.problems, where)
    if inner is None:
        return PropertyPlan(name=name)
    kind = _type(form, f"{where}.type", inner.text("type", "text"), inner.line_of("type"))
    return PropertyPlan(name=name, type=kind, path=inner.text("path"), is_required=inner.yes("required"))


def _type(form: Form, where: str, text: str, line: int) -> PropertyType:
    if text in TYPES:
        return cast("PropertyType", text)
    form.wrong(where, f'"{text}" is not a type', f"one of: {', '.join(TYPES)}", line=line)
    return "text"


def _check_former_names(
    form: Form, events: Mapping[str, EventPlan], declared: Mapping[str, EventPlan]
) -> None:
    owners: dict[str, str] = {}
    for event in events.values():
        for former in event.was:
            other = owners.setdefault(former, event.name)
            if other != event.name and declared.keys() & {other, event.name}:
                form.wrong(
                    "events", f'"{former}" is a former name of both "{other}" and "{event.name}"', "keep one"
                )
            if former in declared:
                wrong = f'"{former}" is declared, and a former name of "{event.name}" too'
                form.wrong("events", wrong, f'remove "{former}", or the `was` of "{event.name}"')


def _with_key_events(
    form: Form, events: dict[str, EventPlan], declared: Mapping[str, EventPlan]
) -> dict[str, EventPlan]:
    chosen = form.texts("key events")
    for name in chosen:
        if name not in events:
            form.wrong("key events", f'no event is called "{name}"', one_of(name, events))
    if chosen:
        events = {
            name: msgspec.structs.replace(event, is_key_event=name in chosen)
            for name, event in events.items()
        }
    count = sum(event.is_key_event for event in events.values())
    if count > MOST_KEY_EVENTS and (chosen or any(event.is_key_event for event in declared.values())):
        field = "key events" if chosen else "events"
        form.warn(
            field, f"{count} key events: nobody watches that many", "choose five to seven under `key events`"
        )
    return events
