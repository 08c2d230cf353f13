"""Conclusions: every state with its sentence, and no counts that make one raise or say a number that is none."""

from __future__ import annotations

import random
from datetime import date
from math import isfinite
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opportune.core.conclusion.concluding import STATE_WORDS, Conclusion, conclude
from opportune.core.conclusion.judging import broken_limits
from opportune.core.conclusion.reading import Change, Limit, Measured, Phase, Reading, RolledBack
from opportune.core.conclusion.wording import effect
from opportune.core.statistics.comparing import Comparison
from opportune.core.statistics.moments import Moments, moments_of_share, moments_of_units
from opportune.core.statistics.placebo import PlaceboBand


def shares(*arms: tuple[int, int], metric: str = "orders", **more: Any) -> Measured:
    return Measured(
        metric=metric, kind="proportion", arms=tuple(moments_of_share(*arm) for arm in arms), **more
    )


def a_test(*arms: tuple[int, int], **more: Any) -> Reading:
    fixed: dict[str, Any] = {
        "arms": ("without it", "with it", "other")[: len(arms)],
        "deciding": shares(*arms),
        "phases": (Phase(tuple(n for n, _ in arms), (1.0,) * len(arms)),),
        "days": 28,
        "planned_days": 28,
        "planned_units": sum(n for n, _ in arms),
        "ends_on": date(2027, 3, 14),
    }
    return Reading(**fixed | more)


LOST = ((14_000, 420), (14_000, 415))
WON = ((14_000, 420), (14_000, 510))
NO_HARM = Limit(measured=shares((14_000, 1_400), (14_000, 1_405), metric="sign-ups"), margin=0.15)


def test_a_win_at_the_planned_end_is_kept() -> None:
    found = conclude(a_test(*WON, limits=(NO_HARM,)))
    assert (found.state, found.winner) == ("keep", "with it")
    assert found.sentence.startswith("Keep it: 21% more orders (between 6.9% and 38% more)")
    assert found.sentence.endswith("with 28,000 visitors.")


def test_a_win_whose_limit_is_not_shown_to_be_kept_is_not_proven() -> None:
    tight = msgspec.structs.replace(NO_HARM, margin=0.01)
    found = conclude(a_test(*WON, limits=(tight,)))
    assert found.state == "not_proven"
    assert "sign-ups losing less than 1%" in found.sentence


def test_before_the_end_a_win_counts_only_on_the_daily_look_and_only_a_clear_one() -> None:
    clear, unclear = ((14_000, 420), (14_000, 560)), WON
    early = {"days": 14, "is_daily_look": True}
    assert conclude(a_test(*clear, **early)).state == "keep"
    assert conclude(a_test(*unclear, **early)).state == "collecting"
    assert conclude(a_test(*clear, days=14)).state == "collecting"
    assert conclude(a_test(*clear, days=5, is_daily_look=True)).state == "collecting"


def test_while_collecting_there_is_a_date_and_the_range_for_looking_often() -> None:
    found = conclude(a_test(*WON, days=9))
    assert found.sentence.startswith(
        "Collecting until 14 March (day 9 of 28): 28,000 visitors so far; between"
    )
    few = conclude(a_test((400, 8), (400, 12), days=9))
    assert few.sentence.endswith("800 visitors so far, too few to say anything.")


def test_an_uneven_split_comes_before_everything_else() -> None:
    wrong = Phase((14_000, 13_000), (1.0, 1.0))
    found = conclude(a_test(*WON, phases=(wrong,), rolled_back=RolledBack("refunds rose")))
    assert found.state == "do_not_trust"
    assert "split" in found.sentence
    hidden = Phase((100_000, 100_000), (1.0, 1.0))
    assert conclude(a_test(*WON, phases=(hidden, Phase((600, 400), (1.0, 1.0))))).state == "do_not_trust"


def test_crossover_is_noted_then_distrusted() -> None:
    assert conclude(a_test(*WON, crossover=(10, 12))).notes == ()
    noted = conclude(a_test(*WON, crossover=(300, 310)))
    assert noted.state == "keep"
    assert noted.notes == ("2.2% of the visitors saw more than one version; they count for the first.",)
    assert conclude(a_test(*WON, crossover=(1_500, 1_490))).state == "do_not_trust"
    assert conclude(a_test(*WON, crossover=(200, 400))).state == "do_not_trust"
    uneven = ((2_000, 60), (18_000, 540))
    promised = (Phase((2_000, 18_000), (1.0, 9.0)),)
    assert conclude(a_test(*uneven, phases=promised, crossover=(100, 104))).state != "do_not_trust"
    assert conclude(a_test(*uneven, phases=promised, crossover=(20, 184))).state == "do_not_trust"


def kept_after_four_weeks(rng: random.Random, *, lift: float, a_day: int = 300, share: float = 0.03) -> bool:
    """A test looked at every day for 28 days, switched on the day it says keep."""
    bought = [0, 0]
    for day in range(1, 29):
        for arm, rate in enumerate((share, share * (1 + lift))):
            bought[arm] += max(0, round(rng.gauss(a_day * rate, (a_day * rate * (1 - rate)) ** 0.5)))
        arms = tuple((a_day * day, count) for count in bought)
        if (
            conclude(a_test(*arms, days=day, is_daily_look=True, planned_units=28 * 2 * a_day)).state
            == "keep"
        ):
            return True
    return False


def test_looking_every_day_fools_nobody() -> None:
    """Without any effect, 2.5% are better by chance at the end, and little more for having looked 28 times."""
    rng = random.Random(11)
    assert sum(kept_after_four_weeks(rng, lift=0.0) for _ in range(400)) <= 0.04 * 400


def test_a_fifth_more_is_found_as_often_as_was_measured() -> None:
    """58 of 100, at 300 visitors a day and side for 28 days."""
    rng = random.Random(12)
    found = sum(kept_after_four_weeks(rng, lift=0.2) for _ in range(300))
    assert 0.5 <= found / 300 <= 0.66


def test_a_rule_that_switched_itself_off_says_why() -> None:
    found = conclude(a_test(*WON, rolled_back=RolledBack("the banner failed to load", date(2027, 3, 2))))
    assert found.state == "rolled_back"
    assert found.sentence.startswith("Switched off by itself on 2 March: the banner failed to load.")


def test_no_difference_is_not_proven_and_harm_is_named() -> None:
    assert conclude(a_test(*LOST)).sentence.startswith("Not proven: 1.2% fewer orders (between")
    harmed = conclude(a_test((14_000, 510), (14_000, 420)))
    assert harmed.state == "not_proven"
    assert harmed.sentence.startswith("Not proven, and it did harm: 18% fewer orders")


def test_harmless_and_cheap_states_its_odds() -> None:
    slightly = ((14_000, 420), (14_000, 440))
    found = conclude(a_test(*slightly, limits=(NO_HARM,), is_cheap=True))
    assert found.state == "harmless"
    assert found.sentence.endswith("The odds that it is better at all are 76 to 24.")
    assert conclude(a_test(*slightly, limits=(NO_HARM,))).state == "not_proven"
    assert conclude(a_test(*slightly, is_cheap=True)).state == "not_proven"


def test_more_of_a_bad_thing_is_worse() -> None:
    refunds = shares((14_000, 420), (14_000, 510), more_is_better=False)
    assert "did harm" in conclude(a_test(*WON, deciding=refunds)).sentence
    fewer = shares((14_000, 510), (14_000, 420), more_is_better=False)
    assert conclude(a_test(*WON, deciding=fewer)).state == "keep"


def test_sentences_say_which_way_is_good_where_it_is_not_the_usual_one() -> None:
    bounces = shares((14_000, 4_800), (14_000, 5_100), metric="bounces", more_is_better=False)
    assert "6.2% more bounces (between 2.9% and 9.7% more; less is better)" in told(bounces)
    assert "bounces growing by less than 1%" in told(
        shares(*WON), limits=(Limit(measured=bounces, margin=0.01),)
    )
    assert "orders losing nothing" in told(shares(*WON), limits=(Limit(measured=shares(*LOST), margin=0.0),))


def test_nothing_that_moved_is_called_unchanged() -> None:
    found = told(shares((9_000_000, 4_500_000), (9_000_000, 4_500_900)))
    assert "less than 0.1% more orders" in found


def test_amounts_without_a_percentage_are_in_the_metrics_own_unit() -> None:
    assert "orders +2.308 of 100 visitors" in told(shares((9_000, 0), (9_100, 210)))
    losses = tuple(moments_of_units([-50_000] * some + [0] * (8_000 - some)) for some in (900, 500))
    margin = Measured(metric="margin a visitor", kind="mean", arms=losses, scale=100)
    assert "margin a visitor +25 (between" in told(margin)


def test_a_range_agrees_with_the_test_it_stands_behind() -> None:
    one = Measured(
        metric="revenue",
        kind="mean",
        arms=(moments_of_units([100] * 300 + [0] * 8_700), moments_of_units([9_000_000] + [100] * 8_999)),
    )
    [arm] = conclude(a_test((9_000, 0), (9_000, 0), deciding=one)).arms
    assert isinstance(arm.comparison, Comparison)
    assert arm.comparison.p > 0.05
    assert "between 100% fewer and" in effect(arm, one)


def test_few_orders_carry_no_direction_however_many_visitors_came() -> None:
    paid = [moments_of_units([5_000] * buyers + [0] * (20_000 - buyers)) for buyers in (40, 75)]
    revenue = Measured(metric="revenue", kind="mean", arms=tuple(paid))
    found = conclude(a_test((20_000, 0), (20_000, 0), deciding=revenue))
    assert (found.state, found.winner) == ("not_proven", None)
    assert "A direction takes 100 visitors a side with revenue" in found.sentence


def test_one_of_three_buyers_is_no_single_value_that_carries_a_share() -> None:
    few = shares((900, 3), (900, 2), largest_share=1 / 3)
    assert not conclude(a_test((900, 3), (900, 2), deciding=few)).must_check_data


def test_a_changed_split_compares_each_phase_by_itself() -> None:
    """In the second phase everybody buys more, and more of control comes: put together, control would win."""
    quiet = (moments_of_share(1_000, 20), moments_of_share(9_000, 180))
    busy = (moments_of_share(9_000, 900), moments_of_share(1_000, 100))
    arms = tuple(one + other for one, other in zip(quiet, busy, strict=True))
    phases = (Phase((1_000, 9_000), (1.0, 9.0)), Phase((9_000, 1_000), (9.0, 1.0)))
    pooled = Measured(metric="orders", kind="proportion", arms=arms)
    split = msgspec.structs.replace(pooled, strata=(quiet, busy))
    wrong, right = (
        conclude(a_test((10_000, 0), (10_000, 0), deciding=each, phases=phases)) for each in (pooled, split)
    )
    assert wrong.arms[0].p_adjusted is not None
    assert wrong.arms[0].p_adjusted < 1e-9
    [arm] = right.arms
    assert isinstance(arm.comparison, Comparison)
    assert arm.comparison.difference == pytest.approx(0, abs=1e-12)
    assert right.state == "not_proven"
    assert any("split was changed" in note for note in right.notes)


def test_phases_of_one_split_say_what_all_of_them_together_say() -> None:
    halves = tuple(
        (moments_of_share(5_000, one), moments_of_share(5_000, other)) for one, other in [(150, 190)] * 2
    )
    whole = tuple(one + other for one, other in zip(*halves, strict=True))
    plain = Measured(metric="orders", kind="proportion", arms=whole)
    by_phase = msgspec.structs.replace(plain, strata=halves)
    one, other = (
        conclude(a_test((10_000, 0), (10_000, 0), deciding=each)).arms[0].comparison
        for each in (plain, by_phase)
    )
    assert isinstance(one, Comparison)
    assert isinstance(other, Comparison)
    assert other.difference == pytest.approx(one.difference)
    assert other.standard_error == pytest.approx(one.standard_error, rel=1e-3)


def told(deciding: Measured, **more: Any) -> str:
    units = tuple((arm.n, 0) for arm in deciding.arms)
    return conclude(a_test(*units, deciding=deciding, **more)).sentence


def test_too_good_a_result_is_checked_first() -> None:
    found = conclude(a_test((14_000, 300), (14_000, 480)))
    assert found.must_check_data
    assert found.next_step.startswith("Check the data before you do anything: 60% more orders:")
    carried = msgspec.structs.replace(shares(*WON), kind="mean", metric="revenue", largest_share=0.3)
    assert "One single value makes 30% of a side's revenue." in conclude(a_test(*WON, deciding=carried)).notes


def test_several_arms_share_the_chance_of_a_false_win() -> None:
    barely = ((14_000, 420), (14_000, 420), (14_000, 480))
    found = conclude(a_test(*barely))
    assert isinstance(found.arms[1].comparison, Comparison)
    assert found.arms[1].comparison.p == pytest.approx(0.041, abs=0.005)
    assert found.state == "not_proven"
    assert conclude(a_test((14_000, 420), (14_000, 420), (14_000, 510))).winner == "other"


def test_the_covariate_is_used_where_it_helps_and_the_plain_number_stays_beside() -> None:
    before = [visitor % 50 for visitor in range(2_000)]
    plain = moments_of_units([2 * x + visitor % 7 for visitor, x in enumerate(before)], before=before)
    better = moments_of_units([2 * x + visitor % 7 + 2 for visitor, x in enumerate(before)], before=before)
    measured = Measured(metric="revenue", kind="mean", arms=(plain, better), has_covariate=True)
    arm = conclude(a_test((2_000, 1), (2_000, 1), deciding=measured)).arms[0]
    assert arm.variance_removed > 0.9
    assert isinstance(arm.comparison, Comparison)
    assert isinstance(arm.unadjusted, Comparison)
    assert arm.comparison.standard_error < arm.unadjusted.standard_error / 3


def test_without_a_control_group_it_is_a_direction_beside_the_placebo_band() -> None:
    change = Change(relative=0.08, compared_with="the four weeks before", band=PlaceboBand(0.12, 40))
    found = conclude(a_test((9_000, 300), change=change, phases=()))
    assert found.state == "directional"
    assert "8% more orders compared with the four weeks before" in found.sentence
    assert found.sentence.endswith("so changes as large happen anyway.")
    assert conclude(a_test((9_000, 300), change=change, days=3)).state == "collecting"


def test_a_limit_that_breaks_is_told_at_any_minute() -> None:
    broken = Limit(measured=shares((9_000, 300), (9_000, 120), metric="orders"), margin=0.05)
    reading = a_test(*LOST, days=2, limits=(broken,))
    assert [limit.metric for limit in broken_limits(reading)] == ["orders"]
    assert conclude(reading).notes == ("The safety limit on orders is broken in with it: switch it off.",)


def test_a_slow_ramps_few_visitors_break_no_limit() -> None:
    """Ten in a ramp without an order look like a total loss, and are chance."""
    ramp = Limit(measured=shares((2_000, 60), (100, 0)), margin=0.05)
    assert broken_limits(a_test(*LOST, days=2, limits=(ramp,))) == ()
    gone = Limit(measured=shares((2_000, 60), (2_000, 0)), margin=0.05)
    assert broken_limits(a_test(*LOST, days=2, limits=(gone,)))


@pytest.mark.parametrize(
    ("arms", "state"),
    [
        (((0, 0), (0, 0)), "no_data"),
        (((1, 0), (0, 0)), "no_data"),
        (((1, 1), (1, 1)), "not_proven"),
        (((500, 0), (500, 0)), "no_data"),
        (((500, 500), (500, 500)), "not_proven"),
        (((1_000, 30), (0, 0)), "do_not_trust"),
        (((1_000, 30),), "no_data"),
        (((400, 0), (400, 9)), "not_proven"),
    ],
)
def test_strange_counts_have_a_state(arms: tuple[tuple[int, int], ...], state: str) -> None:
    assert conclude(a_test(*arms)).state == state


SUM = st.one_of(st.integers(-(10**40), 10**40), st.sampled_from([0, 1, 10**320]), st.floats())
COUNT = st.one_of(st.integers(0, 3), st.integers(0, 10**9))
ARM = st.builds(Moments, n=COUNT, **dict.fromkeys(Moments.__struct_fields__[1:], SUM))
HONEST = st.builds(lambda n, part: moments_of_share(n, n * part // 10), COUNT, st.integers(0, 10))


@st.composite
def readings(draw: st.DrawFn) -> Reading:
    count = draw(st.integers(1, 4))

    def measured() -> Measured:
        return Measured(
            metric="orders",
            kind=draw(st.sampled_from(["proportion", "mean", "ratio"])),
            arms=tuple(draw(st.one_of(ARM, HONEST)) for _ in range(count)),
            more_is_better=draw(st.booleans()),
            has_covariate=draw(st.booleans()),
            largest_share=draw(st.floats(0, 1)),
        )

    numbers = st.lists(st.integers(-1, 10**6), max_size=5).map(tuple)
    return Reading(
        arms=tuple("abcd"[:count]),
        deciding=measured(),
        limits=tuple(Limit(measured=measured(), margin=draw(st.floats(-1, 2))) for _ in range(2)),
        secondary=(measured(),),
        segments=(("phones", measured()),),
        without_crossover=measured(),
        phases=(Phase(draw(numbers), draw(st.lists(st.floats(), max_size=5).map(tuple))),)
        if draw(st.booleans())
        else (),
        crossover=draw(numbers),
        days=draw(st.integers(-3, 60)),
        planned_days=draw(st.integers(0, 60)),
        planned_units=draw(st.integers(-1, 10**9)),
        is_daily_look=draw(st.booleans()),
        is_cheap=draw(st.booleans()),
    )


@given(readings())
def test_any_reading_has_a_conclusion_of_real_numbers(reading: Reading) -> None:
    found = conclude(reading)
    assert isinstance(found, Conclusion)
    assert found.state in STATE_WORDS
    assert found.sentence.endswith(".")
    assert "nan" not in found.sentence.split()
    assert all(map(isfinite, floats_in(msgspec.to_builtins(found))))


def floats_in(found: Any) -> list[float]:
    if isinstance(found, dict):
        return [number for part in found.values() for number in floats_in(part)]
    if isinstance(found, (list, tuple)):
        return [number for part in found for number in floats_in(part)]
    return [found] if isinstance(found, float) else []
