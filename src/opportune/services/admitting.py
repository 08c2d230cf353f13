"""Admitting: who may see the set-up page, by a link that opens it once, then by a signed cookie that ends by itself.

Only a keyed hash of a link is kept, and neither link nor cookie ever stands in a log.
"""

from __future__ import annotations

import hmac
import secrets

import msgspec

from opportune.core.moment import HOUR, MINUTE
from opportune.services.house import House
from opportune.storage.base import AuditEntry, Transaction

LINKS = "set-up links"
LINK_LIFE_MS = 15 * MINUTE
SESSION_LIFE_MS = 12 * HOUR
MOST_LINKS = 20
LINK_BYTES = 24
LONGEST = 200
_LINK, _SESSION = b"set-up link", b"set-up session"


class Link(msgspec.Struct, frozen=True, array_like=True):
    """A link that was given out and not opened yet."""

    digest: str
    until_at: int


_decode = msgspec.json.Decoder(list[Link]).decode


def make_link(house: House, *, by: str = "") -> str:
    """A word for the address that opens the set-up page once, within a quarter of an hour."""
    word, now = secrets.token_urlsafe(LINK_BYTES), house.clock()
    with house.storage.turn():
        waiting = _waiting(house, now)[-(MOST_LINKS - 1) :]
        waiting.append(Link(_digest(house, word), now + LINK_LIFE_MS))
        _put(house, waiting, AuditEntry(at=now, by=by, act="set-up link made"))
    return word


def knows_link(house: House, word: str) -> bool:
    """Whether a link can still be opened; looking uses nothing up."""
    if not word or len(word) > LONGEST:
        return False
    digest = _digest(house, word)
    return any(hmac.compare_digest(link.digest, digest) for link in _waiting(house, house.clock()))


def open_link(house: House, word: str) -> str | None:
    """The session's cookie, once; None for a link that was opened already, is too old or none of ours."""
    if not knows_link(house, word):
        return None  # strangers' guesses take no turn from those who write
    digest, now = _digest(house, word), house.clock()
    with house.storage.turn():
        waiting = _waiting(house, now)
        left = [link for link in waiting if not hmac.compare_digest(link.digest, digest)]
        if len(left) == len(waiting):
            return None
        _put(house, left, AuditEntry(at=now, by="", act="set-up opened"))
    return _signed(house, now + SESSION_LIFE_MS, secrets.token_hex(8))


def is_admitted(house: House, cookie: str) -> bool:
    """Whether a session of this installation still lasts."""
    until, _, rest = cookie[:LONGEST].partition(".")
    nonce, _, _ = rest.partition(".")
    if not until.isdecimal() or int(until) <= house.clock():
        return False
    return hmac.compare_digest(_signed(house, int(until), nonce).encode(), cookie.encode())


def _waiting(house: House, now: int) -> list[Link]:
    text = house.storage.find_setting(LINKS)
    return [link for link in (_decode(text) if text else []) if link.until_at > now]


def _put(house: House, links: list[Link], audit: AuditEntry) -> None:
    text = msgspec.json.encode(links).decode() if links else ""

    def put(transaction: Transaction) -> None:
        transaction.put_setting(LINKS, text)
        transaction.add_audit(audit)

    house.storage.write(put).result()


def _digest(house: House, word: str) -> str:
    return hmac.digest(house.secret, _LINK + word.encode("utf-8", "surrogatepass"), "sha256").hex()


def _signed(house: House, until_at: int, nonce: str) -> str:
    payload = f"{until_at}.{nonce}"
    return f"{payload}.{hmac.digest(house.secret, _SESSION + payload.encode(), 'sha256').hex()}"
