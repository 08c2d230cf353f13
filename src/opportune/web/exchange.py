"""One HTTP/1.1 exchange without a socket: the bytes of a request, and the answer put together as it comes in.

Shared by the blocking and the asynchronous client, so that both keep one deadline over connecting, sending and
every byte of the answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

LARGEST_HEAD = 64 * 1024
LARGEST_BODY = 4 * 1024 * 1024


class ExchangeError(OSError):
    """Opportune gave no answer that could be used."""


class ConnectionGoneError(ExchangeError):
    """The kept connection was closed before anything of the answer came: asking again is safe."""


@dataclass(frozen=True, slots=True)
class Server:
    """Where Opportune is."""

    host: str
    port: int
    base: str
    is_secure: bool

    @classmethod
    def at(cls, url: str) -> Server:
        """Raises ValueError for an address that is none."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(
                f"{url!r} is no address of a server: write it like https://opportune.example.com"
            )
        is_secure = parts.scheme == "https"
        port = parts.port or (443 if is_secure else 80)
        return cls(parts.hostname, port, parts.path.rstrip("/"), is_secure)

    @property
    def name(self) -> str:
        """The `Host` header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.is_secure else 80) else f"{host}:{self.port}"


def request_bytes(
    server: Server, method: str, path: str, headers: Mapping[str, str], body: bytes = b""
) -> bytes:
    """A request as it goes over the wire; line breaks in a header's value are taken out."""
    lines = [f"{method} {_one_line(server.base + path)} HTTP/1.1", f"Host: {server.name}"]
    lines += [f"{name}: {_one_line(value)}" for name, value in headers.items()]
    if body or method == "POST":
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join((*lines, "", "")).encode("latin-1", "replace") + body


def _one_line(text: str) -> str:
    return text.replace("\r", "").replace("\n", "")


@dataclass(slots=True)
class Reply:
    """An answer in the making: `feed` it until it is whole."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    """Lower-case names; the last of several."""
    body: bytes = b""
    may_be_kept: bool = False
    """Whether the connection can take another request."""
    has_begun: bool = False
    _data: bytearray = field(default_factory=bytearray)

    def feed(self, data: bytes) -> bool:
        """Takes what came in, and says whether the answer is whole; nothing means the other side closed.

        Raises ExchangeError for what is no answer, or ends too early.
        """
        self.has_begun = self.has_begun or bool(data)
        self._data += data
        has_head = bool(self.status) or self._read_head()
        is_whole = has_head and self._read_body(is_closed=not data)
        if not data and not is_whole:
            raise ExchangeError("the answer ended too early")
        return is_whole

    def _read_head(self) -> bool:
        end = self._data.find(b"\r\n\r\n")
        if end < 0:
            if len(self._data) > LARGEST_HEAD:
                raise ExchangeError("the answer's head is too large")
            return False
        first, *lines = bytes(self._data[:end]).decode("latin-1").split("\r\n")
        del self._data[: end + 4]
        version, _, rest = first.partition(" ")
        status = rest[:3]
        if not version.startswith("HTTP/1.") or not status.isdigit():
            raise ExchangeError("what answers there does not speak HTTP")
        if status.startswith("1"):
            return self._read_head()
        pairs = (line.partition(":") for line in lines)
        self.headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
        self.status = int(status)
        self.may_be_kept = version != "HTTP/1.0" and "close" not in self.headers.get("connection", "").lower()
        return True

    def _read_body(self, *, is_closed: bool) -> bool:
        if len(self._data) > LARGEST_BODY:
            raise ExchangeError("the answer is too large")
        if self.status in (204, 304):
            return True
        if "chunked" in self.headers.get("transfer-encoding", "").lower():
            return self._read_chunks()
        length = self.headers.get("content-length", "")
        if not length:
            self.may_be_kept = False
            self.body = bytes(self._data)
            return is_closed
        if not length.isdigit():
            raise ExchangeError("the answer does not say how long it is")
        self.body = bytes(self._data[: int(length)])
        return len(self.body) == int(length)

    def _read_chunks(self) -> bool:
        parts: list[bytes] = []
        at = 0
        while (end := self._data.find(b"\r\n", at)) >= 0:
            try:
                size = int(bytes(self._data[at:end]).partition(b";")[0], 16)
            except ValueError:
                raise ExchangeError("the answer's chunks cannot be read") from None
            begin = end + 2
            if len(self._data) < begin + size + 2:
                return False
            if size == 0:
                self.may_be_kept = self.may_be_kept and self._data[begin:] == b"\r\n"
                self.body = b"".join(parts)
                return True
            parts.append(bytes(self._data[begin : begin + size]))
            at = begin + size + 2
        return False
