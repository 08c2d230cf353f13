"""What every endpoint is given: the house, and what belongs to the edge alone (keys, limits, counts, trust).

A handler is `async def name(edge, request) -> Response` with Starlette's request and response; errors it
raises become answers in `errors.py`. Reading bodies is `body.py`, the table of routes `routes.py`.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, TypeVar

import msgspec

from opportune.http.metrics import Metrics
from opportune.http.turns import Turns
from opportune.services.authorizing import Caller, KeyRing
from opportune.services.house import House
from opportune.services.limiting import RateLimiter, Rates

T = TypeVar("T")

Scope = Mapping[str, Any]
Headers = Mapping[bytes, bytes]
HouseReader = Callable[..., Awaitable[Any]]
"""Runs `function(storage, *arguments)` of services/reading.py where long reads disturb no decision."""

MAX_ID_CHARS = 200
SETTLE_SECONDS = 5.0
BROWSER_HEADERS = (
    "user-agent", "accept-language", "sec-gpc", "purpose", "sec-purpose", "x-purpose", "x-moz",
)  # fmt: skip


class EdgeOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What an installation may set about its HTTP edge.

    Addresses and countries are taken from headers only with `trusts_proxy`: the last hop then
    writes them, otherwise anybody could.
    """

    rates: Rates = Rates()
    max_body_bytes: int = 512 * 1024
    trusts_proxy: bool = False
    country_header: str = "cf-ipcountry"
    headless_is_machine: bool = True
    """False: automated browsers count as visitors, for a test's own sake."""
    id_cookie: str = "o_id"
    """The cookie in which the site keeps a device's id."""
    data_folder: str = ""
    """Where the disk must have room left; empty: nowhere (a store in memory)."""
    wants_metrics_key: bool = False
    """True: `/metrics` asks for a secret key with the scope `read`."""


@dataclass(slots=True)
class Edge:
    """One process's edge. `reader` answers long reads; in SQLite mode in a second process.

    `apart` answers what reads the whole log, in turns and in a process of its own, so that nobody's long read waits
    for it.
    """

    house: House
    reader: HouseReader
    apart: Turns
    options: EdgeOptions
    keys: KeyRing
    limits: RateLimiter
    metrics: Metrics
    browser_headers: tuple[tuple[str, bytes], ...]
    """Headers of a visitor's browser that a context is read from, as text and as bytes."""

    @classmethod
    def of(cls, house: House, reader: HouseReader, apart: HouseReader, options: EdgeOptions) -> Edge:
        names = (
            (*BROWSER_HEADERS, options.country_header.lower()) if options.trusts_proxy else BROWSER_HEADERS
        )
        return cls(
            house=house,
            reader=reader,
            apart=Turns(apart),
            options=options,
            keys=KeyRing(house),
            limits=RateLimiter(options.rates),
            metrics=Metrics(house),
            browser_headers=tuple((name, name.encode("latin-1")) for name in names if name),
        )

    async def authorize(self, headers: Headers, scope: Scope, credential: str | None = None) -> Caller:
        """The caller of a request, within its limits. `credential` is one found elsewhere (a body, a query).

        Raises MissingKeyError, UnknownKeyError, TooManyRequestsError.
        """
        caller = await self.keys.find(credential_in(headers) or credential)
        if not caller.is_secret:
            now = self.house.clock()
            self.limits.check("key", caller.name, now)
            address = self.address_of(headers, scope)
            if is_public(address):
                self.limits.check("address", address, now)
        return caller

    async def settle(self) -> None:
        """Waits until what was answered so far is written: who decides and then reads of it finds it.

        A store that cannot write holds no reading up for longer than `SETTLE_SECONDS`, and fails none.
        """
        with suppress(Exception):
            async with asyncio.timeout(SETTLE_SECONDS):
                await asyncio.wrap_future(self.house.storage.write(lambda _: None))

    def limit_id(self, caller: Caller, identifier: str | None) -> None:
        """One id cannot be hammered through a public key. Raises TooManyRequestsError."""
        if identifier and not caller.is_secret:
            self.limits.check("id", identifier[:MAX_ID_CHARS], self.house.clock())

    def address_of(self, headers: Headers, scope: Scope) -> str:
        """The client's address: the connection's, or what a trusted proxy says of it."""
        if self.options.trusts_proxy:
            forwarded = headers.get(b"x-forwarded-for")
            if forwarded:
                return forwarded.decode("latin-1").rpartition(",")[2].strip()
        client = scope.get("client")
        return client[0] if client else ""


def headers_of(scope: Scope) -> dict[bytes, bytes]:
    """Header values by lower-case name, the last of several."""
    return dict(scope["headers"])


def credential_in(headers: Headers) -> str | None:
    """The key in a request's headers: `X-Write-Key`, Bearer, Basic user name or `X-API-Key`."""
    found = headers.get(b"x-write-key")
    if found:
        return found.decode("latin-1").strip()
    authorization = headers.get(b"authorization")
    if authorization:
        kind, _, rest = authorization.partition(b" ")
        kind = kind.lower()
        if kind == b"bearer":
            return rest.decode("latin-1").strip() or None
        if kind == b"basic":
            return _user_name(rest.strip())
    found = headers.get(b"x-api-key")
    return found.decode("latin-1").strip() if found else None


def _user_name(encoded: bytes) -> str | None:
    try:
        return base64.b64decode(encoded).decode("utf-8").partition(":")[0] or None
    except (binascii.Error, ValueError):
        return None


def is_public(address: str) -> bool:
    """Whether an address is one stranger's. A private one is a proxy or a machine of the house's own."""
    try:
        return ip_address(address).is_global
    except ValueError:
        return False
