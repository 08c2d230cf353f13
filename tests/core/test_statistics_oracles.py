"""Every formula, on thousands of drawn cases, held against tea-tasting, scipy and gbstats to 1e-9."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import scipy.stats
import tea_tasting as tt
from gbstats.frequentist.tests import SequentialConfig, SequentialTwoSidedTTest, frequentist_variance
from gbstats.models.statistics import RatioStatistic, RegressionAdjustedStatistic, SampleMeanStatistic
from gbstats.utils import check_srm
from hypothesis import settings
from tea_tasting.aggr import Aggregates

from opportune.core.statistics.adjusting import benjamini_hochberg, bonferroni
from opportune.core.statistics.always_valid import (
    AlwaysValid,
    HarmBound,
    always_valid,
    bound_harm,
    rho_squared,
)
from opportune.core.statistics.capping import cap_from
from opportune.core.statistics.comparing import Comparison, Contrast, compare, contrast_with_limit, safety_p
from opportune.core.statistics.estimate import (
    Adjusted,
    Estimate,
    Unanswerable,
    adjust_means,
    adjust_ratios,
    estimate_mean,
    estimate_ratio,
)
from opportune.core.statistics.moments import Moments, moments_of_share, moments_of_units
from opportune.core.statistics.normal import chi_square_tail, quantile, two_tails, upper_tail
from opportune.core.statistics.placebo import percentile
from opportune.core.statistics.power import Spread, power_of, smallest_gain, units_needed
from opportune.core.statistics.sample_ratio import sample_ratio

CASES = 800
TEA_TASTINGS = 4 * settings().max_examples
"""Of those where the oracle takes most of the time; `make soak` draws more."""
Column = Any
Arm = dict[str, Column]


def close(ours: float | None, theirs: float) -> bool:
    return ours is not None and abs(ours - theirs) <= 1e-9 * max(abs(theirs), 1e-12)


def near(ours: float | None, theirs: float, scale: float) -> bool:
    """For differences that nearly cancel: to 1e-9 of the numbers they are the difference of."""
    return ours is not None and abs(ours - theirs) <= 1e-9 * scale


def draw_arm(rng: np.random.Generator, size: int, *, lift: float) -> Arm:
    """Visitors: visits before and now, money in cents before and now that goes with them."""
    visits_before = rng.integers(1, 6, size)
    visits = rng.integers(1, 8, size) + visits_before // 2
    before = np.rint(rng.gamma(0.7, 2_000, size) * visits_before).astype(np.int64)
    money = np.rint(before * rng.uniform(0.1, 0.9) + rng.gamma(0.5, 3_000, size) * visits * lift)
    return {"y": money.astype(np.int64) + 1, "d": visits, "x": before, "w": visits_before}


def draw_tests(cases: int = CASES, *, seed: int = 7) -> Iterator[tuple[Arm, Arm]]:
    rng = np.random.default_rng(seed)
    for _ in range(cases):
        sizes = rng.integers(40, 400, 2)
        lift = rng.uniform(0.7, 1.6)
        yield draw_arm(rng, sizes[0], lift=1.0), draw_arm(rng, sizes[1], lift=lift)


def moments(arm: Arm) -> Moments:
    columns = {letter: arm[letter].tolist() for letter in "ydxw"}
    return moments_of_units(columns["y"], per=columns["d"], before=columns["x"], before_per=columns["w"])


def aggregates(arm: Arm) -> Aggregates:
    columns = np.vstack([arm[letter] for letter in "ydxw"]).astype(float)
    spread = np.cov(columns)
    return Aggregates(
        count_=columns.shape[1],
        mean_=dict(zip("ydxw", columns.mean(axis=1), strict=True)),
        var_=dict(zip("ydxw", np.diag(spread), strict=True)),
        cov_={("ydxw"[i], "ydxw"[j]): spread[i, j] for i in range(4) for j in range(i)},
    )


def same_comparison(ours: Comparison | Unanswerable, theirs: Any) -> None:
    assert isinstance(ours, Comparison)
    scale = max(abs(theirs.control), abs(theirs.treatment))
    assert close(ours.control, theirs.control)
    assert close(ours.treatment, theirs.treatment)
    assert near(ours.difference, theirs.effect_size, scale)
    assert near(ours.interval.low, theirs.effect_size_ci_lower, scale)
    assert near(ours.interval.high, theirs.effect_size_ci_upper, scale)
    assert near(ours.relative, theirs.rel_effect_size, 1)
    assert ours.relative_interval is not None
    assert near(ours.relative_interval.low, theirs.rel_effect_size_ci_lower, 1)
    assert near(ours.relative_interval.high, theirs.rel_effect_size_ci_upper, 1)
    assert near(ours.p, theirs.pvalue, max(theirs.pvalue, 1e-3))


def test_a_mean_and_its_covariate_are_tea_tastings() -> None:
    plain, adjusted = (
        tt.Mean("y", use_t=False, equal_var=False),
        tt.Mean("y", "x", use_t=False, equal_var=False),
    )
    for control, treatment in draw_tests(TEA_TASTINGS):
        ours = moments(control), moments(treatment)
        theirs = aggregates(control), aggregates(treatment)
        same_comparison(compare(*map(estimate_mean, ours)), plain.analyze_aggregates(*theirs))
        cuped = adjust_means(*ours)
        assert isinstance(cuped, Adjusted)
        same_comparison(compare(cuped.control, cuped.treatment), adjusted.analyze_aggregates(*theirs))


def test_a_ratio_and_its_covariate_are_tea_tastings() -> None:
    plain = tt.RatioOfMeans("y", "d", use_t=False, equal_var=False)
    by_ratio = tt.RatioOfMeans("y", "d", "x", "w", use_t=False, equal_var=False)
    by_mean = tt.RatioOfMeans("y", "d", "x", use_t=False, equal_var=False)
    for control, treatment in draw_tests(TEA_TASTINGS, seed=8):
        ours = moments(control), moments(treatment)
        theirs = aggregates(control), aggregates(treatment)
        same_comparison(compare(*map(estimate_ratio, ours)), plain.analyze_aggregates(*theirs))
        for is_a_ratio, oracle in ((True, by_ratio), (False, by_mean)):
            cuped = adjust_ratios(*ours, covariate_is_a_ratio=is_a_ratio)
            assert isinstance(cuped, Adjusted)
            same_comparison(compare(cuped.control, cuped.treatment), oracle.analyze_aggregates(*theirs))


def test_a_proportion_is_tea_tastings_mean_of_zeros_and_ones() -> None:
    oracle = tt.Mean("y", use_t=False, equal_var=False)
    rng = np.random.default_rng(9)
    for _ in range(TEA_TASTINGS):
        sizes = rng.integers(100, 50_000, 2)
        counts = [int(rng.binomial(size, rng.uniform(0.02, 0.4))) + 1 for size in sizes]
        theirs = []
        for size, count in zip(sizes, counts, strict=True):
            share = count / size
            theirs.append(Aggregates(int(size), {"y": share}, {"y": share * (1 - share) * size / (size - 1)}))
        arms = [moments_of_share(int(size), count) for size, count in zip(sizes, counts, strict=True)]
        same_comparison(compare(*map(estimate_mean, arms)), oracle.analyze_aggregates(*theirs))


def test_one_sided_p_values_are_tea_tastings() -> None:
    gain = tt.Mean("y", use_t=False, equal_var=False, alternative="greater")
    harm = tt.Mean("y", use_t=False, equal_var=False, alternative="less")
    for control, treatment in draw_tests(TEA_TASTINGS, seed=10):
        ours = compare(estimate_mean(moments(control)), estimate_mean(moments(treatment)))
        theirs = aggregates(control), aggregates(treatment)
        assert isinstance(ours, Comparison)
        assert near(ours.p_gain, gain.analyze_aggregates(*theirs).pvalue, 1)
        assert near(ours.p_harm, harm.analyze_aggregates(*theirs).pvalue, 1)


def test_a_treatment_without_any_has_gbstats_relative_interval() -> None:
    rng = np.random.default_rng(11)
    for _ in range(CASES):
        size, others, bought = (
            int(rng.integers(50, 900)),
            int(rng.integers(50, 900)),
            int(rng.integers(1, 50)),
        )
        control = estimate_mean(moments_of_share(size, bought))
        treatment = estimate_mean(moments_of_share(others, 0))
        assert isinstance(control, Estimate)
        ours = compare(control, treatment)
        assert isinstance(ours, Comparison)
        assert ours.relative_interval is not None
        variance = frequentist_variance(
            control.variance, control.value, size, 0.0, 0.0, others, relative=True
        )
        assert near(ours.relative_interval.low, -1 - quantile(0.975) * variance**0.5, 1)


def test_always_valid_intervals_and_p_values_are_gbstats() -> None:
    rng = np.random.default_rng(12)
    for control, treatment in draw_tests(seed=12):
        planned, alpha = int(rng.integers(100, 100_000)), float(rng.choice([0.01, 0.05, 0.1]))
        stats = [
            SampleMeanStatistic(
                n=len(arm["y"]), sum=float(arm["y"].sum()), sum_squares=float((arm["y"] ** 2).sum())
            )
            for arm in (control, treatment)
        ]
        config = SequentialConfig(
            difference_type="absolute", alpha=alpha, sequential_tuning_parameter=planned
        )
        oracle = SequentialTwoSidedTTest(*stats, config)
        theirs = oracle.compute_result()
        found = compare(estimate_mean(moments(control)), estimate_mean(moments(treatment)))
        assert isinstance(found, Comparison)
        ours = always_valid(found, planned=planned, alpha=alpha)
        assert isinstance(ours, AlwaysValid)
        scale = abs(theirs.ci[0]) + abs(theirs.ci[1])
        assert close(rho_squared(planned, alpha=alpha), oracle.rho**2)
        assert near(ours.interval.low, theirs.ci[0], scale)
        assert near(ours.interval.high, theirs.ci[1], scale)
        assert near(ours.p, theirs.p_value, max(theirs.p_value, 1e-3))


def test_ratios_and_covariates_have_gbstats_variances() -> None:
    for control, _ in draw_tests(300, seed=13):
        arm = {letter: column.astype(float) for letter, column in control.items()}

        def statistic(letter: str, arm: Arm = arm) -> SampleMeanStatistic:
            column = arm[letter]
            return SampleMeanStatistic(n=len(column), sum=column.sum(), sum_squares=(column**2).sum())

        ratio = RatioStatistic(
            n=len(arm["y"]),
            m_statistic=statistic("y"),
            d_statistic=statistic("d"),
            m_d_sum_of_products=(arm["y"] * arm["d"]).sum(),
        )
        ours = estimate_ratio(moments(control))
        assert isinstance(ours, Estimate)
        assert close(ours.value, ratio.mean)
        assert abs(ours.variance - ratio.variance) <= 1e-9 * ours.variance
        cuped = adjust_means(moments(control), moments(control))
        assert isinstance(cuped, Adjusted)
        regression = RegressionAdjustedStatistic(
            n=len(arm["y"]),
            post_statistic=statistic("y"),
            pre_statistic=statistic("x"),
            post_pre_sum_of_products=(arm["y"] * arm["x"]).sum(),
            theta=cuped.theta,
        )
        assert abs(cuped.control.variance - regression.variance) <= 1e-9 * statistic("y").variance


def test_the_share_of_variance_a_covariate_takes_is_the_squared_correlation() -> None:
    for control, treatment in draw_tests(300, seed=14):
        y, x = (np.concatenate([control[letter], treatment[letter]]).astype(float) for letter in "yx")
        cuped = adjust_means(moments(control), moments(treatment))
        assert isinstance(cuped, Adjusted)
        assert close(cuped.correlation, np.corrcoef(y, x)[0, 1])
        line = scipy.stats.linregress(x, y)
        assert close(cuped.theta, line.slope)
        assert near(1 - cuped.removed, np.var(y - line.slope * x) / np.var(y), 1)


def test_a_limit_is_a_contrast_of_the_two_arms_own_numbers() -> None:
    """The same as comparing with a control whose every value is scaled by the margin, which tea-tasting can do."""
    oracle = tt.Mean("y", use_t=False, equal_var=False, alternative="greater")
    worse = tt.Mean("y", use_t=False, equal_var=False, alternative="less")
    rng = np.random.default_rng(15)
    for control, treatment in draw_tests(TEA_TASTINGS, seed=15):
        margin = float(rng.uniform(0, 0.5))
        arms = estimate_mean(moments(control)), estimate_mean(moments(treatment))
        for more_is_better, sign, theirs in ((True, -1, oracle), (False, 1, worse)):
            limit = contrast_with_limit(*arms, margin=margin, more_is_better=more_is_better)
            scaled = {**control, "y": control["y"] * (1 + sign * margin)}
            expected = theirs.analyze_aggregates(aggregates(scaled), aggregates(treatment))
            assert isinstance(limit, Contrast)
            assert near(safety_p(limit), expected.pvalue, 1)


def test_a_one_sided_bound_is_the_mixture_it_is_said_to_be() -> None:
    """At the bound the half-normal mixture of likelihood ratios reaches 1 / alpha, and less than 1 more."""
    rng = np.random.default_rng(16)
    for _ in range(CASES):
        n, planned = int(rng.integers(100, 10**6)), int(rng.integers(100, 10**6))
        alpha, error = float(rng.choice([0.01, 0.025, 0.05])), float(rng.uniform(1e-4, 10))
        bound = bound_harm(Contrast(n, 0.0, error), planned=planned, alpha=alpha)
        rho2 = rho_squared(planned, alpha=2 * alpha)
        z, k = bound.upper / error, n * rho2 + 1
        x = z * (n * rho2 / k) ** 0.5
        mixture = 2 / k**0.5 * np.exp(x**2 / 2) * scipy.stats.norm.cdf(x)
        assert 1 / alpha <= mixture <= 1 / alpha + 2 / k**0.5 + 1e-9
        at_the_bound = bound_harm(Contrast(n, -bound.upper, error), planned=planned, alpha=alpha)
        assert isinstance(at_the_bound, HarmBound)
        assert near(at_the_bound.p, alpha, 1)
        assert near(at_the_bound.upper, 0, error * z)


def test_chi_square_tails_are_scipys() -> None:
    rng = np.random.default_rng(17)
    degrees = np.concatenate([rng.integers(1, 12, 4_000), rng.integers(12, 2_000, 1_000)])
    statistics = degrees * rng.gamma(1.0, 1.5, degrees.size)
    expected = scipy.stats.chi2.sf(statistics, degrees)
    for statistic, degree, theirs in zip(
        statistics.tolist(), degrees.tolist(), expected.tolist(), strict=True
    ):
        assert near(chi_square_tail(statistic, degree), theirs, max(theirs, 1e-200))


def test_normal_tails_and_quantiles_are_scipys() -> None:
    for z in np.linspace(-12, 30, 3_000).tolist():
        assert close(upper_tail(z), float(scipy.stats.norm.sf(z))) or z > 26
        assert close(two_tails(z), float(2 * scipy.stats.norm.sf(abs(z)))) or z > 26
    for share in np.linspace(1e-6, 1 - 1e-6, 2_000).tolist():
        assert near(quantile(share), float(scipy.stats.norm.ppf(share)), 1)


def test_sample_ratios_are_scipys_and_gbstats() -> None:
    rng = np.random.default_rng(18)
    for _ in range(CASES):
        arms = int(rng.integers(2, 6))
        shares = rng.uniform(0.05, 1, arms)
        counts = rng.multinomial(rng.integers(10, 100_000), rng.dirichlet(shares * 500))
        expected = counts.sum() * shares / shares.sum()
        theirs = scipy.stats.chisquare(counts, expected)
        ours = sample_ratio(counts.tolist(), shares.tolist())
        assert close(ours.chi_square, float(theirs.statistic))
        assert near(ours.p, float(theirs.pvalue), max(float(theirs.pvalue), 1e-200))
        assert near(ours.p, check_srm(counts.tolist(), shares.tolist()), 1)


def test_adjusted_p_values_are_scipys() -> None:
    rng = np.random.default_rng(19)
    for _ in range(CASES):
        p_values = rng.beta(0.4, 1.0, rng.integers(1, 20)).tolist()
        theirs = scipy.stats.false_discovery_control(p_values, method="bh")
        for ours, expected in zip(benjamini_hochberg([None, *p_values])[1:], theirs, strict=True):
            assert close(ours, float(expected))
        assert bonferroni([None, *p_values])[1:] == [min(1.0, p * len(p_values)) for p in p_values]


@pytest.mark.parametrize("treated_share", [0.5, 0.1, 0.9])
def test_power_and_sample_sizes_are_tea_tastings(treated_share: float) -> None:
    """With one variance for both arms, as there."""
    rng = np.random.default_rng(20)
    for _ in range(TEA_TASTINGS // 10):
        mean, variance, gain = rng.uniform(1, 50), rng.uniform(1, 5_000), rng.uniform(0.02, 0.5)
        size = int(rng.integers(200, 100_000))
        data = Aggregates(size, {"y": mean}, {"y": variance})

        def solve(what: Any, data: Aggregates = data, gain: float = gain) -> Any:
            ratio = treated_share / (1 - treated_share)
            rel = None if what == "rel_effect_size" else gain
            metric = tt.Mean("y", use_t=False, equal_var=False, ratio=ratio, rel_effect_size=rel, power=0.8)
            return metric.solve_power_from_aggregates(data, what)[0]

        spread = Spread(mean, variance)
        power = power_of(spread, size, gain * mean, treated_share=treated_share)
        assert close(power, solve("power").power)
        assert units_needed(spread, gain * mean, treated_share=treated_share) == solve("n_obs").n_obs
        ours = smallest_gain(spread, size, treated_share=treated_share)
        assert near(ours, solve("rel_effect_size").effect_size, mean)


def test_percentiles_and_caps_are_numpys() -> None:
    rng = np.random.default_rng(21)
    for _ in range(CASES):
        values = rng.gamma(0.5, 9_000, rng.integers(100, 400)).round() + 1
        share = float(rng.uniform(0.05, 1))
        assert close(percentile(values.tolist(), share), float(np.quantile(values, share)))
        cap = cap_from([*values.tolist(), 0, 0], share=share)
        assert cap == float(np.quantile(values, share, method="inverted_cdf"))
