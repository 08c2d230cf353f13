"""Sums that name nobody, as both databases read them and let them leave."""

from __future__ import annotations

from opportune.storage.base import ConsentCount
from opportune.storage.database.asking import DatabaseReads, DatabaseWrites


class DatabaseCountReads(DatabaseReads):
    """Reading sums, and folding what waits to be added to them."""

    def list_seen_events(self) -> dict[str, tuple[int, int, int]]:
        return {
            name: (first_at, last_at, count)
            for name, first_at, last_at, count in self._all("list_seen_events")
        }

    def list_totals(self, since_day: str, until_day: str) -> list[tuple[str, str, int, int]]:
        return self._all("list_totals", {"since": since_day, "until": until_day})

    def list_consents(self, since_day: str, until_day: str) -> list[ConsentCount]:
        rows = self._all("list_consents", (since_day, until_day))
        return [
            ConsentCount(day, banner, bool(has_gpc), answer, visits)
            for day, banner, has_gpc, answer, visits in rows
        ]

    def list_rule_counts(self, since_hour: int, until_hour: int) -> list[tuple[str, str, str, int]]:
        rows = self._all("list_rule_counts", (since_hour, until_hour))
        return [(rule, slot, what, count) for rule, slot, what, count in rows]

    def list_hours(self, slot: str, what: str, since_hour: int, until_hour: int) -> list[tuple[int, int]]:
        if not what:
            rows = self._all("list_counted_hours", (since_hour, until_hour))
        else:
            rows = self._all("list_hours", (since_hour, until_hour, slot, what))
        return [(hour, count) for hour, count in rows]


class DatabaseCountWrites(DatabaseWrites):
    """What one job adds to sums."""

    def retire_consents(self, before_day: str) -> None:
        self._execute("retire_consents", (before_day,))

    def retire_rule_counts(self, before_hour: int) -> None:
        self._execute("retire_rule_counts", (before_hour,))
