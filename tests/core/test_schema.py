"""The schemas for editors follow from the fields that are read."""

from __future__ import annotations

import msgspec

from opportune.core.playbook_files.rule import RULE_FIELDS
from opportune.core.playbook_files.schema import PATTERNS, editor_settings, schema_of_playbook


def references(value: object) -> set[str]:
    if isinstance(value, dict):
        own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
        return own.union(*(references(inner) for inner in value.values()))
    return set().union(*(references(inner) for inner in value)) if isinstance(value, list) else set()


def test_every_kind_of_file_has_a_schema() -> None:
    schemas = schema_of_playbook()
    assert set(schemas) == set(PATTERNS)
    for schema in schemas.values():
        assert msgspec.json.encode(schema)


def test_a_schema_knows_exactly_the_fields_that_are_read() -> None:
    rule = schema_of_playbook()["rule"]["anyOf"][0]
    assert list(rule["properties"]) == [field.name for field in RULE_FIELDS]
    assert rule["required"] == ["rule", "when"]
    assert rule["additionalProperties"] is False
    assert rule["properties"]["owner"] == {"description": "Who answers for it.", "type": ["string", "number"]}


def test_every_reference_leads_somewhere() -> None:
    for schema in schema_of_playbook().values():
        known = {f"#/$defs/{name}" for name in schema.get("$defs", {})}
        assert references(schema) <= known


def test_the_structured_form_is_part_of_a_rules_schema() -> None:
    definitions = schema_of_playbook()["rule"]["$defs"]
    assert {"Condition", "Hide", "Limits", "Test"} <= set(definitions)


def test_editors_are_told_which_schema_is_for_which_file() -> None:
    assert editor_settings()["yaml.schemas"][".schema/rule.json"] == "rules/**/*.yaml"
