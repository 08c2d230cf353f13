"""Forewarning: what would go wrong with a playbook, asked of the log before anybody sees it.

Every launched or drafted rule is taken as live and untested, and decided for a sample of recorded visits. Who never
wins, who is in whose way, whose people are few, which signals nobody uses; and beside it what texts give away.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from itertools import combinations
from statistics import median
from time import perf_counter
from typing import Literal

import msgspec

from opportune.core.content import placeholders_of, texts_of
from opportune.core.decision import decide, survey
from opportune.core.history.key import LANES
from opportune.core.history.standard_plan import STANDARD_PLAN
from opportune.core.moment import DAY
from opportune.core.playbook import Playbook
from opportune.core.playbook_files.folder import playbook_files, read_playbook
from opportune.core.programme import ACTING, Programme
from opportune.core.rule import Rule, RunState
from opportune.core.signals import SIGNALS
from opportune.core.situation import Situation
from opportune.core.slot import Slot
from opportune.core.statistics.power import people_per_arm
from opportune.core.traffic.offer import LONG_WEEKS
from opportune.core.traffic.signal_use import events_needed, signals_of, uses_of
from opportune.core.traffic.tact import MEASURED, reveals_tracking, sensitive_topic
from opportune.core.waiting import missing_events
from opportune.services.house import House
from opportune.services.learnings.resembling import alike_notes
from opportune.services.traffic.backtesting import DAYS, Asked, Tally, Trial, reading_house
from opportune.services.traffic.sampling import LANE_ORDER, Moment, Past, Stay, Wanted, stays_of
from opportune.storage.base import Storage

SECONDS = 2.0
FEWEST_PEOPLE = 20
"""Fewer than so many people in four weeks could be told apart by what they are shown."""
FEWEST_LOOKED_AT = 50
"""Of fewer visitors it is not said that something never happens."""
OFTEN = 0.05
"""Of the visits in which the rarer of two rules matches: from this share on they are told to compete."""
SHARED = 0.5
FEW_IN_SAMPLE = 3
FEWEST_MATCHES = 5
RULE_SECONDS = 0.5
CONTACT = frozenset(
    {"email", "phone", "name", "first name", "last name", "firstName", "lastName", "first_name", "last_name"}
)
"""Kept to write to somebody, not to decide by."""
MOST_TESTS = 3
MOST_READ = 300
"""Visitors of whom every signal is read."""
TYPICAL_STEP = 0.12

Kind = Literal[
    "never true", "never wins", "competes", "hidden by another", "events never seen", "few people",
    "tests cannot be told apart", "no answer at this traffic", "copy reveals tracking", "sensitive",
    "nobody uses it",
]  # fmt: skip
Ask = Callable[[str], tuple[float, int]]
"""By a rule's name: for how many people it would act, and of how many visitors that was asked."""
MATCHED = frozenset(
    {"shown", "hidden", "matched", "later", "limited", "control", "no value", "not sure enough"}
)


class Warned(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to look at before launching; `where` is a file with its line, a rule or a place."""

    kind: Kind
    where: str
    what: str
    why: str
    right: str
    count: int | None = None


class SignalUse(msgspec.Struct, frozen=True, kw_only=True):
    """One signal or customer detail: who uses it, for what share of visitors it is known, how old it usually is."""

    name: str
    used_by: tuple[str, ...]
    coverage: float
    age_days: float | None = None


class Forewarned(msgspec.Struct, frozen=True, kw_only=True):
    """What a playbook would run into here. `looked_at` visitors were decided for again."""

    revision: str
    days: float
    looked_at: int
    warnings: tuple[Warned, ...]
    signals: tuple[SignalUse, ...]
    """Everything that is known of anybody or used by anything, the widest known first."""
    learned: tuple[str, ...] = ()
    """What was found out about rules like these."""


class _Seen(msgspec.Struct):
    """What happened in the sample, by rule and by pair of rules; visits and people."""

    lanes: int = 0
    visits: int = 0
    people: set[int] = msgspec.field(default_factory=set)
    oldest_at: int = 0
    matched: Counter[str] = msgspec.field(default_factory=Counter)
    won: Counter[str] = msgspec.field(default_factory=Counter)
    people_of: dict[str, set[int]] = msgspec.field(default_factory=lambda: defaultdict(set))
    beaten: Counter[tuple[str, str, str]] = msgspec.field(default_factory=Counter)
    """(place, who won, who matched too): visits."""
    hidden: Counter[tuple[str, str, str]] = msgspec.field(default_factory=Counter)
    known: Counter[str] = msgspec.field(default_factory=Counter)
    ages: dict[str, list[int]] = msgspec.field(default_factory=lambda: defaultdict(list))
    read: int = 0

    @property
    def scale(self) -> float:
        return LANES / self.lanes if self.lanes else 1.0


def forewarn(
    storage: Storage, now: int, files: Mapping[str, str] | None = None, seconds: float = SECONDS
) -> Forewarned:
    """For the reading process: of the published playbook, or of files. Raises PlaybookError where they do not check."""
    house = reading_house(storage, now)
    playbook = house.programme.playbook if files is None else read_playbook(files)
    stored = storage.find_playbook()
    texts = files if files is not None else stored.files if stored is not None else {}
    programme = _all_live(playbook, house)
    seen = _look(storage, house, programme, now, seconds)
    where = _Where(playbook_files(texts))
    days = max(1.0, (now - (seen.oldest_at or now)) / DAY)
    warnings = [
        *_unseen(playbook, house, where),
        *_of_rules(playbook, frozenset(programme.signals), seen, where, _asking(storage, house, now, files)),
        *_of_tests(playbook, house, seen, days, where),
        *_of_texts(playbook, where),
        *_of_names(playbook, seen, where),
        *_unused(playbook, seen, storage),
    ]
    return Forewarned(
        revision=playbook.revision,
        days=days,
        looked_at=len(seen.people),
        warnings=tuple(warnings),
        signals=tuple(_signals(playbook, seen)),
        learned=alike_notes(storage, playbook, playbook.rules),
    )


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


# -- looking ----------------------------------------------------------------------------------------


def _look(storage: Storage, house: House, programme: Programme, now: int, seconds: float) -> _Seen:
    until = perf_counter() + seconds
    since_at = now - DAYS * DAY
    slots = [name for name, place in programme.places.items() if place.is_personalized]
    asked = {
        slot
        for slot in slots
        if any(storage.list_lane_opportunities(lane, (slot,), since_at, limit=1) for lane in LANE_ORDER[:32])
    }
    wanted = Wanted(
        asked=tuple(sorted(asked)),
        imagined=tuple(slot for slot in slots if slot not in asked) or ("",),
        since_at=since_at,
    )
    seen, past = _Seen(), Past(storage, now, house.shelf)
    for lane in LANE_ORDER:
        for stay in stays_of(storage, lane, wanted, programme.playbook.plan):
            _look_at(stay, programme, past, seen)
        seen.lanes += 1
        if perf_counter() > until:
            break
    return seen


def _look_at(stay: Stay, programme: Programme, past: Past, seen: _Seen) -> None:
    moments = [moment for moment in stay.moments if not moment.context.is_machine]
    if not moments:
        return
    seen.visits += 1
    is_new = stay.key not in seen.people
    seen.people.add(stay.key)
    seen.oldest_at = min(moments[0].at, seen.oldest_at or moments[0].at)
    matched: set[str] = set()
    won: set[str] = set()
    beaten: set[tuple[str, str, str]] = set()
    hidden: set[tuple[str, str, str]] = set()
    for moment in moments:
        situation = past.situation(moment, programme)
        for slot in moment.slots:
            _look_in(slot, situation, programme, (matched, won), (beaten, hidden))
        if is_new and moment is moments[-1] and seen.read < MOST_READ:
            _read_signals(situation, moment, programme, seen)
    seen.matched.update(matched)
    seen.won.update(won)
    seen.beaten.update(beaten)
    seen.hidden.update(hidden)
    for name in matched:
        seen.people_of[name].add(stay.key)


def _look_in(
    slot: str,
    situation: Situation,
    programme: Programme,
    rules: tuple[set[str], set[str]],
    pairs: tuple[set[tuple[str, str, str]], set[tuple[str, str, str]]],
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


def _read_signals(situation: Situation, moment: Moment, programme: Programme, seen: _Seen) -> None:
    seen.read += 1
    for name in _names(programme.playbook) | set(situation.traits):
        try:
            reading = situation.read(name)
        except Exception:  # noqa: BLE001, S112 - a signal that fails is not known
            continue
        if reading.value is not None and reading.value != []:
            seen.known[name] += 1
            if reading.at is not None:
                seen.ages[name].append(max(0, moment.at - reading.at))


def _names(playbook: Playbook) -> set[str]:
    return {signal.name for signal in SIGNALS} | set(playbook.vocabulary.attributes)


def _asking(storage: Storage, house: House, now: int, files: Mapping[str, str] | None) -> Ask:
    """For rules that few in the sample match: the condition alone, for as many more as there is time."""

    def ask(rule: str) -> tuple[float, int]:
        until = perf_counter() + RULE_SECONDS
        trial = Trial(storage, now, Asked(rule=rule, files=files), house=house)
        trial.judged, trial.comparing = frozenset(), None
        tally = Tally()
        for lane in LANE_ORDER:
            tally.join(trial.count(lane))
            if perf_counter() > until:
                break
        return tally.acted.people * LANES / tally.lanes, tally.visitors

    return ask


# -- where things stand -----------------------------------------------------------------------------


class _Where:
    """Finds files and lines, for what is told of a rule, a place or a text."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self._files = files

    def rule(self, name: str) -> str:
        return self._line("rules/", f"rule: {name}") or f"rule {name}"

    def slot(self, slot: Slot) -> str:
        return self._line("slots/", f"slot: {slot.title or slot.name}") or f"place {slot.title or slot.name}"

    def text(self, slot: Slot, text: str) -> str:
        return self._line("slots/", " ".join(text.split())[:40]) or self.slot(slot)

    def name(self, name: str) -> str:
        return self._line("plan", name) or "plan.yaml"

    def _line(self, folder: str, text: str) -> str:
        sought = text.casefold()
        for path, content in self._files.items():
            if path.startswith(folder):
                for number, line in enumerate(content.splitlines(), 1):
                    if sought in " ".join(line.replace('"', "").split()).casefold():
                        return f"{path}:{number}"
        return ""


# -- rules ------------------------------------------------------------------------------------------


def _unseen(playbook: Playbook, house: House, where: _Where) -> Iterator[Warned]:
    """Instrument first."""
    for rule in playbook.rules.values():
        missing = missing_events(rule.when, playbook.vocabulary, house.programme.seen_events)
        if missing:
            yield Warned(
                kind="events never seen",
                where=where.rule(rule.name),
                what=f"“{rule.name}” needs {' and '.join(missing)}, never seen here",
                why="it waits for the first one, and nobody sees it until then",
                right="send it from the shop first; `opportune doctor` and the set-up page help",
            )


def _of_rules(
    playbook: Playbook, acting: frozenset[str], seen: _Seen, where: _Where, ask: Ask
) -> Iterator[Warned]:
    if len(seen.people) < FEWEST_LOOKED_AT:
        return
    for rule in playbook.rules.values():
        if rule.name not in acting:
            continue
        in_sample = len(seen.people_of[rule.name])
        if in_sample > FEW_IN_SAMPLE:
            continue
        people, looked_at = (
            ask(rule.name) if in_sample * seen.scale > in_sample or not in_sample else (in_sample, 0)
        )
        if not people and not in_sample:
            yield _never_true(rule, max(looked_at, len(seen.people)), where)
        elif people < FEWEST_PEOPLE:
            yield _few(rule, max(round(people), 1), where)
    for rule in playbook.rules.values():
        if seen.matched[rule.name] >= FEWEST_MATCHES and not seen.won[rule.name]:
            yield _never_wins(rule, seen, where)
    yield from _pairs(playbook, seen, where)


def _few(rule: Rule, people: int, where: _Where) -> Warned:
    return Warned(
        kind="few people",
        where=where.rule(rule.name),
        what=f"“{rule.name}” would be for about {people} {'person' if people == 1 else 'people'} in {DAYS} days",
        why=f"fewer than {FEWEST_PEOPLE} people can feel meant, and no test of it comes to an answer",
        right="widen its condition, such as a lower number or a longer time",
        count=people,
    )


def _never_true(rule: Rule, looked_at: int, where: _Where) -> Warned:
    return Warned(
        kind="never true",
        where=where.rule(rule.name),
        what=f"“{rule.name}” would have acted for none of {looked_at:,} visitors looked at",
        why=f"nobody of the last {DAYS} days would have seen it",
        right=f'look at what is missing: opportune backtest "{rule.name}"',
        count=0,
    )


def _never_wins(rule: Rule, seen: _Seen, where: _Where) -> Warned:
    ahead: Counter[str] = Counter()
    for (_, winner, other), count in (*seen.beaten.items(), *seen.hidden.items()):
        if other == rule.name:
            ahead[winner] += count
    first = ahead.most_common(1)[0][0] if ahead else ""
    matched = round(seen.matched[rule.name] * seen.scale)
    behind = f", always behind “{first}”" if first else ", and lacked what its content needs"
    return Warned(
        kind="never wins",
        where=where.rule(rule.name),
        what=f"“{rule.name}” matches in about {matched:,} visits and is seen in none{behind}",
        why="it costs upkeep and shows nothing",
        right="put it first in the place's `rules`, narrow the other one, or remove it"
        if first
        else "give its text a default, such as {city|your town}, or fill the list it needs",
        count=matched,
    )


def _pairs(playbook: Playbook, seen: _Seen, where: _Where) -> Iterator[Warned]:
    """Rules in each other's way, and content that another rule takes from the page."""
    for is_hidden, found in ((False, seen.beaten), (True, seen.hidden)):
        for (slot, winner, other), count in found.most_common():
            rarer = min(seen.matched[winner], seen.matched[other])
            if count < OFTEN * rarer or other not in playbook.rules or not seen.won[other]:
                continue
            visits, place = round(count * seen.scale), playbook.slots[slot].title or slot
            if is_hidden:
                yield Warned(
                    kind="hidden by another",
                    where=where.rule(other),
                    what=f"“{winner}” hides what “{other}” shows in {place}, in about {visits:,} visits",
                    why="one rule says it and another takes it back",
                    right=f"add `not if` to “{other}”, or take the tag from its version, unless this is meant",
                    count=visits,
                )
            else:
                yield Warned(
                    kind="competes",
                    where=where.rule(other),
                    what=f"“{winner}” and “{other}” both match for {place} in about {visits:,} visits; “{winner}” wins",
                    why="a number of one of them says nothing of those it lost",
                    right="order them in the place's `rules` as you mean it, or narrow one",
                    count=visits,
                )


# -- tests ------------------------------------------------------------------------------------------


def _of_tests(playbook: Playbook, house: House, seen: _Seen, days: float, where: _Where) -> Iterator[Warned]:
    """Tests that are live or would be, against what this traffic can tell apart."""
    tested = [rule for rule in playbook.rules.values() if rule.test is not None and _is_live(rule, house)]
    if len(seen.people) < FEWEST_LOOKED_AT:
        return
    needed = 2 * people_per_arm(TYPICAL_STEP)
    hopeless = []
    for rule in tested:
        a_day = len(seen.people_of[rule.name]) * seen.scale / days
        if a_day * LONG_WEEKS * 7 < needed:
            hopeless.append(rule)
            yield Warned(
                kind="no answer at this traffic",
                where=where.rule(rule.name),
                what=f"the test of “{rule.name}” has about {a_day:,.1f} people a day",
                why=f"even a step that 12 of 100 take needs {needed:,} of them to show a gain of 20 %",
                right="test the whole programme half and half instead: opportune plan",
                count=round(a_day * days),
            )
    if len(tested) > MOST_TESTS:
        yield Warned(
            kind="tests cannot be told apart",
            where=", ".join(rule.name for rule in tested),
            what=f"{len(tested)} tests run at once, for {len(seen.people) * seen.scale / days:,.0f} people a day",
            why="visitors are in several of them, and each takes people and gains from the others",
            right=f"run one to {MOST_TESTS} at a time, or the whole programme half and half",
            count=len(tested),
        )
    for one, other in combinations([rule for rule in tested if rule not in hopeless], 2):
        ours, theirs = seen.people_of[one.name], seen.people_of[other.name]
        both, fewer = len(ours & theirs), min(len(ours), len(theirs))
        if fewer and both >= SHARED * fewer:
            yield Warned(
                kind="tests cannot be told apart",
                where=where.rule(other.name),
                what=f"about {both * seen.scale:,.0f} people are in the tests of both “{one.name}” and “{other.name}”",
                why="what one does to them moves the number of the other",
                right="run one after the other",
                count=round(both * seen.scale),
            )


def _is_live(rule: Rule, house: House) -> bool:
    state = house.programme.run_states.get(rule.name)
    return state.state in ACTING if state is not None else rule.launch not in ("draft", "preview")


# -- texts and names --------------------------------------------------------------------------------


def _of_texts(playbook: Playbook, where: _Where) -> Iterator[Warned]:
    for slot in playbook.slots.values():
        for variant in slot.variants:
            for _, text in texts_of(variant.value):
                words = reveals_tracking(text)
                if words is not None:
                    yield _revealing(where.text(slot, text), f"“{words}” in “{variant.name}”")
            for _, gap in placeholders_of(variant.value):
                if gap.signal in MEASURED:
                    yield _revealing(where.text(slot, gap.signal), f"{{{gap.signal}}} in “{variant.name}”")
                elif topic := sensitive_topic(gap.signal):
                    yield _sensitive(
                        where.text(slot, gap.signal), f"{{{gap.signal}}} in “{variant.name}”", topic
                    )


def _revealing(where: str, what: str) -> Warned:
    return Warned(
        kind="copy reveals tracking",
        where=where,
        what=f"{what} tells visitors that they were watched",
        why="being helped is welcome, being watched is not",
        right="say what it is good for (“Boots for wet days”) and not how you came to know",
    )


def _of_names(playbook: Playbook, seen: _Seen, where: _Where) -> Iterator[Warned]:
    """Customer details that are declared, kept, or asked for in conditions."""
    signals = playbook.vocabulary.signals
    names = {*playbook.vocabulary.attributes, *(name for name in seen.known if name not in signals)}
    for name in sorted(names):
        topic = sensitive_topic(name)
        if topic is not None:
            users = [rule.name for rule in playbook.rules.values() if name in signals_of(rule, playbook)]
            used = f", used by {', '.join(users)}" if users else ""
            yield _sensitive(where.name(name), f"“{name}”{used}", topic)


def _sensitive(where: str, what: str, topic: str) -> Warned:
    return Warned(
        kind="sensitive",
        where=where,
        what=f"{what} looks like {topic}",
        why="the law protects it, and nobody wants a shop to act on it",
        right="do not send it; use what they asked for on this page instead",
    )


# -- signals ----------------------------------------------------------------------------------------


def _signals(playbook: Playbook, seen: _Seen) -> list[SignalUse]:
    uses, read = uses_of(playbook), max(1, seen.read)
    names = {name for name in _names(playbook) | set(seen.known) if seen.known[name] or name in uses}
    found = [
        SignalUse(
            name=name,
            used_by=tuple(uses.get(name, ())),
            coverage=seen.known[name] / read,
            age_days=round(median(seen.ages[name]) / DAY, 2) if seen.ages.get(name) else None,
        )
        for name in names
    ]
    return sorted(found, key=lambda use: (-use.coverage, use.name))


def _unused(playbook: Playbook, seen: _Seen, storage: Storage) -> Iterator[Warned]:
    """What a shop keeps sending and nothing asks for: customer details, and events that are no part of the standard."""
    uses = uses_of(playbook)
    kept = {name for name in seen.known if name not in playbook.vocabulary.signals}
    for name in sorted(kept | set(playbook.vocabulary.attributes)):
        if name not in uses and name not in CONTACT:
            share = seen.known[name] / max(1, seen.read)
            yield _nobody(
                f"customer detail {name}", f"it is kept of {share:.0%} of visitors", seen.known[name]
            )
    needed = events_needed(playbook)
    for name, (_, _, count) in sorted(storage.list_seen_events().items()):
        plan_ = playbook.plan
        if plan_.current_name(name) not in needed and name not in needed and _is_own(name, playbook):
            yield _nobody(f"event {name}", f"{count:,} came so far", count)


def _is_own(name: str, playbook: Playbook) -> bool:
    """Not of the standard plan, which reports and set-up read too."""
    declared = playbook.plan.events.get(name)
    return name not in STANDARD_PLAN.events and (declared is None or not declared.says)


def _nobody(where: str, what: str, count: int) -> Warned:
    return Warned(
        kind="nobody uses it",
        where=where,
        what=f"{what}, and no rule, stage, text or test asks for it",
        why="what is not used need not be kept: less to protect, less to explain",
        right="stop sending it, or use it",
        count=count,
    )
