"""What the designs of `bench.simulations` should give by theory, with no code of the product: derived, not borrowed.

The population of a shop is fixed, and chance is only which arm each visitor gets: a fair coin each. So the shares
here are exact up to the steps of a grid, or (revenue, visits) a normal approximation with its next term.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from math import erfc, exp, lgamma, log, pi, sqrt

Z_CALLED, Z_EARLY = 1.959964, 3.290527
"""Two-sided 5% and 0.1%."""
REACH = 6.0
"""Standard deviations beyond which nothing is added up."""


@cache
def share_called(units: int, buyers: int, only_if_treated: int = 0) -> float:
    """How often two shares differ by more than 1.96 standard errors, each arm with its own variance.

    Of `units` visitors `buyers` order in any case, and some more in treatment only. In treatment are Binomial(1/2) of
    each sort, so the chance is the sum over these three numbers. Orders, few as they are, are added up one by one.
    """
    rest = units - buyers - only_if_treated
    return sum(
        weight * more * other
        for gained, more in _coins(only_if_treated)
        for bought, weight in _coins(buyers)
        for others, other in _coins(rest, steps=24 if only_if_treated else 200)
        if _z(
            buyers - bought,
            units - others - bought - gained,
            bought + gained,
            others + bought + gained,
        )
        > Z_CALLED
    )


def _z(control: float, of_control: float, treatment: float, of_treatment: float) -> float:
    """How many standard errors two shares are apart."""
    shares = control / of_control, treatment / of_treatment
    variance = sum(
        share * (1 - share) / (n - 1) for share, n in zip(shares, (of_control, of_treatment), strict=True)
    )
    return abs(shares[1] - shares[0]) / sqrt(variance)


@cache
def _coins(times: int, steps: int = 0) -> Sequence[tuple[float, float]]:
    """Heads of so many fair coins, each with its chance; in so many steps where one by one is too fine."""
    middle, reach = times / 2, REACH * sqrt(times) / 2
    if steps:
        width = 2 * REACH / steps
        edges = [-REACH + step * width for step in range(steps + 1)]
        return [
            (middle + (low + high) / 2 * sqrt(times) / 2, tail(low) - tail(high))
            for low, high in pairwise(edges)
        ]
    heads = range(max(0, int(middle - reach)), min(times, int(middle + reach)) + 1)
    return [(each, exp(_log_choices(times, each) - times * log(2))) for each in heads]


def _log_choices(of: int, some: int) -> float:
    return lgamma(of + 1) - lgamma(some + 1) - lgamma(of - some + 1)


def tail(z: float) -> float:
    """The chance that a standard normal is above."""
    return erfc(z / sqrt(2)) / 2


def mean_called(values: Sequence[float]) -> float:
    """The same for a mean over visitors, with no effect: 5% less what a few large values change.

    The difference is a sum of values with fair signs. Its fourth cumulant over its variance squared is
    -2 sum y^4 / (sum y^2)^2, and Edgeworth's next term of both tails 2 phi(z) (z^3 - 3 z) / 24 times that.
    """
    squares, fourths = sum(value**2 for value in values), sum(value**4 for value in values)
    density = exp(-(Z_CALLED**2) / 2) / sqrt(2 * pi)
    return 2 * tail(Z_CALLED) - density * (Z_CALLED**3 - 3 * Z_CALLED) * fourths / (6 * squares**2)


def visits_called(visitors: Sequence[tuple[int, int]]) -> float:
    """How often (orders of visits) differ, if every visit counts as somebody else: 2 (1 - Phi(1.96 / r)).

    r^2 is the true variance over the one believed in: sum (y - R d)^2 over the visitors, R (1 - R) sum d over visits.
    """
    visits, orders = (sum(each[place] for each in visitors) for place in (0, 1))
    share = orders / visits
    true = sum((y - share * d) ** 2 for d, y in visitors)
    return 2 * tail(Z_CALLED / sqrt(true / (share * (1 - share) * visits)))


@cache
def won_looking_daily(days: int, *, since_day: int) -> float:
    """How often a win is believed that is none: looked at every day from one on at 0.001, and at the end at 0.05.

    Armitage, McPherson, Rowe, JRSS A 132, 1969: the normal walk with a day for its unit, stopped where it is above.
    """
    steps_a_day = 20
    alive = _normal_steps(sqrt(since_day) * steps_a_day)
    for day in range(since_day, days + 1):
        if day > since_day:
            found: dict[int, float] = {}
            for place, chance in alive.items():
                for shift, weight in _normal_steps(steps_a_day).items():
                    found[place + shift] = found.get(place + shift, 0.0) + chance * weight
            alive = found
        bar = (Z_CALLED if day == days else Z_EARLY) * sqrt(day) * steps_a_day
        below = {
            place: chance * min(1.0, bar + 0.5 - place)
            for place, chance in alive.items()
            if place < bar + 0.5
        }
        alive = {place: chance for place, chance in below.items() if chance > 1e-12}
    return 1 - sum(alive.values())


@cache
def _normal_steps(deviation: float) -> dict[int, float]:
    """A normal step on a grid of whole numbers."""
    reach = round(REACH * deviation)
    return {
        place: tail((place - 0.5) / deviation) - tail((place + 0.5) / deviation)
        for place in range(-reach, reach + 1)
    }


@cache
def split_called_off(days: int, a_day: int) -> float:
    """How often a fair split of so many visitors a day has a chi-square beyond 0.001 at the end of any day."""
    kernel = [(round(2 * heads - a_day), chance) for heads, chance in _coins(a_day)]
    alive = {0: 1.0}
    for day in range(1, days + 1):
        bar = Z_EARLY * sqrt(day * a_day)
        alive = _stepped(alive, kernel, lowest=-bar, below=bar)
    return 1 - sum(alive.values())


def split_ever_called_off(units: int, *, fewest: int) -> float:
    """The same looked at after every single visitor from some on, which is what every minute comes to."""
    alive = {0: 1.0}
    for unit in range(1, units + 1):
        bar = Z_EARLY * sqrt(unit) if unit >= fewest else units
        alive = _stepped(alive, ((-1, 0.5), (1, 0.5)), lowest=-bar, below=bar)
    return 1 - sum(alive.values())


def _stepped(
    alive: dict[int, float], kernel: Sequence[tuple[int, float]], *, lowest: float, below: float
) -> dict[int, float]:
    found: dict[int, float] = {}
    for place, chance in alive.items():
        for shift, weight in kernel:
            there = place + shift
            if lowest < there < below:
                found[there] = found.get(there, 0.0) + chance * weight
    return found
