"""When it is: weekdays, hours and dates in the installation's zone: `it is a Friday between 9:00 and 17:00`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import msgspec

from opportune.core.conditions.base import Check, Condition, Needs, Readers
from opportune.core.finding import Finding
from opportune.core.language.phrases.date import describe_date, describe_last_day, parse_date, parse_last_day
from opportune.core.language.phrases.wording import join_words, misread
from opportune.core.language.spoken import at_of, read_inside
from opportune.core.language.words import Words
from opportune.core.moment import SECOND, to_clock

if TYPE_CHECKING:
    from lark import Token  # only the grammar loads Lark

    from opportune.core.language.vocabulary import Vocabulary
    from opportune.core.situation import Situation

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MINUTES_A_DAY = 24 * 60
_LOOK_AHEAD_DAYS = 9


class Schedule(Condition, frozen=True, kw_only=True, omit_defaults=True, tag="schedule"):
    """Days of the week (0 is Monday), minutes of the day from and until, and moments (ms) from and until.

    What is not given is not asked. `from_minute` later than `until_minute` runs over midnight.
    """

    days: tuple[int, ...] = ()
    from_minute: int | None = None
    until_minute: int | None = None
    from_at: int | None = None
    until_at: int | None = None

    meaning = (
        "What day and time it is in the shop's time zone. The last day of `until` is included; hours that end earlier "
        "than they begin run over midnight."
    )
    grammar = """
        schedule_statement: "it is|it's|today is" day_names [hours] [dates] -> schedule
            | "it is|it's|today is" hours [dates] -> schedule_hours
            | "it is|it's|today is" dates -> schedule_dates
        day_names: day ((COMMA | LIST_OR) day)*
        day: ["a|an|the"] DAY
        hours: "between" TIME _AND TIME
        dates: "from|since" DATE -> dates_from
            | "until|before the end of" DATE -> dates_until
            | "from|since" DATE "until|to|till" DATE -> dates_both
    """
    examples = (
        "it is a Monday, Tuesday or Friday",
        "it is between 22:00 and 06:00",
        "it is a Saturday or Sunday between 09:30 and 17:00",
        "it is from 1 November 2026 until 31 March 2027",
        "it is a Friday until 24 December 2026",
    )
    synonyms = (
        "it's the weekend",
        "today is Friday",
        "it is between 9am and 5pm",
    )

    @classmethod
    def readers(cls) -> Readers:
        return {
            "schedule": _read,
            "schedule_hours": lambda words, hours, dates: _read(words, (), hours, dates),
            "schedule_dates": lambda words, dates: _read(words, (), None, dates),
            "day_names": lambda _, *days: tuple(
                day for each in days if isinstance(each, tuple) for day in each
            ),
            "day": lambda _, *parts: _days(next(part for part in parts if part is not None)),
            "hours": lambda _, first, joint, last=None: (
                _minute(first),
                _minute(last if last is not None else joint),
            ),
            "dates_from": lambda words, first: (_date(words, first), None),
            "dates_until": lambda words, last: (None, _last_day(words, last)),
            "dates_both": lambda words, first, last: (_date(words, first), _last_day(words, last)),
        }

    def __post_init__(self) -> None:
        if (self.from_minute is None) != (self.until_minute is None):
            msg = "`from_minute` and `until_minute` are given together"
            raise ValueError(msg)
        if not self.days and self.from_minute is None and self.from_at is None and self.until_at is None:
            msg = "a schedule needs days, hours or dates"
            raise ValueError(msg)
        minutes = [minute for minute in (self.from_minute, self.until_minute) if minute is not None]
        if not all(0 <= minute < MINUTES_A_DAY for minute in minutes) or len(set(minutes)) == 1:
            msg = "minutes of the day are 0 to 1439, and two different ones"
            raise ValueError(msg)
        if not all(0 <= day <= 6 for day in self.days) or tuple(sorted(set(self.days))) != self.days:
            msg = "days are 0 (Monday) to 6, each once, in order"
            raise ValueError(msg)

    def compile(self, vocabulary: Vocabulary) -> Check:
        zone = vocabulary.zone
        remembered = (0, 0, Finding(held=False))

        def check(situation: Situation) -> Finding:
            nonlocal remembered
            now = situation.now
            since, until, finding = remembered
            if not since <= now < until:
                held = self.holds(now, zone)
                change = self._next_change(now, zone)
                finding = Finding(held, (), 1.0 if held else 0.0, change)
                edge = change if change is not None else now + _LOOK_AHEAD_DAYS * 86_400_000
                remembered = (now, edge, finding)
            return finding

        return check

    def holds(self, now: int, zone: ZoneInfo) -> bool:
        """Whether a moment lies inside."""
        if self.from_at is not None and now < self.from_at:
            return False
        if self.until_at is not None and now >= self.until_at:
            return False
        local = datetime.fromtimestamp(now / SECOND, zone)
        minute = local.hour * 60 + local.minute
        if self.from_minute is not None and self.until_minute is not None:
            start, end = self.from_minute, self.until_minute
            inside = start <= minute < end if start < end else minute >= start or minute < end
            if not inside:
                return False
        return not self.days or local.weekday() in self.days

    def _next_change(self, now: int, zone: ZoneInfo) -> int | None:
        """The first moment at which it starts or stops to hold: among the edges of days, hours and dates."""
        held = self.holds(now, zone)
        edges = sorted(edge for edge in self._edges(now, zone) if edge > now)
        return next((edge for edge in edges if self.holds(edge, zone) != held), None)

    def _edges(self, now: int, zone: ZoneInfo) -> set[int]:
        edges = {edge for edge in (self.from_at, self.until_at) if edge is not None}
        for base in {now, *(edge for edge in edges if edge > now)}:
            day = datetime.fromtimestamp(base / SECOND, zone).replace(
                hour=0, minute=0, second=0, microsecond=0, fold=0
            )
            for _ in range(_LOOK_AHEAD_DAYS):
                edges.update(self._edges_of(day))
                day += timedelta(days=1)
        return edges

    def _edges_of(self, midnight: datetime) -> set[int]:
        minutes = [minute for minute in (0, self.from_minute, self.until_minute) if minute is not None]
        walls = [midnight.replace(hour=minute // 60, minute=minute % 60) for minute in minutes]
        found = {_ms(wall.replace(fold=fold)) for wall in walls for fold in (0, 1)}
        tomorrow = midnight + timedelta(days=1)
        if midnight.utcoffset() != tomorrow.utcoffset():
            found.add(_clock_change(_ms(midnight), _ms(tomorrow), midnight.tzinfo))  # type: ignore[arg-type]
        return found

    def clause(self, words: Words) -> str:
        parts = ["it is"]
        if self.days:
            parts.append(f"a {join_words([DAYS[day] for day in self.days])}")
        if self.from_minute is not None and self.until_minute is not None:
            parts.append(f"between {_clock(self.from_minute)} and {_clock(self.until_minute)}")
        zone = words.vocabulary.zone
        if self.from_at is not None:
            parts.append(f"from {describe_date(self.from_at, zone)}")
        if self.until_at is not None:
            parts.append(f"until {describe_last_day(self.until_at, zone)}")
        return " ".join(parts)

    def is_said_of_visitor(self, words: Words) -> bool:  # noqa: ARG002 - the same in every vocabulary
        return False

    def explain(self, finding: Finding, vocabulary: Vocabulary, now: int) -> str:  # noqa: ARG002 - the time says it all
        local = datetime.fromtimestamp(now / SECOND, vocabulary.zone)
        return f"{DAYS[local.weekday()]} {to_clock(now, now, vocabulary.zone)}"

    def needs(self, vocabulary: Vocabulary) -> Needs:  # noqa: ARG002 - it depends on the clock alone
        return Needs()


def _ms(when: datetime) -> int:
    return round(when.timestamp() * SECOND)


def _clock_change(low: int, high: int, zone: ZoneInfo) -> int:
    """The moment between two at which the zone's offset changes."""
    before = datetime.fromtimestamp(low / SECOND, zone).utcoffset()
    while high - low > 1:
        middle = (low + high) // 2
        if datetime.fromtimestamp(middle / SECOND, zone).utcoffset() == before:
            low = middle
        else:
            high = middle
    return high


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _days(token: Token) -> tuple[int, ...]:
    said = str(token).casefold()
    if "weekend" in said:
        return (5, 6)
    if "weekday" in said or "working" in said:
        return (0, 1, 2, 3, 4)
    return (next(index for index, day in enumerate(DAYS) if said.startswith(day[:3].casefold())),)


def _minute(token: Token) -> int:
    match = re.fullmatch(
        r"(\d{1,2})(?:[:.](\d{2}))?\s*(am|pm)?(?:\s*o'clock)?", str(token).strip(), re.IGNORECASE
    )
    hour, minute = (int(match[1]), int(match[2] or 0)) if match else (99, 0)
    half = (match[3] or "").casefold() if match else ""
    if half and 1 <= hour <= 12:
        hour = hour % 12 + (12 if half == "pm" else 0)
    if hour == 24 and minute == 0:
        return 0
    if hour > 23 or minute > 59:
        raise misread("", at_of(token), f"“{token}” is not a time of the day", ("9:00", "17:30"))
    return hour * 60 + minute


def _date(words: Words, token: Token) -> int:
    return read_inside(token, lambda text: parse_date(text, words.vocabulary.zone))


def _last_day(words: Words, token: Token) -> int:
    return read_inside(token, lambda text: parse_last_day(text, words.vocabulary.zone))


def _read(
    _: Words,
    days: Sequence[int],
    hours: tuple[int, int] | None,
    dates: tuple[int | None, int | None] | None,
) -> Schedule:
    start, end = hours if hours is not None else (None, None)
    since, until = dates if dates is not None else (None, None)
    try:
        return Schedule(
            days=tuple(sorted(set(days))), from_minute=start, until_minute=end, from_at=since, until_at=until
        )
    except (ValueError, msgspec.ValidationError) as error:
        raise misread("", 0, f"this time cannot be: {error}") from None
