"""Sums that name nobody, in dictionaries by what they count."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from opportune.core.moment import DAY
from opportune.storage.base import ConsentCount, RuleCount
from opportune.storage.days import day_of
from opportune.storage.memory.tables import MemoryReads, MemoryWrites, Tables


class MemoryCountReads(MemoryReads):
    """Reading sums, and folding what waits to be added to them."""

    def list_seen_events(self) -> dict[str, tuple[int, int, int]]:
        with self._lock:
            return dict(self._tables.seen)

    def fold_totals(self) -> int:
        return self.write(lambda _: self._fold(self._tables)).result()

    @staticmethod
    def _fold(tables: Tables) -> int:
        waiting = list(tables.feed.items())
        for seq, (day, name, count, value) in waiting:
            before = tables.totals.get((day, name), (0, 0))
            tables.put(tables.totals, (day, name), (before[0] + count, before[1] + value))
            tables.remove(tables.feed, seq)
        return len(waiting)

    def list_totals(self, since_day: str, until_day: str) -> list[tuple[str, str, int, int]]:
        with self._lock:
            sums = defaultdict(lambda: (0, 0), self._tables.totals)
            for day, name, count, value in self._tables.feed.values():
                before = sums[day, name]
                sums[day, name] = (before[0] + count, before[1] + value)
            return sorted(
                (day, name, count, value)
                for (day, name), (count, value) in sums.items()
                if since_day <= day <= until_day and (count or value)
            )

    def rebuild_totals(self) -> None:
        self.write(lambda _: self._rebuild(self._tables)).result()

    @staticmethod
    def _rebuild(tables: Tables) -> None:
        since_day = day_of(tables.numbers["whole since day"])
        for day_and_name in [known for known in tables.totals if known[0] >= since_day]:
            tables.remove(tables.totals, day_and_name)
        for seq in [seq for seq, change in tables.feed.items() if change[0] >= since_day]:
            tables.remove(tables.feed, seq)
        for rows in tables.events.values():
            for row in rows.values():
                day = day_of(row.event.occurred_at // DAY)
                if row.until_seq is None and day >= since_day:
                    before = tables.totals.get((day, row.event.name), (0, 0))
                    total = (before[0] + 1, before[1] + row.event.value)
                    tables.put(tables.totals, (day, row.event.name), total)
        for (day, name), (count, value) in tables.erased_totals.items():
            if day >= since_day:
                before = tables.totals.get((day, name), (0, 0))
                tables.put(tables.totals, (day, name), (before[0] + count, before[1] + value))

    def list_consents(self, since_day: str, until_day: str) -> list[ConsentCount]:
        with self._lock:
            return [
                ConsentCount(*place, visits)
                for place, visits in sorted(self._tables.consents.items())
                if since_day <= place[0] <= until_day
            ]

    def list_rule_counts(self, since_hour: int, until_hour: int) -> list[tuple[str, str, str, int]]:
        found: dict[tuple[str, str, str], int] = {}
        with self._lock:
            for (hour, *place), count in self._tables.rule_counts.items():
                if since_hour <= hour < until_hour:
                    rule, slot, what = place
                    found[rule, slot, what] = found.get((rule, slot, what), 0) + count
        return [(*place, count) for place, count in sorted(found.items())]

    def list_hours(self, slot: str, what: str, since_hour: int, until_hour: int) -> list[tuple[int, int]]:
        found: dict[int, int] = {}
        with self._lock:
            for place, count in self._tables.rule_counts.items():
                is_asked = not what or place[1:] == ("", slot, what)
                if since_hour <= place[0] < until_hour and is_asked:
                    found[place[0]] = found.get(place[0], 0) + count
        return sorted(found.items())


class MemoryCountWrites(MemoryWrites):
    """What one job adds to sums."""

    def add_consents(self, counts: Iterable[ConsentCount]) -> None:
        known = self._tables.consents
        for count in counts:
            place = (count.day, count.banner, count.has_gpc, count.answer)
            self._tables.put(known, place, known.get(place, 0) + count.visits)

    def retire_consents(self, before_day: str) -> None:
        for place in [place for place in self._tables.consents if place[0] < before_day]:
            self._tables.remove(self._tables.consents, place)

    def add_rule_counts(self, counts: Iterable[RuleCount]) -> None:
        known = self._tables.rule_counts
        for count in counts:
            place = (count.hour, count.rule, count.slot, count.what)
            self._tables.put(known, place, known.get(place, 0) + count.count)

    def retire_rule_counts(self, before_hour: int) -> None:
        for place in [place for place in self._tables.rule_counts if place[0] < before_hour]:
            self._tables.remove(self._tables.rule_counts, place)
