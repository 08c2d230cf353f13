"""JSON as strangers send it, for what msgspec refuses: lone surrogates, numbers beyond any range.

Slower than msgspec, and its errors know line and column.
"""

from __future__ import annotations

import json
from typing import Any, NoReturn

from opportune.errors import BrokenJsonError

LARGEST_NUMBER = 1.7976931348623157e308


def parse_leniently(body: bytes) -> Any:
    """Plain Python values. Raises BrokenJsonError with the place."""
    if not body.strip():
        raise BrokenJsonError(wrong="it is empty")
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        raise BrokenJsonError(wrong=f"byte {fault.start} is not UTF-8") from fault
    try:
        return json.loads(text, parse_int=_integer, parse_float=_fraction, parse_constant=_no_number)
    except json.JSONDecodeError as fault:
        where = f"at line {fault.lineno}, column {fault.colno}"
        raise BrokenJsonError(wrong=f"{fault.msg[0].lower()}{fault.msg[1:]} {where}") from fault
    except RecursionError as fault:
        raise BrokenJsonError(wrong="it is nested too deeply") from fault


def _integer(text: str) -> int | float:
    return int(text) if len(text) < 20 else _fraction(text)


def _fraction(text: str) -> float:
    number = float(text)
    return max(min(number, LARGEST_NUMBER), -LARGEST_NUMBER)


def _no_number(text: str) -> NoReturn:
    raise BrokenJsonError(wrong=f"{text} is not a JSON number")
