"""Whether the numbers can be trusted: the split of each phase, visitors seen in two arms, one order that carries it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite

from opportune.core.conclusion.concluding import Conclusion
from opportune.core.conclusion.judging import MOST_CROSSOVER
from opportune.core.experiments.experiment import Experiment, Phase
from opportune.core.experiments.measured import CROSSED
from opportune.core.language.phrases.share import describe_ratio
from opportune.core.metrics import Metric
from opportune.core.moved import percent_words
from opportune.core.report.asking import Totals, last_closed_day, stretches
from opportune.core.report.parts import Crossover, Largest, Reading, SplitPhase
from opportune.core.report.plain import chance_words, count_words, day_words, value_words
from opportune.core.report.reading import Frame, read
from opportune.core.statistics.moments import NO_UNITS, Moments
from opportune.core.statistics.sample_ratio import SPLIT_ALPHA, SPLIT_ALPHA_AT_ONCE, sample_ratio

HALF = 0.5
"""Of a difference: a single value that makes more than this carries it."""


def splits(experiment: Experiment, measured: Totals, frame: Frame) -> tuple[SplitPhase, ...]:
    """The sample ratio of every phase in which somebody came, on visitors as exposed.

    On days that are over at the daily bar, up to now only what is off by far, and each bar shared by the phases: as in
    the conclusion.
    """
    over = last_closed_day(frame.now, 0, frame.zone)
    phases = stretches(experiment)
    by_day, at_once = SPLIT_ALPHA / max(1, len(phases)), SPLIT_ALPHA_AT_ONCE / max(1, len(phases))
    found = []
    for phase in phases:
        of_full_days, so_far = (
            tuple(measured.total(arm, phase=phase.number, until_day=day).units for arm, _ in experiment.arms)
            for day in (over, "")
        )
        if sum(so_far):
            is_off_by_day = _p(phase, of_full_days) < by_day
            people, alpha = (of_full_days, by_day) if is_off_by_day else (so_far, at_once)
            found.append(_split(phase, people, alpha, by_day, frame))
    return tuple(found)


def _p(phase: Phase, people: Sequence[int]) -> float:
    return sample_ratio(people, [weight for _, weight in phase.arms]).p


def _split(
    phase: Phase, people: tuple[int, ...], alpha: float, asked_by_day: float, frame: Frame
) -> SplitPhase:
    p = _p(phase, people)
    weights = [weight for _, weight in phase.arms]
    whole = sum(weights)
    seen = " and ".join(f"{count:,} {side}" for count, side in zip(people, frame.sides, strict=True))
    expected = split_words(phase.arms)
    since = day_words(phase.since_at, frame.zone)
    if p < alpha:
        words = (
            f"Since {since}: {seen}, though the plan was {expected}. Chance alone would do this less than "
            f"1 time in {round(1 / alpha):,}."
        )
    elif p < asked_by_day:
        words = (
            f"Since {since}: {seen}, and the plan was {expected}. Whether that is more than chance is asked "
            "once the day is over."
        )
    else:
        words = f"Since {since}: {seen}, near enough to {expected}: {chance_words(p)}."
    return SplitPhase(
        phase=phase.number,
        since=since,
        people=people,
        expected=tuple(weight / whole for weight in weights),
        p=p,
        is_off=p < alpha,
        words=words,
    )


def together(splits: Sequence[SplitPhase], frame: Frame) -> str:
    """What is off only in all stretches of the split together: by how much in each. The sides are named as there."""
    told = [_too_many(split, frame) for split in splits]
    return (
        f"No stretch is off by itself, but together they are: {'; '.join(told)}. "
        "Chance alone would do all of this less than 1 time in 1,000."
    )


def _too_many(split: SplitPhase, frame: Frame) -> str:
    """`54 too many of 1,000 without, since 14 March 2027`."""
    whole = sum(split.people)
    excess, side = max(
        (count - share * whole, side)
        for count, share, side in zip(split.people, split.expected, frame.sides, strict=True)
    )
    return f"since {split.since}, {excess:,.0f} of {count_words(whole, 'visitor')} too many {side}"


def split_words(arms: Sequence[tuple[str, int]]) -> str:
    """`half and half`, `1 in 10 get nothing`."""
    whole = sum(weight for _, weight in arms) or 1
    control = round(arms[0][1] * 10_000 / whole)
    if len(arms) == 2 and control == 5_000:
        return "half and half"
    if len(arms) == 2:
        return f"{describe_ratio(control)} without"
    return " : ".join(f"{weight / whole * 100:.4g}%" for _, weight in arms)


def crossover(
    experiment: Experiment, measured: Totals, judged: Conclusion, without: Reading | None, until_day: str
) -> Crossover | None:
    """Visitors seen in two arms count as first seen; beside that the result without them. None where nobody came."""
    names = [arm for arm, _ in experiment.arms]
    people = [measured.total(arm, until_day=until_day).units for arm in names]
    crossed = [measured.total(arm, part=CROSSED, until_day=until_day).units for arm in names]
    if not sum(people):
        return None
    share = sum(crossed) / sum(people)
    differs = judged.trust.is_crossover_uneven
    return Crossover(
        people=sum(crossed),
        share=share,
        by_arm=tuple(seen / all_of if all_of else 0.0 for seen, all_of in zip(crossed, people, strict=True)),
        is_off=share > MOST_CROSSOVER or differs,
        words=_crossover_words(sum(crossed), share, differs=differs),
        without=without,
    )


def _crossover_words(crossed: int, share: float, *, differs: bool) -> str:
    if not crossed:
        return "Nobody was seen in more than one version."
    told = f"{count_words(crossed, 'visitor')} ({percent_words(share)}) were seen in more than one version"
    told = told.replace(") were", ") was") if crossed == 1 else told
    if share > MOST_CROSSOVER:
        return f"{told}: more than 1 in 10, so the versions are too mixed to compare."
    if differs:
        return f"{told}, not alike from both sides: something moves visitors from one version to the other."
    return f"{told}; each counts for the version seen first."


def _of(by_metric: Mapping[str, Moments], name: str) -> Moments:
    return by_metric.get(name, NO_UNITS)


def largest(experiment: Experiment, measured: Totals, frame: Frame, until_day: str) -> Largest | None:
    """Capped beside raw, and whether a single value carries the difference. None for shares, where none can."""
    metric: Metric = experiment.metric
    if metric.unit == "share":
        return None
    totals = [measured.total(arm, until_day=until_day) for arm, _ in experiment.arms]
    cap = experiment.caps.get(metric.name)
    raw = [sums.raw.get(metric.name, _of(sums.by_metric, metric.name)) for sums in totals]
    top = [sums.largest.get(metric.name, 0) for sums in totals]
    if not any(arm.n for arm in raw) or not any(top):
        return None
    most = max(top)
    carried = _is_carried(raw, top)
    words = f"The largest single visitor counts {value_words(most, metric.unit, frame.currency)}"
    if cap is not None:
        at_most = value_words(cap, metric.unit, frame.currency)
        words += f"; nobody counts for more than {at_most}, as was fixed before the start"
    words += ". It makes more than half of the difference by itself: check the data." if carried else "."
    return Largest(
        cap=cap,
        raw=read(metric, raw, frame, title="Without the cap") if cap is not None else None,
        words=words,
        largest=most,
        is_carried=carried,
    )


def _is_carried(raw: Sequence[Moments], top: Sequence[int]) -> bool:
    """Whether the largest value of the better arm makes more than half of the difference by itself."""
    first, last = raw[0], raw[-1]
    if not first.n or not last.n:
        return False
    difference = last.y / last.n - first.y / first.n
    arm, best = (last, top[-1]) if difference > 0 else (first, top[0])
    made = best / arm.n
    return isfinite(difference) and difference != 0 and made > HALF * abs(difference)
