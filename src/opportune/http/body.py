"""Request bodies: read within a limit, unpacked within it too, and parsed with an error that says where.

Content types are not looked at: browsers send JSON as `text/plain` to avoid a preflight.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec
from starlette.requests import ClientDisconnect
from starlette.types import Receive

from opportune.core.history.json_text import parse_leniently
from opportune.errors import BadRequestError, BodyTooLargeError

T = TypeVar("T")

DRAIN_BYTES = 8 * 1024 * 1024
"""So much of a body that is too large is read and thrown away, so that its sender gets to read the answer."""
_ANY = msgspec.json.Decoder()
_FORMATS = {b"gzip": zlib.MAX_WBITS | 16, b"x-gzip": zlib.MAX_WBITS | 16, b"deflate": zlib.MAX_WBITS}


async def read_body(scope: Mapping[str, Any], receive: Receive, limit_bytes: int) -> bytes:
    """The whole body, unpacked. Raises BodyTooLargeError (also for what unpacks to more), BadRequestError."""
    chunks: list[bytes] = []
    size = 0
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunk = message.get("body", b"")
        more = message.get("more_body", False)
        size += len(chunk)
        if size <= limit_bytes:
            chunks.append(chunk)
        elif size > DRAIN_BYTES:
            break
    if size > limit_bytes:
        raise BodyTooLargeError(
            size_bytes=f"more than {limit_bytes}" if more else size, limit_bytes=limit_bytes
        )
    body = chunks[0] if len(chunks) == 1 else b"".join(chunks)
    for name, value in scope["headers"]:
        if name == b"content-encoding":
            return unpack(body, value, limit_bytes)
    return body


def unpack(body: bytes, encoding: bytes, limit_bytes: int) -> bytes:
    """A gzip or deflate body in the clear. Never holds more than the limit."""
    encoding = encoding.strip().lower()
    if encoding in (b"", b"identity"):
        return body
    if encoding not in _FORMATS:
        name = encoding.decode("latin-1")[:40]
        raise BadRequestError(
            wrong=f"Content-Encoding {name!r} is not understood; send gzip, deflate or nothing."
        )
    try:
        return _inflate(body, _FORMATS[encoding], limit_bytes)
    except zlib.error as fault:
        if encoding == b"deflate":  # some senders leave zlib's own header out
            try:
                return _inflate(body, -zlib.MAX_WBITS, limit_bytes)
            except zlib.error:
                pass
        raise BadRequestError(wrong=f"The body is not valid {encoding.decode()}: {fault}.") from fault


def _inflate(body: bytes, window: int, limit_bytes: int) -> bytes:
    inflater = zlib.decompressobj(window)
    unpacked = inflater.decompress(body, limit_bytes + 1)
    if len(unpacked) > limit_bytes:
        raise BodyTooLargeError(size_bytes=f"more than {limit_bytes} unpacked", limit_bytes=limit_bytes)
    if not inflater.eof:
        raise zlib.error("it ends too early")
    return unpacked


def decode_json(body: bytes, decoder: msgspec.json.Decoder[T]) -> T:
    """What the decoder reads. Raises BrokenJsonError with the place, or BadRequestError for another shape."""
    try:
        return decoder.decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        parsed = parse_leniently(body)
    try:
        return msgspec.convert(parsed, decoder.type)
    except (msgspec.ValidationError, RecursionError) as fault:
        raise BadRequestError(wrong=f"The body has another shape than expected: {fault}.") from fault


def parse_json(body: bytes) -> Any:
    """Any JSON as plain Python values. Raises BrokenJsonError with the place."""
    try:
        return _ANY.decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return parse_leniently(body)
