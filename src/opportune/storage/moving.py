"""The port for moving a whole store: raw tables, read and written in bounded pages, the same from every SQL store.

What is derived from them is not moved but made anew: `persons`, counters, the change feed (folded before).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

Value = int | str | bytes | None
Row = Sequence[Value]
"""A row's values in the order of its table's columns; yes and no are 1 and 0."""

MARK = "moving"
"""The setting of a target that is not whole yet; it says how far the move has come."""


class Table:
    """A table as it is moved. `key` tells its rows apart."""

    def __init__(self, name: str, columns: str, *, key: str) -> None:
        self.name = name
        self.columns = tuple(columns.split())
        self.key = tuple(key.split())

    @cached_property
    def key_places(self) -> tuple[int, ...]:
        return self.places_of(self.key)

    def places_of(self, names: Sequence[str]) -> tuple[int, ...]:
        """Where in a row these columns stand."""
        return tuple(self.columns.index(name) for name in names)


TABLES = (
    Table("settings", "name value", key="name"),
    Table("api_keys", "digest created_at api_key", key="digest"),
    Table("playbooks", "id revision published_at by based_on files", key="id"),
    Table("run_states", "rule state", key="rule"),
    Table("experiments", "id started_at ended_at experiment", key="id"),
    Table("learnings", "id draft said", key="id"),
    Table("audit", "id at by act what detail", key="id"),
    Table("notes", "once at note", key="once"),
    Table("rule_counts", "hour rule slot what count", key="hour rule slot what"),
    Table("products", "id version product", key="id"),
    Table("keys", "lane key namespace id", key="lane key"),
    Table(
        "links",
        "lane key person from_seq since_seq to_seq until_seq",
        key="lane key person from_seq since_seq",
    ),
    Table("person_keys", "lane person key", key="lane person key"),
    Table("traits", "lane key name seq line", key="lane key name"),
    Table("past_traits", "lane key name seq until_seq line", key="lane key name seq"),
    Table("business_keys", "lane event value key class occurred_at seq is_verified", key="lane event value"),
    Table(
        "events",
        "lane key class occurred_at seq until_seq value message line name source",
        key="lane key class occurred_at seq",
    ),
    Table("bodies", "lane seq key class occurred_at until_seq name source body", key="lane seq"),
    Table(
        "opportunities",
        "lane key session slot record_seq seq at line outcome revision context",
        key="lane key session slot",
    ),
    Table(
        "exposures",
        "lane unit session subject slot rule rule_hash arm seq first_at shown_at shown_seq count line receipt",
        key="lane unit session subject slot rule rule_hash arm",
    ),
    Table("assignments", "lane unit experiment phase first_seq arm line", key="lane unit experiment phase"),
    Table("erasures", "lane mark erased_at is_unsubscribed dropped", key="lane mark"),
    Table("erased_units", "experiment phase arm count", key="experiment phase arm"),
    Table("erased_totals", "day name count value", key="day name"),
    Table("measured", "experiment made_at seq is_frozen not_counted", key="experiment"),
    Table("measured_days", "experiment phase arm day part units sums", key="experiment phase arm day part"),
    Table("erased_days", "experiment phase arm day part units sums", key="experiment phase arm day part"),
    Table("totals", "day name count value", key="day name"),
    Table("seen_events", "name first_at last_at count", key="name"),
    Table("consent_days", "day banner has_gpc answer visits", key="day banner has_gpc answer"),
    Table("set_aside", "id state reason code raw message_id name source received_at", key="id"),
)
"""Everything that is moved, what operators did first."""


After = tuple[int | str, ...]
"""A place in a table: the values of whatever a store keeps it in order by."""


class Page(NamedTuple):
    """Some rows of a table and the place after which the next ones begin; without rows it is the end."""

    rows: Sequence[Row]
    after: After


Counters = Mapping[str, int]
"""A store's counters by name; `seq` is the newest number of a record. The target's go on after the source's."""


class TableRows(ABC):
    """One store's tables, for one user at a time and while nobody else writes there."""

    @abstractmethod
    def read(self, table: Table, after: After | None, limit: int) -> Page:
        """The next rows in an order of the store's own; `after` is the last page's."""

    @abstractmethod
    def count(self, table: Table) -> int: ...

    @abstractmethod
    def write(self, table: Table, rows: Sequence[Row], mark: str) -> None:
        """In one durable commit with the mark; rows that are there already stay as they are."""

    @abstractmethod
    def find_mark(self) -> str | None: ...

    @abstractmethod
    def put_mark(self, mark: str) -> None:
        """Empty text removes it."""

    @abstractmethod
    def find_counters(self) -> Counters: ...

    @abstractmethod
    def finish(self, counters: Counters) -> None:
        """Makes what is derived from the rows, and lets numbers go on after the source's."""

    @abstractmethod
    def close(self) -> None: ...


def is_empty(tables: TableRows) -> bool:
    """Whether nothing was ever kept there."""
    return not any(tables.read(table, None, 1).rows for table in TABLES)
