"""How often a rule is switched off for bounces it has nothing to do with, and how fast real ones are found.

A small shop is drawn at random: some visitors bounce more readily than others, and come again. The house's own sign
looks after every visit for 14 days, which is as often as anything can change. Seeds are fixed.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest
from hypothesis import settings
from tests.building import NOW

from opportune.core.experiments.watched import Expected, Watched
from opportune.core.signs.bouncing import TIMES, Bouncing
from opportune.core.statistics.moments import NO_UNITS, Moments, moments_of_units
from opportune.core.traffic.bounced import Bounced

DAYS, A_DAY = 14, 60
"""Of 1,000 visitors a day a rule reaches some."""
SHOPS = 1_000 if settings().max_examples > 1_000 else 60
ALIKE = 6.0
"""How alike visitors are: shares of bounces are drawn from a beta distribution of that concentration."""
SIGN = Bouncing()
Visit = tuple[int, int]
"""Whose it is, and whether it was over after one page."""


def visits(random: np.random.Generator, share: float, count: int, *, days_differ: float = 0.0) -> list[Visit]:
    """Every third is by somebody who came before. Days differ in their odds, by that spread of the logarithm."""
    people = np.cumsum(random.random(count) > 1 / 3)
    again = random.integers(0, np.maximum(people, 1))
    who = np.where(np.diff(people, prepend=0) > 0, people, again)
    tends = random.beta(share * ALIKE, (1 - share) * ALIKE, count + 1)[who]
    days = np.exp(random.normal(0, days_differ, count // A_DAY + 1))[np.arange(count) // A_DAY]
    odds = tends / (1 - tends + 1e-12) * days
    return list(zip(who.tolist(), (random.random(count) < odds / (1 + odds)).tolist(), strict=True))


def moments_of(made: list[Visit]) -> Moments:
    by_visitor: dict[int, list[int]] = defaultdict(list)
    for who, is_bounce in made:
        by_visitor[who].append(is_bounce)
    return moments_of_units(
        [sum(each) for each in by_visitor.values()], per=[len(each) for each in by_visitor.values()]
    )


def sums_so_far(made: list[Visit]) -> list[Moments]:
    """After each visit."""
    of: dict[int, Visit] = {}
    sums, found = NO_UNITS, []
    for who, is_bounce in made:
        bounces, count = of.get(who, (0, 0))
        of[who] = bounces + is_bounce, count + 1
        sums += _unit(*of[who]) - (_unit(bounces, count) if count else NO_UNITS)
        found.append(sums)
    return found


def _unit(bounces: int, count: int) -> Moments:
    return Moments(n=1, y=bounces, yy=bounces**2, d=count, dd=count**2, yd=bounces * count)


def worse(share: float, times: float) -> float:
    odds = times * share / (1 - share)
    return odds / (1 + odds)


def off_after(
    random: np.random.Generator, usual: float, now: float, weeks: int = 4, *, days_differ: float = 0.0
) -> int | None:
    """How many visits it reached when it was switched off."""
    before = moments_of(visits(random, usual, weeks * 7 * A_DAY, days_differ=days_differ))
    expected = Expected(share=0.1, high=0.2, visits=900, people_a_day=60, before=Bounced(reached=before))
    for number, sums in enumerate(sums_so_far(visits(random, now, DAYS * A_DAY, days_differ=days_differ)), 1):
        watched = Watched(now=NOW, rule="Returner", expected=expected, bounced=Bounced(reached=sums))
        if number >= 100 and any(SIGN.look(watched)):
            return number
    return None


def test_sums_that_grow_visit_by_visit_are_those_of_all_visitors() -> None:
    made = visits(np.random.default_rng(1), 0.4, 300)
    assert sums_so_far(made)[-1] == moments_of(made)
    assert len({who for who, _ in made}) < 250


@pytest.mark.parametrize("usual", [0.1, 0.45])
def test_a_rule_that_changes_nothing_is_not_switched_off(usual: float) -> None:
    """Although one day in three is a quarter better or worse than usual."""
    random = np.random.default_rng(20_261_123)
    off = sum(off_after(random, usual, usual, days_differ=0.25) is not None for _ in range(SHOPS))
    assert off <= 0.01 * SHOPS


@pytest.mark.parametrize(("usual", "weeks"), [(0.1, 4), (0.45, 1), (0.6, 4)])
def test_a_rule_that_is_as_bad_as_may_just_be_is_not_switched_off(usual: float, weeks: int) -> None:
    """The worst that is no harm yet: exactly at the limit, with looks after every visit."""
    random = np.random.default_rng(20_261_123)
    off = sum(off_after(random, usual, worse(usual, TIMES), weeks) is not None for _ in range(SHOPS))
    assert off <= 0.01 * SHOPS


@pytest.mark.parametrize(
    ("usual", "now", "days"), [(0.4, 0.8, 2), (0.25, 0.5, 6), (0.6, 0.9, 3), (0.45, 1.0, 2)]
)
def test_bounces_that_doubled_are_found_in_time(usual: float, now: float, days: int) -> None:
    random = np.random.default_rng(7)
    found = [off_after(random, usual, min(now, 0.999)) for _ in range(SHOPS // 3)]
    seen = sorted(each for each in found if each is not None)
    assert len(seen) >= 0.95 * len(found)
    assert seen[len(seen) // 2] <= days * A_DAY, seen[len(seen) // 2]
