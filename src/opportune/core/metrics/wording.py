"""How words end in metrics: `a visitor`, `per visit`, `each order`."""

from __future__ import annotations

import re

_EACH = r"\s+(?:an?|per|each|every)\s+"
A_VISITOR = re.compile(rf"(.+?){_EACH}(?:visitor|person|customer)", re.IGNORECASE)
A_VISIT = re.compile(rf"(.+?){_EACH}(?:visit|session)", re.IGNORECASE)
AN_ORDER = re.compile(rf"(.+?){_EACH}(?:order|purchase)", re.IGNORECASE)
A_PAGE = re.compile(rf"(.+?){_EACH}(?:page|page view)", re.IGNORECASE)


def without_end(phrase: str, end: re.Pattern[str]) -> str:
    """What stands before such an end; empty where the phrase does not end so."""
    found = end.fullmatch(phrase.strip())
    return found[1].strip() if found else ""
