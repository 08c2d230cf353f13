"""The same-domain path: which of a browser's requests a site passes on to Opportune, and what of them.

Only the public routes that the page script uses; never the site's own key, and no cookie but the visitor's id.
"""

from __future__ import annotations

from collections.abc import Mapping

from opportune.web.exchange import Reply

EVENTS = ("batch", "track", "page", "identify", "screen", "group", "alias")
ROUTES = {
    ("GET", "o.js"),
    ("GET", "forms.js"),
    ("GET", "preview.js"),
    ("POST", "v1/decide"),
    *(("POST", f"v1/{name}") for name in EVENTS),
}
TAKEN = (
    "content-type", "content-encoding", "user-agent", "accept-language", "sec-gpc", "sec-purpose", "purpose",
    "if-none-match", "x-write-key",
)  # fmt: skip
"""Headers that go on to Opportune. A cookie never does, nor does `Authorization`: on a site behind a password it is
that password, and Opportune would take it for a key. A key comes as `writeKey` in the body or as `X-Write-Key`."""
GIVEN = ("content-type", "cache-control", "etag", "retry-after", "x-content-type-options")
LARGEST_BYTES = 512 * 1024
FORWARD_MS = 3_000
UNREACHABLE = 502


def route_of(method: str, path: str, folder: str) -> str:
    """Opportune's own path for a request below the folder; empty for what is not passed on."""
    rest = path.removeprefix(folder)
    return f"/{rest}" if (method, rest) in ROUTES else ""


def headers_to(headers: Mapping[str, str], address: str) -> dict[str, str]:
    """What goes on; the visitor's address stands last, where a trusted proxy writes it."""
    kept = {name: headers[name] for name in TAKEN if headers.get(name)}
    known = headers.get("x-forwarded-for", "")
    forwarded = ", ".join(each for each in (known, address) if each)
    return {**kept, **({"x-forwarded-for": forwarded} if forwarded else {}), "connection": "keep-alive"}


def headers_back(reply: Reply) -> dict[str, str]:
    return {name: reply.headers[name] for name in GIVEN if name in reply.headers}
