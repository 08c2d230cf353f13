"""A report whatever the counts are: a state in words, a date, and never a number that is none."""

from __future__ import annotations

from math import isfinite
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.building import NOW
from tests.experiments import ARMS, CARTS, REVENUE, SENTENCE, experiment, measured

from opportune.console.report_page import report_html
from opportune.core.experiments.experiment import Experiment, Limit, Phase
from opportune.core.experiments.measured import Measured
from opportune.core.moment import DAY, HOUR
from opportune.core.report.asking import answer_at, last_closed_day, window_of
from opportune.core.report.building import Beside, build_report
from opportune.core.report.parts import Report

UTC, BERLIN = ZoneInfo("UTC"), ZoneInfo("Europe/Berlin")
AFTER = NOW + 40 * DAY
"""Four weeks, and the week in which the last visitors may still buy, are over."""
TEST = experiment(NOW)


def report(of: Experiment = TEST, sums: Measured | None = None, now: int = AFTER, **beside: Any) -> Report:
    return build_report(of, sums, now=now, zone=UTC, currency="EUR", beside=Beside(**beside))


def numbers_in(value: Any) -> list[float]:
    if isinstance(value, float):
        return [value]
    if isinstance(value, msgspec.Struct):
        return [number for each in msgspec.structs.astuple(value) for number in numbers_in(each)]
    return [number for each in value for number in numbers_in(each)] if isinstance(value, tuple) else []


def check(found: Report) -> None:
    """What holds of every report."""
    assert all(map(isfinite, numbers_in(found)))
    page = report_html(found)
    for text in (msgspec.json.encode(found).decode(), page):
        assert "nan" not in text.lower().split()
        assert "None" not in text
        assert "inf " not in text
    assert found.conclusion.sentence
    assert found.conclusion.next_step
    assert msgspec.json.decode(msgspec.json.encode(found), type=Report) == found


def test_the_rules_own_sentence_heads_its_report() -> None:
    found = report(sums=measured(TEST))
    assert found.sentence == SENTENCE
    assert f"<h1>{SENTENCE}</h1>" in report_html(found)


def test_a_clear_gain_is_kept_and_told_in_plain_words() -> None:
    found = report(sums=measured(TEST, people=(1000, 1000), bought=(20, 30)))
    check(found)
    assert found.conclusion.state == "keep"
    assert found.main is not None
    assert found.main.words.startswith("3 of 100 bought with it, 2 of 100 without it: 50% more; between ")
    assert [arm.words for arm in found.main.arms] == ["2 of 100 bought", "3 of 100 bought"]


def test_while_it_runs_there_is_a_date_and_a_range_that_may_be_looked_at_every_day() -> None:
    now = NOW + 20 * DAY
    found = report(sums=measured(TEST, days=20), now=now)
    check(found)
    assert found.conclusion.state == "collecting"
    assert found.conclusion.date == "2027-02-20"
    assert found.conclusion.date_words == "the answer comes on 20 February 2027"
    assert found.main is not None
    assert found.main.change is not None
    assert "so far between" in found.main.words
    change = found.main.change
    assert change.always_low is not None
    assert change.always_high is not None
    assert change.always_low < change.low < change.high < change.always_high


def test_only_days_whose_windows_are_closed_are_read() -> None:
    now = NOW + 20 * DAY
    found = report(sums=measured(TEST, days=20), now=now)
    assert found.main is not None
    assert sum(arm.decided for arm in found.people) == 4_000
    assert sum(arm.people for arm in found.main.arms) == 2_600
    assert "read from the 2,600 whose time to act is over" in found.people_words
    assert found.over_time is not None
    assert found.over_time.points[-1].day == last_closed_day(now, 7 * DAY, UTC)


@pytest.mark.parametrize("zone", [UTC, BERLIN])
def test_a_day_is_closed_once_its_end_and_the_window_are_behind_us(zone: ZoneInfo) -> None:
    midnight = 1_800_057_600_000 if zone is UTC else 1_800_054_000_000  # 16 January 2027
    assert last_closed_day(midnight, 7 * DAY, zone) == "2027-01-08"
    assert last_closed_day(midnight - 1, 7 * DAY, zone) == "2027-01-07"


def test_no_visitor_is_no_data_and_shows_no_picture() -> None:
    for sums in (None, Measured(experiment=TEST.id)):
        found = report(sums=sums)
        check(found)
        assert found.conclusion.state == "no data"
        assert found.main is None
        assert found.over_time is None


def test_one_visitor_is_no_answer() -> None:
    alone = measured(TEST, days=1, people=(1, 0), bought=(0, 0))
    assert report(sums=alone).conclusion.state == "no data"
    early = report(sums=alone, now=NOW + DAY)
    assert early.conclusion.state == "collecting"
    assert early.main is None
    found = report(sums=alone, now=NOW + 10 * DAY)
    check(found)
    assert found.conclusion.state == "collecting"
    assert found.main is not None
    assert found.main.change is None
    assert "nobody to compare with" in found.main.words


def test_everybody_in_one_arm_is_not_to_be_trusted() -> None:
    found = report(sums=measured(TEST, people=(0, 100), bought=(0, 3)))
    check(found)
    assert found.conclusion.state == "do not trust this"
    assert found.main is None
    assert found.others == ()
    assert found.segments == ()
    assert [split.is_off for split in found.splits] == [True]
    assert "though the plan was half and half" in found.splits[0].words


def test_nobody_buying_is_said_so() -> None:
    found = report(sums=measured(TEST, bought=(0, 0)))
    check(found)
    assert found.conclusion.state == "no data"
    running = report(sums=measured(TEST, bought=(0, 0)), now=NOW + 20 * DAY)
    check(running)
    assert running.main is not None
    assert "nothing to compare" in running.main.words


@pytest.mark.parametrize("paid", [10**9, 10**30, 10**200])
def test_absurd_revenue_makes_a_warning_and_no_nonsense(paid: int) -> None:
    of = experiment(NOW, metric=REVENUE, limits=(), others=())
    found = report(of, measured(of, paid=paid))
    check(found)
    assert found.conclusion.state in {"not proven", "keep"}


def test_a_result_carried_by_one_order_is_to_be_checked() -> None:
    of = experiment(NOW, metric=REVENUE, limits=(), others=(), days=7)
    sums = measured(of, days=1, people=(500, 500), bought=(5, 6), paid=400_000)
    found = report(of, sums)
    check(found)
    assert found.largest is not None
    assert found.largest.is_carried
    assert "€4,000" in found.largest.words
    assert "check the data" in found.largest.words


def test_capped_stands_beside_raw() -> None:
    of = experiment(NOW, metric=REVENUE, limits=(), others=(), caps={REVENUE.name: 5_000})
    found = report(of, measured(of))
    check(found)
    assert found.largest is not None
    assert found.largest.raw is not None
    assert "nobody counts for more than €50" in found.largest.words
    assert found.planned is not None
    assert found.planned.caps == ("revenue a visitor within 7 days: €50 a visitor",)


def test_crossed_visitors_are_counted_and_a_result_without_them_is_shown() -> None:
    found = report(sums=measured(TEST, crossed=(2, 2)))
    check(found)
    assert found.crossover is not None
    assert found.crossover.words.startswith(
        "112 visitors (2%) were seen in more than one version; each counts"
    )
    assert found.crossover.without is not None
    assert [arm.people for arm in found.crossover.without.arms] == [2_744, 2_744]
    lost = report(sums=measured(TEST, crossed=(20, 20)))
    assert lost.conclusion.state == "do not trust this"


def test_whoever_crossed_is_compared_with_whom_the_result_is_read_from() -> None:
    """Visitors whose time to act is not over are in neither: sixteen days of crossing are no fifth of nine days."""
    half_way = report(sums=measured(TEST, days=16, crossed=(8, 8)), now=NOW + 16 * DAY)
    assert half_way.conclusion.state == "collecting"
    assert half_way.crossover is not None
    assert half_way.crossover.share == pytest.approx(0.08)
    assert half_way.crossover.people == 9 * 16


def test_shown_stands_beside_the_main_reading_where_both_sides_tell_of_it() -> None:
    found = report(sums=measured(TEST, shown=True))
    check(found)
    assert found.shown is not None
    assert [(arm.decided, arm.shown) for arm in found.people] == [(2_800, 2_800)] * 2
    assert found.assisted is not None
    assert "That describes, and proves nothing" in found.assisted.words
    assert report(sums=measured(TEST)).shown is None


def test_a_rule_that_switched_itself_off_shows_first_what_it_broke() -> None:
    of = experiment(NOW, ended_at=NOW + 5 * DAY, ended_as="rolled back", reason="a safety limit is broken")
    kept = report(of, measured(of, days=5))
    assert kept.harm == ()
    broken = msgspec.structs.replace(kept, safety=(msgspec.structs.replace(kept.safety[0], state="broken"),))
    assert broken.harm == broken.safety


def test_a_note_says_whose_time_is_over_only_while_it_is_not_everybodys() -> None:
    open_still = report(TEST, measured(TEST, days=12), now=NOW + 12 * DAY)
    assert open_still.main is not None
    assert open_still.main.note.endswith(", whose 7 days are over.")
    ended = experiment(NOW, ended_at=NOW + 5 * DAY, ended_as="stopped")
    long_ago = report(ended, measured(ended, days=5), now=NOW + 15 * DAY)
    assert long_ago.main is not None
    assert long_ago.main.note == ""


def test_a_rule_that_switched_itself_off_says_why_and_when() -> None:
    of = experiment(
        NOW, ended_at=NOW + 5 * DAY, ended_as="rolled back", reason="bounces were 40% above normal"
    )
    found = report(of, measured(of, days=5))
    check(found)
    assert found.conclusion.state == "rolled back"
    assert "bounces were 40% above normal" in found.conclusion.sentence
    assert found.conclusion.date_words == "ended on 20 January 2027"


@pytest.mark.parametrize(
    ("how", "words"), [("stopped", "was stopped"), ("replaced", "was replaced by a new test")]
)
def test_one_that_ended_before_its_plan_proves_nothing(how: str, words: str) -> None:
    of = experiment(NOW, ended_at=NOW + 5 * DAY, ended_as=how)
    found = report(of, measured(of, days=5), now=NOW + 15 * DAY)
    check(found)
    assert found.conclusion.state == "not proven"
    assert words in found.conclusion.sentence


@pytest.mark.parametrize(
    ("how", "words"), [("stopped", "was stopped"), ("rolled back", "switched itself off")]
)
def test_one_that_ended_before_anybody_came_waits_for_nobody(how: str, words: str) -> None:
    found = report(experiment(NOW, ended_at=NOW + DAY, ended_as=how), None, now=NOW + 2 * DAY)
    check(found)
    assert found.conclusion.state == "no data"
    assert found.conclusion.sentence == f"No data: it {words} before any visitor came."


def test_a_test_without_an_end_has_a_date_too() -> None:
    of = experiment(NOW, days=None)
    found = report(of, measured(of, days=100), now=NOW + 100 * DAY)
    check(found)
    assert answer_at(of, NOW + 100 * DAY, UTC) == NOW + 182 * DAY
    assert found.conclusion.date_words


def test_each_phase_has_its_own_split_and_a_ramp_none() -> None:
    uneven = (("control", 1_000), ("treatment", 9_000))
    phases = (
        Phase(number=1, since_at=NOW, arms=ARMS, share=500),
        Phase(number=1, since_at=NOW + DAY, arms=ARMS),
        Phase(number=2, since_at=NOW + 2 * DAY, arms=uneven),
    )
    of = experiment(NOW, phases=phases)
    first = measured(of, days=10, people=(100, 100))
    second = measured(of, days=10, people=(20, 180))
    moved = {msgspec.structs.replace(cell, phase=2): sums for cell, sums in second.cells.items()}
    found = report(of, msgspec.structs.replace(first, cells={**first.cells, **moved}))
    check(found)
    assert [split.phase for split in found.splits] == [1, 2]
    assert [split.is_off for split in found.splits] == [False, False]
    assert "1 in 10 without" in found.splits[1].words


@pytest.mark.parametrize(("people", "is_off"), [((554, 446), False), ((560, 440), True)])
def test_phases_share_the_bar_of_the_split_as_they_do_in_the_conclusion(
    people: tuple[int, int], is_off: bool
) -> None:
    """Of two phases each has half of 0.001; (554, 446) has a p of 0.0006."""
    phases = (
        Phase(number=1, since_at=NOW, arms=ARMS),
        Phase(number=2, since_at=NOW + DAY, arms=(("control", 1_000), ("treatment", 9_000))),
    )
    of = experiment(NOW, phases=phases)
    first = measured(of, days=1, people=people, bought=(0, 0))
    second = measured(of, days=1, people=(100, 900), bought=(0, 0))
    moved = {msgspec.structs.replace(cell, phase=2): sums for cell, sums in second.cells.items()}
    told = report(of, msgspec.structs.replace(first, cells={**first.cells, **moved}), now=NOW + 3 * DAY)
    assert [split.is_off for split in told.splits] == [is_off, False]
    assert (told.conclusion.state == "do not trust this") == is_off


def test_a_split_that_is_off_only_on_the_whole_says_by_how_much() -> None:
    phases = (Phase(number=1, since_at=NOW, arms=ARMS), Phase(number=2, since_at=NOW + DAY, arms=ARMS))
    of = experiment(NOW, phases=phases)
    first, second = (measured(of, days=1, people=(554, 446), bought=(0, 0)) for _ in phases)
    moved = {msgspec.structs.replace(cell, phase=2): sums for cell, sums in second.cells.items()}
    told = report(of, msgspec.structs.replace(first, cells={**first.cells, **moved}), now=NOW + 3 * DAY)
    check(told)
    assert told.conclusion.state == "do not trust this"
    assert [split.is_off for split in told.splits] == [False, False]
    since = [split.since for split in told.splits]
    assert told.splits_together == (
        "No stretch is off by itself, but together they are: "
        f"since {since[0]}, 54 of 1,000 visitors too many without it; "
        f"since {since[1]}, 54 of 1,000 visitors too many without it. "
        "Chance alone would do all of this less than 1 time in 1,000."
    )
    assert told.splits_together in report_html(told)
    alone = report(sums=measured(TEST, people=(0, 100), bought=(0, 3)))
    assert not alone.splits_together


def test_a_split_as_planned_is_told_without_a_formula() -> None:
    told = report(sums=measured(TEST, people=(1_000, 1_000)))
    assert told.splits[0].words.endswith("near enough to half and half: chance alone would often do this.")
    assert told.splits[0].p == 1


def test_a_day_that_is_not_over_makes_the_split_off_only_by_far() -> None:
    """Whoever opens a report often looks at the split often: 0.001 is asked of full days, 0.000001 at once."""

    def found(today: tuple[int, int], hours: int) -> Report:
        until_now = measured(TEST, people=today, bought=(0, 0), days=1)
        return report(sums=until_now, now=NOW + hours * HOUR)

    before_midnight, after_it = 10, 20
    for today, looks_off in (
        ((550, 450), (False, False)),
        ((560, 440), (False, True)),
        ((600, 400), (True, True)),
    ):
        for hours, is_off in zip((before_midnight, after_it), looks_off, strict=True):
            told = found(today, hours)
            assert (told.conclusion.state == "do not trust this") == is_off
            assert [split.is_off for split in told.splits] == [is_off]
    assert found((560, 440), before_midnight).splits[0].words.endswith("asked once the day is over.")
    assert found((560, 440), after_it).splits[0].words.endswith("less than 1 time in 1,000.")
    assert found((600, 400), before_midnight).splits[0].words.endswith("less than 1 time in 1,000,000.")


def test_the_last_look_is_the_same_however_long_one_waits() -> None:
    of = experiment(NOW, days=14)
    sums = measured(of, days=15)
    over = answer_at(of, NOW, UTC)
    assert report(of, sums, now=over - 1).conclusion.state == "collecting"
    first, later = (report(of, sums, now=now) for now in (over, over + 3 * DAY))
    assert first.conclusion.state != "collecting"
    assert first.main == later.main


def test_nothing_ends_early_before_every_weekday_has_been_read() -> None:
    of = experiment(NOW, days=28)
    sums = measured(of, days=28, people=(4_000, 4_000), bought=(100, 200))
    window = window_of(of)
    assert report(of, sums, now=NOW + window + 5 * DAY).conclusion.state == "collecting"
    assert report(of, sums, now=NOW + window + 8 * DAY).conclusion.state == "keep"


def test_each_safety_limit_has_its_state() -> None:
    kept = report(sums=measured(TEST, people=(4000, 4000), bought=(900, 905)))
    assert [limit.state for limit in kept.safety] == ["kept"]
    assert "A harm of 10% fewer can be ruled out." in kept.safety[0].words
    unsure = report(sums=measured(TEST, people=(100, 100), bought=(4, 4)))
    assert [limit.state for limit in unsure.safety] == ["not sure yet"]
    broken = report(sums=measured(TEST, people=(4000, 4000), bought=(900, 500)))
    assert [limit.state for limit in broken.safety] == ["broken"]


def test_a_limit_that_tolerates_no_harm_is_told_without_a_harm_of_nothing() -> None:
    strict = experiment(NOW, limits=(Limit(metric=CARTS, margin=0.0),))
    told = {
        "kept": ((4_000, 4_000), (800, 1_000), "Any harm can be ruled out: it is at least as good."),
        "not sure yet": ((100, 100), (4, 4), "Whether it does any harm cannot be told yet."),
        "broken": ((4_000, 4_000), (900, 500), "It does harm."),
        "no answer": ((100, 100), (100, 100), "Whether it does any harm cannot be told."),
    }
    for state, (people, bought, words) in told.items():
        [limit] = report(strict, measured(strict, people=people, bought=bought)).safety
        assert limit.state == state
        assert limit.words.startswith(words)
        assert "0%" not in limit.words.split(".")[0]


def test_what_could_not_be_counted_is_said() -> None:
    sums = msgspec.structs.replace(measured(TEST), not_counted={"exposure without a version": 3})
    found = report(sums=sums, erased=2)
    check(found)
    assert "3 visitors could not be counted: exposure without a version." in found.warnings
    assert found.erased == "2 visitors who were erased are still in the sums, which name nobody."


def test_newcomers_are_shown_week_by_week() -> None:
    found = report(sums=measured(TEST, people=(400, 400), bought=(8, 12)))
    assert found.by_first_day is not None
    assert [point.people for point in found.by_first_day.points] == [5_600] * 4
    assert found.by_first_day.title.startswith("Each week's newcomers")


COUNTS = st.tuples(st.integers(0, 300), st.integers(0, 300))


@given(
    people=COUNTS,
    bought=COUNTS,
    crossed=COUNTS,
    paid=st.integers(0, 10**40),
    days=st.integers(0, 40),
    now=st.integers(-10, 400),
    shown=st.booleans(),
    on_money=st.booleans(),
    ended=st.sampled_from(["", "finished", "stopped", "rolled back", "replaced"]),
)
def test_any_counts_make_a_report(
    people: tuple[int, int],
    bought: tuple[int, int],
    crossed: tuple[int, int],
    paid: int,
    days: int,
    now: int,
    *,
    shown: bool,
    on_money: bool,
    ended: str,
) -> None:
    of = experiment(
        NOW,
        **({"metric": REVENUE, "caps": {REVENUE.name: 9_900}} if on_money else {}),
        ended_as=ended,
        ended_at=NOW + 9 * DAY if ended else None,
    )
    sums = measured(
        of,
        days=days,
        people=people,
        bought=(min(bought[0], people[0]), min(bought[1], people[1])),
        paid=paid,
        shown=shown,
        crossed=(min(crossed[0], people[0]), min(crossed[1], people[1])),
    )
    check(report(of, sums, now=NOW + now * DAY))


def test_before_anybodys_time_to_act_is_over_it_says_when_the_first_are_read() -> None:
    found = report(sums=measured(TEST, days=3), now=NOW + 3 * DAY)
    check(found)
    assert found.conclusion.state == "collecting"
    assert found.conclusion.sentence.startswith("Collecting until 20 February 2027: 600 visitors so far.")
    assert "The first are read on 23 January 2027, once the 7 days" in found.conclusion.sentence
    assert found.main is None
    first = report(sums=measured(TEST, days=3), now=NOW + 8 * DAY)
    assert first.main is not None
    assert sum(arm.people for arm in first.main.arms) == 200


def test_what_is_off_or_was_switched_off_is_said_at_once() -> None:
    uneven = report(sums=measured(TEST, days=1, people=(300, 100)), now=NOW + DAY)
    assert uneven.conclusion.state == "do not trust this"
    of = experiment(NOW, ended_at=NOW + DAY, ended_as="rolled back", reason="it failed to render")
    found = report(of, measured(of, days=1), now=NOW + DAY)
    check(found)
    assert found.conclusion.state == "rolled back"
    assert "it failed to render" in found.conclusion.sentence
    assert [arm.decided for arm in found.people] == [100, 100]
