"""Letting behaviour and telemetry leave: whole quarters at once, the rest row by row, one lane at a time."""

from __future__ import annotations

from opportune.core.moment import DAY
from opportune.storage.days import day_after
from opportune.storage.postgres.connection import Connection
from opportune.storage.postgres.partitions import TABLES, drop_parts, of_table
from opportune.storage.postgres.statements import SQL


def retire_events(connection: Connection, before_at: int, most: int) -> int:
    """A bounded step; how many events left, of whole quarters about. Outside of any transaction."""
    connection.execute(SQL["note_retired"], {"at": day_after(before_at) * DAY})
    _retire_business_keys(connection, before_at)
    left = max(_retire_rows(connection, table, before_at, most) for table in TABLES)
    return left or drop_parts(connection, before_at)


def _retire_rows(connection: Connection, table: str, before_at: int, most: int) -> int:
    """Of events and of bodies in the same order, so that both of one event leave in the same step."""
    left, lane = 0, 0
    while left < most:
        found = connection.execute(of_table("find_old_lane", table), (lane, before_at)).fetchone()
        if found is None:
            break
        [lane] = found
        asked = {"lane": lane, "before_at": before_at, "most": most - left}
        left += connection.execute(of_table("retire_rows", table), asked).rowcount
        lane += 1
    return left


def _retire_business_keys(connection: Connection, before_at: int) -> None:
    for (lane,) in connection.execute(SQL["find_lanes_of_old_keys"], (before_at,)).fetchall():
        connection.execute(SQL["retire_business_keys"], (lane, before_at))
