"""The answers endpoints give: JSON, and nothing in it that a browser or proxy could keep by mistake."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.responses import Response

encode = msgspec.json.Encoder().encode

PRIVATE = {"Cache-Control": "private, no-store"}


def json_answer(value: Any, status: int = 200, headers: Mapping[str, str] = PRIVATE) -> Response:
    """Any msgspec value as JSON."""
    return Response(encode(value), status, dict(headers), "application/json")
