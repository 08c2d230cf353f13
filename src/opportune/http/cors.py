"""Cross-origin answers: any site may call what a public key opens, without cookies."""

from __future__ import annotations

from starlette.types import Message, Send

ALLOWED_HEADERS = (
    b"authorization, content-type, content-encoding, x-api-key, x-write-key, x-retry-count, anonymousid, "
    b"sentat, if-none-match"
)
EXPOSED_HEADERS = b"ETag, Retry-After, Opportune-Set-Aside"
MAX_AGE_SECONDS = b"86400"

_ANSWER = ((b"access-control-allow-origin", b"*"), (b"access-control-expose-headers", EXPOSED_HEADERS))


def preflight_headers(methods: bytes) -> list[tuple[bytes, bytes]]:
    """What an OPTIONS request is told about a public route."""
    return [
        (b"access-control-allow-origin", b"*"),
        (b"access-control-allow-methods", methods),
        (b"access-control-allow-headers", ALLOWED_HEADERS),
        (b"access-control-max-age", MAX_AGE_SECONDS),
        (b"content-length", b"0"),
        (b"vary", b"access-control-request-headers"),
    ]


def opened(send: Send) -> Send:
    """Sends the same answer, readable by pages of any origin."""

    async def send_open(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), *_ANSWER]
        await send(message)

    return send_open
