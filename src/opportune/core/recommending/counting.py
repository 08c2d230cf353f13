"""Counting, as events come in, which products are viewed, carted and bought, and which of them together.

Weights fade with time without being touched again: each is written as if it had grown from a fixed day on, so that
sums of any events, in any order and from any process, can be added up (forward decay, Cormode and others, 2009).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import permutations
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


class Counting:
    """Takes events of many visitors, each one's about in order; knows the last items of visits that go on."""

    def __init__(self) -> None:
        self._pairs: dict[tuple[str, Basis, str], list[float]] = {}
        self._products: dict[tuple[str, Basis], list[float]] = {}
        self._visits: dict[tuple[int, Basis], tuple[int, list[str]]] = {}

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
        visits = self._visits
        last_at, items = visits.get((key, basis), (0, None))
        if items is None or not -VISIT_MS <= at - last_at <= VISIT_MS:
            items = []
            if len(visits) >= MOST_VISITS:
                del visits[next(iter(visits))]
        visits[key, basis] = (at, items)
        if items and items[-1] == product:
            return
        if weight:
            self._grow((product, basis), weight)
            for distance, other in enumerate(reversed(items), 1):
                if other != product:
                    near = weight / (distance * distance)
                    self._pair(other, basis, product, near)
                    self._pair(product, basis, other, near * BACKWARDS)
        items.append(product)
        if len(items) > LAST_ITEMS:
            del items[0]

    def _order(self, products: Iterable[str], weight: float) -> None:
        """Of an order every product is as near to every other."""
        distinct = tuple(dict.fromkeys(products))
        for product in distinct:
            self._grow((product, "bought"), weight)
        for product, other in permutations(distinct, 2):
            self._pair(product, "bought", other, weight)

    def _pair(self, product: str, basis: Basis, other: str, weight: float) -> None:
        found = self._pairs.get((product, basis, other))
        if found is None:
            self._pairs[product, basis, other] = [weight, 1]
        else:
            found[0] += weight
            found[1] += 1

    def _grow(self, place: tuple[str, Basis], weight: float) -> None:
        found = self._products.get(place)
        if found is None:
            self._products[place] = [weight, 1]
        else:
            found[0] += weight
            found[1] += 1

    def take(self) -> Counted:
        """What was counted since the last time, in a fixed order; visits go on."""
        pairs, self._pairs = self._pairs, {}
        products, self._products = self._products, {}
        return Counted(
            [PairCount(*place, weight, int(times)) for place, (weight, times) in sorted(pairs.items())],
            [ProductCount(*place, weight, int(times)) for place, (weight, times) in sorted(products.items())],
        )
