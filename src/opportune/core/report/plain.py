"""Numbers in plain words: `2.1 of 100`, `€1.93`, `14 March 2027`."""

from __future__ import annotations

import re
from datetime import date, datetime
from math import isfinite
from zoneinfo import ZoneInfo

from opportune.core.language.phrases.date import MONTHS
from opportune.core.language.phrases.money import decimals, describe_money
from opportune.core.moment import SECOND
from opportune.core.moved import NOT_KNOWN

OFTEN = "often"
_LONG = re.compile(r"\d{4,}")


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
    """What a p-value says: `chance alone would do this about 1 time in 40`."""
    often = often_words(p)
    return f"chance alone would {'often do this' if often == OFTEN else f'do this {often}'}"


def often_words(p: float) -> str:
    """How often chance alone does what has this p-value: `about 1 time in 40`."""
    if not isfinite(p) or p >= 0.5:
        return OFTEN
    return f"about 1 time in {1 / p:,.0f}" if p >= 0.001 else "less than 1 time in 1,000"


def scaled(value: float, unit: str, currency: str) -> float:
    """A value as a picture's axis counts it: of 100, in whole money, or as it is."""
    if unit == "share":
        return value * 100
    return float(value / 10.0 ** decimals(currency)) if unit == "money" else value
