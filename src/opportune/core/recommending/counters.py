"""Counters: what all visitors together did with products, in memory and ready to be asked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from heapq import nlargest
from operator import itemgetter

from opportune.core.recommending.counting import Basis, Counted

NEAREST = 50
"""Neighbours a product keeps; more never changed an answer."""
ONCE = 0.6
"""What happened once may be chance, and counts for less."""
LEAST_TIMES = 2
"""Before a rhythm of buying again is believed."""
WORTH: dict[Basis, float] = {"bought": 1.0, "carted": 0.1, "viewed": 0.01}
"""Of best sellers: about as many views as carts and carts as orders make one order of a shop."""

_weight = itemgetter(1)


class Counters:
    """Written by one thread while others read: what is read is always replaced whole."""

    def __init__(self, made_at: int = 0) -> None:
        """`made_at`: the recount that they go on from (ms)."""
        self.made_at = made_at
        self.version = 0
        self._pairs: dict[tuple[str, Basis], dict[str, tuple[float, int]]] = defaultdict(dict)
        self._near: dict[tuple[str, Basis], tuple[tuple[str, float], ...]] = {}
        self._products: dict[tuple[str, Basis], tuple[float, int]] = {}
        self._scores: dict[str, float] = defaultdict(float)
        self._best: tuple[str, ...] = ()

    def take_over(self, counted: Counted, version: int) -> None:
        """What is counted in all of some pairs and products, instead of what was known of them."""
        touched = set()
        for pair in counted.pairs:
            weight = pair.weight if pair.times > 1 else pair.weight * ONCE
            self._pairs[pair.product, pair.basis][pair.other] = (weight, pair.times)
            touched.add((pair.product, pair.basis))
        for place in touched:
            known = self._pairs[place]
            weights = ((other, weight) for other, (weight, _) in known.items())
            self._near[place] = tuple(nlargest(NEAREST, weights, key=_weight))
        scores = self._scores
        for count in counted.products:
            place = (count.product, count.basis)
            before = self._products.get(place, (0.0, 0))[0]
            self._products[place] = (count.weight, count.times)
            if count.basis in WORTH:
                scores[count.product] += (count.weight - before) * WORTH[count.basis]
        if counted.products:
            self._best = tuple(sorted(scores, key=lambda product: (-scores[product], product)))
        self.version = version

    def near(self, product: str, basis: Basis) -> Sequence[tuple[str, float]]:
        """What was met together with it, most of all first."""
        return self._near.get((product, basis), ())

    def weight(self, product: str, basis: Basis) -> float:
        return self._products.get((product, basis), (0.0, 0))[0]

    def times(self, product: str, basis: Basis) -> int:
        return self._products.get((product, basis), (0.0, 0))[1]

    def times_together(self, product: str, basis: Basis, other: str) -> int:
        known = self._pairs.get((product, basis))
        return known[other][1] if known and other in known else 0

    def usual_days(self, product: str) -> float | None:
        """Between two orders of a product by the same customer; None while too few bought it again."""
        days, times = self._products.get((product, "again"), (0.0, 0))
        return days if times >= LEAST_TIMES else None

    def best(self) -> Sequence[str]:
        """Every product that was ever met, the best seller first."""
        return self._best

    def best_of(self, products: Iterable[str]) -> Sequence[str]:
        """Those of these that were ever met, the best seller first."""
        scores = self._scores
        met = (product for product in products if product in scores)
        return tuple(sorted(met, key=lambda product: (-scores[product], product)))
