"""Counting what is viewed, carted and bought together: distance, direction, visits, fading, and any order of steps."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from opportune.core.moment import DAY, MINUTE
from opportune.core.recommending.counters import NEAREST, ONCE, Counters
from opportune.core.recommending.counting import (
    BACKWARDS,
    BEGAN,
    HALF_LIFE,
    Basis,
    Counted,
    Counting,
    PairCount,
    ProductCount,
)

AT = BEGAN
"""Where one event weighs one."""


def counted(*views: str, basis: Basis = "viewed", step: int = MINUTE) -> dict[tuple[str, str], float]:
    counting = Counting()
    for number, product in enumerate(views):
        counting.add(1, basis, [product], AT + number * step)
    return {(pair.product, pair.other): pair.weight for pair in counting.take().pairs}


def near(weight: float) -> object:
    return pytest.approx(weight, rel=1e-3)


def test_what_came_right_after_counts_more_than_what_came_later() -> None:
    found = counted("a", "b", "c")
    assert found["a", "b"] == near(1)
    assert found["a", "c"] == near(1 / 4)


def test_what_came_before_counts_less_than_what_came_after() -> None:
    found = counted("a", "b")
    assert found["b", "a"] == near(BACKWARDS)


def test_a_product_looked_at_twice_in_a_row_is_one_look() -> None:
    assert counted("a", "a", "b")["a", "b"] == near(1)
    assert ("a", "a") not in counted("a", "b", "a")


def test_another_visit_begins_after_half_an_hour() -> None:
    assert counted("a", "b", step=31 * MINUTE) == {}


def test_only_the_last_ten_items_of_a_visit_count() -> None:
    found = counted(*(f"p{number}" for number in range(12)))
    assert ("p1", "p11") in found
    assert ("p0", "p11") not in found


def test_an_order_holds_its_products_equally_near() -> None:
    counting = Counting()
    counting.add(1, "bought", ["a", "b", "c", "a"], AT)
    found = counting.take()
    assert {(pair.product, pair.other): pair.weight for pair in found.pairs} == dict.fromkeys(
        [(a, b) for a in "abc" for b in "abc" if a != b], 1.0
    )
    assert [(each.product, each.times) for each in found.products] == [("a", 1), ("b", 1), ("c", 1)]


def test_after_its_half_life_an_event_weighs_half_of_a_new_one() -> None:
    counting = Counting()
    counting.add(1, "viewed", ["old"], AT)
    counting.add(2, "viewed", ["new"], AT + HALF_LIFE)
    weights = {each.product: each.weight for each in counting.take().products}
    assert weights["old"] == near(weights["new"] / 2)


def test_what_is_not_counted_still_stands_before_what_follows() -> None:
    counting = Counting()
    counting.add(1, "viewed", ["a"], AT, is_counted=False)
    counting.add(1, "viewed", ["b"], AT)
    found = counting.take()
    assert [(pair.product, pair.other) for pair in found.pairs] == [("a", "b"), ("b", "a")]
    assert [each.product for each in found.products] == ["b"]


def test_visitors_do_not_mix_and_a_step_starts_from_nothing() -> None:
    counting = Counting()
    counting.add(1, "viewed", ["a"], AT)
    counting.add(2, "viewed", ["b"], AT)
    counting.add(1, "carted", ["c"], AT)
    assert not counting.take().pairs
    assert not counting.take()


EVENTS = some.lists(
    some.tuples(some.integers(1, 3), some.sampled_from("abcde"), some.integers(0, 3)), max_size=40
)


@given(EVENTS, some.integers(1, 5))
def test_steps_of_any_size_add_up_to_the_whole(events: list[tuple[int, str, int]], size: int) -> None:
    whole, steps = Counting(), Counting()
    parts: dict[tuple[str, ...], list[float]] = {}
    at = AT
    for number, (key, product, minutes) in enumerate(events):
        at += minutes * 10 * MINUTE
        whole.add(key, "viewed", [product], at)
        steps.add(key, "viewed", [product], at)
        if number % size == 0:
            _add(parts, steps.take())
    _add(parts, steps.take())
    expected: dict[tuple[str, ...], list[float]] = {}
    _add(expected, whole.take())
    assert {place: pytest.approx(sums) for place, sums in parts.items()} == expected


def _add(sums: dict[tuple[str, ...], list[float]], step: Counted) -> None:
    rows: list[tuple[tuple[str, ...], float, int]] = [
        ((pair.product, pair.basis, pair.other), pair.weight, pair.times) for pair in step.pairs
    ]
    rows += [((each.product, each.basis), each.weight, each.times) for each in step.products]
    for place, weight, times in rows:
        known = sums.setdefault(place, [0.0, 0])
        known[0] += weight
        known[1] += times


def test_what_happened_once_counts_for_less() -> None:
    counters = Counters()
    counters.take_over(
        Counted([PairCount("a", "viewed", "b", 9.0, 1), PairCount("a", "viewed", "c", 9.0, 2)]), 1
    )
    assert counters.near("a", "viewed") == (("c", 9.0), ("b", 9.0 * ONCE))


def test_only_the_nearest_are_asked() -> None:
    counters = Counters()
    pairs = [PairCount("a", "viewed", f"p{number:03}", float(number), 2) for number in range(80)]
    counters.take_over(Counted(pairs), 1)
    assert [product for product, _ in counters.near("a", "viewed")] == [
        f"p{number:03}" for number in range(79, 79 - NEAREST, -1)
    ]


def test_best_sellers_are_bought_before_they_are_carted_before_they_are_viewed() -> None:
    counters = Counters()
    counters.take_over(
        Counted(
            products=[
                ProductCount("seen", "viewed", 30.0, 30),
                ProductCount("carted", "carted", 4.0, 4),
                ProductCount("bought", "bought", 1.0, 1),
            ]
        ),
        1,
    )
    assert counters.best() == ("bought", "carted", "seen")
    counters.take_over(Counted(products=[ProductCount("bought", "bought", 0.1, 1)]), 2)
    assert counters.best() == ("carted", "seen", "bought")
    assert counters.best_of(["seen", "unknown", "carted"]) == ("carted", "seen")


def test_how_soon_something_is_bought_again_is_known_once_it_happened_twice() -> None:
    counters = Counters()
    counters.take_over(Counted(products=[ProductCount("soap", "again", 30.0, 1)]), 1)
    assert counters.usual_days("soap") is None
    counters.take_over(Counted(products=[ProductCount("soap", "again", 28.0, 2)]), 2)
    assert counters.usual_days("soap") == 28.0
    assert counters.best() == ()


def test_a_count_of_years_ago_and_of_today_fit_in_one_number() -> None:
    counting = Counting()
    counting.add(1, "viewed", ["a"], AT - 20 * 365 * DAY)
    counting.add(2, "viewed", ["b"], AT + 60 * 365 * DAY)
    assert all(0 < each.weight < float("inf") for each in counting.take().products)
