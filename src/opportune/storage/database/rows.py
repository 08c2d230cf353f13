"""Rows whose columns are the same in every SQL store: what is made of them, and where they stand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from opportune.core.history.key import lane_of
from opportune.storage.base import (
    BusinessKey,
    Exposure,
    Opportunity,
    StoredEvent,
    StoredExposure,
    StoredPlaybook,
)
from opportune.storage.database.bodies import unpack
from opportune.storage.personal import Erasure

read_files = msgspec.json.Decoder(dict[str, str]).decode


def playbook_of(row: Sequence[Any]) -> StoredPlaybook:
    return StoredPlaybook(
        revision=row[0], published_at=row[1], by=row[2], based_on=row[3], files=read_files(unpack(row[4]))
    )


def exposure_of(row: Sequence[Any]) -> StoredExposure:
    return StoredExposure(
        subject=row[0],
        unit=row[1],
        slot=row[2],
        rule=row[3],
        rule_hash=row[4],
        arm=row[5],
        session=row[6],
        at=row[7],
        shown_at=row[8],
        count=row[9],
        receipt=unpack(row[10]) if row[10] else b"",
    )


def stored_event_of(row: Sequence[Any]) -> StoredEvent:
    return StoredEvent(
        seq=row[0], key=row[1], name=row[2], source=row[3], occurred_at=row[4], body=unpack(row[5])
    )


def carrier_of(row: Sequence[Any]) -> BusinessKey:
    return BusinessKey(
        event=row[0],
        value=row[1],
        key=row[2],
        event_class=row[3],
        occurred_at=row[4],
        seq=row[5],
        is_verified=bool(row[6]),
    )


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


def erasure_of(row: Sequence[Any]) -> Erasure:
    return Erasure(lane=row[0], mark=row[1], erased_at=row[2], is_unsubscribed=bool(row[3]), dropped=row[4])


def event_place(key: int, event_class: int, occurred_at: int, seq: int) -> tuple[int, ...]:
    """Lane, key, class, moment and `seq` of a timeline row."""
    return lane_of(key), key, event_class, occurred_at, seq


def exposure_place(exposure: Exposure) -> tuple[int | str, ...]:
    """Lane and unit, then what makes an exposure the same one."""
    return (
        lane_of(exposure.unit),
        exposure.unit,
        exposure.session,
        exposure.subject,
        exposure.slot,
        exposure.rule,
        exposure.rule_hash,
        exposure.arm,
    )
