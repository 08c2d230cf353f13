"""Money: `€50`, `50 EUR`, `EUR 50.00`; always in the one reporting currency, kept as integer minor units."""

from __future__ import annotations

import re
from decimal import Decimal

from opportune.core.history.values import DECIMALS
from opportune.core.language.phrases.wording import misread

SYMBOLS = {
    "€": "EUR",
    "$": "USD",
    "£": "GBP",
    "¥": "JPY",
    "₹": "INR",
    "₩": "KRW",
    "₺": "TRY",
    "₽": "RUB",
    "zł": "PLN",
    "kč": "CZK",
}
_AMOUNT = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
_SIGN = "|".join([re.escape(symbol) for symbol in SYMBOLS] + ["euros?", "dollars?", "pounds?"])
_NAMES = {"euro": "EUR", "euros": "EUR", "dollar": "USD", "dollars": "USD", "pound": "GBP", "pounds": "GBP"}


def pattern(currency: str) -> str:
    """Money anywhere in a sentence: an amount with a sign, a name or the code (matched without regard to case)."""
    unit = rf"(?:{_SIGN}|{re.escape(currency)})"
    return rf"-?(?:{unit}\s*(?:{_AMOUNT})|(?:{_AMOUNT})\s*{unit}(?!\w))"


def decimals(currency: str) -> int:
    """How many decimals its minor unit has."""
    return DECIMALS.get(currency.upper(), 2)


def parse_money(text: str, currency: str) -> int:
    """Minor units of an amount, with or without a currency sign; another currency raises SentenceError."""
    stripped = text.strip()
    match = re.fullmatch(rf"(-?)\s*([^\d\s.,-]*)\s*(-?)({_AMOUNT})\s*([^\d\s.,]*)", stripped)
    if not match:
        raise misread(text, 0, f"“{stripped}” is not an amount of money", (describe_money(5_000, currency),))
    sign = "-" if "-" in (match[1], match[3]) else ""
    unit = match[2] or match[5]
    code = SYMBOLS.get(unit.casefold()) or _NAMES.get(unit.casefold()) or unit.upper() or currency
    if code.upper() != currency.upper():
        raise misread(
            text,
            0,
            f"“{stripped}” is not in {currency}, in which this shop counts",
            (describe_money(5_000, currency),),
        )
    minor = Decimal(sign + match[4].replace(",", "")).scaleb(decimals(currency))
    if minor != minor.to_integral_value():
        raise misread(
            text,
            0,
            f"“{stripped}” has more decimals than {currency}",
            (describe_money(int(minor), currency),),
        )
    return int(minor)


def describe_money(minor: int, currency: str) -> str:
    """`€50`, `€49.90`, or with the code where the currency has no sign of its own."""
    places = decimals(currency)
    amount = f"{Decimal(abs(minor)).scaleb(-places):.{places}f}"
    whole, _, cents = amount.partition(".")
    figures = amount if cents.strip("0") else whole
    symbol = next((sign for sign, code in SYMBOLS.items() if code == currency.upper() and len(sign) == 1), "")
    words = f"{symbol}{figures}" if symbol else f"{figures} {currency}"
    return f"-{words}" if minor < 0 else words
