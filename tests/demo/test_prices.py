"""One shop writes a price in one way: on its own shelves, and where Opportune recommends a product."""

from __future__ import annotations

import pytest

from opportune.core.content import say_money
from opportune.demo.catalogue import PRODUCTS, money


@pytest.mark.parametrize("cents", [5, 1_890, 1_900, 125_000, *(each.price for each in PRODUCTS.values())])
def test_a_price_looks_alike_on_the_shelf_and_in_a_recommendation(cents: int) -> None:
    assert money(cents) == say_money(cents, "EUR")
