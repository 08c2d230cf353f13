"""What every recommender is: a name in the words of a playbook, and a ranking with a reason for each product."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar

import msgspec

from opportune.core.history.plan import Plan
from opportune.core.history.standard_plan import STANDARD_PLAN
from opportune.core.recommending.shelf import Shelf

if TYPE_CHECKING:
    from opportune.core.situation import Situation

Reason = tuple[str | int, ...]
"""What it rests on, the product or category it is about, and how often that was seen: `("bought with", "tent", 7)`."""


class Pick(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A product's id, as events or the catalogue name it."""

    product: str
    reason: Reason = ()


class Recommender:
    """A member of the family. `recommend` ranks; what is for sale, wanted and new is looked at by who asks."""

    name: ClassVar[str]
    lead: ClassVar[str] = ""
    """The words before what the list is about; empty where it is about nothing but the visitor."""
    is_about_needed: ClassVar[bool] = False
    meaning: ClassVar[str]
    examples: ClassVar[tuple[str, ...]]

    def __init__(self, plan: Plan = STANDARD_PLAN) -> None:
        self.plan = plan

    def recommend(self, about: Sequence[str], situation: Situation, shelf: Shelf) -> Iterator[Pick]:
        """Best first, as many as there are; `about` holds names of categories or ids of products."""
        raise NotImplementedError
