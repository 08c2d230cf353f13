"""Notes and counts of rules' answers as every store keeps them: each note once, counts that add up."""

from __future__ import annotations

from tests.contract.stored import NOW, written

from opportune.core.moment import HOUR
from opportune.core.note import Note
from opportune.storage.base import RuleCount, Storage

HERE = NOW // HOUR * HOUR


def note(once: str, at: int = NOW) -> Note:
    return Note(
        at=at, kind="warning", words=f"“{once}” happened.", once=once, rules=("Größe",), did="nothing"
    )


def add(storage: Storage, *notes: Note) -> list[bool]:
    return [written(storage, lambda transaction, each=each: transaction.add_note(each)) for each in notes]


def count(storage: Storage, *counts: RuleCount) -> None:
    written(storage, lambda transaction: transaction.add_rule_counts(counts))


def test_a_note_comes_back_as_it_was_written_the_newest_first(storage: Storage) -> None:
    assert storage.list_notes() == []
    assert add(storage, note("b"), note("a"), note("c", NOW + 1)) == [True, True, True]
    assert storage.list_notes() == [note("c", NOW + 1), note("a"), note("b")]
    assert storage.list_notes(limit=1) == [note("c", NOW + 1)]
    assert storage.list_notes(before_at=NOW + 1) == [note("a"), note("b")]
    assert storage.list_notes(NOW + 1) == [note("c", NOW + 1)]


def test_a_second_note_about_the_same_is_not_kept(storage: Storage) -> None:
    assert add(storage, note("a"), note("a", NOW + 5)) == [True, False]
    assert storage.list_notes() == [note("a")]


def test_counts_add_up_within_their_hours(storage: Storage) -> None:
    count(storage, RuleCount(HERE, "R/1", "hero", "shown", 2), RuleCount(HERE, "", "hero", "asked", 5))
    count(
        storage, RuleCount(HERE, "R/1", "hero", "shown", 3), RuleCount(HERE + HOUR, "R/1", "hero", "shown", 4)
    )
    assert storage.list_rule_counts(HERE, HERE + HOUR) == [
        ("", "hero", "asked", 5),
        ("R/1", "hero", "shown", 5),
    ]
    assert storage.list_rule_counts(0, 2**62)[-1] == ("R/1", "hero", "shown", 9)
    assert storage.list_rule_counts(HERE + HOUR, HERE + HOUR) == []


def test_hours_are_told_one_by_one(storage: Storage) -> None:
    count(
        storage,
        RuleCount(HERE, "", "Order Completed", "happened", 2),
        RuleCount(HERE + HOUR, "R/1", "hero", "shown", 9),
        RuleCount(HERE + 2 * HOUR, "", "Order Completed", "happened", 1),
    )
    later = HERE + 9 * HOUR
    orders = storage.list_hours("Order Completed", "happened", HERE, later)
    assert orders == [(HERE, 2), (HERE + 2 * HOUR, 1)]
    assert storage.list_hours("", "", HERE, later) == [(HERE, 2), (HERE + HOUR, 9), (HERE + 2 * HOUR, 1)]


def test_old_hours_leave(storage: Storage) -> None:
    count(storage, *(RuleCount(HERE + n * HOUR, "R/1", "hero", "shown", 1) for n in range(3)))
    written(storage, lambda transaction: transaction.retire_rule_counts(HERE + 2 * HOUR))
    assert storage.list_rule_counts(0, 2**62) == [("R/1", "hero", "shown", 1)]
