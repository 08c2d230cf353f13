"""Numbers in plain words: `2.1 of 100`, `between 3 % fewer and 31 % more`, `14 March 2027`."""

from __future__ import annotations

import re
from datetime import date, datetime
from math import isfinite
from zoneinfo import ZoneInfo

from opportune.core.language.phrases.date import MONTHS
from opportune.core.language.phrases.money import decimals, describe_money
from opportune.core.moment import SECOND

NOT_KNOWN = "not known"
_LONG = re.compile(r"\d{4,}")
TIMES_FROM = 10.0
"""Ten times as many: from here a percentage says less than a factor."""


def share_words(share: float) -> str:
    """`2.1 of 100`; what is rarer than that of 10,000."""
    if not isfinite(share):
        return NOT_KNOWN
    of_100 = share * 100
    if of_100 == 0 or abs(of_100) >= 0.05:
        return f"{_figures(of_100)} of 100"
    return f"{_figures(share * 10_000)} of 10,000"


def _figures(number: float) -> str:
    """One decimal while it tells something, none beyond."""
    shown = f"{number:,.1f}"
    return shown.removesuffix(".0") if abs(number) >= 100 or shown.endswith(".0") else shown


def number_words(number: float) -> str:
    """`3.4`, `1,204`."""
    if not isfinite(number):
        return NOT_KNOWN
    if number and abs(number) < 0.1:
        return f"{number:.3f}"
    return _figures(number) if abs(number) >= 10 else f"{number:.2f}".rstrip("0").rstrip(".")


def money_words(minor: float, currency: str) -> str:
    """`€1.93`, `€4,000`, from minor units, which a mean has fractions of."""
    if not isfinite(minor):
        return NOT_KNOWN
    return _LONG.sub(lambda figures: f"{int(figures[0]):,}", describe_money(round(minor), currency), count=1)


def value_words(value: float, unit: str, currency: str) -> str:
    """A metric's value in its own unit: `share`, `money` or `number`."""
    if unit == "share":
        return share_words(value)
    return money_words(value, currency) if unit == "money" else number_words(value)


def value_above_words(value: float, unit: str, currency: str) -> str:
    """A difference of two values, with its sign: `+0.4 of 100`."""
    words = value_words(abs(value), unit, currency)
    return words if words == NOT_KNOWN or not value else f"{'+' if value > 0 else '-'}{words}"


def percent_words(share: float) -> str:
    """`31 %`; below one percent with a decimal."""
    if not isfinite(share):
        return NOT_KNOWN
    percent = abs(share) * 100
    return f"{percent:.1f} %" if 0 < percent < 0.95 else f"{percent:,.0f} %"


def change_words(relative: float, *, is_money: bool = False) -> str:
    """`12 % more`, `3 % fewer`, `no change`, `11 times as much`."""
    if not isfinite(relative):
        return NOT_KNOWN
    if abs(relative) < 0.0005:
        return "no change"
    if relative >= TIMES_FROM:
        return f"{relative + 1:,.0f} times as {'much' if is_money else 'many'}"
    return f"{percent_words(relative)} {_direction(relative, is_money=is_money)}"


def _direction(relative: float, *, is_money: bool) -> str:
    return "more" if relative > 0 else "less" if is_money else "fewer"


def between_words(low: float, high: float, *, is_money: bool = False) -> str:
    """`between 3 % fewer and 31 % more`; a side is named once where both are on it."""
    if not (isfinite(low) and isfinite(high)):
        return NOT_KNOWN
    same_side = abs(low) < TIMES_FROM and abs(high) < TIMES_FROM and low * high > 0
    if same_side:
        near, far = sorted((low, high), key=abs)
        return f"between {percent_words(near)} and {percent_words(far)} {_direction(far, is_money=is_money)}"
    return f"between {change_words(low, is_money=is_money)} and {change_words(high, is_money=is_money)}"


def count_words(number: int, noun: str, plural: str = "") -> str:
    """`1 visitor`, `1,204 visitors`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def day_words(at: int, zone: ZoneInfo) -> str:
    """`14 March 2027`, whatever the hour."""
    return date_words(datetime.fromtimestamp(at / SECOND, zone).date())


def moment_words(at: int, zone: ZoneInfo) -> str:
    """`14 March 2027, 14:02`."""
    when = datetime.fromtimestamp(at / SECOND, zone)
    return f"{date_words(when.date())}, {when:%H:%M}"


def iso_day_words(day: str) -> str:
    """`14 March 2027` for `2027-03-14`."""
    return date_words(date.fromisoformat(day))


def date_words(day: date) -> str:
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def short_date_words(day: date) -> str:
    """`14 Mar`, where room is scarce."""
    return f"{day.day} {MONTHS[day.month - 1][:3]}"


def chance_words(p: float) -> str:
    """How often chance alone would do this: `1 time in 40`."""
    if not isfinite(p) or p >= 0.5:
        return "chance alone would often do this"
    if p < 0.001:
        return "chance alone would do this less than 1 time in 1,000"
    return f"chance alone would do this about 1 time in {1 / p:,.0f}"


def scaled(value: float, unit: str, currency: str) -> float:
    """A value as a picture's axis counts it: of 100, in whole money, or as it is."""
    if unit == "share":
        return value * 100
    return float(value / 10.0 ** decimals(currency)) if unit == "money" else value
