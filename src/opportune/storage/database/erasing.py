"""All that is a person's as values, and who was erased, as both databases give it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from opportune.core.situation import Assignment
from opportune.storage.base import Belongings
from opportune.storage.database.asking import DatabaseReads, DatabaseWrites
from opportune.storage.database.bodies import unpack
from opportune.storage.database.lines import read_trait
from opportune.storage.database.rows import carrier_of, erasure_of, exposure_of, opportunity_of
from opportune.storage.personal import ErasedUnits, Erasure, KeptAssignment, KeptEvent, KeptTrait, Share

read_assignment = msgspec.json.Decoder(tuple[int, Assignment]).decode
Ask = Callable[[str, tuple[int, int]], Sequence[Any]]
"""Rows of a statement by its name, for one stretch."""


class DatabaseErasureReads(DatabaseReads):
    """Reading what is somebody's, and who was erased."""

    def find_newest_erasure(self) -> int:
        return int(self._one("find_newest_erasure")[0])

    def list_erasures(self, after: tuple[int, str] = (-1, ""), limit: int = 1_000) -> list[Erasure]:
        return [erasure_of(row) for row in self._all("list_erasures", (*after, limit))]

    def list_erased_units(self) -> list[ErasedUnits]:
        return [ErasedUnits(*row) for row in self._all("list_erased_units")]


class DatabaseErasureWrites(DatabaseWrites):
    """What one job erases."""

    def count_dropped(self, erasure: Erasure) -> None:
        self._execute("count_dropped", (1, erasure.lane, erasure.mark))


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
        business_keys=[carrier_of(row) for row in rows("list_share_business_keys")],
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
