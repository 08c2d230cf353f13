"""Allocation: which of 10,000 buckets a unit falls into, and which arm that bucket belongs to.

Portable on purpose: `docs/reference/allocation.md` states the formula and `docs/cases/allocation.json`
holds cases for other languages. Frozen per experiment: the seed never changes while it runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from itertools import accumulate
from struct import Struct

BUCKETS = 10_000
IN, OUT = "in", "out"
"""The arms of the programme's own split: personalized, and its control group."""

Arms = Sequence[tuple[str, int]]
"""(name, weight); weights add up to 10,000."""

Bounds = Sequence[tuple[str, int]]
"""(name, the first bucket that is not this arm's any more)."""

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


def bounds_of(arms: Arms) -> Bounds:
    """Where each arm's range of buckets ends, in the arms' order."""
    ends = accumulate(weight for _, weight in arms)
    return tuple((name, end) for (name, _), end in zip(arms, ends, strict=True))


def arm_at(bucket: int, bounds: Bounds) -> str:
    """The arm whose range holds a bucket."""
    for name, end in bounds:
        if bucket < end:
            return name
    return bounds[-1][0]


def arm_of(seed: str, unit_id: str, arms: Arms) -> str:
    """The arm a unit gets in an experiment."""
    return arm_at(bucket_of(seed, unit_id), bounds_of(arms))
