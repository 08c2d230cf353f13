"""Reading from the file what is somebody's, and who was erased."""

from __future__ import annotations

from collections.abc import Sequence

from opportune.core.history.key import lane_of
from opportune.core.history.link import Link
from opportune.storage.base import (
    Belongings,
    Storage,
)
from opportune.storage.belongings import belongings_of, erasure_of, is_of
from opportune.storage.lines import json_of
from opportune.storage.personal import (
    ErasedUnits,
    Erasure,
    Share,
)
from opportune.storage.sqlite.connection import Readers
from opportune.storage.sqlite.statements import SQL

WITHOUT_LANE = "list_share_business_keys"


class SqlitePersonal(Storage):
    """The part of the store that reads for one person."""

    _readers: Readers

    def list_links_of(self, keys: Sequence[int]) -> list[Link]:
        return [
            Link(*row)
            for key in dict.fromkeys(keys)
            for row in self._readers.all(SQL["list_links"], (lane_of(key), key))
        ]

    def list_belongings(self, share: Share) -> Belongings:
        def ask(statement: str, stretch: tuple[int, int]) -> Sequence[object]:
            lane = () if statement == WITHOUT_LANE else (lane_of(share.key),)
            return self._readers.all(SQL[statement], (*lane, share.key, *stretch))

        return belongings_of(share, ask)

    def has_trait(self, name: str) -> bool:
        return bool(self._readers.one(SQL["has_trait"], (name,))[0])

    def list_addressed(self, trait: str, address: str) -> list[tuple[int, int]]:
        asked = (trait, json_of(address.strip())[1:-1].lower())
        rows = self._readers.all(SQL["list_addressed"], asked)
        return sorted((key, seq) for key, seq, line in rows if is_of(line, address))

    def list_keys_of_lane(self, lane: int) -> list[int]:
        return [key for (key,) in self._readers.all(SQL["list_keys_of_lane"], (lane,))]

    def find_newest_erasure(self) -> int:
        return int(self._readers.one(SQL["find_newest_erasure"])[0])

    def list_erasures(self, after: tuple[int, str] = (-1, ""), limit: int = 1_000) -> list[Erasure]:
        return [erasure_of(row) for row in self._readers.all(SQL["list_erasures"], (*after, limit))]

    def list_erased_units(self) -> list[ErasedUnits]:
        return [ErasedUnits(*row) for row in self._readers.all(SQL["list_erased_units"])]
