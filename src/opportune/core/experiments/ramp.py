"""A ramp: how a rule is launched slowly, and the harm that each of its steps could hide."""

from __future__ import annotations

from opportune.core.allocation import BUCKETS
from opportune.core.statistics.power import spread_of_share, units_to_catch_harm

SLOWLY = "slowly"
RAMP = (500, 2_000, 5_000, BUCKETS)
"""5%, 20%, 50% and all visitors."""
STEP_DAYS = 2
"""Whole days, so that every hour of the day is in each step alike."""
HARMS = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
PLANNED = 10_000
"""Visitors at which the bound is narrowest, where a test says no number."""


def next_share(share: int) -> int:
    """The next step after a share; all visitors after the last one."""
    return next((each for each in RAMP if each > share), BUCKETS)


def hidden_harm(
    people_a_day: float,
    orders_share: float,
    share: int,
    *,
    days: int = STEP_DAYS,
    limits: int = 1,
    planned: int = 0,
    treated_share: float = 0.5,
) -> float | None:
    """The largest loss of orders (0.4: 40%) that could go unseen in a step; 1 where even losing all of them could.

    None where nobody orders, so that there is nothing to lose.
    """
    if not 0 < orders_share < 1:
        return None
    units = people_a_day * share / BUCKETS * days
    for harm in HARMS:
        needed = units_to_catch_harm(
            spread_of_share(orders_share),
            harm,
            planned=planned or PLANNED,
            limits=limits,
            treated_share=treated_share,
        )
        if needed is not None and needed <= units:
            return harm
    return 1.0


def hidden_words(harm: float | None, share: int, days: int, *, has_test: bool) -> str:
    """`at 5% of visitors a loss of up to 40% of orders could go unseen for 2 days`."""
    where = f"at {share / 100:g}% of visitors"
    if not has_test:
        return f"{where} no loss of orders could be seen, as no test compares it: only the fast signs watch"
    if harm is None:
        return f"{where} nothing can be said of orders, as none came lately"
    span = f"{days} day{'s' if days != 1 else ''}"
    if harm >= 1:
        return f"{where} even the loss of all orders could go unseen for {span}: only the fast signs watch"
    return f"{where} a loss of up to {harm * 100:.0f}% of orders could go unseen for {span}"
