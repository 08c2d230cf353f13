"""Surveying: a sample of recorded visits decided for again under a programme: who matches, who wins, what is known."""

from __future__ import annotations

from time import perf_counter

import msgspec

from opportune.core.decision import decide, survey
from opportune.core.moment import DAY
from opportune.core.programme import Programme
from opportune.core.situation import Situation
from opportune.core.traffic.sample import Rivals, Sample
from opportune.core.traffic.signal_use import names_of
from opportune.services.house import House
from opportune.services.traffic.imagining import imagine
from opportune.services.traffic.sampling import LANE_ORDER, Moment, Past, Stay, stays_of
from opportune.services.traffic.trying import DAYS
from opportune.storage.base import Storage

ASKED_LANES = 32
"""In so many lanes it is looked whether a page ever asked for a place."""
NO_PLACE = ""
"""Imagined where no other place is, so that pages are looked at for what is known."""
MOST_READ = 300
"""Visitors of whom every signal is read."""
MATCHED = frozenset(
    {"shown", "hidden", "matched", "later", "limited", "control", "no value", "not sure enough"}
)


def survey_visits(storage: Storage, house: House, programme: Programme, now: int, seconds: float) -> Sample:
    """As many lanes as there is time for, at least one."""
    until = perf_counter() + seconds
    slots = [name for name, place in programme.places.items() if place.is_personalized]
    wanted = imagine(storage, slots, now - DAYS * DAY, seconds=seconds, lanes=LANE_ORDER[:ASKED_LANES])
    if not wanted.imagined:
        wanted = msgspec.structs.replace(wanted, imagined=(NO_PLACE,))
    sample, past = Sample(), Past(storage, now, house.shelf)
    for lane in LANE_ORDER:
        for stay in stays_of(storage, lane, wanted, programme.playbook.plan):
            _look_at(stay, programme, past, sample)
        sample.lanes += 1
        if perf_counter() > until:
            break
    return sample


def _look_at(stay: Stay, programme: Programme, past: Past, sample: Sample) -> None:
    moments = [moment for moment in stay.moments if not moment.context.is_machine]
    if not moments:
        return
    sample.visits += 1
    is_new = stay.key not in sample.people
    sample.people.add(stay.key)
    sample.oldest_at = min(moments[0].at, sample.oldest_at or moments[0].at)
    matched: set[str] = set()
    won: set[str] = set()
    beaten: set[Rivals] = set()
    hidden: set[Rivals] = set()
    for moment in moments:
        situation = past.situation(moment, programme)
        for slot in moment.slots:
            _look_in(slot, situation, programme, (matched, won), (beaten, hidden))
        if is_new and moment is moments[-1] and sample.read < MOST_READ:
            _read_signals(situation, moment, programme, sample)
    sample.matched.update(matched)
    sample.won.update(won)
    sample.beaten.update(beaten)
    sample.hidden.update(hidden)
    for name in matched:
        sample.people_of[name].add(stay.key)


def _look_in(
    slot: str,
    situation: Situation,
    programme: Programme,
    rules: tuple[set[str], set[str]],
    pairs: tuple[set[Rivals], set[Rivals]],
) -> None:
    place = programme.places.get(slot)
    if place is None or not place.is_personalized:
        return
    try:
        decision = decide(place, situation, programme)
        steps = survey(place, situation, programme, decision).steps
    except Exception:  # noqa: BLE001 - as live: one broken rule must not stop the rest
        return
    written = programme.playbook.rules
    found = {
        name
        for name, verdict, _ in steps
        if verdict in MATCHED and not (verdict == "later" and written[name].hide and not written[name].show)
    }
    rules[0].update(found)
    if not decision.rule:
        return
    rules[1].add(decision.rule)
    for other in found - {decision.rule}:
        pairs[1 if decision.outcome == "hidden" else 0].add((slot, decision.rule, other))


def _read_signals(situation: Situation, moment: Moment, programme: Programme, sample: Sample) -> None:
    sample.read += 1
    for name in names_of(programme.playbook) | set(situation.traits):
        try:
            reading = situation.read(name)
        except Exception:  # noqa: BLE001, S112 - a signal that fails is not known
            continue
        if reading.value is not None and reading.value != []:
            sample.known[name] += 1
            if reading.at is not None:
                sample.ages[name].append(max(0, moment.at - reading.at))
