"""Waiting: which events a rule's condition depends on that this installation has never seen.

Instrument first: "added to cart and has not bought" is true for everybody while nobody sends orders.
"""

from __future__ import annotations

from collections.abc import Mapping

from opportune.core.conditions.any import Any
from opportune.core.conditions.base import Condition, Needs
from opportune.core.history.plan import Plan
from opportune.core.language.vocabulary import Vocabulary
from opportune.core.signals import readers
from opportune.core.signals.base import Signal
from opportune.core.situation import Situation

LONG_AGO = 0


def missing_events(condition: Condition, vocabulary: Vocabulary, seen: frozenset[str]) -> tuple[str, ...]:
    """Events the condition waits for, by name; empty when it can be answered.

    A choice (`or`) is answered as soon as one of its branches can be, unless a branch that cannot be
    would hold for somebody without any events: that is the mistake waiting is there to prevent.
    """
    if not isinstance(condition, Any):
        return _missing(condition.needs(vocabulary), vocabulary.plan, vocabulary.signals, seen)
    branches = [(branch, missing_events(branch, vocabulary, seen)) for branch in condition.conditions]
    waiting = [(branch, missing) for branch, missing in branches if missing]
    if len(waiting) < len(branches):
        waiting = [(branch, missing) for branch, missing in waiting if _holds_for_nobody(branch, vocabulary)]
    return tuple(sorted({name for _, missing in waiting for name in missing}))


def _holds_for_nobody(condition: Condition, vocabulary: Vocabulary) -> bool:
    """Whether it holds for a visitor of whom nothing at all is known."""
    nobody = Situation(now=LONG_AGO, readers=readers(vocabulary.plan))
    return condition.compile(vocabulary)(nobody).held


def _missing(
    needs: Needs, plan: Plan, signals: Mapping[str, Signal], seen: frozenset[str]
) -> tuple[str, ...]:
    """Of a condition's events all are needed; of a signal's one is enough."""
    missing = [name for name in sorted(needs.events) if not seen.intersection(plan.names_of(name))]
    for name in sorted(needs.signals):
        events = signals[name].events if name in signals else ()
        if events and not any(seen.intersection(plan.names_of(event)) for event in events):
            missing.extend(event for event in events[:1] if event not in missing)
    return tuple(missing)
