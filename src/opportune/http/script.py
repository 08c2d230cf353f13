"""`GET /o.js`: the first-party browser script, served from the package with a validator."""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response

from opportune.errors import NotFoundError
from opportune.http.edge import Edge

CACHE = "public, max-age=3600, stale-while-revalidate=86400"


@lru_cache(maxsize=1)
def _script() -> tuple[bytes, str]:
    """The script's bytes and their ETag."""
    text = files("opportune.http").joinpath("static/o.js").read_bytes()
    return text, f'"{sha256(text).hexdigest()[:16]}"'


async def script(_edge: Edge, request: Request) -> Response:
    try:
        text, etag = _script()
    except FileNotFoundError:
        raise NotFoundError(what="/o.js") from None
    headers = {
        "ETag": etag,
        "Cache-Control": CACHE,
        "Access-Control-Allow-Origin": "*",
        "Cross-Origin-Resource-Policy": "cross-origin",
        "X-Content-Type-Options": "nosniff",
    }
    if etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(text, 200, headers, "text/javascript")
