"""A person's rows as values: columns that both databases give alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from opportune.core.situation import Assignment
from opportune.storage.base import (
    Belongings,
    BusinessKey,
    Opportunity,
)
from opportune.storage.bodies import unpack
from opportune.storage.lines import read_trait
from opportune.storage.personal import (
    Erasure,
    KeptAssignment,
    KeptEvent,
    KeptTrait,
    Share,
)
from opportune.storage.rows import exposure_of

read_assignment = msgspec.json.Decoder(tuple[int, Assignment]).decode

Ask = Callable[[str, tuple[int, int]], Sequence[Any]]
"""Rows of a statement by its name, for one stretch."""


def belongings_of(share: Share, ask: Ask) -> Belongings:
    """Everything, stretch by stretch."""

    def rows(statement: str) -> list[Any]:
        return [row for stretch in share.stretches for row in ask(statement, stretch)]

    return Belongings(
        events=[_event_of(row) for row in rows("list_share_events")],
        traits=[_trait_of(share.key, row) for row in rows("list_share_traits")],
        assignments=[
            KeptAssignment(seq, read_assignment(line)[1]) for seq, line in rows("list_share_assignments")
        ],
        exposures=[exposure_of(row) for row in rows("list_share_exposures")],
        opportunities=[opportunity_of(row) for row in rows("list_share_opportunities")],
        business_keys=[business_key_of(row) for row in rows("list_share_business_keys")],
    )


def _event_of(row: Sequence[Any]) -> KeptEvent:
    return KeptEvent(
        seq=row[0],
        key=row[1],
        event_class=row[2],
        name=row[3],
        source=row[4],
        occurred_at=row[5],
        until_seq=row[6],
        body=unpack(row[7]),
    )


def _trait_of(key: int, row: Sequence[Any]) -> KeptTrait:
    return KeptTrait(key=key, seq=row[0], name=row[1], trait=read_trait(row[2])[2], until_seq=row[3])


def opportunity_of(row: Sequence[Any]) -> Opportunity:
    return Opportunity(
        key=row[0],
        slot=row[1],
        session=row[2],
        seq=row[3],
        at=row[4],
        outcome=row[5],
        context=unpack(row[6]),
        revision=row[7],
    )


def business_key_of(row: Sequence[Any]) -> BusinessKey:
    return BusinessKey(
        event=row[0],
        value=row[1],
        key=row[2],
        event_class=row[3],
        occurred_at=row[4],
        seq=row[5],
        is_verified=bool(row[6]),
    )


def erasure_of(row: Sequence[Any]) -> Erasure:
    return Erasure(lane=row[0], mark=row[1], erased_at=row[2], is_unsubscribed=bool(row[3]), dropped=row[4])


def is_of(line: str, address: str) -> bool:
    """Whether a trait's line says exactly this address."""
    value = read_trait(line)[2].value
    return isinstance(value, str) and value.strip().casefold() == address.strip().casefold()
