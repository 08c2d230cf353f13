"""What a shop keeps sending and nothing asks for: customer details, and events that are no part of the standard."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from opportune.core.forewarnings.base import Ahead, Forewarning, Kind, Warned
from opportune.core.history.standard_plan import STANDARD_PLAN
from opportune.core.playbook import Playbook
from opportune.core.traffic.signal_use import events_needed, uses_of

CONTACT = frozenset(
    {"email", "phone", "name", "first name", "last name", "firstName", "lastName", "first_name", "last_name"}
)
"""Kept to write to somebody, not to decide by."""


class Unused(Forewarning):
    kind: ClassVar[Kind] = "nobody uses it"
    meaning: ClassVar[str] = "A customer detail or an event of your own comes in, and nothing asks for it."

    def look(self, ahead: Ahead) -> Iterator[Warned]:
        yield from self._details(ahead)
        yield from self._events(ahead)

    def _details(self, ahead: Ahead) -> Iterator[Warned]:
        sample, vocabulary = ahead.sample, ahead.playbook.vocabulary
        uses = uses_of(ahead.playbook)
        kept = {name for name in sample.known if name not in vocabulary.signals}
        for name in sorted(kept | set(vocabulary.attributes)):
            if name not in uses and name not in CONTACT:
                share = sample.known[name] / max(1, sample.read)
                what = f"it is kept of {share:.0%} of visitors"
                yield self._warned(f"customer detail {name}", what, sample.known[name])

    def _events(self, ahead: Ahead) -> Iterator[Warned]:
        playbook, needed = ahead.playbook, events_needed(ahead.playbook)
        for name, count in sorted(ahead.came.items()):
            is_needed = name in needed or playbook.plan.current_name(name) in needed
            if not is_needed and _is_own(name, playbook):
                yield self._warned(f"event {name}", f"{count:,} came so far", count)

    def _warned(self, where: str, what: str, count: int) -> Warned:
        return Warned(
            kind=self.kind,
            where=where,
            what=f"{what}, and no rule, stage, text or test asks for it",
            why="what is not used need not be kept: less to protect, less to explain",
            right="stop sending it, or use it",
            count=count,
        )


def _is_own(name: str, playbook: Playbook) -> bool:
    """Not of the standard plan, which reports and set-up read too."""
    declared = playbook.plan.events.get(name)
    return name not in STANDARD_PLAN.events and (declared is None or not declared.says)
