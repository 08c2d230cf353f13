"""Retiring: behaviour and telemetry leave once they are past the time for which they are kept.

Once a day (UTC), in bounded steps with others' work between them. How far it came is kept in the store, so that of
many processes one does it and a restart goes on.
"""

from __future__ import annotations

import calendar
from collections.abc import Callable
from datetime import UTC, datetime

from opportune.core.conditions.reach import CLASS_BOUNDS
from opportune.core.moment import DAY, SECOND, from_iso
from opportune.services.house import House
from opportune.storage.base import AuditEntry, Transaction

BEHAVIOUR_DAYS = CLASS_BOUNDS[1][1] or 0
KEPT_SINCE = "kept since"
RETIRED = "events retired"
STEP = 100
"""In a SQLite file of 200,000 events it takes 3 ms of the writer's time, 5 at most (measured on two busy cores)."""


def horizon_of(now: int, months: int) -> int:
    """The midnight (UTC) so many months ago; on the month's last day where it has no such day."""
    today = datetime.fromtimestamp(now / SECOND, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    year, month = divmod(today.year * 12 + today.month - 1 - months, 12)
    day = min(today.day, calendar.monthrange(year, month + 1)[1])
    return round(today.replace(year=year, month=month + 1, day=day).timestamp()) * SECOND


def retire(house: House, months: int, *, may_go_on: Callable[[], bool]) -> int:
    """Lets go what is older than so many months (0: nothing) and prepares for what is to come; how many events left.

    `may_go_on` is asked before every step, and takes the pause between two. What is not finished when it says no, or
    when StorageBusyError is raised, goes on with the next call.
    """
    house.storage.make_room(house.clock())
    if not months:
        return 0
    before_at = horizon_of(house.clock(), months)
    day = datetime.fromtimestamp(before_at / SECOND, UTC).date().isoformat()
    if day <= (house.storage.find_setting(KEPT_SINCE) or ""):
        return 0
    left, is_done = 0, False
    try:
        while not is_done and may_go_on():
            step = house.storage.retire_events(before_at, STEP)
            left, is_done = left + step, not step
    finally:
        _note(house, day, left, is_done=is_done)
    return left


def left_of(house: House, at: int) -> str:
    """`before 2025-10-22` when events that a decision at that moment read may have left since, else empty."""
    day = house.storage.find_setting(KEPT_SINCE)
    return f"before {day}" if day and from_iso(day) > at - BEHAVIOUR_DAYS * DAY else ""


def _note(house: House, day: str, left: int, *, is_done: bool) -> None:
    audit = AuditEntry(
        at=house.clock(), by="", act=RETIRED, what=f"before {day}", detail=f"{left} events left the store"
    )

    def put(transaction: Transaction) -> None:
        if is_done:
            transaction.put_setting(KEPT_SINCE, day)
            transaction.retire_consents(day)
        if left:
            transaction.add_audit(audit)

    if left or is_done:
        house.storage.write(put).result()
