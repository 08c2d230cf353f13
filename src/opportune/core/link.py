"""Links: which person a key's events belong to, over which stretch of the log, as known when.

A person is a set of linked keys and is named by an integer: its user key, or for a visitor nobody
knows, the device key itself. Events are never re-keyed; a merge is a row, an undo closes it.
"""

from __future__ import annotations

import msgspec

FOREVER = 2**62
"""The open end of a stretch of `seq`."""


class Link(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Events of `key` with `from_seq <= seq < to_seq` are `person`'s, known from `since_seq` until `until_seq`."""

    key: int
    person: int
    from_seq: int = 0
    to_seq: int = FOREVER
    since_seq: int = 0
    until_seq: int = FOREVER

    def is_known(self, as_of: int) -> bool:
        return self.since_seq <= as_of < self.until_seq

    def owns(self, seq: int) -> bool:
        return self.from_seq <= seq < self.to_seq
