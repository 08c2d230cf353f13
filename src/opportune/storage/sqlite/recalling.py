"""The hot read: one statement for each of a person's keys, usually one or two, and what is made of its answer."""

from __future__ import annotations

import sqlite3
from bisect import insort
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from opportune.core.conditions.reach import CLASS_BOUNDS
from opportune.core.history.key import LANES
from opportune.core.history.link import Link
from opportune.core.history.timeline import TimelineEvent
from opportune.core.moment import DAY
from opportune.core.situation import Assignment, PastExposure, Trait
from opportune.storage.base import (
    EXPOSURE_BOUND,
    KEYS_BOUND,
    OPPORTUNITY_BOUND,
    Recollection,
)
from opportune.storage.person import (
    WHOLE,
    Stretch,
    kept_assignments,
    keys_of,
    newest_first,
    newest_traits,
    person_of,
    read_keys,
    stretches_of,
)
from opportune.storage.sqlite.statements import SQL

KEY_EVENTS_BOUND = CLASS_BOUNDS[0][0]
BEHAVIOUR_BOUND, BEHAVIOUR_DAYS = CLASS_BOUNDS[1]
BEHAVIOUR_MS = (BEHAVIOUR_DAYS or 0) * DAY

read_events = msgspec.json.Decoder(list[TimelineEvent]).decode
read_links = msgspec.json.Decoder(list[Link]).decode
read_linked = msgspec.json.Decoder(list[int]).decode
read_traits = msgspec.json.Decoder(list[tuple[int, str, Trait]]).decode
read_assignments = msgspec.json.Decoder(list[tuple[int, Assignment]]).decode
read_exposures = msgspec.json.Decoder(list[PastExposure]).decode
read_exposures_as_of = msgspec.json.Decoder(list[tuple[PastExposure, int]]).decode
read_opportunities = msgspec.json.Decoder(list[tuple[int, str, int]]).decode

FIND_HEAD = SQL["find_head"]
RECALL_KEY = SQL["recall_key"]
RECALL_KEY_AS_OF = SQL["recall_key_as_of"]
RECALL_STRETCHES = SQL["recall_stretches"]


class _Texts(NamedTuple):
    """What the statement gives for one key: JSON texts, None where there is nothing."""

    seq: int
    links: str | None
    person_keys: str | None
    key_events: str | None
    behaviour: str | None
    traits: str | None
    assignments: str | None
    exposures: str | None
    opportunities: str | None


def recall(
    connection: sqlite3.Connection, keys: Sequence[int], *, now: int, as_of: int | None
) -> Recollection:
    """All of it as of one moment, so that its parts belong together.

    One statement is enough for the usual visitor and sees one moment by itself; more go into a transaction.
    """
    asked = _Recall(connection, now, as_of)
    seen = asked.recall_key(keys[0])
    if len(keys) == 1 and not seen.links and not seen.person_keys:
        return asked.stranger(keys[0], seen)
    connection.execute("BEGIN")
    try:
        if connection.execute(FIND_HEAD).fetchone()[0] != seen.seq:
            asked = _Recall(connection, now, as_of)
        return asked.person(keys)
    finally:
        connection.execute("COMMIT")


class _Recall:
    """One recollection while it is being put together."""

    def __init__(self, connection: sqlite3.Connection, now: int, as_of: int | None) -> None:
        self._execute = connection.execute
        self._since_at = now - BEHAVIOUR_MS
        self._as_of = as_of
        self._texts: dict[int, _Texts] = {}
        self._links: dict[int, list[Link]] = {}
        self._unread: Sequence[int] = ()
        """Keys beyond the bound."""

    def person(self, keys: Sequence[int]) -> Recollection:
        for key in keys:
            self.recall_key(key)
        first = self._texts[keys[0]]
        seq = first.seq
        person = person_of(keys[-1], self._links[keys[-1]], seq)
        all_keys = self._keys(keys, person, seq)
        events: dict[int, Sequence[TimelineEvent]] = {}
        traits: list[tuple[int, str, Trait]] = []
        for key in all_keys:
            events[key], known = self._timeline(key, person, seq, is_asked=key in keys)
            traits += known
        return Recollection(
            seq=seq,
            person=person,
            keys=all_keys,
            events=events,
            traits=newest_traits(traits) if traits else {},
            assignments=self._assignments(all_keys, seq),
            exposures=self._exposures([self._texts[key].exposures for key in all_keys]),
            opportunities=read_opportunities(first.opportunities) if first.opportunities else (),
        )

    def stranger(self, key: int, texts: _Texts) -> Recollection:
        """The usual visitor: one key, linked to nobody, so that nothing is to be cut or brought together."""
        return Recollection(
            seq=texts.seq,
            person=key,
            keys=(key,),
            events={key: _merged(texts.key_events, texts.behaviour)},
            traits=newest_traits(read_traits(texts.traits)) if texts.traits else {},
            assignments=_assignments([texts.assignments]),
            exposures=self._exposures([texts.exposures]),
            opportunities=read_opportunities(texts.opportunities) if texts.opportunities else (),
        )

    def recall_key(self, key: int) -> _Texts:
        known = self._texts.get(key)
        if known is not None:
            return known
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
            row = self._execute(RECALL_KEY, asked).fetchone()
        else:
            row = self._execute(RECALL_KEY_AS_OF, (*asked, self._as_of)).fetchone()
        texts = self._texts[key] = _Texts._make(row)
        self._links[key] = read_links(texts.links) if texts.links else []
        return texts

    def _keys(self, asked: Sequence[int], person: int, seq: int) -> tuple[int, ...]:
        linked = self.recall_key(person).person_keys
        if not linked:
            return tuple(dict.fromkeys((*asked, person)))
        keys = read_linked(linked)
        if len(keys) < KEYS_BOUND:
            for key in keys:
                self.recall_key(key)
            links = [link for key in keys for link in self._links[key]]
            return tuple(dict.fromkeys((*asked, *keys_of(person, links, seq))))
        rows = self._execute(SQL["list_person_links"], (person % LANES, person))
        known = keys_of(person, [Link(*row) for row in rows], seq)
        found = read_keys(asked, known, KEYS_BOUND)
        self._unread = [key for key in known if key not in found]
        for key in found:
            self.recall_key(key)
        return found

    def _assignments(self, keys: Iterable[int], seq: int) -> Mapping[str, Assignment]:
        texts = [self._texts[key].assignments for key in keys]
        if self._unread:
            asked = (msgspec.json.encode(self._unread).decode(), seq)
            texts += self._execute(SQL["recall_assignments"], asked).fetchone()
        return _assignments(texts)

    def _timeline(
        self, key: int, person: int, seq: int, *, is_asked: bool
    ) -> tuple[Sequence[TimelineEvent], Iterable[tuple[int, str, Trait]]]:
        links, texts = self._links[key], self._texts[key]
        stretches = stretches_of(key, links, seq, person=person, is_asked=is_asked) if links else WHOLE
        if stretches == WHOLE:
            key_events, behaviour, traits = texts.key_events, texts.behaviour, texts.traits
        else:
            key_events, behaviour, traits = self.recall_stretches(key, stretches, seq)
        return _merged(key_events, behaviour), read_traits(traits) if traits else ()

    def recall_stretches(
        self, key: int, stretches: Sequence[Stretch], seq: int
    ) -> tuple[str | None, str | None, str | None]:
        asked = (
            key % LANES,
            key,
            self._since_at,
            KEY_EVENTS_BOUND,
            BEHAVIOUR_BOUND,
            msgspec.json.encode(stretches).decode(),
            seq,
        )
        found: tuple[str | None, str | None, str | None] = self._execute(RECALL_STRETCHES, asked).fetchone()
        return found

    def _exposures(self, texts: Iterable[str | None]) -> Sequence[PastExposure]:
        if self._as_of is None:
            found = [read_exposures(text) for text in texts if text]
        else:
            found = [[_as_known(*item) for item in read_exposures_as_of(text)] for text in texts if text]
        return newest_first(found) if found else ()


def _merged(key_events: str | None, behaviour: str | None) -> Sequence[TimelineEvent]:
    if not key_events:
        return read_events(behaviour) if behaviour else ()
    if not behaviour:
        return read_events(key_events)
    events = read_events(behaviour)
    for event in read_events(key_events):  # usually one or two among fifty: cheaper than sorting all
        insort(events, event, key=_age)
    return events


def _age(event: TimelineEvent) -> tuple[int, int]:
    return -event.occurred_at, -event.seq


def _assignments(texts: Iterable[str | None]) -> Mapping[str, Assignment]:
    given = [item for text in texts if text for item in read_assignments(text)]
    return kept_assignments(given) if given else {}


def _as_known(exposure: PastExposure, was_shown: int) -> PastExposure:
    """One view once it was shown, since later ones are only counted."""
    shown_at, count = (exposure.shown_at, 1) if was_shown else (None, 0)
    return msgspec.structs.replace(exposure, shown_at=shown_at, count=count)
