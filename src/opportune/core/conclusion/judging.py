"""Judging: the numbers of a reading: comparisons, limits, secondary metrics, the split and crossover."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from opportune.core.conclusion.reading import Kind, Limit, Measured, Phase, Reading
from opportune.core.statistics.adjusting import benjamini_hochberg, bonferroni, share_alpha
from opportune.core.statistics.always_valid import (
    FEWEST_EVENTS,
    AlwaysValid,
    HarmBound,
    always_valid,
    bound_harm,
)
from opportune.core.statistics.comparing import (
    ALPHA,
    Comparison,
    Contrast,
    compare,
    contrast_with_limit,
    odds_above,
    safety_p,
)
from opportune.core.statistics.estimate import (
    Adjusted,
    Estimate,
    Unanswerable,
    adjust_means,
    adjust_ratios,
    estimate_mean,
    estimate_ratio,
    helps,
)
from opportune.core.statistics.moments import Moments
from opportune.core.statistics.sample_ratio import (
    NOTHING_COUNTED,
    SPLIT_ALPHA,
    SPLIT_ALPHA_AT_ONCE,
    SampleRatio,
    combine_phases,
    sample_ratio,
)

FEWEST_FOR_A_DIRECTION = 100
"""Of what is counted, in each arm, before a direction is shown (GrowthBook's best practices)."""
MOST_CROSSOVER = 0.1
FEWEST_CROSSED = 10
"""Fewer units that crossed over tell nothing of a difference between arms."""
LARGEST_LIFT = 0.5
"""Beyond it the data are looked at before the result: Twyman's law; GrowthBook warns at the same."""
LARGEST_SHARE = 0.25
"""Of an arm's sum in one value: then the result is that value's."""


class ArmResult(msgspec.Struct, frozen=True, kw_only=True):
    """One arm against control. `p_adjusted` is for several arms (Bonferroni); `odds` that the arm is better."""

    arm: str
    comparison: Comparison | Unanswerable
    unadjusted: Comparison | Unanswerable | None = None
    """Without the covariate, where the comparison uses it."""
    variance_removed: float = 0.0
    raw: Comparison | Unanswerable | None = None
    """Without the cap."""
    always_valid: AlwaysValid | None = None
    p_adjusted: float | None = None
    odds: float | None = None


class LimitResult(msgspec.Struct, frozen=True, kw_only=True):
    """A safety limit in one arm: kept (shown to lose less than the margin), broken (at any time), or neither."""

    metric: str
    arm: str
    margin: float
    contrast: Contrast | Unanswerable
    bound: HarmBound | None = None
    p: float | None = None
    is_kept: bool = False
    is_broken: bool = False
    more_is_better: bool = True


class SecondaryResult(msgspec.Struct, frozen=True, kw_only=True):
    """A metric that does not decide; `false_discovery` is its rate among all of them (Benjamini-Hochberg)."""

    metric: str
    arm: str
    comparison: Comparison | Unanswerable
    false_discovery: float | None = None


class Trust(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the arms are what they were meant to be."""

    split: SampleRatio
    is_split_off: bool
    crossover_share: float = 0.0
    is_crossover_uneven: bool = False

    @property
    def is_lost(self) -> bool:
        return self.is_split_off or self.crossover_share > MOST_CROSSOVER or self.is_crossover_uneven


def estimate(kind: Kind, arm: Moments) -> Estimate | Unanswerable:
    return estimate_ratio(arm) if kind == "ratio" else estimate_mean(arm)


def estimates(measured: Measured, place: int) -> tuple[Estimate | Unanswerable, Estimate | Unanswerable]:
    """Control's and an arm's. Where the split changed, each phase weighs in both by all that came in it.

    Otherwise days on which everybody buys would be compared with others, only because more of one arm came then
    (Simpson's paradox; Crook, Frasca, Kohavi, Longbotham, "Seven pitfalls", KDD 2009, the third). Value
    sum W_k v_k and its variance sum W_k^2 var_k / n_k, W_k the phase's share of the units of both arms.
    """
    if len(measured.strata) < 2:
        return estimate(measured.kind, measured.arms[0]), estimate(measured.kind, measured.arms[place])
    found = []
    for phase in measured.strata:
        pair = estimate(measured.kind, phase[0]), estimate(measured.kind, phase[place])
        if isinstance(pair[0], Estimate) and isinstance(pair[1], Estimate):
            found.append((pair[0], pair[1]))
    if not found:
        return Unanswerable("too_few_units"), Unanswerable("too_few_units")
    weights = [control.n + treatment.n for control, treatment in found]
    return _weighed([pair[0] for pair in found], weights), _weighed([pair[1] for pair in found], weights)


def _weighed(strata: list[Estimate], weights: list[int]) -> Estimate:
    whole, n = sum(weights), sum(each.n for each in strata)
    shares = [weight / whole for weight in weights]
    value = sum(share * each.value for share, each in zip(shares, strata, strict=True))
    own = sum(share**2 * each.variance / each.n for share, each in zip(shares, strata, strict=True))
    return Estimate(n, value, own * n)


def compare_arms(measured: Measured, place: int) -> tuple[Comparison | Unanswerable, Adjusted | None]:
    """The arm at a place against control, by the covariate where there is one and it helps."""
    control, treatment = measured.arms[0], measured.arms[place]
    if measured.has_covariate and len(measured.strata) < 2:
        adjusted = (
            adjust_ratios(control, treatment, covariate_is_a_ratio=measured.covariate_is_a_ratio)
            if measured.kind == "ratio"
            else adjust_means(control, treatment)
        )
        if isinstance(adjusted, Adjusted) and helps(adjusted):
            return compare(adjusted.control, adjusted.treatment), adjusted
    return compare(*estimates(measured, place)), None


def judge_arms(reading: Reading) -> tuple[ArmResult, ...]:
    """Every arm but control, on the deciding metric."""
    measured = reading.deciding
    found = [_judge_arm(reading, place) for place in range(1, len(measured.arms))]
    p_values = [one.comparison.p if isinstance(one.comparison, Comparison) else None for one in found]
    return tuple(
        msgspec.structs.replace(one, p_adjusted=p) for one, p in zip(found, bonferroni(p_values), strict=True)
    )


def _judge_arm(reading: Reading, place: int) -> ArmResult:
    measured = reading.deciding
    comparison, adjusted = compare_arms(measured, place)
    plain = msgspec.structs.replace(measured, has_covariate=False)
    raw = msgspec.structs.replace(plain, arms=measured.raw, strata=()) if len(measured.raw) > place else None
    result = ArmResult(
        arm=name_of(reading, place),
        comparison=comparison,
        unadjusted=compare_arms(plain, place)[0] if adjusted else None,
        variance_removed=adjusted.removed if adjusted else 0.0,
        raw=compare_arms(raw, place)[0] if raw else None,
    )
    if not isinstance(comparison, Comparison):
        return result
    above = odds_above(comparison)
    return msgspec.structs.replace(
        result,
        always_valid=always_valid(comparison, planned=max(1, reading.planned_units or comparison.n)),
        odds=above if measured.more_is_better else 1 - above,
    )


def judge_limits(reading: Reading) -> tuple[LimitResult, ...]:
    """Every limit in every arm but control; alpha is shared between all of them."""
    asked = [(limit, place) for limit in reading.limits for place in range(1, len(limit.measured.arms))]
    each = share_alpha(ALPHA, len(asked))
    return tuple(_judge_limit(reading, limit, place, each) for limit, place in asked)


def _judge_limit(reading: Reading, limit: Limit, place: int, alpha: float) -> LimitResult:
    measured, margin = limit.measured, max(0.0, limit.margin)
    contrast = contrast_with_limit(
        *estimates(measured, place),
        margin=margin,
        more_is_better=measured.more_is_better,
    )
    result = LimitResult(
        metric=measured.metric,
        arm=name_of(reading, place),
        margin=margin,
        contrast=contrast,
        more_is_better=measured.more_is_better,
    )
    if not isinstance(contrast, Contrast):
        return result
    planned = max(1, reading.planned_units or contrast.n)
    bound, p = bound_harm(contrast, planned=planned, alpha=alpha), safety_p(contrast)
    return msgspec.structs.replace(
        result,
        bound=bound,
        p=p,
        is_kept=p < alpha,
        is_broken=bound.upper < 0 and expected_events(measured, place) >= FEWEST_EVENTS,
    )


def broken_limits(reading: Reading) -> tuple[LimitResult, ...]:
    """For the look every minute: the limits whose always-valid bound lies beyond their margin. Then: switch off."""
    return tuple(limit for limit in judge_limits(reading) if limit.is_broken)


def judge_secondary(reading: Reading) -> tuple[SecondaryResult, ...]:
    found = [
        (measured.metric, place, compare_arms(measured, place)[0])
        for measured in reading.secondary
        for place in range(1, len(measured.arms))
    ]
    rates = benjamini_hochberg([one.p if isinstance(one, Comparison) else None for _, _, one in found])
    return tuple(
        SecondaryResult(metric=metric, arm=name_of(reading, place), comparison=one, false_discovery=rate)
        for (metric, place, one), rate in zip(found, rates, strict=True)
    )


def judge_trust(reading: Reading) -> Trust:
    """The split per phase and over all, and crossover between arms."""
    split, is_off = _judge_split(reading.phases, SPLIT_ALPHA)
    _, is_off_by_far = _judge_split(reading.phases_so_far, SPLIT_ALPHA_AT_ONCE)
    units = [max(0, arm.n) for arm in reading.deciding.arms]
    crossed = [max(0, count) for count in reading.crossover][: len(units)]
    return Trust(
        split=split,
        is_split_off=is_off or is_off_by_far,
        crossover_share=min(1.0, sum(crossed) / sum(units)) if sum(units) else 0.0,
        is_crossover_uneven=_is_uneven(crossed, units),
    )


def _judge_split(phases: Sequence[Phase], alpha: float) -> tuple[SampleRatio, bool]:
    """All phases in one, and whether that or one of them is off (a phase's p times how many there are)."""
    judged = [_judge_phase(phase) for phase in phases]
    counted = [phase for phase in judged if phase is not None]
    split = combine_phases(counted)
    worst = min((phase.p for phase in counted), default=1.0) * max(1, len(counted))
    return split, len(counted) < len(judged) or min(split.p, worst) < alpha


def _judge_phase(phase: Phase) -> SampleRatio | None:
    """None where units are in an arm that was promised none."""
    promised = [
        (count, share)
        for count, share in zip(phase.counts, phase.shares, strict=False)
        if 0 < share < float("inf")
    ]
    if sum(max(0, count) for count, _ in promised) < sum(max(0, count) for count in phase.counts):
        return None
    if not promised:
        return NOTHING_COUNTED
    return sample_ratio([max(0, count) for count, _ in promised], [share for _, share in promised])


def _is_uneven(crossed: list[int], units: list[int]) -> bool:
    """Whether visitors cross over from one arm more than chance has it.

    An id drawn anew lands in another arm with that arm's share, so n (N - n) are expected of an arm of n: as many
    from either of two arms, whatever the split.
    """
    whole = sum(units)
    pairs = [(count, size * (whole - size)) for count, size in zip(crossed, units, strict=False)]
    asked = [(count, expected) for count, expected in pairs if expected > 0]
    if sum(crossed) < FEWEST_CROSSED or len(asked) < 2:
        return False
    return sample_ratio([count for count, _ in asked], [float(expected) for _, expected in asked]).is_off


def expected_events(measured: Measured, place: int) -> float:
    """How often the smaller of control and an arm would have what is counted, were both alike.

    From both together, so that an arm which lost everything is seen, and a slow ramp's few units are not believed.
    A proportion counts whichever is rarer, having it or not.
    """
    arms = (measured.arms[0], measured.arms[place])
    units = sum(arm.n for arm in arms)
    if min(arm.n for arm in arms) < 1:
        return 0.0
    smaller = min(arm.n for arm in arms) / units
    if measured.kind == "proportion":
        had = sum(max(0, min(arm.y, arm.n)) for arm in arms)
        return min(had, units - had) * smaller
    if len(measured.events) > place:
        return (measured.events[0] + measured.events[place]) * smaller
    return sum(_carriers(arm) for arm in arms) * smaller


def _carriers(arm: Moments) -> float:
    """How many equal values would make an arm's sum as uncertain as its own do: never more than have any.

    Kish, Survey Sampling, 1965, section 11.7: (sum y)^2 / sum y^2. One order of 1,000 beside many of 10 is one.
    """
    try:
        return min(float(arm.n), arm.y * arm.y / arm.yy) if arm.yy else 0.0
    except OverflowError:
        return 0.0


def name_of(reading: Reading, place: int) -> str:
    return reading.arms[place] if place < len(reading.arms) else f"version {place}"
