"""JSON Schema of a playbook's files, from the same declarations they are read with.

Editors use them to complete and check while somebody writes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from opportune.core.conditions import AnyCondition
from opportune.core.playbook_files.form import Field
from opportune.core.playbook_files.placement import PLACEMENT_FIELDS
from opportune.core.playbook_files.plan import EVENT_FIELDS, PLAN_FIELDS, PROPERTY_FIELDS
from opportune.core.playbook_files.rule import RULE_FIELDS
from opportune.core.playbook_files.slot import SLOT_FIELDS, VARIANT_FIELDS
from opportune.core.playbook_files.stages import STAGE_FIELDS
from opportune.core.playbook_files.team import TEAM_FIELDS
from opportune.core.rule import Hide, Limits, Test

DIALECT = "https://json-schema.org/draft/2020-12/schema"
PATTERNS = {
    "team": "team.yaml",
    "plan": "plan.yaml",
    "stages": "stages.yaml",
    "slot": "slots/**/*.yaml",
    "rule": "rules/**/*.yaml",
}
"""Which files each schema is for."""


def schema_of_playbook() -> dict[str, dict[str, Any]]:
    """A schema for each kind of file, by kind."""
    condition, structured = _structured()
    return {
        "team": _document("What a team says once for all rules.", _object(TEAM_FIELDS)),
        "plan": _document(
            "The events a team uses.",
            _object(PLAN_FIELDS),
            {"event": _object(EVENT_FIELDS), "property": _object(PROPERTY_FIELDS)},
        ),
        "stages": _document(
            "Where somebody is, first match wins.",
            {"type": "array", "items": _object(STAGE_FIELDS)},
            {"Condition": condition, **structured},
        ),
        "slot": _document(
            "A place that may vary.",
            _one_or_several(_object(SLOT_FIELDS)),
            {"variant": _variant(), "page": _object(PLACEMENT_FIELDS)},
        ),
        "rule": _document(
            "A rule, whole.", _one_or_several(_object(RULE_FIELDS)), {"Condition": condition, **structured}
        ),
    }


def editor_settings(folder: str = ".schema") -> dict[str, Any]:
    """What the YAML extension of common editors wants in its settings: schema file to pattern."""
    return {"yaml.schemas": {f"{folder}/{kind}.json": pattern for kind, pattern in PATTERNS.items()}}


def _structured() -> tuple[dict[str, Any], dict[str, Any]]:
    types = (AnyCondition, Hide, Limits, Test)
    (condition, *_), components = msgspec.json.schema_components(types, ref_template="#/$defs/{name}")
    return condition, components


def _document(
    meaning: str, body: dict[str, Any], definitions: dict[str, Any] | None = None
) -> dict[str, Any]:
    schema = {"$schema": DIALECT, "description": meaning, **body}
    return {**schema, "$defs": definitions} if definitions else schema


def _object(fields: Sequence[Field]) -> dict[str, Any]:
    """A mapping with exactly these fields."""
    return {
        "type": "object",
        "properties": {field.name: _field(field) for field in fields},
        "required": [field.name for field in fields if field.is_required],
        "additionalProperties": False,
    }


def _field(field: Field) -> dict[str, Any]:
    schema = {"description": field.meaning, **field.shape}
    return {**schema, "examples": [field.example]} if field.example else schema


def _one_or_several(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "array", "items": schema}]}


def _variant() -> dict[str, Any]:
    """Any JSON value; in an object `intensity` and `tags` have their own meaning."""
    about = {field.name: _field(field) for field in VARIANT_FIELDS}
    return {"if": {"type": "object"}, "then": {"properties": about}}
