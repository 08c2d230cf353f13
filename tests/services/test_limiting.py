"""Rate limits: a steady refill, a burst, and a bounded memory."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opportune.errors import TooManyRequestsError
from opportune.services.limiting import NO_LIMITS, Rate, RateLimiter, Rates, take


def limiter(per_second: float = 1, burst: int = 3, most: int = 100) -> RateLimiter:
    return RateLimiter(Rates(id=Rate(per_second, burst)), most)


def test_a_burst_goes_through_and_then_one_a_second() -> None:
    limits = limiter()
    for _ in range(3):
        limits.check("id", "a", 1_000)
    with pytest.raises(TooManyRequestsError) as refused:
        limits.check("id", "a", 1_000)
    assert refused.value.fields["retry_after_seconds"] == 1
    limits.check("id", "a", 2_000)
    with pytest.raises(TooManyRequestsError):
        limits.check("id", "a", 2_000)


def test_one_visitor_does_not_use_up_anothers() -> None:
    limits = limiter(burst=1)
    limits.check("id", "a", 0)
    limits.check("id", "b", 0)
    with pytest.raises(TooManyRequestsError):
        limits.check("id", "a", 0)


def test_the_wait_is_stated_in_whole_seconds_and_is_long_enough() -> None:
    limits = limiter(per_second=0.2, burst=1)
    limits.check("id", "a", 0)
    with pytest.raises(TooManyRequestsError) as refused:
        limits.check("id", "a", 100)
    wait = refused.value.fields["retry_after_seconds"]
    assert isinstance(wait, int)
    limits.check("id", "a", 100 + wait * 1_000)


def test_no_limit_keeps_nothing() -> None:
    limits = RateLimiter(NO_LIMITS)
    for number in range(100):
        limits.check("key", str(number), 0)
    assert len(limits) == 0


def test_memory_is_bounded_and_the_oldest_are_forgotten_first() -> None:
    limits = limiter(burst=1, most=10)
    for number in range(1_000):
        limits.check("id", str(number), 0)
    assert len(limits) == 10
    with pytest.raises(TooManyRequestsError):
        limits.check("id", "999", 0)


def test_who_is_within_the_limit_again_is_forgotten() -> None:
    limits = limiter()
    for number in range(10):
        limits.check("id", str(number), number)
    assert len(limits) == 10
    for second in range(10):
        limits.check("id", "later", 1_000_000 + second * 1_000)
    assert len(limits) == 1


@given(
    gaps=st.lists(st.integers(0, 5_000), max_size=60), per_second=st.floats(0.1, 50), burst=st.integers(1, 20)
)
def test_never_more_than_the_burst_and_what_refilled_since(
    gaps: list[int], per_second: float, burst: int
) -> None:
    rate, full_at, now, taken, start = Rate(per_second, burst), 0.0, 1_000_000, 0, 1_000_000
    for gap in gaps:
        now += gap
        full_at, wait = take(full_at, now, rate)
        taken += wait == 0
        assert taken <= burst + (now - start) / 1_000 * per_second + 1e-6
        assert wait >= 0
