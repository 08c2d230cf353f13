"""Deciding again: a rule made ready is decided for in each visit of a lane, and what comes of it is counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from opportune.core.decision import Decision, decide
from opportune.core.explanation import missing_in
from opportune.core.finding import Finding
from opportune.core.metrics import Metric
from opportune.core.moment import SECOND
from opportune.core.programme import Place
from opportune.core.situation import Situation
from opportune.core.traffic.offer import Outcome
from opportune.core.traffic.tally import MOST_LISTED, Acted, Tally
from opportune.core.traffic.unseen import NEAREST, TO_ANOTHER, reason_of
from opportune.services.traffic.sampling import Moment, Past, Stay, stays_of
from opportune.services.traffic.trying import Trial

MOST_LOOKED_INTO = 40
"""Visits without a match, in each lane, of which is worked out what was missing."""
NEARLY = 0.5


def count_lane(trial: Trial, lane: int, acted: dict[int, list[int]] | None = None) -> Tally:
    """What happened in one lane. `acted` takes in, by visitor, when the rule acted first in each visit."""
    is_judged = lane in trial.judged
    tally = Tally(lanes=1, judged=int(is_judged))
    wanted = msgspec.structs.replace(trial.wanted, knows_device=is_judged or trial.needs_device)
    counted = _Counted()
    moments = acted if acted is not None else {}
    for stay in stays_of(trial.storage, lane, wanted, trial.playbook.plan):
        if stay.key != counted.key:
            _close(trial, counted, tally)
            counted = _Counted(key=stay.key)
        _Again(trial, tally, counted, stay, is_judged=is_judged).go()
        if counted.moments:
            moments[stay.key] = counted.moments
    _close(trial, counted, tally)
    return tally


def _close(trial: Trial, counted: _Counted, tally: Tally) -> None:
    counted.close(tally)
    if counted.first_at and trial.metrics:
        count_outcomes(
            trial.metrics,
            trial.past,
            counted.key,
            tally.outcomes,
            first_at=counted.first_at,
            now=trial.now,
        )


class _Counted(msgspec.Struct):
    """One visitor: in how many visits, and on which days the rule acted; number 0 as it is, then its variations."""

    key: int = -1
    visits: int = 0
    first_at: int = 0
    moments: list[int] = msgspec.field(default_factory=list)
    """When it acted first, of each visit."""
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
                self.counted.moments.append(at)
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
        trial = self.trial
        reason, detail = reason_of(trial.rule.name, place, situation, trial.programme, decision)
        if reason == "does not match" and self.no_match is None:
            self.no_match = moment, situation
        self.reasons.append((NEAREST.index(reason), reason, detail))

    def _note_unseen(self) -> None:
        """The nearest it came in this visit."""
        _, reason, detail = min(self.reasons, default=(0, "not asked for", ""))
        self.tally.reasons[reason] += 1
        if reason == "no value":
            self.tally.details[detail] += 1
        elif reason in TO_ANOTHER:
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
