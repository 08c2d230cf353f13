"""Counts of products in a store: steps add up, a recount replaces, and the log is read lane by lane."""

from __future__ import annotations

from tests.contract.stored import DEVICE, MINUTE, NOW, PHONE, event, written

from opportune.core.history.key import lane_of
from opportune.core.recommending.counting import Counted, PairCount, ProductCount
from opportune.storage.base import FIRST_OF_LANE, BusinessKey, EventRow, Recount, Storage

TOGETHER = PairCount("boot", "viewed", "sock", 1.5, 2)
MET = ProductCount("boot", "viewed", 4.25, 3)
STEP = Counted([TOGETHER], [MET])
LATER = NOW + MINUTE


def all_of(storage: Storage, after: int = 0) -> Counted:
    return storage.list_counts(after, storage.find_recount().version)


def append(storage: Storage, *rows: EventRow) -> list[int]:
    return written(storage, lambda transaction: [transaction.append_event(row) for row in rows])


def test_an_empty_store_has_counted_nothing(storage: Storage) -> None:
    assert storage.find_recount() == Recount()
    assert not all_of(storage)


def test_steps_add_up(storage: Storage) -> None:
    assert storage.add_counts(STEP, made_at=0, now=NOW)
    version = storage.find_recount().version
    assert storage.add_counts(STEP, made_at=0, now=NOW)
    assert storage.add_counts(Counted([PairCount("boot", "bought", "sock", 0.5, 1)]), made_at=0, now=NOW)
    found = all_of(storage)
    assert sorted(found.pairs, key=lambda pair: pair.basis) == [
        PairCount("boot", "bought", "sock", 0.5, 1),
        PairCount("boot", "viewed", "sock", 3.0, 4),
    ]
    assert found.products == [ProductCount("boot", "viewed", 8.5, 6)]
    assert all_of(storage, version).products == found.products
    assert not all_of(storage, storage.find_recount().version)


def test_a_large_step_is_added_whole(storage: Storage) -> None:
    pairs = [PairCount("boot", "viewed", f"sock {number}", number / 7, 1) for number in range(700)]
    storage.add_counts(Counted(pairs), made_at=0, now=NOW)
    assert sorted(all_of(storage).pairs, key=lambda pair: pair.weight) == pairs


def test_while_everything_is_counted_anew_nothing_is_added(storage: Storage) -> None:
    storage.add_counts(STEP, made_at=0, now=NOW)
    [seq] = append(storage, event())
    before = storage.begin_recount(NOW, LATER)
    assert before is not None
    assert before.counted_seq >= seq
    assert storage.begin_recount(NOW + 1, LATER) is None
    assert not storage.add_counts(STEP, made_at=0, now=NOW + 1)
    storage.put_counts(Counted([PairCount("boot", "viewed", "lamp", 1.0, 2)]))
    storage.end_recount(before, NOW + 2)
    assert all_of(storage) == Counted([PairCount("boot", "viewed", "lamp", 1.0, 2)], [])
    assert storage.find_recount().made_at == NOW + 2


def test_what_was_counted_before_a_recount_is_not_added_after_it(storage: Storage) -> None:
    before = storage.begin_recount(NOW, LATER)
    assert before is not None
    storage.end_recount(before, NOW + 1)
    assert not storage.add_counts(STEP, made_at=0, now=NOW + 2)
    assert storage.add_counts(STEP, made_at=NOW + 1, now=NOW + 2)


def test_a_recount_that_never_ended_holds_nobody_for_ever(storage: Storage) -> None:
    storage.begin_recount(NOW, LATER)
    assert storage.add_counts(STEP, made_at=0, now=LATER)
    assert storage.begin_recount(LATER, LATER + MINUTE) is not None


def test_what_a_recount_counts_stands_instead_of_what_was_there(storage: Storage) -> None:
    storage.add_counts(STEP, made_at=0, now=NOW)
    storage.put_counts(STEP)
    assert all_of(storage) == STEP


def test_a_lane_is_read_key_by_key_in_pages(storage: Storage) -> None:
    other = DEVICE + 256
    rows = [
        event(other, at=NOW - 5, message_id="1", product="sock"),
        event(DEVICE, at=NOW, message_id="2", product="boot"),
        event(DEVICE, at=NOW - 9, message_id="3", product="lamp"),
        event(DEVICE, at=NOW - 9, message_id="4", name="Page Viewed"),
        event(PHONE, at=NOW, message_id="5"),
    ]
    append(storage, *rows)
    names = ("Product Viewed", "Product Added")
    whole = storage.list_lane(lane_of(DEVICE), names, 0)
    assert [(key, kind, seen.facts["product"]) for key, kind, seen in whole] == [
        (DEVICE, 1, "lamp"),
        (DEVICE, 1, "boot"),
        (other, 1, "sock"),
    ]
    after, pages = FIRST_OF_LANE, []
    while page := storage.list_lane(lane_of(DEVICE), names, 0, after, 1):
        pages += page
        key, kind, seen = page[-1]
        after = (key, kind, *seen.order)
    assert pages == whole


def test_of_behaviour_a_lane_has_what_came_since_a_moment_and_of_orders_all(storage: Storage) -> None:
    append(
        storage,
        event(at=NOW - 10, message_id="1"),
        event(at=NOW, message_id="2"),
        event(at=5, name="Order Completed", event_class=0, message_id="3"),
    )
    names = ("Product Viewed", "Order Completed")
    found = storage.list_lane(lane_of(DEVICE), names, NOW)
    assert [(seen.name, seen.occurred_at) for _, _, seen in found] == [
        ("Order Completed", 5),
        ("Product Viewed", NOW),
    ]


def test_a_superseded_version_is_not_counted_anew(storage: Storage) -> None:
    order = event(name="Order Completed", event_class=0, product=["boot"])
    [seq] = append(storage, order)
    known = BusinessKey(
        event="Order Completed",
        value="1",
        key=DEVICE,
        event_class=0,
        occurred_at=NOW,
        seq=seq,
        is_verified=False,
    )
    written(storage, lambda transaction: transaction.supersede_event(known))
    assert storage.list_lane(lane_of(DEVICE), ("Order Completed",), 0) == []
