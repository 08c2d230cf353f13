"""Putting a recollection together from what a store gives for each key: the same steps for every SQL store.

The steps are a generator that yields what is to be read next and is sent the answer, so that one store may
read in its caller's thread and another without making anybody wait.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from opportune.core.conditions.reach import CLASS_BOUNDS
from opportune.core.history.link import Link
from opportune.core.history.timeline import TimelineEvent
from opportune.core.moment import DAY
from opportune.core.situation import Assignment, PastExposure, Trait
from opportune.storage.base import KEYS_BOUND, Recollection
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


class KeyTexts(NamedTuple):
    """What a store gives for one key: JSON texts, None where there is nothing.

    `seq` is the newest commit these can have seen, or the earlier one that was asked for.
    """

    seq: int
    links: str | None
    person_keys: str | None
    key_events: str | None
    behaviour: str | None
    traits: str | None
    assignments: str | None
    exposures: str | None
    opportunities: str | None
    is_met: bool = False

    @property
    def is_strangers(self) -> bool:
        """Linked to nobody, as the usual visitor's."""
        return not self.links and not self.person_keys


NOTHING = KeyTexts(0, None, None, None, None, None, None, None, None)


class KeysAsked(NamedTuple):
    """To be answered with the texts of each key."""

    keys: Sequence[int]


class StretchesAsked(NamedTuple):
    """To be answered with key events, behaviour and traits of a shared key, cut to stretches, as of a `seq`."""

    key: int
    stretches: Sequence[Stretch]
    seq: int


class LinksAsked(NamedTuple):
    """To be answered with every link ever made to a person, closed ones included; `keys` are all that have one."""

    person: int
    keys: Sequence[int]


class AssignmentsAsked(NamedTuple):
    """To be answered with the assignments' texts of further keys, as of a `seq`."""

    keys: Sequence[int]
    seq: int


Asked = KeysAsked | StretchesAsked | LinksAsked | AssignmentsAsked
Steps = Generator[Asked, Any, Recollection]


def run(steps: Steps, answer: Callable[[Asked], Any]) -> Recollection:
    """Takes the steps one after another; `answer` reads."""
    try:
        asked = next(steps)
        while True:
            asked = steps.send(answer(asked))
    except StopIteration as done:
        recollection: Recollection = done.value
        return recollection


def stranger(key: int, texts: KeyTexts, *, is_past: bool) -> Recollection:
    """The usual visitor: one key, linked to nobody, so that nothing is to be cut or brought together."""
    return Recollection(
        seq=texts.seq,
        person=key,
        keys=(key,),
        events={key: _merged(texts.key_events, texts.behaviour)},
        traits=newest_traits(read_traits(texts.traits)) if texts.traits else {},
        assignments=_assignments([texts.assignments]),
        exposures=_exposures([texts.exposures], is_past=is_past),
        opportunities=read_opportunities(texts.opportunities) if texts.opportunities else (),
        is_met=texts.is_met,
    )


def recollect(asked: Sequence[int], *, is_past: bool) -> Steps:
    """Everybody else: whose the asked keys are, what other keys those have, and what of all of it is theirs.

    What the steps read must be of one moment. `is_past`: as of an earlier commit, where an exposure's text
    says beside it whether it was shown by then.
    """
    texts: dict[int, KeyTexts] = dict(zip(asked, (yield KeysAsked(asked)), strict=True))
    links = {key: _links(each) for key, each in texts.items()}
    seq = max(each.seq for each in texts.values())
    person = person_of(asked[-1], links[asked[-1]], seq)
    linked = read_linked(text) if (text := (yield from _read((person,), texts, links))[0].person_keys) else []
    unread: Sequence[int] = ()
    if not linked:
        keys = tuple(dict.fromkeys((*asked, person)))
    elif len(linked) < KEYS_BOUND:
        yield from _read(linked, texts, links)
        seq = max(each.seq for each in texts.values())
        theirs = keys_of(person, [link for key in linked for link in links[key]], seq)
        keys = tuple(dict.fromkeys((*asked, *theirs)))
    else:
        seq = max(seq, texts[person].seq)
        known = keys_of(person, (yield LinksAsked(person, linked)), seq)
        keys = read_keys(asked, known, KEYS_BOUND)
        unread = [key for key in known if key not in keys]
    yield from _read(keys, texts, links)
    seq = max(each.seq for each in texts.values())
    events: dict[int, Sequence[TimelineEvent]] = {}
    traits: list[tuple[int, str, Trait]] = []
    for key in keys:
        parts: tuple[str | None, ...] = texts[key].key_events, texts[key].behaviour, texts[key].traits
        if links[key]:
            stretches = stretches_of(key, links[key], seq, person=person, is_asked=key in asked)
            if stretches != WHOLE:
                parts = yield StretchesAsked(key, stretches, seq)
        key_events, behaviour, asserted = parts
        events[key] = _merged(key_events, behaviour)
        traits += read_traits(asserted) if asserted else ()
    given = [texts[key].assignments for key in keys]
    if unread:
        given += yield AssignmentsAsked(unread, seq)
    first = texts[asked[0]]
    return Recollection(
        seq=seq,
        person=person,
        keys=keys,
        events=events,
        traits=newest_traits(traits) if traits else {},
        assignments=_assignments(given),
        exposures=_exposures([texts[key].exposures for key in keys], is_past=is_past),
        opportunities=read_opportunities(first.opportunities) if first.opportunities else (),
        is_met=first.is_met,
    )


def _read(
    keys: Sequence[int], texts: dict[int, KeyTexts], links: dict[int, list[Link]]
) -> Generator[Asked, Any, list[KeyTexts]]:
    """The texts of these keys; only what is not there yet is asked for."""
    missing = [key for key in keys if key not in texts]
    if missing:
        for key, found in zip(missing, (yield KeysAsked(missing)), strict=True):
            texts[key], links[key] = found, _links(found)
    return [texts[key] for key in keys]


def _links(texts: KeyTexts) -> list[Link]:
    return read_links(texts.links) if texts.links else []


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


def _exposures(texts: Iterable[str | None], *, is_past: bool) -> Sequence[PastExposure]:
    if is_past:
        found = [[_as_known(*item) for item in read_exposures_as_of(text)] for text in texts if text]
    else:
        found = [read_exposures(text) for text in texts if text]
    return newest_first(found) if found else ()


def _as_known(exposure: PastExposure, was_shown: int) -> PastExposure:
    """One view once it was shown, since later ones are only counted."""
    shown_at, count = (exposure.shown_at, 1) if was_shown else (None, 0)
    return msgspec.structs.replace(exposure, shown_at=shown_at, count=count)
