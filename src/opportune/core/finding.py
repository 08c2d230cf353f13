"""A finding: what one condition found out, with the facts that made it so. It travels inside the answer."""

from __future__ import annotations

import msgspec

Plain = str | int | float | bool | list[str] | None


class Finding(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """True or false, and why.

    `facts` are plain values whose places only the condition that made them knows; its `explain`
    turns them into words when somebody asks. `near` says how much of the way there is behind us,
    0 to 1 (1 when held). `holds_until` is the earliest moment this could change without a new
    event, or None. `parts` are the findings of the conditions inside `all`, `any` and `not`.
    """

    held: bool
    facts: tuple[Plain, ...] = ()
    near: float = 0.0
    holds_until: int | None = None
    parts: tuple[Finding, ...] = ()
