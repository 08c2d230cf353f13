"""Who is calling: API keys, their scopes, and the proof that a request speaks for a user.

Keys are kept in memory by digest and read again when the store says that something changed. Making
and revoking keys is `operating.py`; reading a credential out of a request is the HTTP edge's work.
"""

from __future__ import annotations

import hmac
from hashlib import sha256
from typing import Literal

import msgspec

from opportune.errors import MissingKeyError, ScopeError, UnknownKeyError
from opportune.services.house import House
from opportune.storage.base import ApiKey

KeyKind = Literal["write", "secret"]
ANY_SCOPE = "*"
SCOPES: tuple[str, ...] = ("capture", "decide", "read", "publish", "operate")
"""What a secret key may be limited to; `*` is all of them. Write keys have no scopes."""

CHECK_EVERY_MS = 1_000
"""How long a revoked key may still work in a process that did not revoke it itself."""

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


class KeyRing:
    """The keys in force, by digest. One per process; not shared between threads."""

    __slots__ = ("_callers", "_checked_at", "_house", "_proven", "_version")

    def __init__(self, house: House) -> None:
        self._house = house
        self._callers: dict[str, Caller] = {}
        self._proven: dict[str, Caller] = {}
        """By credential: those that were right since the last change, so that they are not hashed each time."""
        self._version: str | None = None
        self._checked_at = 0

    def authorize(self, credential: str | None) -> Caller:
        """The caller behind a credential. Raises MissingKeyError or UnknownKeyError."""
        if not credential:
            raise MissingKeyError
        now = self._house.clock()
        if now - self._checked_at >= CHECK_EVERY_MS:
            self._refresh(now)
        return self._proven.get(credential) or self._prove(credential, now)

    def _prove(self, credential: str, now: int) -> Caller:
        # Looking up a keyed digest tells a prober's clock nothing about the value it guesses.
        digest = digest_of(self._house.secret, credential)
        caller = self._callers.get(digest)
        if caller is None:
            self._refresh(now)
            caller = self._callers.get(digest)
        if caller is None:
            raise UnknownKeyError
        self._proven[credential] = caller
        return caller

    def _refresh(self, now: int) -> None:
        self._checked_at = now
        version = self._house.storage.changed_at()
        if version == self._version:
            return
        self._callers = {
            self._digest(key): _caller_of(key)
            for key in self._house.storage.list_api_keys()
            if key.revoked_at is None
        }
        self._proven = {}
        self._version = version

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
