"""Placing: decisions for the page script, which asks on one page for the next.

A place that stands on one path only is decided as if the visitor were looking at that page already.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from opportune.core.decision import Decision
from opportune.core.placement import OnPage, assumed_path, on_page
from opportune.core.programme import Programme
from opportune.core.situation import Situation
from opportune.core.visitor.context import on_path


def assume_pages(programme: Programme, names: Sequence[str], situation: Situation) -> Mapping[str, Situation]:
    """By place, where it is another one than asked for: the same visitor, looking at the place's own page."""
    found: dict[str, Situation] = {}
    by_path: dict[str, Situation] = {}
    for name in names:
        place = programme.places.get(name)
        path = assumed_path(place.slot) if place is not None else ""
        if path and path != situation.context.page_path:
            if path not in by_path:
                context = on_path(situation.context, path)
                by_path[path] = msgspec.structs.replace(situation, context=context, readings={}, findings={})
            found[name] = by_path[path]
    return found


def place(decision: Decision, situation: Situation, programme: Programme) -> OnPage | None:
    """Where the decision stands on the page and how it is put there; None for what stands on no page."""
    known = programme.places.get(decision.slot)
    if known is None:
        return None
    return on_page(
        known.slot,
        decision.value,
        outcome=decision.outcome,
        page_types=known.page_types,
        page_type=situation.context.page_type,
    )
