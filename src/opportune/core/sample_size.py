"""How many people a test needs, and how many days a shop needs for them.

Two proportions, normal approximation, two-sided: n per arm = (z(1-a/2) + z(power))^2 (p1 q1 + p2 q2) / (p2 - p1)^2.
Source: Fleiss, Levin, Paik, Statistical Methods for Rates and Proportions, 3rd ed., 2003, chapter 4, without its
continuity correction; the form that Kohavi, Tang and Xu, Trustworthy Online Controlled Experiments, 2020, use.
"""

from __future__ import annotations

from math import ceil
from statistics import NormalDist

SIGNIFICANCE = 0.05
POWER = 0.8
LIFT = 0.2
"""The change a small shop plans for: a fifth more of what it counts."""


def people_per_arm(
    baseline: float, *, lift: float = LIFT, significance: float = SIGNIFICANCE, power: float = POWER
) -> int:
    """People in each arm that find a relative lift over a baseline (shares between 0 and 1)."""
    if not 0 < baseline < 1:
        raise ValueError("a baseline lies between 0 and 1")
    wanted = min(baseline * (1 + lift), 1 - 1e-9)
    normal = NormalDist()
    width = normal.inv_cdf(1 - significance / 2) + normal.inv_cdf(power)
    spread = baseline * (1 - baseline) + wanted * (1 - wanted)
    return ceil(width**2 * spread / (wanted - baseline) ** 2)


def days_to_an_answer(people_a_day: float, baseline: float, *, lift: float = LIFT) -> int | None:
    """Days until two arms of equal size are full; None where nobody comes or nothing is ever counted."""
    if people_a_day <= 0 or not 0 < baseline < 1:
        return None
    return ceil(2 * people_per_arm(baseline, lift=lift) / people_a_day)
