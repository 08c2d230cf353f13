"""Reading from the database what is somebody's, and who was erased."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

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
from opportune.storage.postgres.statements import Row

WITHOUT_LANE = "list_share_business_keys"
NAMED = "list_share_traits"


class PostgresPersonal(Storage):
    """The part of the store that reads for one person."""

    @abstractmethod
    def _all(self, name: str, parameters: Sequence[object] | Mapping[str, object] = ()) -> list[Any]: ...

    @abstractmethod
    def _of_rows(self, name: str, rows: Sequence[Row]) -> list[Any]: ...

    def list_links_of(self, keys: Sequence[int]) -> list[Link]:
        asked = [(lane_of(key), key) for key in dict.fromkeys(keys)]
        return [Link(*row) for row in self._of_rows("find_links", asked)]

    def list_belongings(self, share: Share) -> Belongings:
        key, lane = share.key, lane_of(share.key)

        def ask(statement: str, stretch: tuple[int, int]) -> list[Any]:
            if statement == NAMED:
                first, end = stretch
                return self._all(statement, {"lane": lane, "key": key, "first": first, "end": end})
            return self._all(statement, (*(() if statement == WITHOUT_LANE else (lane,)), key, *stretch))

        return belongings_of(share, ask)

    def has_trait(self, name: str) -> bool:
        return bool(self._all("has_trait", (name,))[0][0])

    def list_addressed(self, trait: str, address: str) -> list[tuple[int, int]]:
        rows = self._all("list_addressed", (trait, json_of(address.strip())[1:-1].lower()))
        return sorted((key, seq) for key, seq, line in rows if is_of(line, address))

    def list_keys_of_lane(self, lane: int) -> list[int]:
        return [key for (key,) in self._all("list_keys_of_lane", {"lane": lane})]

    def find_newest_erasure(self) -> int:
        return int(self._all("find_newest_erasure")[0][0])

    def list_erasures(self, after: tuple[int, str] = (-1, ""), limit: int = 1_000) -> list[Erasure]:
        return [erasure_of(row) for row in self._all("list_erasures", (*after, limit))]

    def list_erased_units(self) -> list[ErasedUnits]:
        return [ErasedUnits(*row) for row in self._all("list_erased_units")]
