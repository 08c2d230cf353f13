"""Reviewing: the quarter's facts of every rule, read for the review; which rules reach the same people among them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import msgspec

from opportune.core.experiments.experiment import Experiment
from opportune.core.history.key import LANES
from opportune.core.learnings.resemblance import trait_of
from opportune.core.learnings.review import Review, RuleFacts, review_of
from opportune.core.moment import DAY
from opportune.core.playbook import Playbook
from opportune.core.programme import ACTING
from opportune.core.report.parts import Line
from opportune.core.report.plain import day_words
from opportune.core.rule import Rule, RunState
from opportune.services.experiments.reporting import overview
from opportune.services.standing import reading_house
from opportune.services.traffic.forewarning import forewarn
from opportune.storage.base import Storage

QUARTER_MS = 91 * DAY
MOST_UNITS = 200_000
"""Beyond so many, the rest of the visitors is taken to be like these."""
FEWEST_PEOPLE = 20
"""Of fewer it is not said that two rules reach the same."""
SECONDS = 1.0
UNREAD = frozenset({"no data", "do not trust this"})


class _Reached(msgspec.Struct, frozen=True):
    """Units by rule, in some of all lanes."""

    units: Mapping[str, set[int]]
    lanes: int

    def count(self, rule: str) -> int:
        return round(len(self.units.get(rule, ())) * LANES / self.lanes)

    def common(self, one: str, other: str) -> float:
        """Of all whom either reached, the share that both did."""
        left, right = self.units.get(one, set()), self.units.get(other, set())
        either = len(left | right)
        return len(left & right) / either if either >= FEWEST_PEOPLE else 0.0


def review(storage: Storage, now: int) -> Review:
    """For the reading process."""
    programme = reading_house(storage, now).programme
    playbook, since_at = programme.playbook, now - QUARTER_MS
    reached = _reached(storage, since_at)
    found = overview(storage, now)
    known = _Known(
        playbook=playbook,
        states=programme.run_states,
        lines={line.rule: line for line in (*found.untested, *found.tests)},
        experiments={each.rule: each for each in storage.list_experiments() if each.rule},
        reached=reached,
        now=now,
    )
    facts = [_facts(known, rule) for rule in playbook.rules.values()]
    unused = [
        each.where
        for each in forewarn(storage, now, seconds=SECONDS).warnings
        if each.kind == "nobody uses it"
    ]
    return review_of(
        facts,
        since=day_words(since_at, playbook.vocabulary.zone),
        team=playbook.team.name,
        unused=tuple(dict.fromkeys(unused)),
    )


def _reached(storage: Storage, since_at: int) -> _Reached:
    units: dict[str, set[int]] = defaultdict(set)
    rows, lane = 0, 0
    for lane in range(LANES):
        for rule, unit in storage.list_decided(lane, since_at):
            units[rule].add(unit)
            rows += 1
        if rows >= MOST_UNITS:
            break
    return _Reached(units, lane + 1)


class _Known(msgspec.Struct, frozen=True, kw_only=True):
    """What all facts are made with."""

    playbook: Playbook
    states: Mapping[str, RunState]
    lines: Mapping[str, Line]
    experiments: Mapping[str, Experiment]
    reached: _Reached
    now: int


def _facts(known: _Known, rule: Rule) -> RuleFacts:
    playbook, reached, now = known.playbook, known.reached, known.now
    state, line = known.states.get(rule.name), known.lines.get(rule.name)
    experiment = known.experiments.get(rule.name)
    trait = trait_of(rule, playbook.vocabulary)
    change, low, high = _lift(line, experiment)
    return RuleFacts(
        rule=rule.name,
        sentence=line.sentence if line is not None else "",
        run_state=state.state if state is not None else "draft",
        is_acting=state is not None and state.state in ACTING,
        live_days=(now - state.since_at) / DAY if state is not None else 0.0,
        people=reached.count(rule.name),
        signals=trait.signals,
        places=tuple(_title(playbook, place) for place in trait.places),
        is_always=rule.always,
        is_past_end=rule.until_at is not None and rule.until_at <= now,
        reason=state.reason if state is not None else "",
        state=line.conclusion.state if line is not None else "no test",
        state_words=line.conclusion.date_words if line is not None else "",
        change=change,
        low=low,
        high=high,
        metric=experiment.metric.describe() if experiment is not None else "",
        same_people=_same_people(playbook, rule, reached),
    )


def _lift(line: Line | None, experiment: Experiment | None) -> Sequence[float | None]:
    """Turned so that more is better."""
    if line is None or line.effect is None or experiment is None or line.conclusion.state in UNREAD:
        return None, None, None
    change, low, high = line.effect.relative, line.effect.relative_low, line.effect.relative_high
    if change is None or low is None or high is None:
        return None, None, None
    return (change, low, high) if experiment.metric.more_is_better else (-change, -high, -low)


def _same_people(playbook: Playbook, rule: Rule, reached: _Reached) -> tuple[tuple[str, float], ...]:
    """Other rules in one of its places."""
    places = set(rule.slots())
    others = [
        other
        for other in playbook.rules.values()
        if other.name != rule.name and not other.always and places & set(other.slots())
    ]
    return tuple((other.name, reached.common(rule.name, other.name)) for other in others)


def _title(playbook: Playbook, place: str) -> str:
    found = playbook.slots.get(place)
    return found.title or place if found is not None else place
