"""Refill due: what they bought and is probably used up, by their own rhythm, else by everybody's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING

from opportune.core.history.plan import Plan
from opportune.core.history.standard_plan import STANDARD_PLAN
from opportune.core.moment import DAY
from opportune.core.recommending.base import Pick, Recommender
from opportune.core.recommending.shelf import Shelf
from opportune.core.signals.base import texts_of
from opportune.core.signals.purchase import Purchases

if TYPE_CHECKING:
    from opportune.core.situation import Situation

EARLY = 0.9
"""Of the usual time: a parcel takes a day or two."""
LATE = 3.0
"""After so many times the usual time they buy it elsewhere, or not any more."""
SHORTEST_DAYS = 1.0
"""Two orders of one day are one need."""


class RefillDue(Recommender):
    name = "refill due"
    meaning = "What they bought before and probably need again now, the most overdue first."
    examples = ("refill due, 2, in stock",)

    def __init__(self, plan: Plan = STANDARD_PLAN) -> None:
        super().__init__(plan)
        self._orders = Purchases(plan)

    def recommend(self, about: Sequence[str], situation: Situation, shelf: Shelf) -> Iterator[Pick]:  # noqa: ARG002 - the history tells
        due = []
        for product, moments in self._bought(situation).items():
            days = usual_days(moments) or shelf.counters.usual_days(product)
            if days is None:
                continue
            passed = (situation.now - moments[0]) / DAY
            if EARLY * days <= passed <= LATE * days:
                due.append((passed / days, product, round(days)))
        due.sort(key=lambda each: (-each[0], each[1]))
        return (Pick(product, ("bought again after days", "", days)) for _, product, days in due)

    def _bought(self, situation: Situation) -> dict[str, list[int]]:
        """By product: when it was bought, newest first."""
        found: dict[str, list[int]] = {}
        for order in self._orders.orders(situation):
            for product in dict.fromkeys(texts_of(order.facts.get("product"))):
                found.setdefault(product, []).append(order.occurred_at)
        return found


def gaps_of(moments: Sequence[int]) -> list[float]:
    """Days between orders of one product, given newest first."""
    days = ((newer - older) / DAY for newer, older in pairwise(moments))
    return [gap for gap in days if gap >= SHORTEST_DAYS]


def usual_days(moments: Sequence[int]) -> float | None:
    gaps = gaps_of(moments)
    return median(gaps) if gaps else None
