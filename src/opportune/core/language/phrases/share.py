"""Shares of visitors: `20%`, `1 in 10`, `half`; kept as an integer of 10,000."""

from __future__ import annotations

import re
from decimal import Decimal

from opportune.core.language.phrases.wording import misread, number_of, squeezed

WHOLE = 10_000
_NAMED = {
    "half": 5_000, "a half": 5_000, "one half": 5_000, "a third": 3_333, "one third": 3_333, "a quarter": 2_500,
    "one quarter": 2_500, "a fifth": 2_000, "a tenth": 1_000, "everyone": WHOLE, "everybody": WHOLE, "all": WHOLE,
    "nobody": 0, "no one": 0, "none": 0,
}  # fmt: skip
_EXAMPLES = ("20%", "1 in 10", "half")


def parse_share(text: str) -> int:
    """Of 10,000; raises SentenceError."""
    words = squeezed(text)
    if words in _NAMED:
        return _NAMED[words]
    percent = re.fullmatch(r"(\d+(?:\.\d+)?) ?(?:%|percent|per cent)", words)
    if percent:
        return _checked(text, Decimal(percent[1]) * 100)
    ratio = re.fullmatch(r"(\w+) (?:in|of|out of) (?:every )?(\w+)", words)
    if ratio:
        part, whole = number_of(ratio[1]), number_of(ratio[2].replace(",", ""))
        if part is not None and whole:
            return _checked(text, round(Decimal(WHOLE) * Decimal(part) / Decimal(whole)))
    raise misread(text, 0, f"“{text.strip()}” is not a share of visitors", _EXAMPLES)


def _checked(text: str, share: Decimal | int) -> int:
    if share != int(share):
        raise misread(text, 0, f"“{text.strip()}” is finer than a hundredth of a percent", _EXAMPLES)
    if not 0 <= share <= WHOLE:
        raise misread(text, 0, f"“{text.strip()}” is more than everyone", _EXAMPLES)
    return int(share)


def describe_share(share: int) -> str:
    """`20%`."""
    return f"{f'{share / 100:.2f}'.rstrip('0').rstrip('.')}%"


def describe_ratio(share: int) -> str:
    """`1 in 10` where that is exact, else `33.33%`."""
    return (
        f"1 in {WHOLE // share}" if share and WHOLE % share == 0 and share < WHOLE else describe_share(share)
    )
