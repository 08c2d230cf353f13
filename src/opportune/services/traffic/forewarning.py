"""Forewarning: what would go wrong with a playbook, asked of the log before anybody sees it.

Every launched or drafted rule is taken as live and untested, and decided for a sample of recorded visits. What that
tells is `core/forewarnings/`'s; beside it stands the signal map.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from time import perf_counter

import msgspec

from opportune.core.forewarnings import FOREWARNINGS
from opportune.core.forewarnings.base import Ahead, Reached, Warned
from opportune.core.history.key import LANES
from opportune.core.moment import DAY
from opportune.core.playbook import Playbook
from opportune.core.playbook_files.folder import playbook_files, read_playbook
from opportune.core.playbook_files.lines import Lines
from opportune.core.programme import Programme
from opportune.core.rule import RunState
from opportune.core.traffic.sample import Sample
from opportune.core.traffic.signal_use import SignalUse, signal_map
from opportune.core.traffic.tally import Tally
from opportune.services.house import House
from opportune.services.learnings.resembling import alike_notes
from opportune.services.standing import reading_house
from opportune.services.traffic.backtesting import count_for
from opportune.services.traffic.surveying import survey_visits
from opportune.services.traffic.trying import DAYS, Asked, Trial
from opportune.storage.base import Storage

SECONDS = 2.0
FEW_IN_SAMPLE = 3
"""Rules that so few in the sample matched are asked about one by one."""
RULE_SECONDS = 0.5
MOST_ASKED = 20
"""So many rules' time is what all of them have together: a shop may have hundreds that hardly anybody matches."""


class Forewarned(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a playbook would run into here. `lookedAt` visitors were decided for again."""

    revision: str
    days: float
    looked_at: int
    warnings: tuple[Warned, ...]
    signals: tuple[SignalUse, ...]
    """Everything that is known of anybody or used by anything, the widest known first."""
    learned: tuple[str, ...] = ()
    """What was found out about rules like these."""
    not_asked: tuple[str, ...] = ()
    """Rules that nobody looked at matched, and of which there was no time to ask whom they reach."""


def forewarn(
    storage: Storage,
    now: int,
    files: Mapping[str, str] | None = None,
    seconds: float = SECONDS,
    *,
    rule_seconds: float = RULE_SECONDS,
) -> Forewarned:
    """For the reading process: of the published playbook, or of files. Raises PlaybookError where they do not check.

    It looks for about so long, and for so long again at each rule that hardly anybody matched, until it did for as long
    as 20 of them take: of further ones that nobody matched it is not said whom they reach.
    """
    house = reading_house(storage, now)
    playbook = house.programme.playbook if files is None else read_playbook(files)
    stored = storage.find_playbook()
    texts = files if files is not None else stored.files if stored is not None else {}
    programme = _all_live(playbook, house)
    sample = survey_visits(storage, house, programme, now, seconds)
    days = max(1.0, (now - (sample.oldest_at or now)) / DAY)
    reached = dict(_reach(programme, sample, partial(_ask, house, files), rule_seconds))
    ahead = Ahead(
        playbook=playbook,
        lines=Lines(playbook_files(texts)),
        sample=sample,
        over_days=DAYS,
        days=days,
        reached=reached,
        run_states=house.programme.run_states,
        tests_over=_tests_over(storage),
        seen_events=house.programme.seen_events,
        came={name: count for name, (_, _, count) in storage.list_seen_events().items()},
    )
    return Forewarned(
        revision=playbook.revision,
        days=days,
        looked_at=len(sample.people),
        warnings=tuple(warned for each in FOREWARNINGS for warned in each.look(ahead)),
        signals=signal_map(playbook, sample),
        learned=alike_notes(storage, playbook, playbook.rules),
        not_asked=tuple(name for name in _acting(programme) if sample.is_telling and name not in reached),
    )


def _tests_over(storage: Storage) -> frozenset[str]:
    tests = [each for each in storage.list_experiments() if each.rule]
    return frozenset(each.rule for each in tests) - {each.rule for each in tests if each.is_open}


def _all_live(playbook: Playbook, house: House) -> Programme:
    """Every rule live for everybody and untested; one that was rolled back stays off."""
    states = house.programme.run_states
    rules = {name: msgspec.structs.replace(rule, test=None) for name, rule in playbook.rules.items()}
    live = {
        name: RunState(rule=name)
        for name in rules
        if name not in states or states[name].state != "rolled back"
    }
    return Programme(msgspec.structs.replace(playbook, rules=rules), live, house.programme.seen_events)


def _reach(
    programme: Programme, sample: Sample, ask: Callable[[str, float], Tally], seconds: float
) -> Iterator[tuple[str, Reached]]:
    """As the sample tells; where hardly anybody in it matched, the condition alone, for as many more as time allows."""
    until = perf_counter() + MOST_ASKED * seconds
    for name in _acting(programme) if sample.is_telling else ():
        in_sample = len(sample.people_of.get(name, ()))
        is_clear = in_sample > FEW_IN_SAMPLE or (in_sample and sample.lanes == LANES)
        asked = Tally() if is_clear or perf_counter() >= until else ask(name, seconds)
        if asked.acted.people and asked.lanes > sample.lanes:
            yield name, Reached(asked.acted.people * LANES / asked.lanes, asked.visitors)
        elif in_sample or asked.lanes:
            people = in_sample * sample.scale or asked.acted.people * LANES / asked.lanes
            yield name, Reached(people, max(len(sample.people), asked.visitors))


def _acting(programme: Programme) -> list[str]:
    return [name for name in programme.playbook.rules if name in programme.signals]


def _ask(house: House, files: Mapping[str, str] | None, rule: str, seconds: float) -> Tally:
    until = perf_counter() + seconds
    trial = Trial(house.storage, house.clock(), Asked(rule=rule, files=files), house=house)
    trial.judged, trial.comparing = frozenset(), None
    return count_for(trial, until - perf_counter())
