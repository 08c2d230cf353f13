"""The shelf: all that recommending reads besides the visitor, that is the counters and what is for sale."""

from __future__ import annotations

from collections.abc import Sequence

from opportune.core.catalogue import EMPTY_CATALOGUE, Catalogue
from opportune.core.recommending.counters import Counters


class Shelf:
    """Best sellers of a category are sorted once for each version of counters and catalogue."""

    __slots__ = ("_best", "catalogue", "counters")

    def __init__(self, counters: Counters | None = None, catalogue: Catalogue = EMPTY_CATALOGUE) -> None:
        self.counters = counters if counters is not None else Counters()
        self.catalogue = catalogue
        self._best: dict[str, tuple[int, Sequence[str]]] = {}

    def best_in(self, category: str) -> Sequence[str]:
        version = self.counters.version
        known = self._best.get(category)
        if known is None or known[0] != version:
            ids = self.catalogue.in_category(category)
            known = self._best[category] = (version, self.counters.best_of(ids))
        return known[1]
