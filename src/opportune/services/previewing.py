"""Previewing: a signed, short-lived word that lets one browser see rules in preview, and enter no test.

It travels in the address of the shop's own pages (`?o_preview=...`), to somebody's phone.
"""

from __future__ import annotations

import hmac
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from opportune.core.moment import HOUR, SECOND
from opportune.errors import BadRequestError
from opportune.services.house import House

LIFE_MS = 2 * HOUR
PARAMETER = "o_preview"
MAC_CHARS = 24
LONGEST = 64
_PURPOSE = b"preview"


def make_preview(house: House) -> str:
    """The word: when it ends, in seconds, and a keyed hash of that."""
    return _signed(house, (house.clock() + LIFE_MS) // SECOND)


def is_preview(house: House, word: object) -> bool:
    """Whether it is ours and has not ended."""
    if not isinstance(word, str) or len(word) > LONGEST:
        return False
    until, _, _ = word.partition(".")
    if not until.isascii() or not until.isdecimal() or int(until) * SECOND <= house.clock():
        return False
    return hmac.compare_digest(_signed(house, int(until)).encode(), word.encode("utf-8", "surrogatepass"))


def preview_link(house: House, page: str) -> str:
    """A page of the shop with the word in its address. Raises BadRequestError for what is no page's address."""
    try:
        parts = urlsplit(page)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise BadRequestError(wrong=f"{page!r} is no page of a shop, such as https://yourshop.com/.")
    query = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] != PARAMETER]
    query.append((PARAMETER, make_preview(house)))
    return urlunsplit(parts._replace(path=parts.path or "/", query=urlencode(query), fragment=""))


def _signed(house: House, until: int) -> str:
    mac = hmac.digest(house.secret, _PURPOSE + str(until).encode(), "sha256").hex()
    return f"{until}.{mac[:MAC_CHARS]}"
