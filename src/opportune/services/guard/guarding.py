"""Guarding: every minute the signs look at all that runs, and a rule that does harm is off at the next decision.

What was done, and what somebody should look at, is a note, each once. Slow launches take their steps here, too.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from functools import partial

import msgspec

from opportune.core.allocation import BUCKETS
from opportune.core.experiments.experiment import Experiment
from opportune.core.experiments.ramp import hidden_harm, hidden_words, next_share
from opportune.core.experiments.watched import REACHED, Expected, Sighting, Watched
from opportune.core.moment import DAY, MINUTE
from opportune.core.note import Note
from opportune.core.report.plain import moment_words
from opportune.core.rule import Rule, RunState
from opportune.core.signs import SIGNS, Sign
from opportune.core.signs.limit import Broken as BrokenLimit
from opportune.core.signs.split import SplitOff
from opportune.core.traffic.bounced import Bounced
from opportune.errors import OpportuneError
from opportune.services.catalogue.feeding import list_states
from opportune.services.guard.bouncing import Followed, count_since, is_followed
from opportune.services.guard.expecting import expect
from opportune.services.guard.gathering import EXPECTED, KEPT_MS, Ask, Gathering, is_of_another
from opportune.services.guard.watching import tally_watched
from opportune.services.house import House
from opportune.services.learnings.learning import draft_rule
from opportune.services.operating import find_freeze, roll_back, take_step
from opportune.services.preparing import plan_of
from opportune.storage.base import Transaction

log = logging.getLogger("opportune")

OF_PROGRAMME: tuple[Sign, ...] = (BrokenLimit(), SplitOff())

Seen = tuple[Sign, Sighting, Watched]


def guard(house: House, *, ask: Ask | None = None) -> list[Note]:
    """One look: rolls back what does harm, takes due steps of slow launches, and gives the new notes.

    `ask` does long reads elsewhere; without it what is to be expected of a rule, and its bounces, are left to a later
    look.
    """
    tally_watched(house)
    gathering = Gathering(house)
    running = gathering.running()
    if ask is not None:
        gathering.bounced = _bounces(house, gathering, running, ask)
    watched = [gathering.watched(rule, state) for rule, state in running]
    seen = [found for each in watched for found in _look(SIGNS, each)]
    nobodys = _look(SIGNS, gathering.nobodys())
    notes = [
        *_switch_off(house, [each for each in seen if each[1].is_harm]),
        *_guard_programme(house, gathering),
        *(_warning(house, each) for each in seen if not each[1].is_harm),
        *(_warning(house, each) for each in nobodys if not _is_claimed(each, seen)),
        *_stale_feeds(house),
    ]
    kept = _keep(house, notes)
    off = {rule for note in notes if note.kind == "switched off" for rule in note.rules}
    still = [each for each in running if each[0].name not in off]
    if ask is not None:
        _expect(house, gathering, still, ask)
    return [*kept, *_step(house, gathering, still)]


def _look(signs: Iterable[Sign], watched: Watched) -> list[Seen]:
    return [(sign, sighting, watched) for sign in signs for sighting in sign.look(watched)]


def _is_claimed(found: Seen, seen: Sequence[Seen]) -> bool:
    """Whether rules were switched off for the same."""
    return any(
        sign.name == found[0].name and sighting.subject == found[1].subject and sighting.is_harm
        for sign, sighting, _ in seen
    )


# -- switching off --------------------------------------------------------------------------------


def _switch_off(house: House, seen: Sequence[Seen]) -> list[Note]:
    """One note for each thing that was seen, with all rules that were switched off for it."""
    together: dict[tuple[str, str], list[Seen]] = {}
    for sign, sighting, watched in seen:
        subject = sighting.subject or watched.run
        together.setdefault((sign.name, subject), []).append((sign, sighting, watched))
    notes = []
    for (name, subject), found in together.items():
        off = [
            watched.rule
            for _, sighting, watched in found
            if _roll_back(house, watched.rule, f"{name}: {sighting.words}")
        ]
        if off:
            words = found[0][1].words if len(found) == 1 else found[0][1].words.partition(";")[0]
            notes.append(_off_note(house, name, words, off, f"{name}/{subject}"))
    return notes


def _roll_back(house: House, rule: str, reason: str) -> bool:
    """Whether it acted until now; what it taught is drafted."""
    if roll_back(house, rule, reason=reason) is None:
        return False
    draft_rule(house, rule, reason)
    return True


def _off_note(house: House, sign: str, words: str, rules: Sequence[str], about: str) -> Note:
    named = " and ".join(f'"{rule}"' for rule in rules)
    were = "was" if len(rules) == 1 else "were"
    log.warning("switched_off rules=%s sign=%r", named, sign)
    return Note(
        at=house.clock(),
        kind="switched off",
        sign=sign,
        rules=tuple(rules),
        words=f"{named} {were} switched off: {words}.",
        did="Visitors get what they would have without it. Put it right, then: "
        + " ".join(f'opportune rule "{rule}" slowly --reason "what you did";' for rule in rules).rstrip(";"),
        once=f"off/{about}/{house.clock()}",
    )


def _guard_programme(house: House, gathering: Gathering) -> list[Note]:
    """The whole programme loses against its control group: which rule it is nobody knows, so all go off.

    But what always acts stays, as it does so for another reason. A split that is off only says that its numbers
    cannot be believed.
    """
    watched = gathering.programmes()
    if watched is None:
        return []
    notes = []
    for sign, sighting, _ in _look(OF_PROGRAMME, watched):
        if isinstance(sign, SplitOff):
            words = sighting.words.replace("its test's sides", "the control group and everybody else")
            notes.append(
                Note(
                    at=house.clock(),
                    kind="warning",
                    sign=sign.name,
                    words=f"The control group's numbers cannot be believed: {words}.",
                    once=f"{sign.name}/{watched.run}",
                )
            )
            continue
        reason = f"all rules together, against the control group: {sighting.words}"
        off = [
            rule.name
            for rule, _ in gathering.running()
            if not rule.always and _roll_back(house, rule.name, reason)
        ]
        if off:
            notes.append(_off_note(house, sign.name, reason, off, watched.run))
    return notes


def _warning(house: House, found: Seen) -> Note:
    sign, sighting, watched = found
    who = f'"{watched.rule}": ' if watched.rule else ""
    words = sighting.words if watched.rule else sighting.words[:1].upper() + sighting.words[1:]
    return Note(
        at=house.clock(),
        kind="warning" if sign.is_harm else "to look at",
        sign=sign.name,
        rules=(watched.rule,) if watched.rule else (),
        words=f"{who}{words}.",
        once=f"{sign.name}/{watched.run}/{sighting.about}",
    )


def _stale_feeds(house: House) -> list[Note]:
    """What a feed said is too old to be shown."""
    now, last = house.clock(), house.programme.team.facts_last
    zone = house.programme.playbook.vocabulary.zone
    return [
        Note(
            at=now,
            kind="to look at",
            sign="stale feed",
            words=f"The product feed “{state.source}” was last read on {moment_words(state.read_at, zone)}, longer "
            f"ago than what it says may be shown{f': {state.error}' if state.error else ''}.",
            once=f"stale feed/{state.source}/{state.read_at}",
        )
        for state in list_states(house.storage)
        if state.read_at and now - state.read_at > last
    ]


def _keep(house: House, notes: Sequence[Note]) -> list[Note]:
    """Those there were not yet."""
    known = {note.once for note in house.storage.list_notes(house.clock() - KEPT_MS, limit=1_000)}
    new = [note for note in notes if note.once not in known]
    before_hour = house.clock() - KEPT_MS

    def put(transaction: Transaction) -> list[Note]:
        transaction.retire_rule_counts(before_hour)
        return [note for note in new if transaction.add_note(note)]

    return house.storage.write(put).result()


# -- slow launches --------------------------------------------------------------------------------


def _step(house: House, gathering: Gathering, running: Sequence[tuple[Rule, RunState]]) -> list[Note]:
    """The next step of whoever had his days at this one, reached somebody, and does no harm.

    A frozen day, and everything off, put it off.
    """
    notes = []
    may_step = find_freeze(house) is None and not house.programme.is_off
    for rule, state in running:
        if not state.ramp_days:
            continue
        watched = gathering.watched(rule, state)
        if house.storage.find_setting(f"{EXPECTED}{state.seed}") is not None:
            notes += _keep(house, [_ramp_note(gathering, rule, state, watched, state.share)])
        is_due = gathering.now - state.stepped_at >= state.ramp_days * DAY
        if may_step and is_due and watched.total(REACHED):
            share = next_share(state.share)
            note = _ramp_note(gathering, rule, state, watched, share)
            if take_step(house, state, share, note):
                notes.append(note)
    return notes


def _ramp_note(gathering: Gathering, rule: Rule, state: RunState, watched: Watched, share: int) -> Note:
    name = f'"{rule.name}"'
    if share >= BUCKETS:
        words = f"{name} is live for all visitors now, with no sign of harm at {state.share / 100:g}%."
    else:
        words = f"{name} is live for {share / 100:g}% of visitors: {_hidden(gathering, rule, state, watched, share)}."
    return Note(
        at=gathering.now,
        kind="step",
        sign="slow launch",
        rules=(rule.name,),
        words=words,
        once=f"slow launch/{watched.run}/{state.since_at}/{share}",
    )


def _hidden(gathering: Gathering, rule: Rule, state: RunState, watched: Watched, share: int) -> str:
    experiment = watched.experiment
    people = watched.expected.people_a_day if watched.expected is not None else _reached_a_day(watched)
    harm = hidden_harm(
        people,
        gathering.orders_share(),
        share,
        days=state.ramp_days,
        limits=1 + len(experiment.limits) if experiment is not None else 1,
        planned=experiment.people if experiment is not None else 0,
        treated_share=_treated(experiment),
    )
    return hidden_words(harm, share, state.ramp_days, has_test=rule.test is not None)


def _reached_a_day(watched: Watched) -> float:
    """Of all visitors, from those of the last day at the share there is now."""
    return watched.today.get(REACHED, 0) * BUCKETS / max(1, watched.share)


def _treated(experiment: Experiment | None) -> float:
    whole = sum(weight for _, weight in experiment.arms) if experiment is not None else 0
    if experiment is None or whole <= 0:
        return 0.5
    return min(0.95, max(0.05, 1 - experiment.arms[0][1] / whole))


# -- what was to be expected ----------------------------------------------------------------------


def _expect(house: House, gathering: Gathering, running: Sequence[tuple[Rule, RunState]], ask: Ask) -> None:
    """Keeps what is to be expected of a rule launched or changed lately, one rule a look: it takes some seconds.

    A rule of which the log could not be asked now is asked about again, after the others.
    """
    waiting = {each.rule for each in house.programme.waiting}
    unknown = [state for rule, state in running if rule.name not in waiting and _is_unknown(gathering, state)]
    if not unknown:
        return
    state = unknown[gathering.now // MINUTE % len(unknown)]
    is_changed = gathering.find_expected(state.seed) is not None
    since_at = gathering.now if is_changed else state.since_at
    try:
        found: Expected | None = ask(expect, gathering.now, state.rule, since_at, plan_of(house))
    except OpportuneError as error:
        log.warning("expecting_failed rule=%s error=%r", state.rule, error)
        return
    if found is not None:
        found = msgspec.structs.replace(found, behaviour=state.behaviour, since_at=since_at)
    text = msgspec.json.encode(found).decode()
    house.storage.write(partial(_put_setting, f"{EXPECTED}{state.seed}", text)).result()


def _is_unknown(gathering: Gathering, state: RunState) -> bool:
    """Whether nothing was asked of it yet, or what it did before it was changed."""
    known = gathering.find_expected(state.seed)
    if known is not None:
        return is_of_another(known, state)
    return gathering.storage.find_setting(f"{EXPECTED}{state.seed}") is None


def _bounces(
    house: House, gathering: Gathering, running: Sequence[tuple[Rule, RunState]], ask: Ask
) -> Mapping[str, Bounced]:
    """By rule, of those whose turn it is."""
    rules = [
        Followed(rule=rule.name, since_at=max(state.since_at, expected.since_at), lanes=expected.lanes)
        for rule, state in running
        if (expected := gathering.expected_of(state)) is not None and expected.before is not None
    ]
    due = [each for each in rules if is_followed(each, gathering.now)]
    if not due:
        return {}
    try:
        found: Mapping[str, Bounced] = ask(count_since, gathering.now, due, plan_of(house))
    except OpportuneError as error:
        log.warning("bounces_not_counted error=%r", error)
        return {}
    return found


def _put_setting(name: str, text: str, transaction: Transaction) -> None:
    transaction.put_setting(name, text)
