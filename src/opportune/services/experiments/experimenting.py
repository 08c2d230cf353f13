"""Experiments and their course: each test that runs has exactly one, begun as it was designed; what ended is closed.

A reconciler: it looks at playbook and run states, and brings what is kept of experiments up to them. Doing it twice,
late or in several processes gives the same. Nothing in here is needed to decide.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from opportune.core.allocation import BUCKETS, IN, OUT
from opportune.core.experiments.designing import design_of_programme
from opportune.core.experiments.experiment import Design, Ended, Experiment, Phase, planned_end
from opportune.core.language.sentence import describe
from opportune.core.playbook import Playbook
from opportune.core.playbook_files.team import words_of
from opportune.core.programme import Programme
from opportune.core.rule import PROGRAMME, Rule, RunState
from opportune.core.waiting import missing_events
from opportune.services.house import House
from opportune.storage.base import Storage, Transaction

RUNNING = frozenset({"live", "share"})
"""States in which a rule's test collects."""
EVERYTHING = "everything we personalize"

Seen = Mapping[str, tuple[int, int, int]]
"""By event's name: the earliest and the latest moment of one, and how many there were."""


class End(NamedTuple):
    """When and how an experiment came to its end; of several the earliest counts."""

    at: int
    ended_as: Ended
    reason: str


def reconcile(house: House) -> list[Experiment]:
    """Begins, goes on with and ends experiments; those that changed. Waits for other operators' acts."""
    with house.changes, house.storage.turn():
        return reconcile_now(house)


def reconcile_now(house: House) -> list[Experiment]:
    """The same inside an operator's turn, after the programme was replaced."""
    programme = house.programme
    if not programme.revision:
        return []
    now = house.clock()
    known = {each.id: each for each in house.storage.list_experiments()}
    kept_state = _programme_state(house)
    seen = house.storage.list_seen_events()
    wanted = {each.id: each for each in _running(programme, kept_state, seen, now)}
    changed = [each for each in wanted.values() if each.id not in known]
    for experiment in known.values():
        if experiment.is_open:
            after = _gone_on(experiment, wanted.get(experiment.id))
            end = _end_of(after, programme, kept_state, now)
            after = _ended(after, end) if end is not None else after
            changed += [after] if after != experiment else []
    changed = [each for each in changed if each.is_open or each.id in known]
    if changed:
        _put(house, changed)
    return changed


def ended_tests(storage: Storage) -> frozenset[str]:
    """Ids of all that was begun and has ended: such a test is disturbed by nothing any more."""
    return frozenset(each.id for each in storage.list_experiments() if not each.is_open)


def state_of_programme(before: RunState | None, playbook: Playbook, now: int, by: str) -> RunState | None:
    """The control group's own state after a publish: another share is another phase. None where nothing changed."""
    team = playbook.team
    if before is None:
        if not team.holdout:
            return None
        return RunState(rule=PROGRAMME, share=team.holdout, behaviour=team.holdout_seed, since_at=now, by=by)
    if (before.share, before.behaviour) == (team.holdout, team.holdout_seed):
        return None
    is_new = before.behaviour != team.holdout_seed
    is_counted = bool(team.holdout and before.phase)
    return msgspec.structs.replace(
        before,
        share=team.holdout,
        behaviour=team.holdout_seed,
        phase=1 if is_new else before.phase + is_counted,
        since_at=now,
        by=by,
    )


def next_run(house: House, before: RunState, after: RunState) -> RunState:
    """A test that was stopped and is switched on again begins anew, with other halves."""
    is_back = after.state in RUNNING and before.state not in RUNNING
    if is_back and any(each.id == before.seed for each in house.storage.list_experiments()):
        return msgspec.structs.replace(after, run=before.run + 1, phase=1)
    return after


# -- what should run ------------------------------------------------------------------------------


def _running(programme: Programme, control: RunState | None, seen: Seen, now: int) -> Iterator[Experiment]:
    playbook = programme.playbook
    waiting = {each.rule for each in programme.waiting}
    for rule in playbook.rules.values():
        state = programme.run_states.get(rule.name)
        is_tested = state is not None and _is_tested(rule, state, now) and rule.name not in waiting
        if is_tested and state is not None and rule.design is not None:
            yield _of_rule(rule, rule.design, state, playbook, seen)
    if control is not None and playbook.team.holdout:
        yield _of_programme(playbook, control)


def _is_tested(rule: Rule, state: RunState, now: int) -> bool:
    is_over = rule.until_at is not None and rule.until_at <= now
    return state.state in RUNNING and not rule.always and not is_over


def _of_rule(rule: Rule, design: Design, state: RunState, playbook: Playbook, seen: Seen) -> Experiment:
    started_at = _started_at(rule, state, playbook, seen)
    arms = rule.test.arms if rule.test is not None else ()
    return _designed(
        design,
        Experiment(
            id=state.seed,
            subject="rule" if rule.show else "hide",
            rule=rule.name,
            sentence=describe(rule.when, playbook.vocabulary),
            behaviour=playbook.behaviours.get(rule.name, ""),
            revision=playbook.revision,
            arms=arms,
            metric=design.metric,
            started_at=started_at,
            phases=(
                Phase(
                    number=state.phase,
                    since_at=max(started_at, state.stepped_at),
                    arms=arms,
                    share=state.share,
                ),
            ),
        ),
    )


def _of_programme(playbook: Playbook, control: RunState) -> Experiment:
    team = playbook.team
    arms = ((OUT, team.holdout), (IN, BUCKETS - team.holdout))
    design = design_of_programme(team, words_of(team, playbook.vocabulary, playbook.slots.values()))
    return _designed(
        design,
        Experiment(
            id=team.holdout_seed,
            subject="programme",
            sentence=EVERYTHING,
            revision=playbook.revision,
            arms=arms,
            metric=design.metric,
            started_at=control.since_at,
            phases=(Phase(number=control.phase, since_at=control.since_at, arms=arms),),
        ),
    )


def _designed(design: Design, experiment: Experiment) -> Experiment:
    return msgspec.structs.replace(
        experiment,
        limits=design.limits,
        others=design.others,
        days=design.days,
        smallest_gain=design.smallest_gain,
        planned_end_at=planned_end(experiment.started_at, design.days),
    )


def _started_at(rule: Rule, state: RunState, playbook: Playbook, seen: Seen) -> int:
    """When it was launched, or the last event it waited for was first seen."""
    if state.may_act_unseen:
        return state.since_at
    plan = playbook.plan
    moments = [
        min(seen[name][0] for name in plan.names_of(event) if name in seen)
        for event in missing_events(rule.when, playbook.vocabulary, frozenset())
        if any(name in seen for name in plan.names_of(event))
    ]
    return max([state.since_at, *moments])


# -- its course -----------------------------------------------------------------------------------


def _gone_on(experiment: Experiment, wanted: Experiment | None) -> Experiment:
    """With a phase more where its ratio or its share of visitors changed."""
    if wanted is None:
        return experiment
    last, now = experiment.phases[-1], wanted.phases[-1]
    if (last.number, last.arms, last.share) == (now.number, now.arms, now.share):
        return experiment
    return msgspec.structs.replace(experiment, phases=(*experiment.phases, now))


def _end_of(experiment: Experiment, programme: Programme, control: RunState | None, now: int) -> End | None:
    ends = [_end_of_programme(experiment, programme, control)] if experiment.subject == "programme" else [
        _end_of_rule(experiment, programme, now)
    ]  # fmt: skip
    found = [end for end in ends if end is not None]
    planned = experiment.planned_end_at
    if planned is not None and planned <= now:
        found.append(End(planned, "finished", ""))
    return min(found, default=None, key=lambda end: end.at)


def _end_of_programme(experiment: Experiment, programme: Programme, control: RunState | None) -> End | None:
    team = programme.team
    if control is None:
        return None
    if team.holdout_seed != experiment.id:
        return End(control.since_at, "replaced", f"the control group is now {team.holdout_seed}")
    return None if team.holdout else End(control.since_at, "stopped", "there is no control group any more")


def _end_of_rule(experiment: Experiment, programme: Programme, now: int) -> End | None:
    rule = programme.playbook.rules.get(experiment.rule)
    state = programme.run_states.get(experiment.rule)
    if rule is None or state is None:
        return End(now, "stopped", "the rule is gone")
    if state.state == "rolled back":
        return End(state.since_at, "rolled back", state.reason)
    if rule.test is None or rule.always:
        return End(state.since_at, "stopped", "its test was taken out of the rule")
    if state.seed != experiment.id:
        return End(state.since_at, "replaced", "the rule or its test changed")
    if state.state not in RUNNING:
        return End(state.since_at, "stopped", state.reason or f"the rule was put into {state.state}")
    if rule.until_at is not None and rule.until_at <= now:
        return End(rule.until_at, "stopped", "the rule's last day is over")
    return None


def _ended(experiment: Experiment, end: End) -> Experiment:
    """Nothing ends before it began, nor later than was planned."""
    at = max(end.at, experiment.started_at)
    return msgspec.structs.replace(experiment, ended_at=at, ended_as=end.ended_as, reason=end.reason)


def _programme_state(house: House) -> RunState | None:
    """The control group's state; one published before there was any is known by when that was."""
    programme = house.programme
    state = programme.run_states.get(PROGRAMME)
    if state is not None or not programme.team.holdout:
        return state
    head = house.storage.find_playbook()
    return state_of_programme(None, programme.playbook, head.published_at if head is not None else 0, "")


def _put(house: House, experiments: Sequence[Experiment]) -> None:
    def put(transaction: Transaction) -> None:
        for experiment in experiments:
            transaction.put_experiment(experiment)

    house.storage.write(put).result()
