"""Lists and counts over all events: the inspector's filters and pages, events seen, totals by day."""

from __future__ import annotations

from tests.contract.stored import DAY, DEVICE, NOW, PHONE, append, event, written

from opportune.core.moment import from_iso
from opportune.storage.base import BusinessKey, EventQuery, Storage


def seqs(storage: Storage, **filters: object) -> list[int]:
    return [item.seq for item in storage.list_events(EventQuery(**filters))]


def fill(storage: Storage) -> list[int]:
    return append(
        storage,
        event(DEVICE, at=NOW - 2, name="Page Viewed", message_id="first one"),
        event(PHONE, at=NOW - 1, name="Product Viewed", source="server", message_id='say "2"'),
        event(DEVICE, at=NOW, name="Page Viewed", event_class=2, message_id="m-33"),
        event(DEVICE, at=NOW - 9, name="Product Viewed", event_class=0, message_id="m-3"),
    )


def test_events_are_listed_newest_commit_first(storage: Storage) -> None:
    taken = fill(storage)
    listed = storage.list_events(EventQuery())
    assert [item.seq for item in listed] == taken[::-1]
    last = listed[-1]
    assert (last.key, last.name, last.source, last.occurred_at) == (DEVICE, "Page Viewed", "browser", NOW - 2)
    assert last.body == event(name="Page Viewed", message_id="first one").body == storage.get_body(taken[0])
    assert storage.get_body(taken[-1] + 1) is None


def test_events_are_filtered(storage: Storage) -> None:
    first, second, third, fourth = fill(storage)
    assert seqs(storage, name="Page Viewed") == [third, first]
    assert seqs(storage, source="server") == [second]
    assert seqs(storage, keys=(DEVICE,)) == [fourth, third, first]
    assert seqs(storage, keys=(PHONE, DEVICE, PHONE), name="Product Viewed") == [fourth, second]
    assert seqs(storage, keys=()) == []
    assert seqs(storage, since_at=NOW - 2, until_at=NOW) == [second, first]
    assert seqs(storage, keys=(DEVICE,), since_at=NOW - 2, until_at=NOW) == [first]


def test_an_event_is_found_by_its_message_id(storage: Storage) -> None:
    _, second, third, fourth = fill(storage)
    assert seqs(storage, message_id="m-3") == [fourth]
    assert seqs(storage, message_id='say "2"') == [second]
    assert seqs(storage, message_id="m-3", keys=(PHONE,)) == []
    assert seqs(storage, message_id="m-33", keys=(DEVICE,)) == [third]


def test_events_are_read_page_by_page(storage: Storage) -> None:
    append(storage, *(event(at=NOW + number) for number in range(7)))
    for keys in (None, (DEVICE,)):
        pages = []
        before: int | None = None
        while page := seqs(storage, keys=keys, limit=3, before_seq=before):
            pages.append(page)
            before = page[-1]
        assert pages == [[7, 6, 5], [4, 3, 2], [1]]


def test_events_seen_are_counted_by_name(storage: Storage) -> None:
    append(storage, event(name="A", at=NOW), event(name="B", at=NOW - 5))
    append(storage, event(name="A", at=NOW - DAY))
    assert storage.list_seen_events() == {"A": (NOW - DAY, NOW, 2), "B": (NOW - 5, NOW - 5, 1)}


MIDNIGHT = from_iso("2026-11-22T00:00:00Z")


def sell(storage: Storage) -> None:
    append(
        storage,
        event(name="Order Completed", at=MIDNIGHT - 1, value=1_000),
        event(PHONE, name="Order Completed", at=MIDNIGHT, value=2_000),
        event(name="Order Completed", at=MIDNIGHT + DAY - 1, value=-500, event_class=0),
    )
    append(storage, event(name="Page Viewed", at=MIDNIGHT, event_class=2))


SOLD = [
    ("2026-11-21", "Order Completed", 1, 1_000),
    ("2026-11-22", "Order Completed", 2, 1_500),
    ("2026-11-22", "Page Viewed", 1, 0),
]


def test_totals_are_by_day_and_event(storage: Storage) -> None:
    sell(storage)
    assert storage.list_totals("2026-11-21", "2026-11-22") == SOLD
    assert storage.list_totals("2026-11-22", "2026-11-30") == SOLD[1:]
    assert storage.list_totals("2026-11-23", "2026-11-30") == []


def test_folding_changes_no_number_and_ends(storage: Storage) -> None:
    sell(storage)
    assert storage.fold_totals() > 0
    assert storage.list_totals("2026", "2027") == SOLD
    while storage.fold_totals():
        pass
    append(storage, event(name="Order Completed", at=MIDNIGHT, value=100))
    assert storage.list_totals("2026-11-22", "2026-11-22")[0] == ("2026-11-22", "Order Completed", 3, 1_600)


def test_totals_rebuilt_are_the_totals_folded(storage: Storage) -> None:
    sell(storage)
    storage.fold_totals()
    append(storage, event(name="Page Viewed", at=MIDNIGHT))
    before = storage.list_totals("2026", "2027")
    storage.rebuild_totals()
    assert storage.list_totals("2026", "2027") == before
    storage.fold_totals()
    assert storage.list_totals("2026", "2027") == before


def test_a_rebuild_among_writes_counts_everything_once(storage: Storage) -> None:
    writes = [
        storage.write(lambda transaction, number=number: transaction.append_event(event(at=NOW + number)))
        for number in range(60)
    ]
    storage.rebuild_totals()
    writes += [storage.write(lambda transaction: transaction.append_event(event())) for _ in range(20)]
    for write in writes:
        write.result(timeout=60)
    written(storage, lambda _: None)
    assert [count for _, _, count, _ in storage.list_totals("2026", "2027")] == [80]


def test_versions_of_key_events_are_listed_with_those_that_were_replaced(storage: Storage) -> None:
    older = event(DEVICE, at=NOW - DAY, name="Order Completed", event_class=0, message_id="o-1")
    newer = event(PHONE, at=NOW, name="Order Completed", event_class=0, source="server", message_id="o-2")
    first, second, _ = append(storage, older, newer, event(at=NOW, name="Signed Up", event_class=0))
    replaced = BusinessKey(
        event="Order Completed",
        value="1",
        key=DEVICE,
        event_class=0,
        occurred_at=NOW - DAY,
        seq=first,
        is_verified=False,
    )
    written(storage, lambda transaction: transaction.supersede_event(replaced))
    found = storage.list_versions("Order Completed", NOW - DAY, 10)
    assert [(each.seq, each.source, is_read) for each, is_read in found] == [
        (second, "server", True),
        (first, "browser", False),
    ]
    assert found[0][0].body == newer.body
    assert len(storage.list_versions("Order Completed", NOW - DAY, 1)) == 1
    assert len(storage.list_versions("Order Completed", NOW, 10)) == 1
