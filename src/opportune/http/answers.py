"""The answers endpoints give: JSON, and nothing in it that a browser or proxy could keep by mistake."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.responses import Response

encoder = msgspec.json.Encoder()

PRIVATE = {"Cache-Control": "private, no-store"}


def json_answer(value: Any, status: int = 200, headers: Mapping[str, str] = PRIVATE) -> Response:
    """Any msgspec value as JSON."""
    return Response(encode(value), status, dict(headers), "application/json")


def encode(value: Any) -> bytes:
    """JSON bytes; a text with half a surrogate pair, which JSON lets in, leaves with the replacement mark."""
    try:
        return encoder.encode(value)
    except UnicodeEncodeError:
        return encoder.encode(_mended(msgspec.to_builtins(value)))


def _mended(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_mended(name): _mended(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_mended(inner) for inner in value]
    return value
