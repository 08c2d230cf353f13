"""Moments as people read them: in words, in the team's time zone. JSON has them in ISO 8601."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from opportune.cli.installation import Ask
from opportune.core.moment import from_iso
from opportune.core.report.plain import day_words, moment_words


def zone_of(ask: Ask) -> ZoneInfo:
    """The time zone that the team's playbook names."""
    return ZoneInfo(ask("shop basics")["time_zone"])


def say_moment(moment: str, zone: ZoneInfo) -> str:
    """`14 March 2027, 14:02` for what JSON has as `2027-03-14T13:02:00.000Z`."""
    return moment_words(from_iso(moment), zone)


def say_day(moment: str, zone: ZoneInfo) -> str:
    """`14 March 2027`."""
    return day_words(from_iso(moment), zone)
