"""What is past its time leaves for good, a bounded step at a time; key events, records and totals stay."""

from __future__ import annotations

from tests.contract.stored import (
    DAY,
    DEVICE,
    NOW,
    PHONE,
    append,
    event,
    events_of,
    exposure,
    opportunity,
    written,
)

from opportune.core.moment import from_iso
from opportune.core.situation import Assignment
from opportune.storage.base import BusinessKey, EventQuery, Storage, Transaction

HORIZON = from_iso("2025-10-01T00:00:00Z")
"""The beginning of a quarter, so that also what leaves by quarters leaves exactly."""
LONG_AGO = from_iso("2020-02-03T10:00:00Z")
EVER = ("2000", "2100")


def retire(storage: Storage, before_at: int = HORIZON, most: int = 100) -> int:
    """Steps until nothing is left."""
    total = 0
    while left := storage.retire_events(before_at, most):
        total += left
    return total


def test_behaviour_and_telemetry_leave_and_key_events_stay(storage: Storage) -> None:
    order, view, scroll, recent = append(
        storage,
        event(at=LONG_AGO, name="Order Completed", event_class=0),
        event(at=LONG_AGO + 1, name="Product Viewed"),
        event(PHONE, at=LONG_AGO + 2, name="Page Scrolled", event_class=2),
        event(at=HORIZON, name="Product Viewed"),
    )
    assert retire(storage) == 2
    assert [stored.seq for stored in storage.list_events(EventQuery())] == [recent, order]
    assert [storage.get_body(seq) is None for seq in (order, view, scroll, recent)] == [
        False,
        True,
        True,
        False,
    ]
    assert written(storage, lambda transaction: transaction.find_recent([(DEVICE, 0, NOW)])[0].count) == 2


def test_what_lies_just_before_the_horizon_leaves_and_what_lies_on_it_stays(storage: Storage) -> None:
    append(storage, event(at=HORIZON - 1, message_id="before"), event(at=HORIZON, message_id="on it"))
    retire(storage)
    [left] = storage.list_events(EventQuery())
    assert b"on it" in left.body


def test_a_step_takes_no_more_than_it_may(storage: Storage) -> None:
    append(storage, *(event(DEVICE + n, at=LONG_AGO + n * DAY, event_class=1 + n % 2) for n in range(25)))
    steps = [storage.retire_events(HORIZON, 10) for _ in range(4)]
    assert steps == [10, 10, 5, 0]
    assert storage.list_events(EventQuery()) == []


def test_a_step_takes_both_parts_of_an_event(storage: Storage) -> None:
    keys = [DEVICE + n for n in range(20)]
    append(storage, *(event(key, at=LONG_AGO + key * DAY) for key in keys))
    storage.retire_events(HORIZON, 7)
    by_log = {stored.key for stored in storage.list_events(EventQuery())}
    by_person = {stored.key for stored in storage.list_events(EventQuery(keys=tuple(keys)))}
    assert len(by_log) == 13
    assert by_log == by_person


def test_superseded_versions_leave_with_the_others(storage: Storage) -> None:
    first = known_order(storage, "1001", at=LONG_AGO, event_class=1)
    written(storage, lambda transaction: transaction.supersede_event(first))
    assert retire(storage) == 1
    assert storage.get_body(first.seq) is None


def known_order(storage: Storage, number: str, *, at: int, event_class: int) -> BusinessKey:
    def put(transaction: Transaction) -> BusinessKey:
        row = event(at=at, name="Quote Asked", event_class=event_class, value=700)  # type: ignore[arg-type]  # an int of the three
        known = BusinessKey(
            event="Quote Asked",
            value=number,
            key=row.key,
            event_class=row.event_class,
            occurred_at=at,
            seq=transaction.append_event(row),
            is_verified=False,
        )
        transaction.put_business_key(known)
        return known

    return written(storage, put)


def test_business_keys_leave_with_their_events(storage: Storage) -> None:
    known_order(storage, "old", at=LONG_AGO, event_class=1)
    kept = [
        known_order(storage, "old key event", at=LONG_AGO, event_class=0),
        known_order(storage, "recent", at=HORIZON + DAY, event_class=1),
    ]
    retire(storage)

    def find(transaction: Transaction) -> list[BusinessKey | None]:
        return [
            transaction.find_business_key("Quote Asked", value)
            for value in ("old", "old key event", "recent")
        ]

    assert written(storage, find) == [None, *kept]


def test_records_stay(storage: Storage) -> None:
    def put(transaction: Transaction) -> None:
        transaction.append_event(event(at=LONG_AGO))
        transaction.add_opportunities([opportunity(session=LONG_AGO, at=LONG_AGO)])
        transaction.add_exposures([exposure(session=LONG_AGO, at=LONG_AGO)])
        transaction.add_assignments(DEVICE, [Assignment("Hero test", "treatment", 1, DEVICE)])

    written(storage, put)

    def records() -> object:
        found = storage.recall([DEVICE], now=NOW)
        kept = storage.list_exposures([DEVICE]), storage.list_opportunities([DEVICE])
        return found.exposures, found.opportunities, found.assignments, kept

    before = records()
    assert retire(storage) == 1
    assert records() == before
    assert storage.recall([DEVICE], now=NOW).exposures


def test_decisions_read_what_they_read_before(storage: Storage) -> None:
    append(
        storage,
        event(at=LONG_AGO, name="Order Completed", event_class=0),
        event(at=LONG_AGO),
        event(at=NOW - 89 * DAY, message_id="m-2"),
        event(at=NOW - 89 * DAY, message_id="m-3", event_class=2),
    )
    before = storage.recall([DEVICE], now=NOW)
    retire(storage)
    assert storage.recall([DEVICE], now=NOW) == before
    assert len(events_of(before)) == 2


def test_as_of_an_earlier_commit_what_left_is_missing_and_nothing_breaks(storage: Storage) -> None:
    [old, _] = append(storage, event(at=LONG_AGO), event(at=LONG_AGO, event_class=0, name="Order Completed"))
    then = storage.recall([DEVICE], now=LONG_AGO + DAY, as_of=old + 1_000_000)
    assert len(events_of(then)) == 2
    retire(storage)
    again = storage.recall([DEVICE], now=LONG_AGO + DAY, as_of=old + 1_000_000)
    assert [found.name for found in events_of(again)] == ["Order Completed"]
    written(storage, lambda transaction: transaction.update_facts(old, DEVICE, LONG_AGO, b"{}"))
    assert storage.get_body(old) is None


def fill(storage: Storage) -> None:
    append(
        storage,
        event(at=LONG_AGO, name="Order Completed", event_class=0, value=900),
        event(at=LONG_AGO, name="Product Viewed", value=30),
        event(at=HORIZON - 1, name="Page Scrolled", event_class=2),
        event(at=HORIZON, name="Product Viewed", value=40),
        event(at=NOW, name="Order Completed", event_class=0, value=500),
    )


FILLED = [
    ("2020-02-03", "Order Completed", 1, 900),
    ("2020-02-03", "Product Viewed", 1, 30),
    ("2025-09-30", "Page Scrolled", 1, 0),
    ("2025-10-01", "Product Viewed", 1, 40),
    ("2026-11-22", "Order Completed", 1, 500),
]


def test_totals_stay_also_when_they_are_rebuilt(storage: Storage) -> None:
    fill(storage)
    assert storage.list_totals(*EVER) == FILLED
    assert retire(storage) == 2
    assert storage.list_totals(*EVER) == FILLED
    storage.rebuild_totals()
    assert storage.list_totals(*EVER) == FILLED
    while storage.fold_totals():
        pass
    storage.rebuild_totals()
    assert storage.list_totals(*EVER) == FILLED


def test_totals_folded_before_the_events_left_stay_too(storage: Storage) -> None:
    fill(storage)
    while storage.fold_totals():
        pass
    retire(storage)
    storage.rebuild_totals()
    assert storage.list_totals(*EVER) == FILLED
    assert storage.list_seen_events()["Product Viewed"] == (LONG_AGO, HORIZON, 2)


def test_a_day_that_left_in_part_keeps_its_totals(storage: Storage) -> None:
    noon = LONG_AGO + 2 * 3_600_000
    append(storage, event(at=LONG_AGO), event(at=noon), event(at=noon + DAY))
    before = storage.list_totals(*EVER)
    assert retire(storage, before_at=noon) == 1
    storage.rebuild_totals()
    assert storage.list_totals(*EVER) == before
    assert sum(count for _, _, count, _ in before) == 3


def test_events_that_come_late_are_counted_once_and_leave_like_the_others(storage: Storage) -> None:
    fill(storage)
    retire(storage)
    writes = [
        storage.write(lambda transaction: transaction.append_event(event(at=LONG_AGO, message_id="late")))
        for _ in range(3)
    ]
    storage.rebuild_totals()
    for write in writes:
        write.result(timeout=60)
    assert storage.list_totals(*EVER)[1] == ("2020-02-03", "Product Viewed", 4, 30)
    assert retire(storage) == 3
    storage.rebuild_totals()
    assert storage.list_totals(*EVER)[1] == ("2020-02-03", "Product Viewed", 4, 30)


def test_an_earlier_horizon_forgets_nothing_about_a_later_one(storage: Storage) -> None:
    fill(storage)
    retire(storage)
    retire(storage, before_at=LONG_AGO)
    storage.rebuild_totals()
    assert storage.list_totals(*EVER) == FILLED


def test_where_nothing_is_past_its_time_nothing_leaves(storage: Storage) -> None:
    append(storage, event(at=HORIZON), event(at=NOW, event_class=2))
    assert storage.retire_events(HORIZON, 100) == 0
    storage.make_room(NOW)
    assert len(storage.list_events(EventQuery())) == 2
