"""Notes page by page, the newest first, and none twice."""

from __future__ import annotations

from tests.contract.stored import NOW, written

from opportune.core.moment import MINUTE, to_iso
from opportune.core.note import Note
from opportune.services.guard.noting import list_notes
from opportune.storage.base import Storage


def add(storage: Storage, *moments: int) -> None:
    for number, at in enumerate(moments):
        note = Note(at=at, kind="warning", words=f"Note {number}.", once=f"{number:03}", rules=("Returner",))
        written(storage, lambda transaction, note=note: transaction.add_note(note))


def paged(storage: Storage, limit: int) -> list[str]:
    found: list[str] = []
    before_at = None
    while True:
        page = list_notes(storage, before_at, limit)
        found += [note.words for note in page.notes]
        if page.cursor is None:
            return found
        before_at = int(page.cursor)


def test_a_note_says_when_what_and_whom_it_is_about(storage: Storage) -> None:
    add(storage, NOW)
    [note] = list_notes(storage).notes
    assert (note.at, note.kind, note.rules, note.words) == (to_iso(NOW), "warning", ["Returner"], "Note 0.")


def test_pages_hold_all_of_them_once(storage: Storage) -> None:
    add(storage, *(NOW + number * MINUTE for number in range(7)))
    assert paged(storage, 3) == [f"Note {number}." for number in range(6, -1, -1)]


def test_notes_of_one_moment_are_never_parted(storage: Storage) -> None:
    add(storage, NOW, *(NOW + MINUTE for _ in range(5)), NOW + 2 * MINUTE)
    for limit in (1, 2, 3, 5):
        assert paged(storage, limit) == ["Note 6.", *(f"Note {number}." for number in range(1, 6)), "Note 0."]
