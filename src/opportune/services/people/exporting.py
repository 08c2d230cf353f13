"""Exporting: everything that is kept of one person, as one JSON document to hand to them.

Whole, not in pages: who asks for it has a right to all of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from opportune.core.history.key import Namespace
from opportune.core.history.link import FOREVER
from opportune.core.moment import to_iso
from opportune.services.people.dropping import read_sent
from opportune.services.people.identifying import Found, find_people, list_set_aside_of, list_shares
from opportune.services.reading import (
    ExposureView,
    KeyView,
    SetAsideView,
    view_of_exposure,
    view_of_set_aside,
)
from opportune.storage.base import Belongings, Storage


class LinkView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """That an id is this person's: events from one number of the log up to another, both empty for all."""

    id: KeyView | None
    person: KeyView | None
    from_seq: int
    to_seq: int | None


class KeptEventView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An event: whose, when, and the message as it was sent. `replaced`: a better version of it came."""

    seq: int
    belongs_to: KeyView | None
    name: str
    source: str
    occurred_at: str
    replaced: bool
    message: Any


class TraitView(msgspec.Struct, frozen=True, kw_only=True):
    """A customer detail. `replaced`: a later one took its place."""

    name: str
    value: Any
    source: str
    at: str
    replaced: bool


class AssignmentView(msgspec.Struct, frozen=True, kw_only=True):
    """The version of a test that this person gets."""

    experiment: str
    phase: int
    arm: str


class OpportunityView(msgspec.Struct, frozen=True, kw_only=True):
    """A place that was asked for, and what was known of the page then."""

    slot: str
    visit: str
    at: str
    outcome: str
    context: Any
    revision: str


class BusinessKeyView(msgspec.Struct, frozen=True, kw_only=True):
    """An order number or the like, and the event that carries it."""

    event: str
    value: str
    seq: int


class PersonExport(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Everything that is kept of one person."""

    ids: list[KeyView]
    addresses: list[str]
    links: list[LinkView]
    traits: list[TraitView]
    events: list[KeptEventView]
    opportunities: list[OpportunityView]
    assignments: list[AssignmentView]
    exposures: list[ExposureView]
    business_keys: list[BusinessKeyView]
    set_aside: list[SetAsideView]


def export_person(storage: Storage, identifier: str, namespace: Namespace | None = None) -> PersonExport:
    """Raises NotFoundError, and BadRequestError where two people have that id."""
    found = find_people(storage, identifier, namespace)
    kept = [storage.list_belongings(share) for share in list_shares(storage, found)]
    views = {key: _view(storage, key) for key in found.keys}
    return PersonExport(
        ids=list(found.ids),
        addresses=list(found.addresses),
        links=list(_links(storage, found)),
        traits=list(_traits(kept)),
        events=_events(kept, views),
        opportunities=list(_opportunities(kept)),
        assignments=list(_assignments(kept)),
        exposures=[view_of_exposure(each) for one in kept for each in one.exposures],
        business_keys=list(_business_keys(kept)),
        set_aside=[view_of_set_aside(row) for row in list_set_aside_of(storage, found.names)],
    )


class PersonSummary(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Whom an id stands for: their ids and addresses, and how much is kept of them, by kind."""

    people: int
    ids: list[KeyView]
    addresses: list[str]
    kept: dict[str, int]


def describe_person(storage: Storage, identifier: str, namespace: Namespace | None = None) -> PersonSummary:
    """Raises as `export_person`."""
    found = find_people(storage, identifier, namespace)
    kept = Counter({"set-aside events": sum(1 for _ in list_set_aside_of(storage, found.names))})
    for share in list_shares(storage, found):
        one = storage.list_belongings(share)
        kept += Counter(
            {
                "events": len(one.events),
                "customer details": len(one.traits),
                "places asked for": len(one.opportunities),
                "decisions shown or tested": len(one.exposures),
                "versions of tests": len(one.assignments),
                "order numbers": len(one.business_keys),
            }
        )
    return PersonSummary(
        people=len(found.persons), ids=list(found.ids), addresses=list(found.addresses), kept=dict(kept)
    )


def _view(storage: Storage, key: int) -> KeyView | None:
    known = storage.find_key_id(key)
    return KeyView(*known) if known is not None else None


def _links(storage: Storage, found: Found) -> Iterator[LinkView]:
    """In force, and theirs: a device that others use too says nothing of them here."""
    for link in storage.list_links_of(found.keys):
        if link.is_in_force and link.person in found.persons:
            yield LinkView(
                id=_view(storage, link.key),
                person=_view(storage, link.person),
                from_seq=link.from_seq,
                to_seq=None if link.to_seq == FOREVER else link.to_seq,
            )


def _events(kept: Iterable[Belongings], views: dict[int, KeyView | None]) -> list[KeptEventView]:
    found = [
        KeptEventView(
            seq=event.seq,
            belongs_to=views[event.key],
            name=event.name,
            source=event.source,
            occurred_at=to_iso(event.occurred_at),
            replaced=event.until_seq is not None,
            message=read_sent(event.body),
        )
        for one in kept
        for event in one.events
    ]
    return sorted(found, key=lambda event: event.seq)


def _traits(kept: Sequence[Belongings]) -> Iterator[TraitView]:
    for each in (each for one in kept for each in one.traits):
        yield TraitView(
            name=each.name,
            value=each.trait.value,
            source=each.trait.source,
            at=to_iso(each.trait.at),
            replaced=each.until_seq is not None,
        )


def _opportunities(kept: Sequence[Belongings]) -> Iterator[OpportunityView]:
    for each in (each for one in kept for each in one.opportunities):
        yield OpportunityView(
            slot=each.slot,
            visit=to_iso(each.session),
            at=to_iso(each.at),
            outcome=each.outcome,
            context=read_sent(each.context),
            revision=each.revision,
        )


def _assignments(kept: Sequence[Belongings]) -> Iterator[AssignmentView]:
    for each in (each.assignment for one in kept for each in one.assignments):
        yield AssignmentView(experiment=each.experiment, phase=each.phase, arm=each.arm)


def _business_keys(kept: Sequence[Belongings]) -> Iterator[BusinessKeyView]:
    for each in (each for one in kept for each in one.business_keys):
        yield BusinessKeyView(event=each.event, value=each.value.partition(" @")[0], seq=each.seq)
