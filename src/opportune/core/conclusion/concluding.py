"""Concluding: from a reading to a state, in the order the states are asked for."""

from __future__ import annotations

from typing import Literal

import msgspec

from opportune.core.conclusion import wording
from opportune.core.conclusion.judging import (
    FEWEST_FOR_A_DIRECTION,
    LARGEST_LIFT,
    LARGEST_SHARE,
    ArmResult,
    LimitResult,
    SecondaryResult,
    Trust,
    compare_arms,
    expected_events,
    judge_arms,
    judge_limits,
    judge_secondary,
    judge_trust,
    name_of,
)
from opportune.core.conclusion.reading import Measured, Reading
from opportune.core.moved import percent_words
from opportune.core.statistics.comparing import ALPHA, EARLY_ALPHA, Comparison
from opportune.core.statistics.estimate import Unanswerable

State = Literal[
    "no_data",
    "do_not_trust",
    "rolled_back",
    "collecting",
    "keep",
    "not_proven",
    "harmless",
    "directional",
]
STATE_WORDS: dict[State, str] = {
    "no_data": "No data",
    "do_not_trust": "Do not trust this",
    "rolled_back": "Switched off",
    "collecting": "Collecting",
    "keep": "Keep",
    "not_proven": "Not proven",
    "harmless": "Harmless and cheap: keep if you like",
    "directional": "A direction, not a proof",
}
FEWEST_DAYS = 7
"""Before an early win: every weekday once."""
CROSSOVER_WARNING = 0.01


class SegmentResult(msgspec.Struct, frozen=True, kw_only=True):
    """Just looking: of many segments some always stand out, so it has no p and decides nothing."""

    segment: str
    arm: str
    comparison: Comparison | Unanswerable


class Conclusion(msgspec.Struct, frozen=True, kw_only=True):
    """What may be said. The numbers are there whatever the state; `do_not_trust` says not to show the arms' ones."""

    state: State
    sentence: str
    next_step: str
    trust: Trust
    arms: tuple[ArmResult, ...] = ()
    limits: tuple[LimitResult, ...] = ()
    secondary: tuple[SecondaryResult, ...] = ()
    segments: tuple[SegmentResult, ...] = ()
    without_crossover: tuple[Comparison | Unanswerable, ...] = ()
    notes: tuple[str, ...] = ()
    """Each a sentence beside the main one."""
    has_sample: bool = False
    """Whether enough was counted to speak of a direction."""
    must_check_data: bool = False
    winner: str | None = None


class _Judged(msgspec.Struct, frozen=True, kw_only=True):
    """A reading with its numbers."""

    reading: Reading
    arms: tuple[ArmResult, ...]
    limits: tuple[LimitResult, ...]
    trust: Trust

    @property
    def measured(self) -> Measured:
        return self.reading.deciding

    @property
    def metric(self) -> str:
        return self.measured.metric

    def has_sample(self, arm: ArmResult) -> bool:
        place = self.arms.index(arm) + 1
        return expected_events(self.reading.deciding, place) >= FEWEST_FOR_A_DIRECTION

    def beats(self, arm: ArmResult, bar: float) -> bool:
        return _is_better(self, arm) and arm.p_adjusted is not None and arm.p_adjusted < bar

    def loses(self, arm: ArmResult, bar: float) -> bool:
        return not _is_better(self, arm) and arm.p_adjusted is not None and arm.p_adjusted < bar

    def open_limits(self, arm: ArmResult) -> list[LimitResult]:
        """The arm's limits that are not shown to be kept."""
        return [limit for limit in self.limits if limit.arm == arm.arm and not limit.is_kept]


Said = tuple[State, str, str, str | None]
"""State, sentence, next step, winning arm."""


def conclude(reading: Reading) -> Conclusion:
    """The conclusion of any reading: no counts make it raise, or say a number that is none."""
    comparable = reading.change is None and len(reading.deciding.arms) > 1
    judged = _Judged(
        reading=reading,
        arms=judge_arms(reading) if comparable else (),
        limits=judge_limits(reading) if comparable else (),
        trust=judge_trust(reading),
    )
    state, sentence, next_step, winner = _say(judged)
    checks = _checks(judged) if state != "do_not_trust" else []
    if checks and state in {"keep", "harmless"}:
        next_step = f"Check the data before you do anything: {checks[0]}"
    elif checks and state == "not_proven":
        next_step = f"Check the data first: {checks[0]} {next_step}"
    return Conclusion(
        state=state,
        sentence=sentence,
        next_step=next_step,
        trust=judged.trust,
        arms=judged.arms,
        limits=judged.limits,
        secondary=judge_secondary(reading) if comparable else (),
        segments=_segments(reading) if comparable else (),
        without_crossover=_sensitivity(reading) if comparable else (),
        notes=(*checks, *_notes(judged)),
        has_sample=any(judged.has_sample(arm) for arm in judged.arms),
        must_check_data=bool(checks),
        winner=winner,
    )


def _say(judged: _Judged) -> Said:
    reading = judged.reading
    if reading.units == 0:
        return "no_data", "No data: no visitor has come to this test yet.", _where_to_look(reading), None
    if reading.change is None and judged.trust.is_lost:
        sentence, next_step = wording.lost_trust(judged.trust)
        return "do_not_trust", sentence, next_step, None
    if reading.rolled_back is not None:
        on = f" on {wording.day(reading.rolled_back.on)}" if reading.rolled_back.on else ""
        return (
            "rolled_back",
            f"Switched off by itself{on}: {reading.rolled_back.why}. Visitors see what they would have without it.",
            "Read the note of why, put right what broke, and start a new test if you still believe in it.",
            None,
        )
    if reading.change is not None:
        return _without_control(judged)
    if not reading.is_over:
        return _early_win(judged) or _collecting(judged)
    return _at_the_end(judged)


def _where_to_look(reading: Reading) -> str:
    if reading.is_over:
        return "Check that the place is on the page and that the rule can match; then give it a new end."
    return "Open the page yourself, and look whether the rule matches."


def _collecting(judged: _Judged) -> Said:
    reading = judged.reading
    sentence = f"Collecting {wording.until(reading)}: {wording.visitors(reading.units)} so far"
    shown = [arm for arm in judged.arms if judged.has_sample(arm)]
    if shown and reading.days >= FEWEST_DAYS:
        best = _best(judged, shown)
        sentence += (
            f"; {wording.running(best, judged.measured)}" if wording.running(best, judged.measured) else ""
        )
        return (
            "collecting",
            f"{sentence}. This range holds however often you look.",
            "Wait for the end.",
            None,
        )
    return (
        "collecting",
        f"{sentence}, too few to say anything.",
        "Wait; nothing can be read from it yet.",
        None,
    )


def _early_win(judged: _Judged) -> Said | None:
    reading = judged.reading
    if not reading.is_daily_look or reading.days < FEWEST_DAYS:
        return None
    for arm in _ranked(judged):
        if judged.has_sample(arm) and judged.beats(arm, EARLY_ALPHA) and not judged.open_limits(arm):
            return (
                "keep",
                f"Keep {_it(judged, arm)}, before the planned end: {wording.effect(arm, judged.measured)}.",
                "Switch it on for everybody, and write down what you learned.",
                arm.arm,
            )
    return None


def _at_the_end(judged: _Judged) -> Said:
    metric, visitors = judged.metric, wording.visitors(judged.reading.units)
    if not judged.arms:
        return "no_data", f"No data: {visitors}, all on one side.", "Check that the test has two sides.", None
    if not any(arm.yy for arm in judged.reading.deciding.arms):
        return (
            "no_data",
            f"No data: {visitors} came, and {metric} was 0 for all of them.",
            "Check that the event it counts arrives.",
            None,
        )
    winners = [arm for arm in _ranked(judged) if judged.has_sample(arm) and judged.beats(arm, ALPHA)]
    for arm in winners:
        if not judged.open_limits(arm):
            return (
                "keep",
                f"Keep {_it(judged, arm)}: {wording.effect(arm, judged.measured)}, with {visitors}.",
                "Switch it on for everybody, and write down what you learned.",
                arm.arm,
            )
    if winners:
        open_limits = wording.unproven_limits(judged.open_limits(winners[0]))
        return (
            "not_proven",
            f"Not proven: {wording.effect(winners[0], judged.measured)}, but not shown to be safe: {open_limits}.",
            "Run a longer test, or one with a margin this traffic can show.",
            None,
        )
    return _harmless(judged) or _not_proven(judged)


def _harmless(judged: _Judged) -> Said | None:
    """Every limit shown to be kept, no cost, and rather better than worse."""
    if not judged.reading.is_cheap or not judged.limits:
        return None
    for arm in _ranked(judged):
        if judged.open_limits(arm) or not judged.has_sample(arm) or (arm.odds or 0) < 0.5:
            continue
        return (
            "harmless",
            f"Harmless and cheap: {wording.effect(arm, judged.measured)} is no proof, but its safety limits held. "
            + wording.odds(arm.odds or 0, _it(judged, arm)),
            "Keep it if you like it, and test something bolder next.",
            None,
        )
    return None


def _not_proven(judged: _Judged) -> Said:
    metric, best = judged.metric, _best(judged, judged.arms)
    if not isinstance(best.comparison, Comparison):
        return (
            "not_proven",
            f"Not proven: {wording.effect(best, judged.measured)}.",
            "Check that what decides is what you meant.",
            None,
        )
    if not judged.has_sample(best):
        return (
            "not_proven",
            f"Not proven: too few to tell. A direction takes {FEWEST_FOR_A_DIRECTION} visitors a side with {metric}.",
            "Ask something that happens more often, or a rule that reaches more visitors.",
            None,
        )
    if all(judged.loses(arm, ALPHA) for arm in judged.arms):
        return (
            "not_proven",
            f"Not proven, and it did harm: {wording.effect(best, judged.measured)}.",
            "Switch it off, and write down what you learned.",
            None,
        )
    return (
        "not_proven",
        f"Not proven: {wording.effect(best, judged.measured)}; chance alone moves it as much.",
        "Switch it off, or test something bolder: a small effect needs more visitors than came.",
        None,
    )


def _without_control(judged: _Judged) -> Said:
    reading, change = judged.reading, judged.reading.change
    if change is None or not reading.is_over:
        return (
            "collecting",
            f"Collecting {wording.until(reading)}: {wording.visitors(reading.units)} so far.",
            "Wait for whole weeks on both sides.",
            None,
        )
    sentence, next_step = wording.changed(change, judged.metric, judged.measured.sort)
    return "directional", sentence, next_step, None


def _checks(judged: _Judged) -> list[str]:
    """Results too good, or too much of one value, to be believed before somebody looked (Twyman's law)."""
    found = []
    for arm in judged.arms:
        relative = arm.comparison.relative if isinstance(arm.comparison, Comparison) else None
        if relative is not None and abs(relative) > LARGEST_LIFT and judged.has_sample(arm):
            where = "" if len(judged.arms) == 1 else f" in {arm.arm}"
            found.append(
                f"{wording.moved(relative, judged.metric, judged.measured.sort)}{where}: "
                "results so large are mostly mistakes in the data."
            )
    share = judged.measured.largest_share
    if share >= LARGEST_SHARE and judged.measured.kind != "proportion":
        found.append(f"One single value makes {percent_words(min(share, 1.0))} of a side's {judged.metric}.")
    return found


def _notes(judged: _Judged) -> list[str]:
    notes = []
    trust = judged.trust
    if trust.crossover_share > CROSSOVER_WARNING and not trust.is_lost:
        notes.append(
            f"{percent_words(trust.crossover_share)} of the visitors saw more than one version; "
            "they count for the first."
        )
    if len(judged.measured.strata) > 1:
        notes.append(
            "The split was changed on the way, so the sides are compared within each stretch of it, "
            "and these are put together."
        )
    notes += [
        f"The safety limit on {limit.metric} is broken in {limit.arm}: switch it off."
        for limit in judged.limits
        if limit.is_broken and judged.reading.rolled_back is None
    ]
    notes += [
        f"{arm.arm} is losing: {wording.effect(arm, judged.measured)}."
        for arm in judged.arms
        if not judged.reading.is_over and judged.has_sample(arm) and judged.loses(arm, EARLY_ALPHA)
    ]
    return notes


def _segments(reading: Reading) -> tuple[SegmentResult, ...]:
    return tuple(
        SegmentResult(
            segment=segment, arm=name_of(reading, place), comparison=compare_arms(measured, place)[0]
        )
        for segment, measured in reading.segments
        for place in range(1, len(measured.arms))
    )


def _sensitivity(reading: Reading) -> tuple[Comparison | Unanswerable, ...]:
    """The deciding comparison again, without the units that crossed over."""
    measured = reading.without_crossover
    if measured is None:
        return ()
    return tuple(compare_arms(measured, place)[0] for place in range(1, len(measured.arms)))


def _is_better(judged: _Judged, arm: ArmResult) -> bool:
    if not isinstance(arm.comparison, Comparison):
        return False
    gained = (
        arm.comparison.difference if judged.reading.deciding.more_is_better else -arm.comparison.difference
    )
    return gained > 0


def _ranked(judged: _Judged) -> list[ArmResult]:
    """Arms with an answer, the best value first."""
    sign = -1 if judged.reading.deciding.more_is_better else 1
    answered = [
        (sign * arm.comparison.difference, place)
        for place, arm in enumerate(judged.arms)
        if isinstance(arm.comparison, Comparison)
    ]
    return [judged.arms[place] for _, place in sorted(answered)]


def _best(judged: _Judged, among: tuple[ArmResult, ...] | list[ArmResult]) -> ArmResult:
    return next((arm for arm in _ranked(judged) if arm in among), among[0])


def _it(judged: _Judged, arm: ArmResult) -> str:
    return "it" if len(judged.arms) == 1 else arm.arm
