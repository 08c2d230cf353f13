"""Rate limits: how much one key, one address or one id may ask for, held in memory.

Each limit is a bucket that refills steadily. A bucket is one number (the moment at which it will be full
again), so that a hundred thousand of them stay small; the oldest are forgotten first.
"""

from __future__ import annotations

from collections import OrderedDict
from math import ceil
from typing import Literal

import msgspec

from opportune.errors import TooManyRequestsError

Limited = Literal["key", "address", "id"]


class Rate(msgspec.Struct, frozen=True):
    """So many a second on average, and so many at once. 0 a second means no limit."""

    per_second: float
    burst: int


class Rates(msgspec.Struct, frozen=True, kw_only=True):
    """The limits of the installation: what a public write key, a stranger's address and one id may do."""

    key: Rate = Rate(5_000, 50_000)
    address: Rate = Rate(200, 4_000)
    id: Rate = Rate(50, 1_000)


NO_LIMITS = Rates(key=Rate(0, 0), address=Rate(0, 0), id=Rate(0, 0))
MOST_BUCKETS = 100_000


def take(full_at: float, now: float, rate: Rate) -> tuple[float, float]:
    """One request out of a bucket: when it will be full again, and how long to wait first (0: go on).

    All in milliseconds. A refused request takes nothing.
    """
    step = 1_000 / rate.per_second
    start = max(full_at, now)
    wait = start + step - now - step * rate.burst
    return (start + step, 0.0) if wait <= 0 else (full_at, wait)


class RateLimiter:
    """All buckets of one process, at most `most` of them. Not shared between threads."""

    __slots__ = ("_buckets", "_most", "rates")

    def __init__(self, rates: Rates, most: int = MOST_BUCKETS) -> None:
        self.rates = rates
        self._most = most
        self._buckets: OrderedDict[tuple[Limited, str], float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def check(self, what: Limited, name: str, now: int) -> None:
        """Takes one request. Raises TooManyRequestsError with the seconds to wait."""
        rate: Rate = getattr(self.rates, what)
        if not rate.per_second:
            return
        bucket = (what, name)
        full_at, wait = take(self._buckets.get(bucket, 0.0), now, rate)
        if wait > 0:
            raise TooManyRequestsError(what=what, retry_after_seconds=max(1, ceil(wait / 1_000)))
        self._buckets[bucket] = full_at
        self._buckets.move_to_end(bucket)
        if len(self._buckets) > self._most:
            self._buckets.popitem(last=False)
        self._forget_full(now)

    def _forget_full(self, now: int) -> None:
        """A full bucket says nothing, so nobody's id is kept for it. Two at a time, the oldest first."""
        for _ in range(2):
            oldest = next(iter(self._buckets))
            if self._buckets[oldest] > now:
                return
            del self._buckets[oldest]
