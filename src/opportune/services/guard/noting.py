"""Noting: what was switched off, what was warned of, and what somebody should look at, newest first."""

from __future__ import annotations

import msgspec

from opportune.core.moment import to_iso
from opportune.core.note import Note
from opportune.storage.base import Storage

MOST_NOTES = 1_000


class NoteView(msgspec.Struct, frozen=True, kw_only=True):
    """One note. `kind` is `switched off`, `warning`, `step` (of a slow launch) or `to look at`; `sign` what was seen.

    `did` says what was done about it, and how it is undone.
    """

    at: str
    kind: str
    sign: str
    rules: list[str]
    words: str
    did: str


class NotePage(msgspec.Struct, frozen=True, kw_only=True):
    """Newest first; `cursor` asks for the next page, null at the end."""

    notes: list[NoteView]
    cursor: str | None = None


def list_notes(storage: Storage, before_at: int | None = None, limit: int = 100) -> NotePage:
    """One page; notes of one moment are never parted."""
    limit = max(1, min(limit, MOST_NOTES))
    until = 2**62 if before_at is None else before_at
    found = storage.list_notes(before_at=until, limit=limit + 1)
    if len(found) <= limit:
        return NotePage(notes=[view_of(note) for note in found])
    last = found[limit - 1].at
    if found[limit].at == last:
        whole = [note for note in found[:limit] if note.at > last]
        found = whole or storage.list_notes(last, last + 1, limit=MOST_NOTES)
    else:
        found = found[:limit]
    return NotePage(notes=[view_of(note) for note in found], cursor=str(found[-1].at))


def view_of(note: Note) -> NoteView:
    return NoteView(
        at=to_iso(note.at),
        kind=note.kind,
        sign=note.sign,
        rules=list(note.rules),
        words=note.words,
        did=note.did,
    )
