"""Values inside an event's properties: finding them by path, judging their type, and reading them safely.

Whatever a stranger sends is read here: nothing raises, and what cannot be read is None.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation

from opportune.core.moment import from_iso

MAX_ITEMS = 50
"""Of a list inside an event so many items are looked at."""
MAX_MINOR_UNITS = 10**15
"""Money and numbers beyond this are nobody's order: they are held at it."""
EARLIEST_AT = 1_104_537_600_000
"""2005-01-01: an event said to be older is taken for a broken clock."""

_UNITS = (1, 10, 100, 1_000)
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_YES_NO = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}

DECIMALS: Mapping[str, int] = {
    **dict.fromkeys(
        ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV",
         "XAF", "XOF", "XPF"), 0,
    ),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}  # fmt: skip
"""Decimals of the currencies (ISO 4217) that do not have two."""


def find_values(properties: Mapping[str, object], paths: Iterable[Sequence[str]]) -> list[object]:
    """What stands at the first of these paths that holds anything; a list's items one by one, no nulls."""
    for path in paths:
        found: list[object] = [properties]
        for step in path:
            found = _step(found, step)
        if found:
            return found
    return []


def _step(values: Sequence[object], step: str) -> list[object]:
    found: list[object] = []
    for value in values:
        if step == "*":
            if isinstance(value, list):
                found.extend(item for item in value[:MAX_ITEMS] if item is not None)
        elif isinstance(value, dict):
            inner = value.get(step)
            if inner is not None:
                found.append(inner)
    return found


def has_type(value: object, type_name: str) -> bool:
    """Whether a value can be read as the plan's type; a list of such values can too."""
    if type_name == "list":
        return isinstance(value, list)
    if isinstance(value, list):
        return all(not isinstance(item, list) and has_type(item, type_name) for item in value)
    if type_name in ("number", "money"):
        return to_decimal(value) is not None
    if type_name == "yes/no":
        return to_yes_no(value) is not None
    if type_name == "moment":
        return to_moment(value) is not None
    return to_text(value) is not None


def mended(value: object) -> object:
    """The same value with NUL and half surrogate pairs, which no store takes, replaced by U+FFFD."""
    if isinstance(value, str):
        return _UNSTORABLE.sub("\ufffd", value)
    if isinstance(value, dict):
        return {mended(name): mended(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [mended(inner) for inner in value]
    return value


def to_text(value: object, limit: int = 200) -> str | None:
    """Text of at most `limit` characters; a number becomes text, as ids often are; else None."""
    if isinstance(value, str):
        return value[:limit] or None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, float) and value.is_integer() and abs(value) < MAX_MINOR_UNITS:
        value = int(value)
    try:
        return str(value)[:limit]
    except ValueError:  # an integer of more than 4,300 digits
        return None


def to_yes_no(value: object) -> bool | None:
    if isinstance(value, bool):
        return value
    return _YES_NO.get(str(value).lower()) if isinstance(value, str | int) and len(str(value)) < 6 else None


def to_decimal(value: object) -> Decimal | None:
    """A finite number, also one written as text (`"19.50"`, `"1,299.00"`)."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str) and len(value) > 40:
        return None
    if isinstance(value, int) and abs(value) > MAX_MINOR_UNITS:
        return Decimal(MAX_MINOR_UNITS if value > 0 else -MAX_MINOR_UNITS)
    try:
        number = Decimal(str(value).strip().replace(",", ""))
    except InvalidOperation:
        return None
    if not number.is_finite():
        return None
    return max(min(number, Decimal(MAX_MINOR_UNITS)), Decimal(-MAX_MINOR_UNITS))


def to_number(value: object) -> int | float | None:
    number = to_decimal(value)
    if number is None:
        return None
    return int(number) if number == number.to_integral_value() else float(number)


def to_minor_units(value: object, currency: str) -> int | None:
    """Money in the smallest unit of its currency: 19.5 EUR is 1950, 500 JPY is 500."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**9:  # the usual case
        return value * _UNITS[DECIMALS.get(currency, 2)]
    number = to_decimal(value)
    if number is None:
        return None
    amount = round(number * Decimal(10) ** DECIMALS.get(currency, 2))
    return max(min(amount, MAX_MINOR_UNITS), -MAX_MINOR_UNITS)


def to_currency(minor: int, foreign: str, rate: float, currency: str) -> int:
    """Minor units of one currency in those of another; `rate` is what one whole foreign unit is worth."""
    exponent = DECIMALS.get(currency, 2) - DECIMALS.get(foreign, 2)
    amount = round(minor * Decimal(str(rate)) * Decimal(10) ** exponent)
    return max(min(amount, MAX_MINOR_UNITS), -MAX_MINOR_UNITS)


def to_moment(value: object) -> int | None:
    """Milliseconds for ISO-8601 text, or a number of milliseconds or seconds since 1970 (also as text)."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        return _moment_of_text(value)
    if isinstance(value, int | float):
        number = to_decimal(value)
        return None if number is None else _moment_of_number(int(number))
    return None


def _moment_of_text(text: str) -> int | None:
    text = text.strip()
    if not 8 <= len(text) <= 40:
        return None
    if text[4] != "-" and len(text) > 8 and text.replace(".", "", 1).isdecimal():
        number = to_decimal(text)
        return None if number is None else _moment_of_number(int(number))
    try:
        return from_iso(text)
    except (ValueError, OverflowError):
        return None


def _moment_of_number(number: int) -> int:
    """Seconds have up to ten digits until the year 2286; milliseconds since 2005 have thirteen."""
    return number * 1_000 if abs(number) < EARLIEST_AT // 10 else number
