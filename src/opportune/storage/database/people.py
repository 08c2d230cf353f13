"""People as both databases read them: ids, links in force, and who has which detail."""

from __future__ import annotations

from typing import cast

from opportune.core.history.key import lane_of
from opportune.core.history.link import Link
from opportune.storage.database.asking import DatabaseReads
from opportune.storage.database.lines import json_of, read_trait
from opportune.storage.measurements import LanesAsked


class DatabasePeopleReads(DatabaseReads):
    """Reading who is who."""

    def find_key_id(self, key: int) -> tuple[str, str] | None:
        return cast("tuple[str, str] | None", self._one("find_key_id", (lane_of(key), key)))

    def list_links_in_force(self, lanes: LanesAsked) -> list[Link]:
        return [Link(*row) for row in self._all("list_links_in_force", lanes)]

    def list_keys_of_lane(self, lane: int) -> list[int]:
        return [key for (key,) in self._all("list_keys_of_lane", {"lane": lane})]

    def has_trait(self, name: str) -> bool:
        return bool(self._one("has_trait", (name,))[0])

    def list_addressed(self, trait: str, address: str) -> list[tuple[int, int]]:
        rows = self._all("list_addressed", (trait, json_of(address.strip())[1:-1].lower()))
        return sorted((key, seq) for key, seq, line in rows if _is_of(line, address))


def _is_of(line: str, address: str) -> bool:
    """Whether a trait's line says exactly this address."""
    value = read_trait(line)[2].value
    return isinstance(value, str) and value.strip().casefold() == address.strip().casefold()
