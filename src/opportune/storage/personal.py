"""The values in which a person's things are asked for, handed over and taken out of a store."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import msgspec

from opportune.core.history.link import Link
from opportune.core.history.plan import EventClass
from opportune.core.situation import Assignment, Trait
from opportune.storage.person import WHOLE, Stretch, joined, without


class Share(msgspec.Struct, frozen=True):
    """What of a key is one person's: records with `first <= seq < end` of one of the stretches."""

    key: int
    stretches: tuple[Stretch, ...] = WHOLE

    @property
    def is_whole(self) -> bool:
        return self.stretches == WHOLE

    def holds(self, seq: int) -> bool:
        return any(first <= seq < end for first, end in self.stretches)


def shares_of(
    persons: Iterable[int], keys: Iterable[int], links_of: Callable[[int], Sequence[Link]]
) -> list[Share]:
    """What these persons have of these keys. A key that nobody else has a stretch of is theirs whole."""
    theirs = frozenset(persons)
    return [Share(key, _stretches(key, links_of(key), theirs)) for key in keys]


def _stretches(key: int, links: Sequence[Link], persons: frozenset[int]) -> tuple[Stretch, ...]:
    known = [link for link in links if link.is_in_force]
    others = [(link.from_seq, link.to_seq) for link in known if link.person not in persons]
    if not others:
        return WHOLE
    if key in persons:
        return without(others)
    return joined((link.from_seq, link.to_seq) for link in known if link.person in persons)


class Erasure(msgspec.Struct, frozen=True, kw_only=True):
    """That the person behind a key or an address was erased; `lane` is the key's."""

    lane: int
    mark: str
    erased_at: int
    is_unsubscribed: bool = False
    dropped: int = 0
    """How many events arrived late and were dropped."""


class ErasedUnits(msgspec.Struct, frozen=True):
    """So many visitors of an arm were erased: counts of the test are lower by them."""

    experiment: str
    phase: int
    arm: str
    count: int


class KeptEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A stored event, whole; `until_seq` where a better version replaced it."""

    seq: int
    key: int
    event_class: EventClass
    name: str
    source: str
    occurred_at: int
    until_seq: int | None
    body: bytes


class KeptTrait(msgspec.Struct, frozen=True, kw_only=True):
    """A trait as it was asserted; `until_seq` where another one replaced it."""

    key: int
    seq: int
    name: str
    trait: Trait
    until_seq: int | None = None


class KeptAssignment(msgspec.Struct, frozen=True):
    """An arm a key was given."""

    seq: int
    assignment: Assignment


_decoder = msgspec.json.Decoder(Erasure)
_encode = msgspec.json.Encoder().encode


def write_list(erasures: Iterable[Erasure]) -> bytes:
    """A line of JSON each."""
    return b"".join(_encode(each) + b"\n" for each in erasures)


def read_list(text: bytes) -> list[Erasure]:
    """What `write_list` wrote; a last line that was not written to its end is passed over. Raises ValueError."""
    return [_decoder.decode(line) for line in text.splitlines(keepends=True) if line.endswith(b"\n")]
