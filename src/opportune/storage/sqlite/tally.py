"""What a group of jobs adds to the store's counters, kept in memory until just before its commit."""

from __future__ import annotations

import sqlite3

from opportune.core.moment import DAY
from opportune.storage.days import day_of
from opportune.storage.sqlite.statements import SQL


class Tally:
    """The newest `seq`, events seen and changes of totals by day and name, and operators' changes."""

    __slots__ = ("changes", "counts_anew_since", "head", "operator_changes", "seen")

    def __init__(self, head: int) -> None:
        self.head = head
        self.seen: dict[str, tuple[int, int, int]] = {}
        self.changes: dict[tuple[int, str], tuple[int, int]] = {}
        self.operator_changes = 0
        self.counts_anew_since: int | None = None
        """From this day on totals were counted anew from the events, these jobs' own included."""

    def next_seq(self) -> int:
        self.head += 1
        return self.head

    def see(self, name: str, occurred_at: int) -> None:
        first_at, last_at, count = self.seen.get(name, (occurred_at, occurred_at, 0))
        self.seen[name] = (min(first_at, occurred_at), max(last_at, occurred_at), count + 1)

    def change(self, name: str, occurred_at: int, count: int, value: int) -> None:
        day_and_name = (occurred_at // DAY, name)
        before = self.changes.get(day_and_name, (0, 0))
        self.changes[day_and_name] = (before[0] + count, before[1] + value)

    def add(self, job: Tally) -> None:
        """A job of the group has succeeded."""
        self.head = job.head
        self.operator_changes += job.operator_changes
        since = job.counts_anew_since
        if since is not None:
            self.changes = {which: sums for which, sums in self.changes.items() if which[0] < since}
        for name, (first_at, last_at, count) in job.seen.items():
            before = self.seen.get(name, (first_at, last_at, 0))
            self.seen[name] = (min(before[0], first_at), max(before[1], last_at), before[2] + count)
        for day_and_name, (count, value) in job.changes.items():
            sums = self.changes.get(day_and_name, (0, 0))
            self.changes[day_and_name] = (sums[0] + count, sums[1] + value)

    def write(self, connection: sqlite3.Connection, head_before: int) -> None:
        if self.head != head_before:
            connection.execute(SQL["put_head"], (self.head,))
        if self.operator_changes:
            connection.execute(SQL["count_change"], (self.operator_changes,))
        if self.seen:
            connection.executemany(
                SQL["put_seen_event"], [(name, *moments) for name, moments in self.seen.items()]
            )
        if self.changes:
            connection.executemany(
                SQL["add_change"],
                [
                    (self.head, day_of(day), name, count, value)
                    for (day, name), (count, value) in self.changes.items()
                ],
            )
