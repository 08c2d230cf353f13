"""The hot read of the file: one statement for each of a person's keys, usually one or two."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

import msgspec

from opportune.core.history.key import LANES
from opportune.core.history.link import Link
from opportune.storage.base import EXPOSURE_BOUND, OPPORTUNITY_BOUND, Recollection
from opportune.storage.database.recollecting import (
    BEHAVIOUR_BOUND,
    BEHAVIOUR_MS,
    KEY_EVENTS_BOUND,
    Asked,
    AssignmentsAsked,
    KeysAsked,
    KeyTexts,
    LinksAsked,
    StretchesAsked,
    recollect,
    run,
    stranger,
)
from opportune.storage.sqlite.statements import SQL

RECALL_KEY = SQL["recall_key"]
RECALL_KEY_AS_OF = SQL["recall_key_as_of"]
RECALL_STRETCHES = SQL["recall_stretches"]


def recall(
    connection: sqlite3.Connection, keys: Sequence[int], *, now: int, as_of: int | None
) -> Recollection:
    """All of it as of one moment, so that its parts belong together.

    One statement is enough for the usual visitor and sees one moment by itself; more go into a transaction.
    """
    asking = _Asking(connection, now, as_of)
    if len(keys) == 1:
        texts = asking.read_key(keys[0])
        if texts.is_strangers:
            return stranger(keys[0], texts, is_past=as_of is not None)
    connection.execute("BEGIN")
    try:
        return run(recollect(keys, is_past=as_of is not None), asking.answer)
    finally:
        connection.execute("COMMIT")


class _Asking:
    """Answers the steps of one recollection."""

    def __init__(self, connection: sqlite3.Connection, now: int, as_of: int | None) -> None:
        self._execute = connection.execute
        self._since_at = now - BEHAVIOUR_MS
        self._as_of = as_of

    def answer(self, asked: Asked) -> Any:
        match asked:
            case KeysAsked(keys):
                return [self.read_key(key) for key in keys]
            case StretchesAsked(key, stretches, seq):
                return self._read_stretches(key, msgspec.json.encode(stretches).decode(), seq)
            case LinksAsked(person, _):
                rows = self._execute(SQL["list_person_links"], (person % LANES, person))
                return [Link(*row) for row in rows]
            case AssignmentsAsked(keys, seq):
                of = (msgspec.json.encode(keys).decode(), seq)
                return self._execute(SQL["recall_assignments"], of).fetchone()

    def read_key(self, key: int) -> KeyTexts:
        asked: tuple[int, ...] = (
            key % LANES,
            key,
            self._since_at,
            KEY_EVENTS_BOUND,
            BEHAVIOUR_BOUND,
            EXPOSURE_BOUND,
            OPPORTUNITY_BOUND,
        )
        if self._as_of is None:
            return KeyTexts(*self._execute(RECALL_KEY, asked).fetchone())
        return KeyTexts(*self._execute(RECALL_KEY_AS_OF, (*asked, self._as_of)).fetchone())

    def _read_stretches(self, key: int, stretches: str, seq: int) -> Any:
        asked = (key % LANES, key, self._since_at, KEY_EVENTS_BOUND, BEHAVIOUR_BOUND, stretches, seq)
        return self._execute(RECALL_STRETCHES, asked).fetchone()
