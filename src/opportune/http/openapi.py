"""The OpenAPI document, made from the route table and the types its endpoints declare."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from opportune import __version__
from opportune.http.endpoint import Endpoint

REFERENCE = "#/components/schemas/{name}"
_PART = re.compile(r"\{(\w+)(?::path)?\}")

SECURITY_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "A secret key, or a public write key."},
    "basic": {"type": "http", "scheme": "basic", "description": "The key as user name, no password."},
    "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "writeKey": {"type": "apiKey", "in": "header", "name": "X-Write-Key"},
}


class ErrorBody(msgspec.Struct, frozen=True):
    """What went wrong, in words, and a stable code."""

    code: str
    message: str


class ErrorAnswer(msgspec.Struct, frozen=True):
    """Every answer that is not a success, except OFREP's own."""

    error: ErrorBody
    code: str
    message: str


def document_of(endpoints: Iterable[Endpoint]) -> dict[str, Any]:
    """OpenAPI 3.1 for every endpoint that is not another spelling of one."""
    shown = [endpoint for endpoint in endpoints if not endpoint.is_hidden]
    schemas = _Schemas(shown)
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in shown:
        operations = paths.setdefault(_PART.sub(r"{\1}", endpoint.path), {})
        operations[endpoint.method.lower()] = _operation(endpoint, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Opportune",
            "version": __version__,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "paths": paths,
        "components": {"schemas": schemas.components, "securitySchemes": SECURITY_SCHEMES},
    }


class _Schemas:
    """JSON Schemas of all types at once, so that shared ones are named once."""

    def __init__(self, endpoints: Sequence[Endpoint]) -> None:
        types = [
            ErrorAnswer,
            *(kind for one in endpoints for kind in (one.body, one.answer) if kind is not None),
        ]
        unique = list(dict.fromkeys(types))
        found, self.components = msgspec.json.schema_components(unique, ref_template=REFERENCE)
        self._by_type: dict[Any, dict[str, Any]] = dict(zip(unique, found, strict=True))

    def of(self, kind: Any) -> dict[str, Any]:
        return self._by_type[kind]


def _operation(endpoint: Endpoint, schemas: _Schemas) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "summary": endpoint.summary,
        "operationId": _operation_id(endpoint),
        "responses": _responses(endpoint, schemas),
    }
    parameters = [
        *_path_parameters(endpoint.path),
        *(parameters_of(endpoint.query) if endpoint.query is not None else ()),
    ]
    if parameters:
        operation["parameters"] = parameters
    if endpoint.body is not None:
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": schemas.of(endpoint.body)}},
        }
    if endpoint.access == "open":
        operation["security"] = []
    elif endpoint.access == "secret":
        operation["security"] = [{"bearer": []}, {"apiKey": []}, {"basic": []}]
        operation["description"] = f"Needs a secret key with the scope `{endpoint.scope}`."
    else:
        operation["security"] = [{name: []} for name in SECURITY_SCHEMES]
    return operation


def _operation_id(endpoint: Endpoint) -> str:
    words = re.findall(r"\w+", endpoint.path)
    return "_".join((endpoint.method.lower(), *words))


def _responses(endpoint: Endpoint, schemas: _Schemas) -> dict[str, Any]:
    success: dict[str, Any] = {"description": "Success."}
    if endpoint.answer is not None:
        success["content"] = {endpoint.media_type: {"schema": schemas.of(endpoint.answer)}}
    elif endpoint.media_type != "application/json":
        success["content"] = {endpoint.media_type: {"schema": {"type": "string"}}}
    failure = {
        "description": "An error.",
        "content": {"application/json": {"schema": schemas.of(ErrorAnswer)}},
    }
    return {"200": success, "default": failure}


def _path_parameters(path: str) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _PART.findall(path)
    ]


def parameters_of(query: type[msgspec.Struct]) -> list[dict[str, Any]]:
    """A query's parameters as OpenAPI lists them."""
    _, components = msgspec.json.schema_components([query], ref_template=REFERENCE)
    schema = components[query.__name__]
    required = schema.get("required", [])
    return [
        {"name": name, "in": "query", "required": name in required, "schema": inner}
        for name, inner in schema["properties"].items()
    ]
