"""Shrinking: several rules' lifts read together, each pulled towards what all of them say, the uncertain ones most."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

FEWEST_LIFTS = 3
"""Two lifts say nothing of how much lifts differ."""


class Lift(msgspec.Struct, frozen=True):
    """A relative lift with its standard error (above 0), both shares."""

    value: float
    standard_error: float


class Shrunken(msgspec.Struct, frozen=True):
    """The shrunken lifts in the given order, what they are pulled towards, and how much true lifts differ (sd)."""

    lifts: tuple[Lift, ...]
    centre: float
    spread: float


def shrink(lifts: Sequence[Lift]) -> Shrunken | None:
    """Empirical Bayes with a normal prior, its variance by the method of moments; None with fewer than 3 lifts.

    DerSimonian and Laird, "Meta-analysis in clinical trials", Controlled Clinical Trials 7, 1986: w = 1 / se^2,
    Q = sum w (d - mean_w)^2, tau^2 = max(0, (Q - (m - 1)) / (sum w - sum w^2 / sum w)). Then Efron and Morris 1975:
    a lift keeps the share tau^2 / (tau^2 + se^2) of its distance from the centre, weighted with 1 / (tau^2 + se^2).
    """
    if any(lift.standard_error <= 0 for lift in lifts):
        raise ValueError("a lift has a standard error above 0")
    if len(lifts) < FEWEST_LIFTS:
        return None
    weights = [lift.standard_error**-2 for lift in lifts]
    first = _centre(lifts, weights)
    scatter = sum(weight * (lift.value - first) ** 2 for lift, weight in zip(lifts, weights, strict=True))
    room = sum(weights) - sum(weight**2 for weight in weights) / sum(weights)
    between = max(0.0, (scatter - (len(lifts) - 1)) / room)
    centre = _centre(lifts, [1 / (between + lift.standard_error**2) for lift in lifts])
    return Shrunken(tuple(_pull(lift, centre, between) for lift in lifts), centre, between**0.5)


def _centre(lifts: Sequence[Lift], weights: Sequence[float]) -> float:
    weighted = sum(weight * lift.value for lift, weight in zip(lifts, weights, strict=True))
    return weighted / sum(weights)


def _pull(lift: Lift, centre: float, between: float) -> Lift:
    kept = between / (between + lift.standard_error**2)
    return Lift(centre + kept * (lift.value - centre), lift.standard_error * kept**0.5)
