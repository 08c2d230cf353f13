"""Decision tokens: signed proof that this house decided this for that unit, carried by the page and given back.

An answer given ahead becomes an exposure when `Slot Applied` echoes its token, and `shown` when `Slot Viewed` does.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode
from binascii import Error as Base64Error
from binascii import b2a_base64
from hashlib import blake2b

import msgspec

from opportune.core.decision import Exposed
from opportune.core.moment import DAY
from opportune.core.situation import Assignment
from opportune.services.house import House
from opportune.storage.base import Exposure

SHOWN = "Slot Viewed"
TOKEN_EVENTS = ("Slot Applied", SHOWN)
"""Events that give a token back: the page applied the decision; it was on screen."""
LIFE_MS = DAY
"""A token older than this counts as unverified."""
MAC_BYTES = 12
_PURPOSE = b"decision"
_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_encode = msgspec.msgpack.Encoder().encode


class Token(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What one decision was. `unit` and `session` are 0 for a request without an id."""

    slot: str
    at: int
    seq: int
    revision: str
    unit: int
    session: int
    variant: str
    exposures: tuple[Exposed, ...]
    units: tuple[int, ...]
    """The unit of each exposure: a kept assignment's own, else the visitor's."""
    assignments: tuple[Assignment, ...] = ()


_decoder = msgspec.msgpack.Decoder(Token)


def sign(secret: bytes, token: Token) -> str:
    """URL-safe text: payload, a dot, and 12 bytes of keyed BLAKE2b (half the time of HMAC-SHA256, twice a request)."""
    payload = _encode(token)
    text = b2a_base64(payload, newline=False) + b"." + b2a_base64(_mac(secret, payload), newline=False)
    return text.translate(_URL_SAFE, b"=").decode()


def read_token(house: House, text: str) -> Token | None:
    """The token, or None when it is not ours, was changed, is too old or of another revision."""
    token = open_token(house.secret, text)
    if token is None or token.revision != house.programme.revision:
        return None
    return token if 0 <= house.clock() - token.at <= LIFE_MS else None


def open_token(secret: bytes, text: str) -> Token | None:
    """The token whatever its age, or None when it is not ours."""
    payload_text, dot, mac_text = text.partition(".")
    if not dot or len(text) > 8_192:
        return None
    try:
        payload, mac = _decoded(payload_text), _decoded(mac_text)
        if not hmac.compare_digest(mac, _mac(secret, payload)):
            return None
        return _decoder.decode(payload)
    except (Base64Error, ValueError, msgspec.MsgspecError):
        return None


def exposures_of(token: Token, at: int) -> list[Exposure]:
    """The exposures a token stands for, ready to be recorded (again: duplicates are ignored)."""
    return [
        Exposure(
            subject=exposed.subject,
            unit=unit,
            slot=exposed.slot,
            rule=exposed.rule,
            rule_hash=exposed.rule_hash,
            arm=exposed.arm,
            session=token.session,
            at=at,
        )
        for exposed, unit in zip(token.exposures, token.units, strict=False)
    ]


def _decoded(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _mac(secret: bytes, payload: bytes) -> bytes:
    return blake2b(payload, key=secret, person=_PURPOSE, digest_size=MAC_BYTES).digest()
