"""Backtesting: what a rule would have done on the team's own log, decided by the very code that decides live.

The rule is taken as live for everybody, without its test; all others act as they do now. Counting goes lane by lane,
and what was counted of several lanes adds up: a sample stops when its time is over, the full answer goes on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import takewhile
from time import perf_counter
from typing import Literal

import msgspec

from opportune.core.conditions.base import Check
from opportune.core.decision import Decision, decide, survey
from opportune.core.explanation import missing_in
from opportune.core.finding import Finding
from opportune.core.history.key import LANES
from opportune.core.language.phrases.hide import describe_hide
from opportune.core.language.sentence import describe
from opportune.core.lasting import lasting
from opportune.core.metrics import Metric
from opportune.core.moment import DAY, SECOND
from opportune.core.playbook import Playbook
from opportune.core.playbook_files.folder import read_playbook
from opportune.core.playbook_files.form import nearest
from opportune.core.programme import Place, Programme, empty_programme
from opportune.core.rule import Rule, RunState
from opportune.core.situation import Situation
from opportune.core.traffic.offer import Outcome
from opportune.core.traffic.scaled import Scaled, scale
from opportune.core.traffic.varying import Variation, variations_of
from opportune.errors import NotFoundError
from opportune.services.catalogue.cataloguing import refresh_catalogue
from opportune.services.catalogue.recommending import refresh_counters
from opportune.services.house import House
from opportune.services.operating import refresh
from opportune.services.publishing import first_state, load_running
from opportune.services.traffic.differing import Comparing, Difference
from opportune.services.traffic.sampling import LANE_ORDER, Moment, Past, Stay, Wanted, stays_of
from opportune.storage.base import Storage

DAYS = 28
SAMPLE_SECONDS = 1.2
"""After so long no further lane is begun, so that a sampled answer is there within two seconds."""
MOST_LOOKED_INTO = 40
"""Visits without a match, in each lane, of which is worked out what was missing."""
LOOKING_SECONDS, PATIENT_SECONDS = 0.5, 60.0
"""To find out whether a place was ever asked for, lane by lane: for a sample, and for a full answer."""
JUDGED_LANES = 16
SMALL_EVENTS = 150_000
"""Where more events than this were ever stored, it is worked out in so many lanes only who has each place in every
visit and what other numbers would do; in the others, for whom the rule acts."""
MOST_LISTED = 500
MOST_MISSING = 5
NEARLY = 0.5
NO_RULE = ""

Reason = Literal[
    "another rule won", "hidden by another rule", "reached its limit", "in the control group", "did not agree",
    "outside its share", "its exception holds", "not sure enough", "no value", "does not match", "ended",
    "another product", "everything was off", "not asked for", "failed",
]  # fmt: skip
NEAREST: tuple[Reason, ...] = (
    "another rule won", "hidden by another rule", "reached its limit", "in the control group", "did not agree",
    "outside its share", "its exception holds", "not sure enough", "no value", "another product", "does not match",
    "ended", "everything was off", "failed", "not asked for",
)  # fmt: skip
"""A visit is counted under the first of these that one of its moments gave."""
OF_VERDICT: Mapping[str, Reason] = {
    "later": "another rule won",
    "matched": "another rule won",
    "limited": "reached its limit",
    "control": "in the control group",
    "outside the share": "outside its share",
    "not if": "its exception holds",
    "not sure enough": "not sure enough",
    "no value": "no value",
    "no match": "does not match",
    "ended": "ended",
    "other product": "another product",
    "hidden": "hidden by another rule",
}
OF_GATE: Mapping[str, Reason] = {"consent": "did not agree", "holdout": "in the control group"}


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Which rule, of the published playbook or of files that are not published, and how far back."""

    rule: str
    files: Mapping[str, str] | None = None
    days: int = DAYS


class Acted(msgspec.Struct):
    """For whom a rule acted: visitors, the days of each of them summed and squared, and visits."""

    people: int = 0
    days: int = 0
    squares: int = 0
    visits: int = 0

    def add(self, days: int, visits: int) -> None:
        if days:
            self.people += 1
            self.days += days
            self.squares += days * days
            self.visits += visits

    def join(self, other: Acted) -> None:
        for name in self.__struct_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


class Tally(msgspec.Struct):
    """What was counted in some lanes; of several lanes it adds up."""

    lanes: int = 0
    judged: int = 0
    """Lanes in which everything was worked out; in the others only for whom the rule acts."""
    visitors: int = 0
    visits: int = 0
    machines: int = 0
    oldest_at: int = 0
    acted: Acted = msgspec.field(default_factory=Acted)
    at_first: int = 0
    """Visits in which it acted when its place was asked for first."""
    varied: dict[int, Acted] = msgspec.field(default_factory=dict)
    winners: dict[str, Counter[str]] = msgspec.field(default_factory=dict)
    """By place: how many visits each rule has it in; NO_RULE for normal content."""
    lost_to: Counter[str] = msgspec.field(default_factory=Counter)
    reasons: Counter[str] = msgspec.field(default_factory=Counter)
    details: Counter[str] = msgspec.field(default_factory=Counter)
    """Of the reason "no value": which one."""
    missing: Counter[str] = msgspec.field(default_factory=Counter)
    looked_into: int = 0
    nearly: int = 0
    outcomes: dict[str, Outcome] = msgspec.field(default_factory=dict)
    """By metric: what people did from the moment on at which the rule acted first."""
    compared: int = 0
    differences: list[Difference] = msgspec.field(default_factory=list)
    causes: Counter[str] = msgspec.field(default_factory=Counter)

    def join(self, other: Tally) -> None:
        self.oldest_at = min(filter(None, (self.oldest_at, other.oldest_at)), default=0)
        self.acted.join(other.acted)
        for name in ("lanes", "judged", "visitors", "visits", "machines", "at_first", "looked_into"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in ("nearly", "compared"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in ("lost_to", "reasons", "details", "missing", "causes"):
            getattr(self, name).update(getattr(other, name))
        for number, acted in other.varied.items():
            self.varied.setdefault(number, Acted()).join(acted)
        for metric, outcome in other.outcomes.items():
            self.outcomes.setdefault(metric, Outcome()).join(outcome)
        for slot, winners in other.winners.items():
            self.winners.setdefault(slot, Counter()).update(winners)
        self.differences = (self.differences + other.differences)[:MOST_LISTED]


class PlaceTested(msgspec.Struct, frozen=True, kw_only=True):
    """One place of the rule. `is_estimated`: no page asked for it yet, so that it was imagined on every page seen."""

    slot: str
    title: str
    is_estimated: bool
    winners: tuple[Winner, ...] = ()


class Winner(msgspec.Struct, frozen=True, kw_only=True):
    """Who has a place, in how many visits; no rule: normal content. `lost`: the rule asked about matched there too."""

    rule: str
    visits: int
    share: float
    lost: int = 0


class Unseen(msgspec.Struct, frozen=True, kw_only=True):
    """Visits in which the rule did not act, for one reason."""

    reason: str
    visits: int
    share: float


class Threshold(msgspec.Struct, frozen=True, kw_only=True):
    """The same rule with another number in it."""

    part: str
    sentence: str
    people_a_day: Scaled


class Missing(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the condition that was missing, in what share of the visits in which it does not match."""

    part: str
    share: float


class Backtest(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule would have done. Shares lie between 0 and 1; visits and visitors are of all, also when sampled."""

    rule: str
    sentence: str
    does: str
    revision: str
    is_draft: bool
    """It is not in the published playbook as it was asked about."""
    waits_for: tuple[str, ...] = ()
    test: str = ""
    days: float
    is_sampled: bool
    looked_at: int
    """Visitors who were decided for again."""
    visitors: int
    visits: int
    machines: int
    people: Scaled
    """Different visitors in all these days."""
    people_a_day: Scaled
    share_of_visits: Scaled
    at_first: float
    """Of the visits in which it acts, the share in which it acts as soon as its place is asked for."""
    places: tuple[PlaceTested, ...]
    unseen: tuple[Unseen, ...]
    missing: tuple[Missing, ...]
    nearly: float
    """Of the visits in which it does not match, the share that is at least half of the way there."""
    thresholds: tuple[Threshold, ...]
    compared: int
    """Recorded decisions of this very revision that were made again and compared."""
    causes: Mapping[str, int]
    differences: tuple[Difference, ...]
    notes: tuple[str, ...] = ()


Notice = Callable[[int, int], None]
"""How many lanes are done, of how many."""


def backtest(
    storage: Storage,
    now: int,
    asked: Asked,
    *,
    is_full: bool = False,
    notice: Notice | None = None,
    seconds: float = SAMPLE_SECONDS,
) -> Backtest:
    """The answer: a sample within about two seconds, or with `is_full` everything, however long that takes.

    Raises NotFoundError for a rule that is not there, PlaybookError for files that do not check.
    """
    until = perf_counter() + seconds
    trial = Trial(storage, now, asked, is_patient=is_full)
    tally = Tally()
    for number, lane in enumerate(LANE_ORDER if not trial.waits_for else ()):
        if number and not is_full and perf_counter() > until:
            break
        tally.join(trial.count(lane))
        if notice is not None:
            notice(number + 1, LANES)
    return trial.conclude(tally)


def count_part(storage: Storage, now: int, asked: Asked, lanes_done: int, seconds: float) -> Tally:
    """The next lanes after so many, for about that long: the full answer in parts, with others' work between them."""
    until = perf_counter() + seconds
    trial, tally = Trial(storage, now, asked, is_patient=True), Tally()
    for lane in LANE_ORDER[lanes_done:] if not trial.waits_for else ():
        tally.join(trial.count(lane))
        if perf_counter() > until:
            break
    return tally


def conclude(storage: Storage, now: int, asked: Asked, tally: Tally) -> Backtest:
    """The answer from what was counted in parts."""
    return Trial(storage, now, asked, is_patient=True).conclude(tally)


class Trial:
    """One rule made ready: the programme in which it is live, where it acts, and what its condition is varied to."""

    def __init__(
        self,
        storage: Storage,
        now: int,
        asked: Asked,
        *,
        house: House | None = None,
        metrics: Sequence[Metric] = (),
        is_patient: bool = False,
    ) -> None:
        """`house`: one made ready for reading before; `metrics`: what its people's outcomes are counted by.

        `is_patient`: a place is looked for everywhere, however long that takes.
        """
        self.looking_seconds = PATIENT_SECONDS if is_patient else LOOKING_SECONDS
        self.storage, self.now, self.asked = storage, now, asked
        self.house = house or reading_house(storage, now)
        self.metrics = metrics
        self.running = self.house.programme
        self.playbook = self.running.playbook if asked.files is None else read_playbook(asked.files)
        self.rule = find_rule(self.playbook, asked.rule)
        self.programme = as_live(self.playbook, self.rule, self.running, now)
        self.waits_for = next(
            (each.events for each in self.programme.waiting if each.rule == self.rule.name), ()
        )
        self.slots = tuple(
            name for name, place in self.programme.places.items() if acts_in(place, self.rule.name)
        )
        vocabulary = self.playbook.vocabulary
        self.variations: Sequence[Variation] = () if self.rule.lasts_ms else variations_of(self.rule.when)
        self.checks: list[Check] = [each.whole.compile(vocabulary) for each in self.variations]
        self.look_into = lasting(self.rule.name, self.rule.when.compile_whole(vocabulary), self.rule.lasts_ms)
        since_at = now - asked.days * DAY
        imagined = tuple(slot for slot in self.slots if not self._is_asked_for(slot, since_at))
        self.wanted = Wanted(
            asked=tuple(slot for slot in self.slots if slot not in imagined),
            imagined=imagined,
            since_at=since_at,
        )
        self.check = lasting(self.rule.name, self.rule.when.compile(vocabulary), self.rule.lasts_ms)
        is_small = sum(count for _, _, count in storage.list_seen_events().values()) <= SMALL_EVENTS
        is_judged = is_small or self.rule.until_at is not None
        self.judged = frozenset(LANE_ORDER if is_judged else LANE_ORDER[:JUDGED_LANES])
        self.past = Past(storage, now, self.house.shelf)
        signals = vocabulary.signals
        self.needs_device = any(
            name not in signals or signals[name].source == "session"
            for name in self.rule.when.needs(vocabulary).signals
        )
        is_running = self.playbook.revision == self.running.revision
        self.comparing = Comparing(self.house, self.past) if is_running else None

    def _is_asked_for(self, slot: str, since_at: int) -> bool:
        until = perf_counter() + self.looking_seconds
        return any(
            self.storage.list_lane_opportunities(lane, (slot,), since_at, limit=1)
            for lane in takewhile(lambda _: perf_counter() < until, LANE_ORDER)
        )

    def count(self, lane: int) -> Tally:
        """What happened in one lane."""
        tally = Tally(lanes=1, judged=int(lane in self.judged))
        is_judged = lane in self.judged
        wanted = msgspec.structs.replace(self.wanted, knows_device=is_judged or self.needs_device)
        stays = stays_of(self.storage, lane, wanted, self.playbook.plan)
        counted = _Counted()
        for stay in stays:
            if stay.key != counted.key:
                self._close(counted, tally)
                counted = _Counted(key=stay.key)
            _Again(self, tally, counted, stay, is_judged=is_judged).go()
        self._close(counted, tally)
        return tally

    def _close(self, counted: _Counted, tally: Tally) -> None:
        counted.close(tally)
        if counted.first_at and self.metrics:
            count_outcomes(
                self.metrics,
                self.past,
                counted.key,
                tally.outcomes,
                first_at=counted.first_at,
                now=self.now,
            )

    def conclude(self, tally: Tally) -> Backtest:
        return _conclude(self, tally)


class _Counted(msgspec.Struct):
    """One visitor: in how many visits, and on which days the rule acted; number 0 as it is, then its variations."""

    key: int = -1
    visits: int = 0
    first_at: int = 0
    days: dict[int, set[str]] = msgspec.field(default_factory=dict)
    acted: Counter[int] = msgspec.field(default_factory=Counter)

    def close(self, tally: Tally) -> None:
        if not self.visits:
            return
        tally.visitors += 1
        tally.visits += self.visits
        for number, days in self.days.items():
            acted = tally.acted if not number else tally.varied.setdefault(number, Acted())
            acted.add(len(days), self.acted[number])


class _Again:
    """One visit decided again, moment by moment, until the rule and all its variations have acted."""

    def __init__(self, trial: Trial, tally: Tally, counted: _Counted, stay: Stay, *, is_judged: bool) -> None:
        self.trial, self.tally, self.counted, self.stay = trial, tally, counted, stay
        self.is_judged = is_judged
        self.waiting = set(range(len(trial.checks) + 1)) if is_judged else {0}
        self.reasons: list[tuple[int, str, str]] = []
        self.no_match: tuple[Moment, Situation] | None = None
        self.winners: dict[str, str] = {}
        self.is_machine = False

    def go(self) -> None:
        for moment in self.stay.moments:
            if self.waiting or moment.logged is not None:
                self._decide(moment)
            if self.is_machine:
                self.tally.machines += 1
                return
        self.counted.visits += 1
        at = self.stay.moments[0].at
        self.tally.oldest_at = min(at, self.tally.oldest_at or at)
        for slot, rule in self.winners.items() if self.is_judged else ():
            self.tally.winners.setdefault(slot, Counter())[rule] += 1
        if 0 in self.waiting:
            self._note_unseen()

    def _decide(self, moment: Moment) -> None:
        trial = self.trial
        self.is_machine = moment.context.is_machine
        if self.is_machine:
            return
        is_logged = trial.comparing is not None and moment.logged is not None
        situation = trial.past.situation(moment, trial.programme, is_named=self.is_judged or is_logged)
        if trial.comparing is not None and moment.logged is not None:
            self._compare(moment, situation)
        if not (self.is_judged or self._may_act(situation)):
            self.reasons.append((NEAREST.index("does not match"), "does not match", ""))
            return
        if situation.unit is None:
            trial.past.name(situation, moment.key)
        for slot in moment.slots:
            place = trial.programme.places[slot]
            decision = self._decision(place, situation)
            if decision is None:
                self.reasons.append((NEAREST.index("failed"), "failed", ""))
                continue
            self._note(moment, place, situation, decision)

    def _may_act(self, situation: Situation) -> bool:
        """Whether the condition holds at all."""
        name = self.trial.rule.name
        finding = situation.findings.get(name)
        if finding is None:
            finding = situation.findings[name] = self.trial.check(situation)
        return finding.held

    def _decision(self, place: Place, situation: Situation) -> Decision | None:
        """None where a rule raises, which live is normal content and a count."""
        try:
            return decide(place, situation, self.trial.programme)
        except Exception:  # noqa: BLE001 - as live: one broken rule must not stop the rest
            return None

    def _note(self, moment: Moment, place: Place, situation: Situation, decision: Decision) -> None:
        name = self.trial.rule.name
        acts = decision.rule == name
        if acts:
            self.winners[place.slot.name] = name
            if 0 in self.waiting and moment.logged is not None:
                self.tally.at_first += 1
            self._act(0, moment.at)
        else:
            self.winners.setdefault(place.slot.name, decision.rule)
            if 0 in self.waiting:
                self._note_reason(moment, place, situation, decision)
        self._vary(moment, place, situation, acts=acts)

    def _act(self, number: int, at: int) -> None:
        if number in self.waiting:
            self.waiting.discard(number)
            self.counted.acted[number] += 1
            if not number:
                self.counted.first_at = min(at, self.counted.first_at or at)
            self.counted.days.setdefault(number, set()).add(self._day(at))

    def _day(self, at: int) -> str:
        zone = self.trial.playbook.vocabulary.zone
        return datetime.fromtimestamp(at / SECOND, UTC).astimezone(zone).date().isoformat()

    def _vary(self, moment: Moment, place: Place, situation: Situation, *, acts: bool) -> None:
        """A variation whose condition says the same as the rule's comes to the same; else it is decided anew."""
        name = self.trial.rule.name
        base = situation.findings.get(name)
        for number, check in enumerate(self.trial.checks, 1):
            if number not in self.waiting:
                continue
            finding = check(situation)
            if base is None or finding.held != base.held:
                again = msgspec.structs.replace(situation, findings={name: finding})
                decided = self._decision(place, again)
                held = decided is not None and decided.rule == name
            else:
                held = acts
            if held:
                self._act(number, moment.at)

    def _note_reason(self, moment: Moment, place: Place, situation: Situation, decision: Decision) -> None:
        reason, detail = self._reason(place, situation, decision)
        if reason == "does not match" and self.no_match is None:
            self.no_match = moment, situation
        if reason in ("another rule won", "hidden by another rule"):
            detail = decision.rule
        self.reasons.append((NEAREST.index(reason), reason, detail))

    def _reason(self, place: Place, situation: Situation, decision: Decision) -> tuple[Reason, str]:
        name = self.trial.rule.name
        found = _step_of(name, decision)
        if found is None:
            found = _step_of(name, survey(place, situation, self.trial.programme, decision))
        verdict, detail = found or ("not asked for", "")
        if verdict in ("matched", "later"):
            if decision.gate in OF_GATE:
                return OF_GATE[decision.gate], ""
            if decision.outcome == "hidden":
                return "hidden by another rule", ""
        if decision.outcome == "off":
            return "everything was off", ""
        return OF_VERDICT.get(verdict, "not asked for"), detail

    def _note_unseen(self) -> None:
        """The nearest it came in this visit."""
        _, reason, detail = min(self.reasons, default=(0, "not asked for", ""))
        self.tally.reasons[reason] += 1
        if reason == "no value":
            self.tally.details[detail] += 1
        elif reason in ("another rule won", "hidden by another rule"):
            self.tally.lost_to[detail] += 1
        elif reason == "does not match" and self.no_match and self.tally.looked_into < MOST_LOOKED_INTO:
            self._look_into(self.no_match[1])

    def _look_into(self, situation: Situation) -> None:
        rule, vocabulary = self.trial.rule, self.trial.playbook.vocabulary
        finding: Finding = self.trial.look_into(situation)
        self.tally.looked_into += 1
        self.tally.nearly += finding.near >= NEARLY
        for part, _ in missing_in(rule.when, finding):
            self.tally.missing[part.describe(vocabulary)] += 1

    def _compare(self, moment: Moment, situation: Situation) -> None:
        comparing = self.trial.comparing
        if comparing is None or moment.logged is None or moment.logged.revision != comparing.revision:
            return
        self.tally.compared += 1
        difference = comparing.compare(moment.logged, situation)
        if difference is not None:
            self.tally.causes[difference.cause] += 1
            if len(self.tally.differences) < MOST_LISTED:
                self.tally.differences.append(difference)


def _step_of(rule: str, decision: Decision) -> tuple[str, str] | None:
    """The last that was said of the rule in this slot."""
    return next(
        ((verdict, detail) for name, verdict, detail in reversed(decision.steps) if name == rule), None
    )


def count_outcomes(
    metrics: Sequence[Metric],
    past: Past,
    key: int,
    outcomes: dict[str, Outcome],
    *,
    first_at: int,
    now: int,
) -> None:
    """Adds what one person did by each metric whose window has closed for them."""
    events = [event for rows in past.whole(key).events.values() for event in rows]
    for metric in metrics:
        if first_at + metric.window_ms <= now:
            value, _ = metric.value(first_at, events)
            outcomes.setdefault(metric.describe(), Outcome()).add(value)


# -- making ready -----------------------------------------------------------------------------------


def reading_house(storage: Storage, now: int) -> House:
    """The installation as it is now, for reading only: its programme, run states, catalogue and counters."""
    house = House(storage=storage, clock=lambda: now, secret=b"", programme=empty_programme())
    load_running(house)
    refresh(house)
    refresh_catalogue(house)
    refresh_counters(house)
    return house


def find_rule(playbook: Playbook, name: str) -> Rule:
    """By its name, however it is capitalized. Raises NotFoundError that offers the nearest."""
    found = {each.casefold(): rule for each, rule in playbook.rules.items()}.get(name.casefold())
    if found is None:
        right = nearest(name, playbook.rules)
        raise NotFoundError(what=f"The rule “{name}”{f' ({right})' if right else ''}")
    return found


def as_live(playbook: Playbook, rule: Rule, running: Programme, now: int) -> Programme:
    """A programme in which the rule is live for everybody, untested; the others act as they do."""
    untested = msgspec.structs.replace(rule, test=None)
    tried = msgspec.structs.replace(playbook, rules={**playbook.rules, rule.name: untested})
    states = {
        name: running.run_states.get(name) or first_state(other, playbook.behaviours.get(name, ""), now, "")
        for name, other in playbook.rules.items()
    }
    states[rule.name] = RunState(rule=rule.name, behaviour=playbook.behaviours.get(rule.name, ""))
    return Programme(tried, states, running.seen_events)


def acts_in(place: Place, rule: str) -> bool:
    """Whether a rule shows or hides something in a place."""
    showings = (*place.showings, *(each for _, by in place.index for found in by.values() for each in found))
    contents = (place.normal, *(showing.content for showing in showings))
    hidings = (each for content in contents for each in (*content.hidings, *content.always_hidings))
    acting = (*(each.acting for each in showings), *(each.acting for each in hidings))
    return any(each.rule == rule for each in acting)


# -- the answer -------------------------------------------------------------------------------------


def _conclude(trial: Trial, tally: Tally) -> Backtest:
    fraction = tally.lanes / LANES if tally.lanes else 1.0
    judged = tally.judged / LANES if tally.judged else 1.0
    rule, playbook = trial.rule, trial.playbook
    days = max(1.0, min(trial.asked.days, (trial.now - (tally.oldest_at or trial.now)) / DAY))
    visits = max(tally.visits, 1)
    acted = tally.acted
    visits_acted = scale(acted.visits, _squared(acted), fraction)
    return Backtest(
        rule=rule.name,
        sentence=describe(rule.when, playbook.vocabulary),
        does=does_of(rule, playbook),
        revision=playbook.revision,
        is_draft=trial.comparing is None,
        waits_for=trial.waits_for,
        test=rule.test.metric if rule.test is not None else "",
        days=days,
        is_sampled=fraction < 1,
        looked_at=tally.visitors,
        visitors=round(tally.visitors / fraction),
        visits=round(tally.visits / fraction),
        machines=round(tally.machines / fraction),
        people=scale(acted.people, acted.people, fraction),
        people_a_day=scale(acted.days, acted.squares, fraction).per(days),
        share_of_visits=visits_acted.per(visits / fraction),
        at_first=tally.at_first / acted.visits if acted.visits else 0.0,
        places=tuple(_place(trial, tally, slot, fraction, judged) for slot in trial.slots),
        unseen=tuple(_unseen(tally, fraction)),
        missing=tuple(
            Missing(part=part, share=count / tally.looked_into)
            for part, count in tally.missing.most_common(MOST_MISSING)
        ),
        nearly=tally.nearly / tally.looked_into if tally.looked_into else 0.0,
        thresholds=tuple(
            Threshold(
                part=describe(each.part, playbook.vocabulary),
                sentence=describe(each.whole, playbook.vocabulary),
                people_a_day=_a_day(tally.varied.get(number, Acted()), judged, days),
            )
            for number, each in enumerate(trial.variations, 1)
        ),
        compared=tally.compared,
        causes=dict(tally.causes.most_common()),
        differences=tuple(tally.differences),
    )


def _squared(acted: Acted) -> float:
    """Visits of one visitor go together about as their days do."""
    return acted.visits * (acted.squares / acted.days) if acted.days else 0.0


def _a_day(acted: Acted, fraction: float, days: float) -> Scaled:
    return scale(acted.days, acted.squares, fraction).per(days)


def does_of(rule: Rule, playbook: Playbook) -> str:
    """`shows “Category promise” in Home hero`."""
    hidden = [f"hides {describe_hide(rule.hide)}"] if rule.hide else []
    shown = [
        f"shows “{each.variant}” in {playbook.slots[each.slot].title or each.slot}" for each in rule.show
    ]
    return ", ".join((*shown, *hidden))


def _place(trial: Trial, tally: Tally, slot: str, fraction: float, judged: float) -> PlaceTested:
    winners = tally.winners.get(slot, Counter())
    total = max(1, winners.total())
    return PlaceTested(
        slot=slot,
        title=trial.playbook.slots[slot].title or slot,
        is_estimated=slot in trial.wanted.imagined,
        winners=tuple(
            Winner(
                rule=name,
                visits=round(count / total * tally.visits / fraction),
                share=count / total,
                lost=round(tally.lost_to[name] / judged) if name else 0,
            )
            for name, count in winners.most_common()
        ),
    )


def _unseen(tally: Tally, fraction: float) -> Iterator[Unseen]:
    total = max(1, tally.visits)
    for reason, count in tally.reasons.most_common():
        said: str = reason
        if reason == "no value" and tally.details:
            said = f"no value for “{tally.details.most_common(1)[0][0]}”"
        yield Unseen(reason=said, visits=round(count / fraction), share=count / total)
