"""Events: order, bounds, dedupe, business keys, superseding, back-fill, and reading as of an earlier commit."""

from __future__ import annotations

import msgspec
import pytest
from tests.contract.stored import DAY, DEVICE, HOUR, NOW, PHONE, append, event, events_of, moments, written

from opportune.core.history.plan import EventClass
from opportune.core.history.timeline import TimelineEvent
from opportune.storage.base import (
    RECENT_BOUND,
    BusinessKey,
    EventQuery,
    EventRow,
    Storage,
    StoredEvent,
    Transaction,
)


def test_an_unknown_key_is_remembered_as_nothing(storage: Storage) -> None:
    known = storage.recall((DEVICE,), now=NOW)
    assert (known.seq, known.person, known.keys) == (0, DEVICE, (DEVICE,))
    assert events_of(known) == []
    assert not known.is_known
    assert (dict(known.traits), dict(known.assignments)) == ({}, {})
    assert (list(known.exposures), list(known.opportunities)) == ([], [])


def test_an_event_comes_back_as_it_was(storage: Storage) -> None:
    append(
        storage, event(at=NOW, product="p-1", value=1_999, list=["a", "b"], ratio=0.5, new=True, gone=None)
    )
    facts = {"product": "p-1", "list": ["a", "b"], "ratio": 0.5, "new": True, "gone": None}
    [found] = events_of(storage.recall((DEVICE,), now=NOW))
    assert found == TimelineEvent(NOW, 1, "Product Viewed", "browser", facts)


@pytest.mark.parametrize("name", ['Say "hello"', "back\\slash", "tab\there", "Grüße ☃ 商品", "'); --"])
def test_any_name_can_be_stored(storage: Storage, name: str) -> None:
    append(storage, event(name=name, note=name))
    [found] = events_of(storage.recall((DEVICE,), now=NOW))
    assert (found.name, found.facts["note"]) == (name, name)
    assert list(storage.list_seen_events()) == [name]


def test_facts_that_could_not_be_read_back_are_refused(storage: Storage) -> None:
    broken = msgspec.structs.replace(event(), facts=b'{"nested": {"too": "deep"}}')
    with pytest.raises(msgspec.DecodeError):
        append(storage, broken)
    assert events_of(storage.recall((DEVICE,), now=NOW)) == []


def test_events_are_newest_first_by_when_they_occurred_then_by_seq(storage: Storage) -> None:
    append(storage, event(at=NOW), event(at=NOW - HOUR), event(at=NOW + HOUR), event(at=NOW))
    found = events_of(storage.recall((DEVICE,), now=NOW))
    assert [(item.occurred_at - NOW, item.seq) for item in found] == [(HOUR, 3), (0, 4), (0, 1), (-HOUR, 2)]


def test_key_events_and_behaviour_are_one_history(storage: Storage) -> None:
    classes: list[EventClass] = [1, 0, 1, 0, 0, 1]
    append(storage, *(event(at=NOW + step // 2, event_class=kind) for step, kind in enumerate(classes)))
    found = events_of(storage.recall((DEVICE,), now=NOW))
    assert [item.seq for item in found] == [6, 5, 4, 3, 2, 1]


def test_telemetry_is_never_read(storage: Storage) -> None:
    append(storage, event(event_class=2))
    assert events_of(storage.recall((DEVICE,), now=NOW)) == []
    assert len(storage.list_events(EventQuery())) == 1


def test_behaviour_is_read_for_90_days_and_key_events_for_ever(storage: Storage) -> None:
    append(
        storage,
        event(at=NOW - 90 * DAY),
        event(at=NOW - 90 * DAY - 1),
        event(at=NOW - 900 * DAY, event_class=0, name="Order Completed"),
    )
    found = events_of(storage.recall((DEVICE,), now=NOW))
    assert moments(found) == [NOW - 90 * DAY, NOW - 900 * DAY]


def test_at_most_500_behaviours_and_200_key_events_are_read(storage: Storage) -> None:
    behaviour = append(storage, *(event(at=NOW - step) for step in range(510)))
    of_key = append(storage, *(event(at=NOW - step * DAY, event_class=0) for step in range(210)))
    found = events_of(storage.recall((DEVICE,), now=NOW))
    assert len(found) == 700
    assert min(item.seq for item in found[:2]) == behaviour[0]
    assert {item.seq for item in found} == {*behaviour[:500], *of_key[:200]}


def test_keys_do_not_see_each_other(storage: Storage) -> None:
    [_, seq, _] = append(storage, event(DEVICE), event(PHONE), event(DEVICE + 256))
    assert [item.seq for item in events_of(storage.recall((PHONE,), now=NOW), PHONE)] == [seq]


def test_recent_messages_of_a_key_within_a_stretch_of_time(storage: Storage) -> None:
    rows = [
        event(at=NOW - DAY, message_id="a"),
        event(at=NOW, message_id="b", event_class=2),
        event(at=NOW + DAY, message_id="c", event_class=0),
        event(PHONE, at=NOW, message_id="d"),
    ]
    append(storage, *rows)
    [recent] = written(storage, lambda transaction: transaction.find_recent([(DEVICE, NOW - DAY, NOW + DAY)]))
    assert recent.messages == {rows[0].message, rows[1].message}
    assert recent.count == 2


def test_recent_messages_are_bounded(storage: Storage) -> None:
    append(storage, *(event(at=NOW + step, message_id=str(step)) for step in range(RECENT_BOUND + 9)))
    [recent] = written(storage, lambda transaction: transaction.find_recent([(DEVICE, NOW, NOW + DAY)]))
    assert (recent.count, len(recent.messages)) == (RECENT_BOUND, RECENT_BOUND)


def order(storage: Storage, row: EventRow, *, replaces: BusinessKey | None = None) -> BusinessKey:
    def job(transaction: Transaction) -> BusinessKey:
        if replaces is not None:
            transaction.supersede_event(replaces)
        known = BusinessKey(
            event=row.name,
            value="1001",
            key=row.key,
            event_class=row.event_class,
            occurred_at=row.occurred_at,
            seq=transaction.append_event(row),
            is_verified=row.source == "server",
        )
        transaction.put_business_key(known)
        return known

    return written(storage, job)


ORDER_FROM_THE_BROWSER = event(name="Order Completed", event_class=0, value=4_900, message_id="browser")
ORDER_FROM_THE_SERVER = event(
    name="Order Completed", event_class=0, value=5_000, message_id="server", source="server", total=5_000
)


def test_a_business_key_finds_its_event(storage: Storage) -> None:
    known = order(storage, ORDER_FROM_THE_BROWSER)
    find = written(storage, lambda transaction: transaction.find_business_key("Order Completed", "1001"))
    missing = written(storage, lambda transaction: transaction.find_business_key("Order Completed", "1002"))
    assert (find, missing) == (known, None)


def test_a_superseded_event_is_not_read_any_more(storage: Storage) -> None:
    first = order(storage, ORDER_FROM_THE_BROWSER)
    second = order(storage, ORDER_FROM_THE_SERVER, replaces=first)
    now_known = events_of(storage.recall((DEVICE,), now=NOW))
    assert [item.seq for item in now_known] == [second.seq]
    known_then = events_of(storage.recall((DEVICE,), now=NOW, as_of=first.seq))
    assert [item.seq for item in known_then] == [first.seq]
    find = written(storage, lambda transaction: transaction.find_business_key("Order Completed", "1001"))
    assert find == second


def test_a_superseded_event_leaves_lists_and_totals(storage: Storage) -> None:
    first = order(storage, ORDER_FROM_THE_BROWSER)
    storage.fold_totals()
    second = order(storage, ORDER_FROM_THE_SERVER, replaces=first)
    assert [item.seq for item in storage.list_events(EventQuery())] == [second.seq]
    assert [item.seq for item in storage.list_events(EventQuery(keys=(DEVICE,)))] == [second.seq]
    assert [row[1:] for row in storage.list_totals("0000", "9999")] == [("Order Completed", 1, 5_000)]
    assert storage.get_body(first.seq) == ORDER_FROM_THE_BROWSER.body


def test_the_event_of_a_business_key_is_read_whole_also_by_the_job_that_wrote_it(storage: Storage) -> None:
    first = order(storage, ORDER_FROM_THE_BROWSER)

    def job(transaction: Transaction) -> tuple[StoredEvent | None, StoredEvent | None]:
        second = msgspec.structs.replace(first, seq=transaction.append_event(ORDER_FROM_THE_SERVER))
        transaction.supersede_event(first)
        return transaction.find_stored(first), transaction.find_stored(second)

    replaced, found = written(storage, job)
    assert replaced is None
    assert found is not None
    assert (found.key, found.name, found.source, found.occurred_at, found.body) == (
        DEVICE,
        "Order Completed",
        "server",
        NOW,
        ORDER_FROM_THE_SERVER.body,
    )


def test_superseding_twice_counts_once(storage: Storage) -> None:
    first = order(storage, ORDER_FROM_THE_BROWSER)
    order(storage, ORDER_FROM_THE_SERVER, replaces=first)
    written(storage, lambda transaction: transaction.supersede_event(first))
    assert [row[2] for row in storage.list_totals("0000", "9999")] == [1]


def test_superseding_what_is_not_there_does_nothing(storage: Storage) -> None:
    ghost = BusinessKey(
        event="x", value="y", key=DEVICE, event_class=0, occurred_at=NOW, seq=99, is_verified=False
    )
    written(storage, lambda transaction: transaction.supersede_event(ghost))
    assert storage.recall((DEVICE,), now=NOW).seq == 0


def test_a_superseded_message_is_still_a_known_message(storage: Storage) -> None:
    first = order(storage, ORDER_FROM_THE_BROWSER)
    order(storage, ORDER_FROM_THE_SERVER, replaces=first)
    [recent] = written(storage, lambda transaction: transaction.find_recent([(DEVICE, NOW, NOW + 1)]))
    assert ORDER_FROM_THE_BROWSER.message in recent.messages


def test_as_of_a_commit_later_events_are_unknown(storage: Storage) -> None:
    append(storage, event(at=NOW), event(at=NOW - HOUR))
    then = storage.recall((DEVICE,), now=NOW, as_of=1)
    append(storage, event(at=NOW - DAY))
    assert storage.recall((DEVICE,), now=NOW, as_of=1) == then
    assert (then.seq, moments(events_of(then))) == (1, [NOW])


def test_as_of_a_commit_that_is_still_to_come_is_now(storage: Storage) -> None:
    append(storage, event())
    known = storage.recall((DEVICE,), now=NOW, as_of=1_000)
    assert (known.seq, len(events_of(known))) == (1, 1)


def test_facts_can_be_filled_in_later(storage: Storage) -> None:
    append(storage, event(at=NOW, product="p-1"), event(at=NOW - 1))

    def job(transaction: Transaction) -> None:
        transaction.update_facts(1, DEVICE, NOW, b'{"product":"p-1","color":"red"}')
        transaction.update_facts(77, DEVICE, NOW, b'{"color":"blue"}')

    written(storage, job)
    newest, oldest = events_of(storage.recall((DEVICE,), now=NOW))
    assert newest == TimelineEvent(NOW, 1, "Product Viewed", "browser", {"product": "p-1", "color": "red"})
    assert oldest.facts == {}
