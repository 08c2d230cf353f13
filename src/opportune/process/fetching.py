"""Fetching over HTTP(S): a feed's bytes within limits, and whether they changed since the last time."""

from __future__ import annotations

import gzip
import http.client
import ipaddress
import socket
import ssl
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

from opportune.errors import BadRequestError

CHUNK_BYTES = 65_536
GZIP = b"\x1f\x8b"
MOST_BYTES = 256 * 1024 * 1024
"""Of a feed, unpacked; one of a hundred thousand products has about half."""
CONNECT_SECONDS = 20.0
LONGEST_SECONDS = 600.0
MOST_REDIRECTS = 5
REDIRECTS = frozenset({301, 302, 303, 307, 308})
AGENT = "Opportune (product feed)"


class Limits(NamedTuple):
    most_bytes: int = MOST_BYTES
    seconds: float = LONGEST_SECONDS


LIMITS = Limits()


class Fetched(NamedTuple):
    """An answer: its chunks (read within the block), or that nothing changed."""

    chunks: Iterator[bytes]
    is_same: bool = False
    etag: str = ""
    modified: str = ""


@contextmanager
def fetched(url: str, *, etag: str = "", modified: str = "", limits: Limits = LIMITS) -> Iterator[Fetched]:
    """Raises BadRequestError that says what is wrong with the address or the answer."""
    known = {"If-None-Match": etag, "If-Modified-Since": modified}
    ends_at = time.monotonic() + limits.seconds
    connection, answer = _ask(url, {name: value for name, value in known.items() if value}, ends_at)
    try:
        if answer.status == http.client.NOT_MODIFIED:
            yield Fetched(iter(()), is_same=True)
            return
        if answer.status != http.client.OK:
            raise BadRequestError(wrong=f"{_shown(url)} answered {answer.status} {answer.reason}.")
        received = _bounded(_received(answer), url, limits, ends_at)
        chunks = _bounded(_unpacked(received), url, limits, ends_at)
        yield Fetched(
            chunks, etag=answer.getheader("ETag", ""), modified=answer.getheader("Last-Modified", "")
        )
    except (TimeoutError, http.client.HTTPException, ssl.SSLError, ConnectionError) as error:
        raise BadRequestError(wrong=f"{_shown(url)} broke off: {error or type(error).__name__}.") from None
    except (zlib.error, gzip.BadGzipFile, EOFError):
        raise BadRequestError(wrong=f"{_shown(url)} is packed in a way that cannot be read.") from None
    finally:
        connection.close()


def _ask(
    url: str, headers: Mapping[str, str], ends_at: float
) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
    """The answer behind at most a few redirects, none of which leaves https."""
    sent = {"User-Agent": AGENT, "Accept": "*/*", "Accept-Encoding": "gzip", **headers}
    for _ in range(MOST_REDIRECTS + 1):
        connection = connect(url, min(CONNECT_SECONDS, max(ends_at - time.monotonic(), 1.0)))
        try:
            connection.request("GET", path_of(url), headers=sent)
            answer = connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise BadRequestError(
                wrong=f"{_shown(url)} does not answer: {error or type(error).__name__}."
            ) from None
        place = answer.getheader("Location", "")
        if answer.status not in REDIRECTS or not place:
            return connection, answer
        connection.close()
        target = urljoin(url, place)
        if url.startswith("https:") and not target.startswith("https:"):
            raise BadRequestError(wrong=f"{_shown(url)} redirects to an address without https.")
        if _is_private(target) and not _is_private(url):
            raise BadRequestError(wrong=f"{_shown(url)} redirects into a private network.")
        url = target
    raise BadRequestError(wrong=f"{_shown(url)} redirects more than {MOST_REDIRECTS} times.")


def connect(url: str, seconds: float) -> http.client.HTTPConnection:
    """Not connected yet. Raises BadRequestError for what is no address of the web."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise BadRequestError(wrong=f"{url!r} is no address of the web.") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise BadRequestError(
            wrong=f"{url!r} is no address of the web, such as https://shop.example/feed.xml."
        )
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    return kind(parts.hostname, port, timeout=seconds)


def path_of(url: str) -> str:
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _bounded(chunks: Iterator[bytes], url: str, limits: Limits, ends_at: float) -> Iterator[bytes]:
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > limits.most_bytes:
            raise BadRequestError(wrong=f"{_shown(url)} has more than {limits.most_bytes:,} bytes.")
        if time.monotonic() > ends_at:
            raise BadRequestError(wrong=f"{_shown(url)} took longer than {limits.seconds:g} seconds.")
        yield chunk


def _received(answer: http.client.HTTPResponse) -> Iterator[bytes]:
    """What comes, as it comes: whoever sends a byte at a time is looked at a byte at a time.

    Raises IncompleteRead where less comes than was announced: half a feed would take products off the shelf.
    """
    left = answer.length
    while left != 0:
        piece = answer.read1(CHUNK_BYTES if left is None else min(CHUNK_BYTES, left))
        if not piece:
            break
        left = None if left is None else left - len(piece)
        yield piece
    if left:
        raise http.client.IncompleteRead(b"", left)


def _unpacked(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Packed by the way or as a file, or not at all."""
    first = b""
    for piece in pieces:
        first += piece
        if len(first) >= len(GZIP):
            break
    whole = chain((first,), pieces)
    return _inflated(whole) if first.startswith(GZIP) else whole


def _inflated(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Every member of a gzip file; a little that becomes very much is given out in small pieces all the same.

    Zeros after a member are padding. Raises EOFError when the last one has no end.
    """
    member = None
    for piece in pieces:
        rest = piece
        while rest:
            if member is None:
                rest = rest.lstrip(b"\0")
                if not rest:
                    break
                member = zlib.decompressobj(zlib.MAX_WBITS | 16)
            if found := member.decompress(rest, CHUNK_BYTES):
                yield found
            rest = member.unconsumed_tail
            if member.eof:
                rest, member = member.unused_data, None
    if member is not None:
        raise EOFError


def _is_private(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        found = {ipaddress.ip_address(info[4][0]) for info in socket.getaddrinfo(host, None)}
    except (OSError, ValueError):
        return False
    return any(not address.is_global for address in found)


def _shown(url: str) -> str:
    """Without what may be a secret: user, password, query."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}{parts.path}"
