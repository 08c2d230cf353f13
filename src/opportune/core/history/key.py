"""A key: the id an event names, in its namespace, as one integer that every process computes alike."""

from __future__ import annotations

import hmac
from hashlib import sha256
from typing import Literal

LANES = 256

Namespace = Literal["user", "anonymous", "claim"]
"""`user`: proven by a secret key or a user token. `anonymous`: a device. `claim`: a user id nobody proved."""


def key_of(namespace: Namespace, identifier: str) -> int:
    """63 bits: the first 8 bytes of SHA-256 over `namespace:identifier`, without the highest bit.

    No look-up, no counter, no coordination between processes. Two ids of a shop with ten million
    share a key with a chance of about 1 in 200,000; storing a second id under a taken key is refused.
    """
    return _number(f"{namespace}:{identifier}")


def business_key_of(event: str, value: str) -> int:
    """An order's own key, by which whoever writes about it takes turns: `Order Completed`, 1001."""
    return _number(f"business:{event}:{value}")


def address_key_of(address: str) -> int:
    """An e-mail address's own key, however it is capitalized."""
    return _number(f"e-mail:{address.strip().casefold()}")


def mark_of(secret: bytes, key: int) -> str:
    """What is kept of a key whose person was erased: 32 hex digits that only the installation's secret leads to."""
    return hmac.digest(secret, b"erased %d" % key, "sha256").hex()[:32]


def lane_of(key: int) -> int:
    """The key's share of the house: 0 to 255, the distribution column of every per-person table."""
    return key % LANES


def _number(text: str) -> int:
    return int.from_bytes(sha256(text.encode()).digest()[:8], "big") >> 1
