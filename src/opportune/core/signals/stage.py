"""The stage: where in their life with the shop a visitor is, by the playbook's ordered list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from opportune.core.signals.base import NOTHING, Reading, Signal

if TYPE_CHECKING:
    from opportune.core.conditions.base import Check
    from opportune.core.situation import Situation


class StageSignal(Signal):
    """The first stage whose condition holds; not known while none does."""

    name = "stage"
    type = "text"
    source = "event"
    confidence = "high"
    meaning = "The first stage of stages.yaml whose condition holds for them."

    def __init__(self, stages: Sequence[tuple[str, Check]] = ()) -> None:
        super().__init__()
        self.stages = tuple(stages)

    def read(self, situation: Situation) -> Reading:
        situation.readings.setdefault(self.name, NOTHING)  # a stage that asks for the stage finds none
        for name, check in self.stages:
            if check(situation).held:
                return Reading(name, "event", "high", situation.now)
        return NOTHING


def stage_signal(stages: Sequence[tuple[str, Check]] = ()) -> Signal:
    """The signal for one playbook's stages: (name, check) in their order; without any it knows nothing."""
    return StageSignal(stages)
