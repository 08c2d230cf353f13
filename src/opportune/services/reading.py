"""Reading for people: lists of events, one person's history, what was set aside.

The functions that take a storage are plain, and their arguments and results can be sent between
processes: in SQLite mode they run in the reading process, where a long list disturbs no decision.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from opportune.core.history.key import Namespace, key_of
from opportune.core.moment import to_iso
from opportune.core.signals import SIGNALS
from opportune.errors import NotFoundError
from opportune.services.deciding import Question, recollect
from opportune.services.house import House
from opportune.storage.base import EventQuery, Storage, StoredEvent, StoredExposure, StoredSetAside

MOST_EVENTS = 1_000
STAGE = "stage"
MOST_EXPOSURES = 200


class KeyView(msgspec.Struct, frozen=True):
    """One id of a person: a proven user's, a device's, or a user id that nobody proved."""

    namespace: str
    id: str


class EventView(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """One stored event: whose it is, and all that was sent."""

    seq: int
    message_id: str
    type: str
    name: str
    source: str
    occurred_at: str
    belongs_to: KeyView | None = None
    user_id: Any = None
    anonymous_id: Any = None
    previous_id: Any = None
    group_id: Any = None
    timestamp: Any = None
    properties: Any = {}
    traits: Any = {}
    context: Any = {}


class EventPage(msgspec.Struct, frozen=True, kw_only=True):
    """Newest first; `cursor` asks for the next page, null at the end."""

    events: list[EventView]
    cursor: str | None = None


class EventFilter(msgspec.Struct, frozen=True, kw_only=True):
    """What to list. `id` is looked up as a user's, a device's and a claimed one; with all of the person's keys."""

    name: str | None = None
    id: str | None = None
    namespace: Namespace | None = None
    source: str | None = None
    message_id: str | None = None
    since_at: int | None = None
    until_at: int | None = None
    before_seq: int | None = None
    limit: int = 100


class SetAsideView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One event kept aside, with the reason and what was sent."""

    id: int
    state: str
    code: str
    reason: str
    message_id: str
    name: str
    source: str
    received_at: str
    raw: Any


class SetAsidePage(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Newest first; `cursor` asks for the next page, null at the end."""

    set_aside: list[SetAsideView]
    cursor: str | None = None


class ExposureView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What this person was given, when it was on screen, and the receipt kept with it."""

    subject: str
    slot: str
    rule: str
    arm: str
    visit: str
    decided_at: str
    shown_at: str | None
    count: int
    receipt: Any


class PersonRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What is stored of one person."""

    namespace: Literal["user", "anonymous", "claim"]
    id: str
    keys: list[KeyView]
    history: list[EventView]
    exposures: list[ExposureView]


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """One thing we know: a signal or a customer detail, where it came from and how sure we are.

    `type` says what the value is: money is in minor units, durations and moments in milliseconds.
    """

    name: str
    value: Any
    type: str
    source: str
    confidence: str
    at: str | None


def list_events(storage: Storage, wanted: EventFilter) -> EventPage:
    """One page of events."""
    keys = _keys_of(storage, wanted.id, wanted.namespace) if wanted.id is not None else None
    limit = max(1, min(wanted.limit, MOST_EVENTS))
    query = EventQuery(
        name=wanted.name,
        keys=keys,
        source=wanted.source,
        message_id=wanted.message_id,
        since_at=wanted.since_at,
        until_at=wanted.until_at,
        before_seq=wanted.before_seq,
        limit=limit + 1,
    )
    found = storage.list_events(query)
    is_more = len(found) > limit
    found = found[:limit]
    cursor = str(found[-1].seq) if is_more else None
    return EventPage(events=to_views(storage, found), cursor=cursor)


class Sent(msgspec.Struct, rename="camel"):
    """A message as it was sent; values of any type, as nothing but its JSON was checked."""

    message_id: Any = ""
    type: Any = ""
    user_id: Any = None
    anonymous_id: Any = None
    previous_id: Any = None
    group_id: Any = None
    timestamp: Any = None
    properties: Any = None
    traits: Any = None
    context: Any = None


_sent = msgspec.json.Decoder(Sent)


def to_views(storage: Storage, found: Sequence[StoredEvent]) -> list[EventView]:
    """Stored events as the API shows them."""
    owners = {key: storage.find_key_id(key) for key in {event.key for event in found}}
    return [_to_view(event, owners[event.key]) for event in found]


def _to_view(stored: StoredEvent, owner: tuple[str, str] | None) -> EventView:
    sent = _sent.decode(stored.body)
    return EventView(
        seq=stored.seq,
        message_id=str(sent.message_id),
        type=str(sent.type),
        name=stored.name,
        source=stored.source,
        occurred_at=to_iso(stored.occurred_at),
        belongs_to=KeyView(*owner) if owner is not None else None,
        user_id=sent.user_id,
        anonymous_id=sent.anonymous_id,
        previous_id=sent.previous_id,
        group_id=sent.group_id,
        timestamp=sent.timestamp,
        properties=sent.properties or {},
        traits=sent.traits or {},
        context=sent.context or {},
    )


def _keys_of(storage: Storage, identifier: str, namespace: Namespace | None) -> tuple[int, ...]:
    """All keys of whoever has that id."""
    spaces: tuple[Namespace, ...] = (namespace,) if namespace is not None else ("user", "anonymous", "claim")
    keys: dict[int, None] = {}
    for space in spaces:
        _, found = storage.list_person_keys(key_of(space, identifier))
        keys.update(dict.fromkeys(found))
    return tuple(keys)


def read_person(storage: Storage, identifier: str, namespace: Namespace | None = None) -> PersonRecord:
    """One person's keys, newest events and exposures. Raises NotFoundError."""
    spaces: tuple[Namespace, ...] = (namespace,) if namespace is not None else ("user", "anonymous", "claim")
    for space in spaces:
        key = key_of(space, identifier)
        if storage.find_key_id(key) is not None:
            return _record_of(storage, space, identifier, key)
    raise NotFoundError(what=f"A person with the id {identifier[:100]!r}")


def _record_of(storage: Storage, namespace: Namespace, identifier: str, key: int) -> PersonRecord:
    _, keys = storage.list_person_keys(key)
    names = [storage.find_key_id(found) for found in keys]
    events = storage.list_events(EventQuery(keys=tuple(keys), limit=100))
    return PersonRecord(
        namespace=namespace,
        id=identifier,
        keys=[KeyView(*name) for name in names if name is not None],
        history=to_views(storage, events),
        exposures=_exposures(storage, keys),
    )


def _exposures(storage: Storage, keys: tuple[int, ...]) -> list[ExposureView]:
    return [view_of_exposure(found) for found in storage.list_exposures(keys, limit=MOST_EXPOSURES)]


def view_of_exposure(found: StoredExposure) -> ExposureView:
    """With its receipt, where one was kept."""
    return ExposureView(
        subject=found.subject,
        slot=found.slot,
        rule=found.rule,
        arm=found.arm,
        visit=to_iso(found.session),
        decided_at=to_iso(found.at),
        shown_at=to_iso(found.shown_at) if found.shown_at is not None else None,
        count=found.count,
        receipt=msgspec.json.decode(found.receipt) if found.receipt else None,
    )


def list_set_aside(storage: Storage, state: str, before_id: int | None, limit: int) -> SetAsidePage:
    """One page of what was set aside."""
    limit = max(1, min(limit, MOST_EVENTS))
    found = storage.list_set_aside(state=state, before_id=before_id, limit=limit + 1)
    is_more = len(found) > limit
    found = found[:limit]
    rows = [view_of_set_aside(row) for row in found]
    return SetAsidePage(set_aside=rows, cursor=str(found[-1].id) if is_more else None)


def view_of_set_aside(row: StoredSetAside) -> SetAsideView:
    """With what was sent."""
    return SetAsideView(
        id=row.id,
        state=row.state,
        code=row.code,
        reason=row.reason,
        message_id=row.message_id,
        name=row.name,
        source=row.source,
        received_at=to_iso(row.received_at),
        raw=_raw(row.raw),
    )


def _raw(raw: bytes) -> Any:
    """What was sent: as JSON where it is JSON, else as text."""
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return raw.decode("utf-8", "replace")


def list_known(house: House, record: PersonRecord) -> tuple[str, list[Known]]:
    """The person's stage, and everything that is known of them now, by name.

    In the deciding process: one recollection and the running programme's signals. What only the page
    of a request could tell (scroll depth, time of day) is left out.
    """
    user = next((key.id for key in record.keys if key.namespace == "user"), None)
    device = next((key.id for key in record.keys if key.namespace == "anonymous"), None)
    situation = recollect(house, Question(user_id=user, anonymous_id=device), house.programme)
    types = {signal.name: signal.type for signal in SIGNALS if signal.source != "session"}
    known = []
    for name in sorted({*types, *situation.traits}):
        reading = situation.read(name)
        if reading.value is None or reading.value == []:
            continue
        known.append(
            Known(
                name=name,
                value=reading.value,
                type=types.get(name, "detail"),
                source=reading.source,
                confidence=reading.confidence,
                at=to_iso(reading.at) if reading.at is not None else None,
            )
        )
    stage = situation.value(STAGE)
    return stage if isinstance(stage, str) else "", known
