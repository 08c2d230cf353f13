"""The time of day in the installation's zone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from opportune.core.moment import MINUTE, SECOND
from opportune.core.signals.base import Reading, Signal

if TYPE_CHECKING:
    from opportune.core.situation import Situation

QUARTER_MS = 15 * MINUTE
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class Weekday(Signal):
    name = "weekday"
    values = WEEKDAYS
    meant: ClassVar[Mapping[str, str]] = {day[:3].casefold(): day for day in WEEKDAYS}
    type = "text"
    source = "session"
    confidence = "high"
    meaning = "The day of the week, such as Saturday, in the shop's time zone."

    def read(self, situation: Situation) -> Reading:
        return Reading(WEEKDAYS[_local(situation).weekday()], "session", "high", situation.now)

    def changes_at(self, reading: Reading, now: int) -> int | None:  # noqa: ARG002 - every clock goes on
        return next_quarter(now)


class Hour(Signal):
    name = "hour"
    type = "number"
    source = "session"
    confidence = "high"
    meaning = "The hour of the day, 0 to 23, in the shop's time zone."

    def read(self, situation: Situation) -> Reading:
        return Reading(_local(situation).hour, "session", "high", situation.now)

    def changes_at(self, reading: Reading, now: int) -> int | None:  # noqa: ARG002 - every clock goes on
        return next_quarter(now)


def next_quarter(now: int) -> int:
    """The next quarter of an hour: zones differ from UTC by whole quarters."""
    return now + QUARTER_MS - now % QUARTER_MS


def _local(situation: Situation) -> datetime:
    return datetime.fromtimestamp(situation.now / SECOND, situation.zone)


CLOCK = (Weekday(), Hour())
