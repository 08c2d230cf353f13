"""A recorded decision that comes out differently when it is made again, with its cause."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

Cause = Literal[
    "a rule failed then", "a rule fails today", "everything was switched off then", "launched, paused or ramped since",
    "a rule waited for its first events", "asked in the name of an account not joined with the device",
    "the catalogue, or what all visitors did, changed since", "past events were read again since",
    "events were kept long enough and have left", "somebody was erased since", "unexplained",
]  # fmt: skip
UNEXPLAINED: Cause = "unexplained"
WORDS: Mapping[Cause, str] = {
    "a rule failed then": "deciding raised an error at the time, so the visitor got normal content",
    "a rule fails today": "deciding raises an error when it is done again",
    "everything was switched off then": "the everything-off switch was turned",
    "launched, paused or ramped since": "which rules are live, and for what share, is kept only as it is now",
    "a rule waited for its first events": "a rule of this place waits until events it needs were seen once",
    "asked in the name of an account not joined with the device": "whose account it was is not kept with the question",
    "the catalogue, or what all visitors did, changed since": "of products only today's facts and counts are kept",
    "past events were read again since": "a later playbook declared anew what events carry",
    "events were kept long enough and have left": "the retention setting let them go",
    "somebody was erased since": "what was erased cannot be read again",
    "unexplained": "this should not happen: please report it",
}


class Difference(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One recorded decision that comes out differently when it is made again."""

    at: str
    slot: str
    visitor: str
    logged: str
    again: str
    cause: Cause
    words: str
