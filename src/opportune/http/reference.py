"""`docs/reference/http.md`, made from the route table, its types and the errors, so that it cannot be wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from opportune import errors
from opportune.http import capture, learnings, reviews, sources
from opportune.http.endpoint import Endpoint
from opportune.http.openapi import REFERENCE, parameters_of
from opportune.http.routes import DECIDE, OPEN, READ, TRAFFIC

GROUPS = (
    ("Decide", DECIDE),
    ("Capture", capture.ROUTES),
    ("Shops", sources.ROUTES),
    ("Read", READ),
    ("Ask the traffic", TRAFFIC),
    ("What tests taught", (*learnings.ROUTES, *reviews.ROUTES)),
    ("Open to all", OPEN),
)
_KEYS = {"public": "write or secret", "open": "none"}
_SHORT = {
    "boolean": "yes/no",
    "integer": "whole number",
    "string": "text",
    "null": "nothing",
    "array": "list",
}


def reference_page() -> str:
    """The page, whole."""
    return "\n".join(
        [
            _INTRODUCTION,
            *(line for title, routes in GROUPS for line in _group(title, routes)),
            *_errors(),
            _END,
        ]
    )


def _group(title: str, routes: tuple[Endpoint, ...]) -> Iterator[str]:
    shown = [route for route in routes if not route.is_hidden]
    yield f"## {title}\n"
    yield "| route | key | what it does |\n|---|---|---|"
    for route in shown:
        yield f"| `{_name(route)}` | {_key(route)} | {route.summary} |"
    hidden = [route.path for route in routes if route.is_hidden]
    if hidden:
        yield f"\nOther spellings that libraries use: {', '.join(f'`{path}`' for path in hidden)}."
    yield ""
    told: set[Any] = set()
    for route in shown:
        for word, kind in (("asks with", route.body), ("answers with", route.answer)):
            if isinstance(kind, type) and issubclass(kind, msgspec.Struct) and kind not in told:
                told.add(kind)
                yield from _type(f"`{_name(route)}` {word}", kind)
        if route.query is not None:
            yield f"### `{_name(route)}` is asked with\n"
            yield "| parameter | type |\n|---|---|"
            for parameter in parameters_of(route.query):
                yield f"| `{parameter['name']}` | {_said(parameter['schema'])} |"
            yield ""


def _name(route: Endpoint) -> str:
    return f"{route.method} {route.path.replace(':path}', '}')}"


def _key(route: Endpoint) -> str:
    return _KEYS.get(route.access, f"secret, scope `{route.scope}`")


def _type(title: str, kind: type[msgspec.Struct]) -> Iterator[str]:
    """A struct's fields, and after it those of every struct it is made of."""
    (found,), components = msgspec.json.schema_components([kind], ref_template=REFERENCE)
    first = found["$ref"].rpartition("/")[2]
    for name in (first, *sorted(set(components) - {first})):
        schema = components[name]
        if "properties" not in schema:
            continue
        yield f"### {title}\n" if name == first else f"#### {name}\n"
        if schema.get("description"):
            yield f"{schema['description'].splitlines()[0]}\n"
        yield "| field | type | |\n|---|---|---|"
        required = schema.get("required", [])
        for field, inner in schema["properties"].items():
            yield f"| `{field}` | {_said(inner)} | {'always' if field in required else ''} |"
        yield ""


def _said(schema: dict[str, Any]) -> str:
    """A JSON Schema in words short enough for a table."""
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_said(inner) for inner in schema["anyOf"]))
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    kind = schema.get("type")
    if kind == "array" and isinstance(schema.get("items"), dict):
        return f"list of {_said(schema['items'])}"
    if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        inner = _said(schema["additionalProperties"])
        return "object" if inner == "anything" else f"object of {inner}"
    return _SHORT.get(str(kind), str(kind)) if kind else "anything"


def _errors() -> Iterator[str]:
    yield _ERRORS
    found: dict[tuple[int, str], str] = {}
    for kind in vars(errors).values():
        if isinstance(kind, type) and issubclass(kind, errors.OpportuneError) and "code" in vars(kind):
            found.setdefault((kind.status, kind.code), (kind.__doc__ or "").strip())
    for (status, code), words in sorted(found.items()):
        yield f"| {status} | `{code}` | {'says what does not fit' if words == '{wrong}' else words} |"
    yield ""


_INTRODUCTION = """# HTTP

*Made from the code by `python tools/write_reference.py`; a test fails when it is stale.*

Bodies and answers are JSON in UTF-8. The same as an OpenAPI document: `GET /openapi.json`.

A **write key** is public: it captures, and decides for anonymous ids. A **secret key** stays on your servers and
does what its scopes say. Either is taken as `Authorization: Bearer KEY`, as Basic user name without a password,
as `X-API-Key` or `X-Write-Key`; where a browser cannot set headers, as `writeKey` in the body.

**Known users.** A secret key may name any `userId`. A request with a write key must prove it with `userToken`:
lower-case hex HMAC-SHA256 of the user id, keyed with the text that `opportune keys user-token-secret` prints.

```python
user_token = hmac.new(SECRET.encode(), user_id.encode(), "sha256").hexdigest()
```

Without proof a user id is a claim: it reads nothing, joins nothing, and the request is about `anonymousId` alone.
"""

_ERRORS = """## Errors

Every error is `{"error": {"code", "message"}, "code", "message"}`; OFREP's routes answer in its own shape.
`429` and `503` carry `Retry-After` in seconds. Bad input is never a 5xx.

| status | code | message |
|---|---|---|"""

_END = """Pages of any origin may call the routes that a write key opens; they can read `ETag`, `Retry-After` and
`Opportune-Set-Aside` (how many events of a request were set aside, and the first reason).
"""
