"""Counting, as events come in, which products are viewed, carted and bought, and which of them together.

Weights fade with time without being touched again: each is written as if it had grown from a fixed day on, so that
sums of any events, in any order and from any process, can be added up (forward decay, Cormode and others, 2009).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from opportune.core.moment import DAY, MINUTE

Basis = Literal["viewed", "carted", "bought", "again"]
"""`again` is no count of pairs: how many days usually lie between two orders of a product."""

BEGAN = 1_767_225_600_000
"""1 January 2026; doubles reach for 84 years from there."""
HALF_LIFE = 30 * DAY
LAST_ITEMS = 10
BACKWARDS = 0.5
"""What came before tells less than what came after."""
VISIT_MS = 30 * MINUTE
MOST_VISITS = 20_000
MOST_OF_AN_ORDER = 20


class PairCount(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """How much and how often `other` was met together with a product."""

    product: str
    basis: Basis
    other: str
    weight: float
    times: int


class ProductCount(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """How much and how often a product was met; for `again` the weight is days."""

    product: str
    basis: Basis
    weight: float
    times: int


class Counted(msgspec.Struct, frozen=True):
    """What some events add, or all there is."""

    pairs: Sequence[PairCount] = ()
    products: Sequence[ProductCount] = ()

    def __bool__(self) -> bool:
        return bool(self.pairs or self.products)


def scale_at(moment: int) -> float:
    """What one event of this moment weighs."""
    return float(2.0 ** ((moment - BEGAN) / HALF_LIFE))


_Sums = defaultdict[str, dict[str, complex]]
"""By product and the other: weight and times in one number, which the collector of garbage need not look at."""


class Counting:
    """Takes events of many visitors, each one's about in order; knows the last items of visits that go on."""

    def __init__(self) -> None:
        self._pairs: dict[Basis, _Sums] = {}
        self._products: dict[Basis, dict[str, complex]] = {}
        self._visits: dict[Basis, dict[int, tuple[int, list[str]]]] = defaultdict(dict)

    def add(
        self, key: int, basis: Basis, products: Sequence[str], at: int, *, is_counted: bool = True
    ) -> None:
        """One event; not counted, it only stands before those that follow it."""
        weight = scale_at(at) if is_counted else 0.0
        if basis == "bought":
            if is_counted:
                self._order(products[:MOST_OF_AN_ORDER], weight)
            return
        for product in products[:LAST_ITEMS]:
            self._meet(key, basis, product, at, weight)

    def _meet(self, key: int, basis: Basis, product: str, at: int, weight: float) -> None:
        visits = self._visits[basis]
        visit = visits.get(key)
        if visit is not None and -VISIT_MS <= at - visit[0] <= VISIT_MS:
            items = visit[1]
        else:
            items = []
            if len(visits) >= MOST_VISITS:
                del visits[next(iter(visits))]
        visits[key] = (at, items)
        if items and items[-1] == product:
            return
        if weight:
            self._pair(basis, product, items, weight)
        items.append(product)
        if len(items) > LAST_ITEMS:
            del items[0]

    def _pair(self, basis: Basis, product: str, items: Sequence[str], weight: float) -> None:
        """A product with those of the visit before it."""
        pairs = self._met(basis, product, weight)
        if not items:
            return
        back = pairs[product]
        for distance, other in enumerate(reversed(items), 1):
            if other != product:
                near = weight / (distance * distance)
                forth = pairs[other]
                forth[product] = forth.get(product, 0) + complex(near, 1)
                back[other] = back.get(other, 0) + complex(near * BACKWARDS, 1)

    def _order(self, products: Iterable[str], weight: float) -> None:
        """Of an order every product is as near to every other."""
        distinct = tuple(dict.fromkeys(products))
        once = complex(weight, 1)
        for product in distinct:
            others = self._met("bought", product, weight)[product]
            for other in distinct:
                if other != product:
                    others[other] = others.get(other, 0) + once

    def _met(self, basis: Basis, product: str, weight: float) -> _Sums:
        """Counts one product, and gives the pairs of its kind."""
        products = self._products.setdefault(basis, {})
        products[product] = products.get(product, 0) + complex(weight, 1)
        pairs = self._pairs.get(basis)
        if pairs is None:
            pairs = self._pairs[basis] = defaultdict(dict)
        return pairs

    def take(self) -> Counted:
        """What was counted since the last time, in a fixed order; visits go on."""
        pairs, self._pairs = self._pairs, {}
        products, self._products = self._products, {}
        return Counted(
            [
                PairCount(product, basis, other, found.real, int(found.imag))
                for basis, sums in sorted(pairs.items())
                for product, others in sorted(sums.items())
                for other, found in sorted(others.items())
            ],
            [
                ProductCount(product, basis, found.real, int(found.imag))
                for basis, each in sorted(products.items())
                for product, found in sorted(each.items())
            ],
        )
