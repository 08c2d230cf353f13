"""Reach: how far back a decision looks, and conditions that ask for more than it can see."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from opportune.core.history.plan import TELEMETRY, EventClass, Plan
from opportune.core.moment import DAY

if TYPE_CHECKING:
    from opportune.core.conditions.base import Condition
    from opportune.core.language.vocabulary import Vocabulary

CLASS_BOUNDS: Mapping[EventClass, tuple[int, int | None]] = {0: (200, None), 1: (500, 90)}
"""What a decision reads of each class and key: at most so many events, no older than so many days."""


def class_of(event: str, plan: Plan) -> EventClass:
    """The class of an event; one that nobody declared is behaviour."""
    declared = plan.events.get(event)
    return declared.event_class if declared is not None else 1


def horizon_ms(event: str, plan: Plan) -> int | None:
    """How far back events of this name are read; None: whatever their age."""
    days = CLASS_BOUNDS.get(class_of(event, plan), (0, None))[1]
    return days * DAY if days is not None else None


def is_readable(event: str, plan: Plan) -> bool:
    """Whether decisions read events of this name at all."""
    return class_of(event, plan) != TELEMETRY


def reach_problems(condition: Condition, vocabulary: Vocabulary) -> list[str]:
    """What a condition asks that no decision can answer, each with what would be right."""
    return list(dict.fromkeys(condition.problems(vocabulary)))
