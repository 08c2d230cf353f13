"""A whole report from an experiment, what was measured of it, and what we may conclude: pure, to be redone."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from math import ceil
from zoneinfo import ZoneInfo

import msgspec

from opportune.core.conclusion.concluding import Conclusion as Judged
from opportune.core.conclusion.concluding import conclude
from opportune.core.conclusion.judging import LimitResult
from opportune.core.conclusion.reading import Reading as Asked
from opportune.core.experiments.experiment import Experiment, Limit
from opportune.core.experiments.measured import CLICKED, CROSSED, EVERYBODY, SHOWN, Measured
from opportune.core.metrics import Metric
from opportune.core.moment import DAY, to_day, to_iso
from opportune.core.moved import change_words, percent_words
from opportune.core.report import trusting
from opportune.core.report.asking import (
    Totals,
    answer_at,
    arms_of,
    asked,
    last_closed_day,
    planned_units,
    segments_of,
    window_of,
)
from opportune.core.report.parts import (
    ArmPeople,
    Assisted,
    Conclusion,
    Coverage,
    Hidden,
    LimitState,
    Planned,
    Reading,
    Report,
    SafetyLimit,
    Secondary,
    Segment,
    State,
)
from opportune.core.report.picturing import by_first_day, over_time
from opportune.core.report.plain import (
    count_words,
    date_words,
    day_words,
    iso_day_words,
    moment_words,
    value_words,
)
from opportune.core.report.reading import NAMES, SIDES, Frame, capitalized, read, sort_of
from opportune.core.statistics.moments import NO_UNITS, Moments

STATE_OF: dict[str, State] = {
    "no_data": "no data",
    "do_not_trust": "do not trust this",
    "rolled_back": "rolled back",
    "collecting": "collecting",
    "keep": "keep",
    "not_proven": "not proven",
    "harmless": "harmless and cheap",
    "directional": "directional",
}
EARLY_ENDS = frozenset({"stopped", "replaced", "rolled back"})
"""Ways to end before the plan was fulfilled."""
SIGNIFICANT = 0.05
PROGRAMME_TITLE = "Everything we personalize"


class Beside(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a test beside its sums."""

    run_state: str = ""
    erased: int = 0
    hidden: tuple[Hidden, ...] = ()
    coverage: Coverage | None = None


def build_report(
    experiment: Experiment,
    measured: Measured | None,
    *,
    now: int,
    zone: ZoneInfo,
    currency: str,
    beside: Beside | None = None,
) -> Report:
    """Whatever the counts are, a state in words; `measured` is None before the first counting."""
    sums = measured if measured is not None else Measured(experiment=experiment.id)
    totals = Totals(sums)
    beside = beside or Beside()
    frame = _frame(experiment, now, zone, currency)
    reading = msgspec.structs.replace(asked(experiment, totals, now, zone, currency), arms=_names(experiment))
    judged = conclude(reading)
    nobody_came = not any(totals.total(arm).units for arm in frame.arms)
    if judged.state == "no_data" and not nobody_came and not frame.is_final:
        judged = _before_the_first_answer(experiment, totals, reading, frame)
    state = _state(experiment, judged)
    parts = _Parts(experiment, totals, judged, frame)
    splits = trusting.splits(experiment, totals, frame)
    is_off_together = judged.trust.is_split_off and not any(split.is_off for split in splits)
    report = Report(
        rule=experiment.rule,
        subject=experiment.subject,
        title=experiment.rule or PROGRAMME_TITLE,
        sentence=_heading(experiment),
        run_state=beside.run_state,
        experiment=experiment.id,
        made_at=to_iso(now),
        counted_at=to_iso(sums.made_at) if sums.made_at else "",
        made_words=_made_words(sums, frame),
        conclusion=_conclusion(experiment, judged, state, frame, nobody_came=nobody_came),
        warnings=_warnings(judged, sums, state),
        people=parts.people(),
        people_words=parts.people_words(),
        splits=splits,
        splits_together=trusting.together(splits, frame) if is_off_together and splits else "",
        erased=_erased_words(beside.erased),
        planned=_planned(experiment, frame),
        hidden=beside.hidden,
        coverage=beside.coverage,
    )
    shows_effects = reading.units and state not in {"no data", "do not trust this"}
    return parts.effects_in(report) if shows_effects else report


def _before_the_first_answer(experiment: Experiment, totals: Totals, reading: Asked, frame: Frame) -> Judged:
    """Somebody came, and the time to act is over for nobody: the split and a rollback count all the same."""
    everybody = tuple(
        totals.total(arm).by_metric.get(experiment.metric.name, Moments(n=totals.total(arm).units))
        for arm in frame.arms
    )
    crossed = tuple(totals.total(arm, part=CROSSED).units for arm in frame.arms)
    whole = msgspec.structs.replace(reading.deciding, arms=everybody, raw=())
    judged = conclude(
        msgspec.structs.replace(reading, deciding=whole, without_crossover=None, crossover=crossed)
    )
    if judged.state in {"do_not_trust", "rolled_back"}:
        return judged
    first = date.fromisoformat(min(cell.day for cell in totals.measured.cells))
    window_days = ceil(window_of(experiment) / DAY)
    read_on = date_words(first + timedelta(days=window_days + 1))
    ends_on = day_words(answer_at(experiment, frame.now, frame.zone), frame.zone)
    people = count_words(sum(arm.n for arm in everybody), "visitor")
    return msgspec.structs.replace(
        judged,
        state="collecting",
        sentence=f"Collecting until {ends_on}: {people} so far. The first are read on {read_on}, once the "
        f"{count_words(window_days, 'day')} in which they may act are over.",
        next_step="Wait; nothing can be read from it yet.",
        notes=(),
    )


class _Parts:
    """The parts of one report, each made once."""

    def __init__(self, experiment: Experiment, measured: Totals, judged: Judged, frame: Frame) -> None:
        self.experiment = experiment
        self.measured = measured
        self.judged = judged
        self.frame = frame
        self.until_day = last_closed_day(frame.now, window_of(experiment), frame.zone)

    def arms(self, metric: Metric, part: str = EVERYBODY) -> tuple[Moments, ...]:
        return arms_of(self.experiment, self.measured, metric, self.until_day, part)

    def people(self) -> tuple[ArmPeople, ...]:
        """Everybody so far, also those whose window is still open."""
        whole = sum(weight for _, weight in self.experiment.arms) or 1
        parts = self.measured.parts
        return tuple(
            ArmPeople(
                arm=arm,
                label=self.frame.label(number),
                decided=self.measured.total(arm).units,
                shown=self._units(arm, SHOWN) if SHOWN in parts else None,
                clicked=self._units(arm, CLICKED) if CLICKED in parts else None,
                expected_share=weight / whole,
            )
            for number, (arm, weight) in enumerate(self.experiment.arms)
        )

    def _units(self, arm: str, part: str) -> int:
        return self.measured.total(arm, part=part).units

    def people_words(self) -> str:
        everybody = sum(self.measured.total(arm).units for arm, _ in self.experiment.arms)
        since = day_words(self.experiment.started_at, self.frame.zone)
        told = f"{count_words(everybody, 'visitor')} since {since}"
        read_so_far = sum(arm.n for arm in self.arms(self.experiment.metric))
        if read_so_far == everybody:
            return f"{told}."
        return f"{told}; the result is read from the {read_so_far:,} whose time to act is over."

    def effects_in(self, report: Report) -> Report:
        """The report with everything that tells of an effect."""
        metric = self.experiment.metric
        main = self.main()
        whole = trusting.largest(self.experiment, self.measured, self.frame, self.until_day)
        everybody = self._by_day(metric)
        removed = self.judged.arms[-1].variance_removed if self.judged.arms else 0.0
        return msgspec.structs.replace(
            report,
            main=main,
            shown=self.shown(),
            over_time=over_time(metric, everybody, self.frame, limit=self._own_limit()),
            by_first_day=by_first_day(metric, everybody, self.frame),
            safety=tuple(self._limit(number) for number in range(len(self.experiment.limits))),
            others=self._others(),
            segments=self._segments(),
            largest=whole,
            crossover=trusting.crossover(
                self.experiment, self.measured, self.judged, self._without_crossed(), self.until_day
            ),
            assisted=self._assisted(),
            narrower=_narrower_words(removed),
        )

    def main(self) -> Reading:
        metric = self.experiment.metric
        found = self.judged.arms[-1].comparison if self.judged.arms else None
        return read(metric, self.arms(metric), self.frame, note=self._whose_time_is_over(), of=found)

    def _whose_time_is_over(self) -> str:
        """Nothing where that is everybody."""
        everybody = sum(self.measured.total(arm).units for arm in self.frame.arms)
        if everybody == sum(arm.n for arm in self.arms(self.experiment.metric)):
            return ""
        window = self.experiment.metric.describe().rpartition(" within ")[2]
        are = "is" if window.startswith("1 ") else "are"
        return f"Of visitors first seen up to {iso_day_words(self.until_day)}, whose {window} {are} over."

    def shown(self) -> Reading | None:
        """Only who had it on screen, where both sides tell of it: beside the main reading, never instead."""
        arms = self.arms(self.experiment.metric, SHOWN)
        if not (arms[0].n and arms[-1].n):
            return None
        note = "The main reading stays that of everybody who was decided for."
        return read(
            self.experiment.metric, arms, self.frame, title="Only visitors who had it on screen", note=note
        )

    def _by_day(self, metric: Metric) -> dict[str, tuple[Moments, ...]]:
        """Of the days that are read."""
        names = [arm for arm, _ in self.experiment.arms]
        sums: dict[str, list[Moments]] = defaultdict(lambda: [NO_UNITS] * len(names))
        for cell, found in self.measured.measured.cells.items():
            if cell.part == EVERYBODY and cell.day <= self.until_day and cell.arm in names:
                sums[cell.day][names.index(cell.arm)] += found.by_metric.get(metric.name, NO_UNITS)
        return {day: tuple(arms) for day, arms in sums.items()}

    def _own_limit(self) -> float | None:
        """Where the deciding metric has a limit of its own, it stands in its picture."""
        metric = self.experiment.metric
        found = next((limit for limit in self.experiment.limits if limit.metric.name == metric.name), None)
        if found is None:
            return None
        return -found.margin if metric.more_is_better else found.margin

    def _limit(self, number: int) -> SafetyLimit:
        limit, result = self.experiment.limits[number], self._limit_result(number)
        reading = read(limit.metric, self.arms(limit.metric), self.frame)
        state = _limit_state(result)
        return SafetyLimit(
            metric=limit.metric.describe(),
            margin=limit.margin,
            state=state,
            words=f"{_limit_words(limit, state)} {reading.words}",
            reading=reading,
        )

    def _limit_result(self, number: int) -> LimitResult | None:
        each = max(1, len(self.experiment.arms) - 1)
        place = number * each + each - 1
        return self.judged.limits[place] if place < len(self.judged.limits) else None

    def _others(self) -> tuple[Secondary, ...]:
        rates = {result.metric: result.false_discovery for result in self.judged.secondary}
        found = []
        for metric in self.experiment.others:
            if metric.name == self.experiment.metric.name:
                continue
            reading = read(metric, self.arms(metric), self.frame)
            rate = rates.get(metric.name)
            is_clear = self.frame.is_final and rate is not None and rate < SIGNIFICANT
            ending = "" if reading.change is None else _CLEAR if is_clear else _UNCLEAR
            found.append(Secondary(reading=reading, p_adjusted=rate, words=f"{reading.words}{ending}"))
        return tuple(found)

    def _segments(self) -> tuple[Segment, ...]:
        metric = self.experiment.metric
        found = []
        for part in segments_of(self.measured):
            arms = self.arms(metric, part)
            if any(arm.n for arm in arms):
                name = capitalized(part.partition(" ")[2])
                found.append(Segment(name=name, reading=read(metric, arms, self.frame, title=name)))
        return tuple(found)

    def _without_crossed(self) -> Reading | None:
        crossed = self.arms(self.experiment.metric, CROSSED)
        if not any(arm.n for arm in crossed):
            return None
        everybody = self.arms(self.experiment.metric)
        return read(
            self.experiment.metric,
            [all_of - both for all_of, both in zip(everybody, crossed, strict=True)],
            self.frame,
            title="Without visitors who saw more than one version",
        )

    def _assisted(self) -> Assisted | None:
        metric = self.experiment.metric
        arm = self.arms(metric, SHOWN)[-1]
        if metric.unit == "number" or metric.is_ratio or arm.n == 0:
            return None
        what = (
            f"{arm.y:,} of the {arm.n:,} visitors"
            if metric.unit == "share"
            else f"{value_words(arm.y, 'money', self.frame.currency)} came from the {arm.n:,} visitors"
        )
        deed = f" {metric.did}" if metric.unit == "share" else ""
        return Assisted(
            orders=int(arm.y),
            words=f"Assisted: {what} who had it on screen{deed}. That describes, and proves nothing: "
            "many would have done so anyway.",
        )


_CLEAR = " Chance alone would seldom do this, also with so many numbers asked."
_UNCLEAR = " That is no proof of a difference."
_LIMIT_WORDS: dict[LimitState, str] = {
    "kept": "A harm of {tolerated} can be ruled out.",
    "not sure yet": "A harm of {tolerated} cannot be ruled out yet.",
    "broken": "It does more harm than {tolerated}.",
    "no answer": "Nothing can be said of a harm of {tolerated}.",
}
_NO_HARM_WORDS: dict[LimitState, str] = {
    "kept": "Any harm can be ruled out: it is at least as good.",
    "not sure yet": "Whether it does any harm cannot be told yet.",
    "broken": "It does harm.",
    "no answer": "Whether it does any harm cannot be told.",
}
"""Where no harm at all is tolerated."""


def _limit_words(limit: Limit, state: LimitState) -> str:
    if not limit.margin:
        return _NO_HARM_WORDS[state]
    margin = -limit.margin if limit.metric.more_is_better else limit.margin
    return _LIMIT_WORDS[state].format(tolerated=change_words(margin, sort_of(limit.metric)))


def _limit_state(result: LimitResult | None) -> LimitState:
    if result is None or result.p is None:
        return "no answer"
    if result.is_broken:
        return "broken"
    return "kept" if result.is_kept else "not sure yet"


def _frame(experiment: Experiment, now: int, zone: ZoneInfo, currency: str) -> Frame:
    names = tuple(arm for arm, _ in experiment.arms)
    sides = SIDES[experiment.subject] if len(names) == 2 else names
    return Frame(
        now=now,
        zone=zone,
        currency=currency,
        sides=sides,
        arms=names,
        planned=planned_units(experiment),
        is_final=experiment.planned_end_at is not None and now >= answer_at(experiment, now, zone),
        has_ended=experiment.ended_as in EARLY_ENDS,
    )


def _names(experiment: Experiment) -> tuple[str, ...]:
    if len(experiment.arms) == 2:
        return NAMES[experiment.subject]
    return tuple(arm for arm, _ in experiment.arms)


def _state(experiment: Experiment, judged: Judged) -> State:
    """One that was stopped before its end collects nothing more, and proved nothing."""
    state = STATE_OF[judged.state]
    if state == "collecting" and experiment.ended_as in EARLY_ENDS:
        return "not proven"
    return state


def _conclusion(
    experiment: Experiment, judged: Judged, state: State, frame: Frame, *, nobody_came: bool
) -> Conclusion:
    sentence, next_step = judged.sentence, judged.next_step
    if state == "not proven" and judged.state == "collecting":
        how = "replaced by a new test" if experiment.ended_as == "replaced" else "stopped"
        why = f" ({experiment.reason})" if experiment.reason else ""
        sentence = (
            f"Not proven: it was {how}{why} before its planned end, so the one look at the end never came."
        )
        next_step = "Start a new test, and let it run to its end."
    if state == "keep" and experiment.rule:
        next_step += " For everybody: take its “test” line out of its file, and publish."
    if nobody_came and frame.has_ended:
        sentence = f"No data: it {_how_ended(experiment)} before any visitor came."
        next_step = "Start a new test, if you still want to know."
    at, words = _date(experiment, state, frame)
    return Conclusion(
        state=state,
        sentence=sentence,
        next_step=next_step,
        date=to_day(at, frame.zone) if words else "",
        date_words=words,
        has_sample=judged.has_sample,
    )


def _how_ended(experiment: Experiment) -> str:
    if experiment.ended_as == "rolled back":
        return "switched itself off"
    return "was replaced by a new test" if experiment.ended_as == "replaced" else "was stopped"


def _date(experiment: Experiment, state: State, frame: Frame) -> tuple[int, str]:
    """The moment a report is about, and what it means; no words where there is none to wait for."""
    if experiment.ended_at is not None and experiment.ended_as in EARLY_ENDS:
        return experiment.ended_at, f"ended on {day_words(experiment.ended_at, frame.zone)}"
    at = answer_at(experiment, frame.now, frame.zone)
    day = day_words(at, frame.zone)
    if frame.is_final:
        return at, f"the test was over on {day}"
    return at, "" if state == "do not trust this" else f"the answer comes on {day}"


def _warnings(judged: Judged, measured: Measured, state: State) -> tuple[str, ...]:
    lost = tuple(
        f"{count_words(count, 'visitor')} could not be counted: {reason}."
        for reason, count in measured.not_counted.items()
        if count
    )
    notes = () if state in {"no data", "do not trust this"} else tuple(map(capitalized, judged.notes))
    return (*notes, *lost)


def _made_words(measured: Measured, frame: Frame) -> str:
    made = f"Made {moment_words(frame.now, frame.zone)}"
    if not measured.made_at:
        return f"{made}."
    return f"{made}, from events as they were counted {moment_words(measured.made_at, frame.zone)}."


def _erased_words(erased: int) -> str:
    if not erased:
        return ""
    who = "1 visitor who was erased is" if erased == 1 else f"{erased:,} visitors who were erased are"
    return f"{who} still in the sums, which name nobody."


def _narrower_words(removed: float) -> str:
    """Variance removed makes an interval narrower by one minus the square root of what is left."""
    if removed <= 0:
        return ""
    narrower = percent_words(1 - (1 - removed) ** 0.5)
    return f"What visitors had done in the 30 days before made the range {narrower} narrower."


def _heading(experiment: Experiment) -> str:
    """The rule's own words; those of the whole programme say what they are held against."""
    if experiment.subject == "programme":
        return f"{PROGRAMME_TITLE}, against a control group that gets none of it"
    return capitalized(experiment.sentence)


def _planned(experiment: Experiment, frame: Frame) -> Planned:
    days = experiment.days or 0
    length = f"for {count_words(days, 'day')}" if days else "without an end"
    people = f", with {experiment.people:,} visitors" if experiment.people else ""
    caps = tuple(
        f"{name}: {value_words(cap, _unit_of(experiment, name), frame.currency)} a visitor"
        for name, cap in experiment.caps.items()
    )
    end_at = experiment.planned_end_at
    return Planned(
        metric=experiment.metric.describe(),
        split=trusting.split_words(experiment.arms),
        days=days,
        smallest_gain=experiment.smallest_gain,
        people=experiment.people,
        started=day_words(experiment.started_at, frame.zone),
        planned_end=day_words(end_at, frame.zone) if end_at is not None else "no end",
        limits=tuple(limit.words for limit in experiment.limits),
        others=tuple(metric.describe() for metric in experiment.others),
        caps=caps,
        words=f"Planned {length}{people}, to find a gain of {percent_words(experiment.smallest_gain)} or more. "
        "Nothing of this was changed after the start.",
    )


def _unit_of(experiment: Experiment, name: str) -> str:
    return next((metric.unit for metric in experiment.metrics if metric.name == name), "number")
