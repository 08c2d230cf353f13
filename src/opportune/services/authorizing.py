"""Who is calling: API keys, their scopes, and the proof that a request speaks for a user.

Keys are kept in memory by digest and read again when the store says that something changed. Making
and revoking keys is `operating.py`; reading a credential out of a request is the HTTP edge's work.
"""

from __future__ import annotations

import asyncio
import hmac
from hashlib import sha256
from threading import Lock
from typing import Literal

import msgspec

from opportune.errors import MissingKeyError, ScopeError, StorageBusyError, UnknownKeyError
from opportune.services.house import House
from opportune.storage.base import ApiKey

KeyKind = Literal["write", "secret"]
ANY_SCOPE = "*"
SCOPES: tuple[str, ...] = ("capture", "decide", "read", "publish", "operate", "export", "erase")
"""What a secret key may be limited to; `*` is all of them. Write keys have no scopes."""

CHECK_EVERY_MS = 1_000
"""How long a revoked key may still work in a process that did not revoke it itself."""

LONGEST_LOOK_SECONDS = 2.0
"""How long a key that is not known here waits for a remote store."""

_USER_TOKENS = b"user tokens"


class Caller(msgspec.Struct, frozen=True, gc=False):
    """The key behind a request. A write key is public: it captures and decides for anonymous ids only."""

    kind: KeyKind
    name: str
    scopes: frozenset[str] = frozenset()

    @property
    def is_secret(self) -> bool:
        return self.kind == "secret"

    def may(self, scope: str) -> bool:
        return self.kind == "secret" and (scope in self.scopes or ANY_SCOPE in self.scopes)

    def require(self, scope: str) -> None:
        """Raises ScopeError unless this is a secret key with that scope."""
        if not self.may(scope):
            raise ScopeError(scope=scope)

    def admit(self, scope: Literal["capture", "decide"]) -> None:
        """What a write key may do anyway, and a secret key with that scope. Raises ScopeError."""
        if self.kind == "secret" and not self.may(scope):
            raise ScopeError(scope=scope)


def digest_of(secret: bytes, value: str) -> str:
    """What is kept of a key: hex HMAC-SHA256, so that a stolen store gives no keys away."""
    return hmac.digest(secret, value.encode("utf-8", "surrogatepass"), "sha256").hex()


class Known(msgspec.Struct, frozen=True):
    """The keys in force as of a version of the store."""

    version: str | None = None
    callers: dict[str, Caller] = {}
    proven: dict[str, Caller] = {}
    """By credential: those that were right since then, so that they are not hashed each time."""


class KeyRing:
    """The keys in force, by digest. One per process, for one thread; `refresh` for any."""

    __slots__ = ("_checked_at", "_house", "_known", "_looking", "_refreshing")

    def __init__(self, house: House) -> None:
        self._house = house
        self._known = Known()
        self._checked_at = 0
        self._looking: asyncio.Task[None] | None = None
        self._refreshing = Lock()

    def authorize(self, credential: str | None) -> Caller:
        """The caller behind a credential. Raises MissingKeyError or UnknownKeyError."""
        if not credential:
            raise MissingKeyError
        if self._is_due():
            self.refresh()
        caller = self._prove(credential)
        if caller is None:
            self.refresh()
            caller = self._prove(credential)
        if caller is None:
            raise UnknownKeyError
        return caller

    async def find(self, credential: str | None) -> Caller:
        """The same for an event loop, which waits for a remote store only with a key it does not know.

        The keys known before hold while that store does not answer. Raises StorageBusyError for any other then.
        """
        if not self._house.storage.is_remote:
            return self.authorize(credential)
        if not credential:
            raise MissingKeyError
        if self._is_due():
            self._look()
        caller = self._prove(credential)
        if caller is None:
            await self._wait_for_look()
            caller = self._prove(credential)
        if caller is None:
            raise UnknownKeyError
        return caller

    async def _wait_for_look(self) -> None:
        try:
            async with asyncio.timeout(LONGEST_LOOK_SECONDS):
                await asyncio.shield(self._look())
        except TimeoutError:
            raise StorageBusyError from None

    def refresh(self) -> None:
        """Asks the store, in whatever thread; the keys are replaced at once and whole."""
        with self._refreshing:  # what one read first must not replace what another read later
            self._checked_at = self._house.clock()
            version = self._house.storage.changed_at()
            if version == self._known.version:
                return
            keys = self._house.storage.list_api_keys()
            callers = {self._digest(key): _caller_of(key) for key in keys if key.revoked_at is None}
            self._known = Known(version, callers, {})

    def _is_due(self) -> bool:
        return self._house.clock() - self._checked_at >= CHECK_EVERY_MS

    def _look(self) -> asyncio.Task[None]:
        """One look at a time; a failure concerns only who waits for it."""
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(asyncio.to_thread(self.refresh))
            self._looking.add_done_callback(lambda task: task.cancelled() or task.exception())
        return self._looking

    def _prove(self, credential: str) -> Caller | None:
        known = self._known
        caller = known.proven.get(credential)
        if caller is None:
            # Looking up a keyed digest tells a prober's clock nothing about the value it guesses.
            caller = known.callers.get(digest_of(self._house.secret, credential))
            if caller is not None:
                known.proven[credential] = caller
        return caller

    def _digest(self, key: ApiKey) -> str:
        return digest_of(self._house.secret, key.public_value) if key.public_value else key.digest


def _caller_of(key: ApiKey) -> Caller:
    is_secret = key.kind == "secret"
    return Caller("secret" if is_secret else "write", key.name, frozenset(key.scopes if is_secret else ()))


def authorize(house: House, credential: str | None) -> Caller:
    """One look-up without a ring, for commands and tests."""
    return KeyRing(house).authorize(credential)


def user_token_secret(house: House) -> str:
    """The text a shop's own server signs user ids with. It opens nothing but user tokens."""
    return hmac.digest(house.secret, _USER_TOKENS, "sha256").hex()


def user_token_of(house: House, user_id: str) -> str:
    """`userToken`: lower-case hex HMAC-SHA256 of the user id, keyed with `user_token_secret`."""
    key = user_token_secret(house).encode()
    return hmac.new(key, user_id.encode("utf-8", "surrogatepass"), sha256).hexdigest()


def verify_user_token(house: House, user_id: str, token: object) -> bool:
    """Whether a request's `userToken` proves that it may speak for this user."""
    if not isinstance(token, str) or not user_id:
        return False
    expected = user_token_of(house, user_id).encode()
    return hmac.compare_digest(expected, token.encode("utf-8", "surrogatepass"))
