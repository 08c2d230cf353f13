"""Allocation: which of 10,000 buckets a unit falls into, and which arm that bucket belongs to.

Portable on purpose: `docs/reference/allocation.md` states the formula and `docs/cases/allocation.json`
holds cases for other languages. Frozen per experiment: the seed never changes while it runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from struct import Struct

BUCKETS = 10_000
IN, OUT = "in", "out"
"""The arms of the programme's own split: personalized, and its control group."""

Arms = Sequence[tuple[str, int]]
"""(name, weight); weights add up to 10,000."""

_read_first_8_bytes = Struct(">Q").unpack_from


def bucket_of(seed: str, unit_id: str) -> int:
    """First 8 bytes, big endian, of SHA-256 over the UTF-8 text `seed:unit_id`, modulo 10,000."""
    first: int = _read_first_8_bytes(sha256(f"{seed}:{unit_id}".encode()).digest())[0]
    return first % BUCKETS


def coverage_seed(seed: str) -> str:
    """What decides over a share of visitors, apart from what decides over their arm."""
    return f"{seed}/coverage"


def is_covered(seed: str, unit_id: str, share: int) -> bool:
    """Whether a unit lies inside a share of `share` of 10,000; a ramp only ever adds units."""
    return share >= BUCKETS or bucket_of(coverage_seed(seed), unit_id) < share


def arm_of(seed: str, unit_id: str, arms: Arms) -> str:
    """The arm whose range holds the unit's bucket."""
    upper, bucket = 0, bucket_of(seed, unit_id)
    for name, weight in arms:
        upper += weight
        if bucket < upper:
            return name
    return arms[-1][0]
