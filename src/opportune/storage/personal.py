"""What of a store is a person's: every table by name, with what becomes of it when somebody is erased.

A test walks the tables of both databases and fails when one is missing here. Also the values in which a person's
things are asked for and taken out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from opportune.core.history.link import Link
from opportune.core.history.plan import EventClass
from opportune.core.situation import Assignment, Trait
from opportune.storage.person import WHOLE, Stretch, joined, without

PERSONAL: Mapping[str, str] = {
    "events": "timeline rows",
    "bodies": "whole events",
    "traits": "customer details",
    "past_traits": "customer details as they were",
    "opportunities": "places asked for",
    "exposures": "what was decided and shown",
    "receipts": "why; part of exposures in PostgreSQL",
    "assignments": "arms of tests",
    "business_keys": "which event carries an order number",
    "links": "which key is whose",
    "person_keys": "the same by person",
    "persons": "everybody written about",
    "keys": "the ids themselves",
    "met": "devices asked for once",
    "set_aside": "events that could not be taken; found by the ids and addresses in them",
    "audit": "operators' acts; those that name an id keep the act and lose the id",
}
"""Tables that hold a person's things: nothing of theirs stays in any of them."""

KEPT_OF_ERASED: Mapping[str, str] = {
    "erasures": "keyed hashes with a date, so that what arrives late is dropped and who unsubscribed stays so",
    "erased_units": "how many visitors of each arm were erased",
    "erased_totals": "what their events had added to days' totals",
    "erased_days": "what they had added to tests, as sums by day",
}
"""What an erasure leaves on purpose. Nobody can be found by it without the installation's secret."""

IMPERSONAL: Mapping[str, str] = {
    "totals": "sums by day and event; they stay, as they name nobody",
    "changes": "the same, waiting to be added up",
    "measured": "when tests were measured",
    "measured_days": "what tests came to, as sums by day",
    "seen_events": "names of events",
    "consent_days": "visits of a day by what they agreed to; sums that name nobody",
    "products": "the shop's catalogue",
    "product_pairs": "which products go together, over all visitors",
    "product_counts": "how often products were viewed and bought, over all visitors",
    "recounts": "when those were counted",
    "playbooks": "rules; `previewers` in team.yaml are staff, and go with a publish",
    "run_states": "whether rules act",
    "experiments": "how tests are designed, and their course",
    "learnings": "what tests taught, in sums",
    "notes": "what was switched off by itself, and warnings",
    "rule_counts": "what became of rules' answers by the hour; sums that name nobody",
    "settings": "of operators; and who is to be erased, until they are",
    "api_keys": "of operators",
    "counters": "numbers of the store",
    "leases": "running servers",
    "layout": "steps taken",
    "sqlite_sequence": "SQLite's own numbers",
}
"""Tables in which no visitor can be."""


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
