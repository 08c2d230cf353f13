"""Equalities inside a condition, so that a slot with very many rules can look them up instead of asking each."""

from __future__ import annotations

from opportune.core.conditions.base import Condition
from opportune.core.signals.base import SignalValue


def equality_of(condition: Condition) -> tuple[str, SignalValue] | None:
    """A (signal, value) that must be equal for the condition to hold, or None when it needs none."""
    equality = getattr(condition, "equality", None)
    if equality is not None:
        found: tuple[str, SignalValue] | None = equality()
        return found
    return None
