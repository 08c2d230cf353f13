"""Retiring: once a day what is past its time leaves, in bounded steps that others' work comes between."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.contract.stored import DAY, DEVICE, append, event

from opportune.core.conditions.reach import CLASS_BOUNDS
from opportune.core.moment import from_iso, to_iso
from opportune.core.programme import empty_programme
from opportune.errors import StorageBusyError
from opportune.services.house import House
from opportune.services.operating import load_secret
from opportune.services.retiring import RETIRED, STEP, horizon_of, retire
from opportune.settings import FEWEST_MONTHS
from opportune.storage.base import EventQuery, Storage

NOON = from_iso("2026-11-22T12:00:00Z")
HORIZON = from_iso("2025-10-22T00:00:00Z")
"""Thirteen months before, at midnight."""
LONG_AGO = HORIZON - 2_000 * DAY
"""Before the first quarter of a year that a new database keeps by itself: from there events leave one by one."""

BY_EVENT = pytest.mark.parametrize("storage", ["memory", "sqlite"], indirect=True)
"""PostgreSQL lets a quarter go as a whole; tests of its own say when."""


class Clock:
    def __init__(self) -> None:
        self.at = NOON

    def __call__(self) -> int:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def house(storage: Storage, clock: Clock) -> House:
    return House(storage=storage, clock=clock, secret=load_secret(storage), programme=empty_programme())


def always() -> bool:
    return True


def times(count: int) -> Callable[[], bool]:
    """Yes so many times."""
    answers = iter([True] * count)
    return lambda: next(answers, False)


def kept(house: House) -> list[int]:
    return sorted(stored.occurred_at for stored in house.storage.list_events(EventQuery(limit=10_000)))


def fill(house: House, count: int) -> None:
    append(house.storage, *(event(DEVICE + n, at=LONG_AGO - n) for n in range(count)))


@pytest.mark.parametrize(
    ("now", "months", "horizon"),
    [
        ("2026-11-22T12:00:00Z", 13, "2025-10-22T00:00:00.000Z"),
        ("2026-11-22T00:00:00Z", 12, "2025-11-22T00:00:00.000Z"),
        ("2027-03-31T23:59:59Z", 13, "2026-02-28T00:00:00.000Z"),
        ("2028-03-30T01:00:00Z", 25, "2026-02-28T00:00:00.000Z"),
        ("2028-06-30T01:00:00Z", 4, "2028-02-29T00:00:00.000Z"),
        ("2027-01-15T00:00:00Z", 13, "2025-12-15T00:00:00.000Z"),
    ],
)
def test_the_horizon_is_a_midnight_so_many_months_ago(now: str, months: int, horizon: str) -> None:
    assert to_iso(horizon_of(from_iso(now), months)) == horizon


def test_no_horizon_cuts_off_what_decisions_read() -> None:
    read_days = max(days or 0 for _, days in CLASS_BOUNDS.values())
    for day in range(1_500):
        now = NOON + day * DAY
        assert now - horizon_of(now, FEWEST_MONTHS) > read_days * DAY


@BY_EVENT
def test_what_is_older_than_the_setting_leaves(house: House) -> None:
    append(
        house.storage,
        event(at=HORIZON - 1),
        event(at=HORIZON),
        event(at=HORIZON - 1, event_class=0, name="Order Completed"),
    )
    assert retire(house, 13, may_go_on=always) == 1
    assert kept(house) == [HORIZON - 1, HORIZON]


def test_nothing_leaves_when_everything_is_kept_for_ever(house: House) -> None:
    append(house.storage, event(at=0))
    assert retire(house, 0, may_go_on=always) == 0
    assert kept(house) == [0]


def test_every_step_is_bounded_and_asked_for(house: House) -> None:
    fill(house, 3 * STEP)
    assert retire(house, 13, may_go_on=times(1)) == STEP
    assert len(kept(house)) == 2 * STEP


def test_what_was_not_finished_goes_on_with_the_next_call(house: House) -> None:
    fill(house, 3 * STEP)
    retire(house, 13, may_go_on=times(2))
    assert retire(house, 13, may_go_on=always) == STEP
    assert kept(house) == []
    told = [entry.detail for entry in house.storage.list_audit()]
    assert told == [f"{STEP} events left the store", f"{2 * STEP} events left the store"]


def test_what_left_before_others_stood_in_the_way_is_told_and_the_day_is_not_over(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(house, 2 * STEP)
    retire_events, is_busy = house.storage.retire_events, iter([False, True])

    def retire_unless_busy(before_at: int, most: int) -> int:
        if next(is_busy, False):
            raise StorageBusyError
        return retire_events(before_at, most)

    monkeypatch.setattr(house.storage, "retire_events", retire_unless_busy)
    with pytest.raises(StorageBusyError):
        retire(house, 13, may_go_on=always)
    assert [entry.detail for entry in house.storage.list_audit()] == [f"{STEP} events left the store"]
    assert retire(house, 13, may_go_on=always) == STEP


def test_the_audit_says_once_a_day_what_left(house: House, clock: Clock) -> None:
    fill(house, 2 * STEP)
    retire(house, 13, may_go_on=always)
    [entry] = house.storage.list_audit()
    assert (entry.at, entry.act, entry.what) == (NOON, RETIRED, "before 2025-10-22")
    assert entry.detail == f"{2 * STEP} events left the store"

    fill(house, 1)
    assert retire(house, 13, may_go_on=always) == 0
    clock.at += DAY
    assert retire(house, 13, may_go_on=always) == 1
    assert len(house.storage.list_audit()) == 2


def test_a_day_on_which_nothing_left_is_not_in_the_audit(house: House) -> None:
    retire(house, 13, may_go_on=always)
    assert house.storage.list_audit() == []


def test_events_that_left_do_not_come_back_into_reach_when_more_is_to_be_kept(
    house: House, clock: Clock
) -> None:
    fill(house, 1)
    retire(house, 13, may_go_on=always)
    append(house.storage, event(at=HORIZON - 100 * DAY))
    clock.at += DAY
    assert retire(house, 24, may_go_on=always) == 0
    assert kept(house) == [HORIZON - 100 * DAY]
    assert retire(house, 13, may_go_on=always) == 1
