"""The browser's side: `GET /o.js` put together from its parts, and the block that a page carries in its head."""

from __future__ import annotations

from base64 import b64encode
from functools import lru_cache
from hashlib import sha256
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response

from opportune.http.edge import Edge
from opportune.http.squeezing import squeezed

CACHE = "public, max-age=3600, stale-while-revalidate=86400"
BANNERS = ("none", "cookiebot", "onetrust", "complianz", "shopify", "google", "own")
"""What a tag's `data-consent` may say, as `o/consent.js` reads it."""
PARTS = (
    "base.js",
    "preview.js",
    "consent.js",
    "ids.js",
    "queue.js",
    "views.js",
    "ahead.js",
    "places.js",
    "data_layer.js",
    "begin.js",
)
"""In this order inside one function, so that a part knows the names of those before it."""


@lru_cache(maxsize=1)
def head_block() -> str:
    """What stands between `<script>` and `</script>` in a page's head."""
    return squeezed(_read("head.js"))


def head_hash() -> str:
    """The block as a Content-Security-Policy names it in `script-src`."""
    return f"'sha256-{b64encode(sha256(head_block().encode()).digest()).decode()}'"


@lru_cache(maxsize=1)
def page_script() -> str:
    """All of `o.js`, as it is served."""
    parts = "\n".join(_read(f"o/{name}") for name in PARTS)
    return squeezed(f"(() => {{\n{parts}\n}})();")


def _read(name: str) -> str:
    return files("opportune.http").joinpath("static", *name.split("/")).read_text("utf-8")


@lru_cache(maxsize=1)
def preview_script() -> str:
    """What `o.js` loads where a tab shows rules in preview."""
    return squeezed(_read("preview.js"))


@lru_cache(maxsize=1)
def forms_script() -> str:
    """What a page with forms may load beside `o.js`."""
    return squeezed(_read("forms.js"))


async def script(_edge: Edge, request: Request) -> Response:
    return _served(page_script(), request)


async def preview(_edge: Edge, request: Request) -> Response:
    return _served(preview_script(), request)


async def forms(_edge: Edge, request: Request) -> Response:
    return _served(forms_script(), request)


def _served(code: str, request: Request) -> Response:
    text = code.encode()
    etag = f'"{sha256(text).hexdigest()[:16]}"'
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
