"""A playbook: everything a team has written, checked, as one immutable value with a revision."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from opportune.core.history.plan import Plan
from opportune.core.language.vocabulary import Vocabulary
from opportune.core.rule import Rule
from opportune.core.slot import Slot, slot_id
from opportune.core.stage import Stage
from opportune.core.team import Team


class Playbook(msgspec.Struct, frozen=True, kw_only=True):
    """One revision. `revision` is 12 hex digits of SHA-256 over the files' texts."""

    revision: str
    team: Team
    plan: Plan
    vocabulary: Vocabulary
    slots: Mapping[str, Slot]
    """By their name on the wire (`home-hero`)."""
    rules: Mapping[str, Rule]
    stages: tuple[Stage, ...] = ()
    behaviours: Mapping[str, str] = msgspec.field(default_factory=dict)
    """By rule: hash of what changes its behaviour (condition, actions and their content, test, limits)."""

    def find_slot(self, text: str) -> Slot | None:
        """A slot by its name on the wire or on the screen."""
        return self.slots.get(text) or self.slots.get(slot_id(text))
