"""Reporting: every test's report and the overview of all, read from the daily sums, or derived anew when asked.

For the reading process: functions of a storage that change nothing. What a report says is made in `core/report`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches

import msgspec

from opportune.core.conclusion.concluding import conclude
from opportune.core.conclusion.reading import Change, Reading
from opportune.core.conclusion.reading import Measured as Asked
from opportune.core.experiments.experiment import Experiment
from opportune.core.experiments.measured import Measured
from opportune.core.language.phrases.hide import describe_hide
from opportune.core.language.sentence import describe
from opportune.core.metrics import Metric
from opportune.core.moment import DAY, to_day, to_iso
from opportune.core.playbook import Playbook
from opportune.core.report.building import (
    PROGRAMME_TITLE,
    STATE_OF,
    Beside,
    build_report,
)
from opportune.core.report.parts import Conclusion, Hidden, Line, Overview, Report
from opportune.core.report.plain import count_words, day_words, iso_day_words, moment_words
from opportune.core.report.reading import capitalized
from opportune.core.rule import Rule, RunState
from opportune.core.statistics.moments import moments_of_share
from opportune.errors import NotFoundError
from opportune.services.experiments.covering import cover
from opportune.services.experiments.matching import WEEK_DAYS, Matched, match_weeks
from opportune.services.experiments.measuring import Terms, measure
from opportune.services.setting_up.looked import playbook_of
from opportune.storage.base import Storage

PROGRAMME = "programme"
"""What stands for everything we personalize where a rule's name is asked for."""
COVERED_MS = 28 * DAY
"""Of which the overview tells what was seen."""
MOST_HIDDEN_MS = 90 * DAY
MOST_EARLIER = 10
MOST_NAMED = 12
RUNNING = ("live", "share")


class _Known(msgspec.Struct, frozen=True, kw_only=True):
    """What every report is made with."""

    storage: Storage
    playbook: Playbook
    states: Mapping[str, RunState]
    experiments: Sequence[Experiment]
    """Newest first."""
    erased: Mapping[str, int]
    now: int

    @classmethod
    def of(cls, storage: Storage, now: int) -> _Known:
        erased: dict[str, int] = {}
        for units in storage.list_erased_units():
            erased[units.experiment] = erased.get(units.experiment, 0) + units.count
        return cls(
            storage=storage,
            playbook=playbook_of(storage, storage.find_playbook()),
            states=storage.list_run_states(),
            experiments=sorted(
                storage.list_experiments(), key=lambda each: (each.started_at, each.id), reverse=True
            ),
            erased=erased,
            now=now,
        )

    def tests_of(self, subject: str, rule: str = "") -> list[Experiment]:
        """Newest first; of a rule, whether it shows or hides."""
        is_programme = subject == PROGRAMME
        return [
            each
            for each in self.experiments
            if each.rule == rule and (each.subject == "programme") is is_programme
        ]

    def run_state(self, rule: str) -> str:
        return run_state_words(self.states.get(rule))

    def is_running(self, rule: str) -> bool:
        state = self.states.get(rule)
        return state is not None and state.state in RUNNING

    def made_words(self) -> str:
        return f"Made {moment_words(self.now, self.playbook.vocabulary.zone)}."

    def terms(self) -> Terms:
        return Terms(self.playbook.plan, self.playbook.vocabulary.zone)


def report(storage: Storage, rule: str, now: int, *, fresh: bool = False) -> Report:
    """A rule's newest test, the whole programme's, or any test by its id. Raises NotFoundError, with what was meant."""
    known = _Known.of(storage, now)
    one = next((each for each in known.experiments if each.id == rule), None)
    if one is not None:
        return _of(known, one, fresh=fresh, is_whole=True)
    name = _find(known, rule)
    tests = known.tests_of(PROGRAMME) if name == PROGRAMME else known.tests_of("rule", name)
    if tests:
        newest = _of(known, tests[0], fresh=fresh, is_whole=True)
        earlier = tuple(line_of(_of(known, each, fresh=False)) for each in tests[1:MOST_EARLIER])
        return msgspec.structs.replace(newest, earlier=earlier)
    if name == PROGRAMME:
        return _without_holdout(known)
    return _without_test(known, known.playbook.rules[name], is_whole=True)


def fresh_report(storage: Storage, rule: str, now: int) -> Report:
    """The same, derived from the events now."""
    return report(storage, rule, now, fresh=True)


def overview(storage: Storage, now: int, *, fresh: bool = False) -> Overview:
    """Is it earning, then every test, then rules that nobody measures."""
    known = _Known.of(storage, now)
    programme = next(iter(known.tests_of(PROGRAMME)), None)
    tested = {each.rule: each for each in reversed(known.experiments) if each.rule}
    goal = goal_of(known.playbook)
    return Overview(
        made_at=to_iso(now),
        made_words=known.made_words(),
        team=known.playbook.team.name,
        goal=goal.describe() if goal else "",
        goal_words=_goal_words(known),
        programme=_of(known, programme, fresh=fresh) if programme else None,
        tests=tuple(
            line_of(_of(known, each, fresh=fresh))
            for each in sorted(tested.values(), key=lambda each: each.started_at, reverse=True)
        ),
        untested=tuple(
            msgspec.structs.replace(
                line_of(_without_test(known, rule)),
                is_unmeasured=rule.test is None and not rule.always and known.is_running(name),
            )
            for name, rule in known.playbook.rules.items()
            if name not in tested
        ),
        hidden=_hidden(known, now - COVERED_MS),
        coverage=cover(storage, known.playbook, now - COVERED_MS, now),
    )


def _hidden(known: _Known, since_at: int, rule: str = "") -> tuple[Hidden, ...]:
    """The ledger of hiding, of all rules or one, of the last 90 days at most: the words say since when."""
    since_at = max(since_at, known.now - MOST_HIDDEN_MS)
    since = day_words(since_at, known.playbook.vocabulary.zone)
    return tuple(
        Hidden(
            rule=name,
            place=place,
            people=people,
            visits=visits,
            words=f"{name} hid {_title(known.playbook, place) or 'what it names'} in {count_words(visits, 'visit')} of "
            f"{count_words(people, 'visitor')} since {since}.",
        )
        for name, place, people, visits in known.storage.list_hidden(since_at)
        if rule in {"", name}
    )


def fresh_overview(storage: Storage, now: int) -> Overview:
    return overview(storage, now, fresh=True)


def _find(known: _Known, rule: str) -> str:
    """The name as the playbook or a past test has it, however it is capitalized."""
    names = list(
        dict.fromkeys([*known.playbook.rules, *(each.rule for each in known.experiments if each.rule)])
    )
    wanted = " ".join(rule.split())
    if wanted in names:
        return wanted
    folded = {name.casefold(): name for name in names}
    if wanted.casefold() in folded:
        return folded[wanted.casefold()]
    if wanted.casefold() in {PROGRAMME, "everything", "everything we personalize"}:
        return PROGRAMME
    near = get_close_matches(wanted.casefold(), list(folded), n=1, cutoff=0.5)
    there = ", ".join(names[:MOST_NAMED]) + (", ..." if len(names) > MOST_NAMED else "")
    hint = f" (did you mean {folded[near[0]]!r}?)" if near else f" (there are: {there})" if names else ""
    raise NotFoundError(what=f"A rule named {wanted[:80]!r}{hint}")


def _of(known: _Known, experiment: Experiment, *, fresh: bool, is_whole: bool = False) -> Report:
    storage, now = known.storage, known.now
    sums = _sums(known, experiment, fresh=fresh)
    until = experiment.ended_at or now
    beside = Beside(
        run_state=known.run_state(experiment.rule) if experiment.rule else "",
        erased=known.erased.get(experiment.id, 0),
        hidden=_hidden(known, experiment.started_at, experiment.rule) if is_whole and experiment.rule else (),
        coverage=cover(
            storage, known.playbook, experiment.started_at, until, is_over=experiment.ended_at is not None
        )
        if is_whole
        else None,
    )
    return build_report(
        _with_whole_sentence(known.playbook, experiment),
        sums,
        now=now,
        zone=known.playbook.vocabulary.zone,
        currency=known.playbook.team.currency,
        beside=beside,
    )


def _with_whole_sentence(playbook: Playbook, experiment: Experiment) -> Experiment:
    """With what it does, while the playbook still has the rule that was tested."""
    rule = playbook.rules.get(experiment.rule)
    if rule is None or playbook.behaviours.get(rule.name) != experiment.behaviour:
        return experiment
    return msgspec.structs.replace(experiment, sentence=_sentence(playbook, rule))


def _sums(known: _Known, experiment: Experiment, *, fresh: bool) -> Measured:
    """What was kept, derived now where nothing is; frozen sums stay, as their events may have left."""
    kept = known.storage.find_measured(experiment.id)
    if kept is None or (fresh and not kept.is_frozen):
        return measure(known.storage, experiment, known.terms(), known.now)
    return kept


def line_of(full: Report) -> Line:
    """A report as a line of the overview."""
    points = full.over_time.points if full.over_time else ()
    return Line(
        rule=full.rule,
        experiment=full.experiment,
        title=full.title,
        sentence=full.sentence,
        run_state=full.run_state,
        conclusion=full.conclusion,
        people=sum(arm.decided for arm in full.people),
        change=full.main.words if full.main else "",
        effect=full.main.change if full.main else None,
        trend=tuple(point.value for point in points if point.value is not None),
    )


def _goal_words(known: _Known) -> str:
    goal = goal_of(known.playbook)
    if goal is None:
        return ""
    return f"{'more' if goal.more_is_better else 'fewer'} {goal.describe()}"


def goal_of(playbook: Playbook) -> Metric | None:
    """What the team chose for this quarter."""
    goal: Metric | None = getattr(playbook.team, "goal", None)
    return goal


def run_state_words(state: RunState | None) -> str:
    if state is None:
        return ""
    return f"live for {state.share / 100:g}%" if state.state == "share" else state.state


def _without_holdout(known: _Known) -> Report:
    return Report(
        rule="",
        subject="programme",
        title=PROGRAMME_TITLE,
        sentence="",
        made_at=to_iso(known.now),
        made_words=known.made_words(),
        conclusion=Conclusion(
            state="no test",
            sentence="There is no control group: whether all of it earns anything cannot be told.",
            next_step="Write control group: 10% into team.yaml, and publish.",
        ),
    )


# -- rules without a test ---------------------------------------------------------------------


def _without_test(known: _Known, rule: Rule, *, is_whole: bool = False) -> Report:
    """Weeks before against weeks after, and never more than a direction."""
    state = known.states.get(rule.name)
    is_running = state is not None and state.state in RUNNING
    matched = Matched()
    if is_running and state is not None and rule.test is None and not rule.always:
        matched = match_weeks(known.storage, known.playbook, state.since_at, known.now)
    return Report(
        rule=rule.name,
        subject="hide" if rule.hide and not rule.show else "rule",
        title=rule.name,
        sentence=capitalized(_sentence(known.playbook, rule)),
        run_state=known.run_state(rule.name),
        made_at=to_iso(known.now),
        made_words=known.made_words(),
        conclusion=_untested(known, rule, state, matched),
        directional=matched.directional,
        hidden=_hidden(known, state.since_at, rule.name) if is_whole and rule.hide and state else (),
        coverage=cover(known.storage, known.playbook, state.since_at, known.now)
        if is_whole and state
        else None,
    )


def _sentence(playbook: Playbook, rule: Rule) -> str:
    """What it says and does, as its file has it."""
    does = [f"{_title(playbook, show.slot)} shows “{show.variant}”" for show in rule.show]
    does += [f"hides {describe_hide(rule.hide)}"] if rule.hide else []
    return f"{describe(rule.when, playbook.vocabulary)}: {' and '.join(does)}"


def _title(playbook: Playbook, place: str) -> str:
    slot = playbook.slots.get(place)
    return (slot.title if slot else "") or place


def _untested(known: _Known, rule: Rule, state: RunState | None, matched: Matched) -> Conclusion:
    if state is None or state.state not in RUNNING:
        where = run_state_words(state) or "not published"
        return Conclusion(
            state="no data",
            sentence=f"It is {_A_STATE.get(where, where)}, so nobody is in a test of it.",
            next_step=f'Launch it: opportune rule "{rule.name}" live.',
        )
    if rule.always:
        return Conclusion(
            state="no test",
            sentence="It acts for everybody, the control group too: there is nothing to prove.",
            next_step="Look now and then whether it still does what you want.",
        )
    if rule.test is not None:
        return Conclusion(
            state="no data",
            sentence="Its test has not begun: nobody has been in it yet.",
            next_step="It begins within a minute of the launch, once the server runs and has seen every event that the "
            "rule names. Then open the page yourself, and look whether the rule matches.",
        )
    if matched.change is None:
        return _nothing_beside(known, state, matched)
    return _before_and_after(matched, matched.change)


def _nothing_beside(known: _Known, state: RunState, matched: Matched) -> Conclusion:
    """It acts for everybody, and there are no whole weeks yet, or none before."""
    zone = known.playbook.vocabulary.zone
    over_at = (state.since_at // DAY + 1 + WEEK_DAYS) * DAY
    if matched.weeks:
        return Conclusion(
            state="no test",
            sentence="Nobody is left out, and there are no weeks before to compare with.",
            next_step=ADVICE,
        )
    return Conclusion(
        state="no test",
        sentence="Nobody is left out, so nothing can be proven; whole weeks before and after give a direction.",
        next_step=ADVICE,
        date=to_day(over_at, zone),
        date_words=f"the first whole week is over on {day_words(over_at, zone)}",
    )


def _before_and_after(matched: Matched, change: Change) -> Conclusion:
    weeks = matched.weeks
    judged = conclude(
        Reading(
            arms=("everybody",),
            deciding=Asked(
                metric=matched.directional.metric if matched.directional else "orders",
                kind="proportion",
                arms=(moments_of_share(max(1, matched.orders), matched.orders),),
            ),
            days=weeks * WEEK_DAYS,
            planned_days=weeks * WEEK_DAYS,
            change=change,
        )
    )
    return Conclusion(
        state=STATE_OF[judged.state],
        sentence=judged.sentence,
        next_step=judged.next_step,
        date=matched.until,
        date_words=f"weeks up to {iso_day_words(matched.until)}",
    )


_A_STATE = {"draft": "a draft", "preview": "in preview"}
ADVICE = "Give it a test (test: half and half, on orders), and the answer is a proof."
