"""Differing: recorded decisions made again, and for each that comes out differently the cause.

Everything is read as of the decision's own `seq`, so what came in later makes no difference, whatever time it bears.
What is not kept as it was (launch states, the catalogue, what all visitors did) may, and is then named.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from opportune.core.decision import Decision, decide
from opportune.core.language.phrases.recommend import find_wish
from opportune.core.moment import SECOND, to_iso
from opportune.core.programme import Programme
from opportune.core.rule import CONTROL, Rule
from opportune.core.situation import Situation
from opportune.core.traffic.difference import UNEXPLAINED, WORDS, Cause, Difference
from opportune.core.waiting import missing_events
from opportune.services.back_filling import BACK_FILLED, find_back_fill
from opportune.services.house import House
from opportune.services.recording import NAMES_USER
from opportune.services.retiring import left_of
from opportune.services.traffic.sampling import Past
from opportune.storage.base import EventQuery, Opportunity

MOST_ACTS = 1_000
LAG_MS = 10 * SECOND
"""Other processes on the same store take over an operator's act a moment later."""


class Comparing:
    """Makes recorded decisions of the running revision again, with the programme as it runs now."""

    def __init__(self, house: House, past: Past) -> None:
        running = house.programme
        self.house = house
        self.past = past
        self.revision = running.revision
        self.programme = Programme(running.playbook, running.run_states, running.seen_events)
        self._first_seen: dict[tuple[str, int], bool] = {}

    def compare(self, logged: Opportunity, situation: Situation) -> Difference | None:
        """None where the same comes out: outcome, and what of it was exposed then.

        What the situation found out already counts here too: conditions do not depend on launch states.
        """
        if logged.slot not in self.programme.places:
            return None
        decision = _decided(self.programme, logged.slot, situation)
        exposed = self._exposed(logged)
        if _is_same(logged, exposed, decision):
            return None
        cause = next(self._causes(logged, situation, decision), UNEXPLAINED)
        return Difference(
            at=to_iso(logged.at),
            slot=logged.slot,
            visitor=situation.unit.id if situation.unit is not None else "",
            logged=_said(logged.outcome, exposed),
            again=_said(decision.outcome, _exposed_by(decision)) if decision is not None else "error",
            cause=cause,
            words=WORDS[cause],
        )

    def _exposed(self, logged: Opportunity) -> frozenset[tuple[str, str]]:
        """(rule, arm) recorded with this very decision."""
        return frozenset(
            (each.rule, each.arm)
            for each in self.past.whole(logged.key).exposures
            if each.slot == logged.slot and each.session == logged.session and each.first_at == logged.at
        )

    def _causes(
        self, logged: Opportunity, situation: Situation, decision: Decision | None
    ) -> Iterator[Cause]:
        """Those that hold, the surest first."""
        if logged.outcome == "error":
            yield "a rule failed then"
        if decision is None:
            yield "a rule fails today"
        if logged.outcome == "off":
            yield "everything was switched off then"
        if self._ran_otherwise(logged):
            yield "launched, paused or ramped since"
        if self._waited(logged):
            yield "a rule waited for its first events"
        if self._named_another(logged, situation):
            yield "asked in the name of an account not joined with the device"
        if _reads_products(situation, decision):
            yield "the catalogue, or what all visitors did, changed since"
        if self._was_read_again(logged.at):
            yield "past events were read again since"
        if left_of(self.house, logged.at):
            yield "events were kept long enough and have left"
        if self.house.storage.find_newest_erasure() > logged.at:
            yield "somebody was erased since"

    def _rules(self, slot: str) -> Iterator[Rule]:
        """Those that may have a say in a place."""
        place = self.programme.playbook.slots[slot]
        tags = place.tags.union(*(variant.tags for variant in place.variants))
        for rule in self.programme.playbook.rules.values():
            hides = any(hide.tag in tags or hide.slot == slot for hide in rule.hide)
            if hides or slot in rule.slots():
                yield rule

    def _ran_otherwise(self, logged: Opportunity) -> bool:
        """A launch state of this place changed since: only today's are kept."""
        states = self.programme.run_states
        return any(
            (state := states.get(rule.name)) is not None and state.since_at + LAG_MS > logged.at
            for rule in self._rules(logged.slot)
        )

    def _waited(self, logged: Opportunity) -> bool:
        """A rule of the place waits today, or waited then: no event it needs had been stored yet."""
        waiting = {each.rule for each in self.programme.waiting}
        for rule in self._rules(logged.slot):
            if rule.name in waiting:
                return True
            state = self.programme.run_states.get(rule.name)
            if state is None or state.may_act_unseen:
                continue
            vocabulary = self.programme.playbook.vocabulary
            needed = missing_events(rule.when, vocabulary, frozenset())
            names = {known for name in needed for known in vocabulary.plan.names_of(name)}
            seen = frozenset(name for name in names if self._was_seen(name, logged.seq))
            if missing_events(rule.when, vocabulary, seen):
                return True
        return False

    def _was_seen(self, name: str, seq: int) -> bool:
        mark = (name, seq)
        if mark not in self._first_seen:
            found = self.house.storage.list_events(EventQuery(name=name, before_seq=seq + 1, limit=1))
            self._first_seen[mark] = bool(found)
        return self._first_seen[mark]

    def _named_another(self, logged: Opportunity, situation: Situation) -> bool:
        said = msgspec.json.decode(logged.context)
        return isinstance(said, dict) and said.get(NAMES_USER) is True and situation.user == ""

    def _was_read_again(self, at: int) -> bool:
        if find_back_fill(self.house) is not None:
            return True
        acts = self.house.storage.list_audit(MOST_ACTS)
        return any(entry.act == BACK_FILLED and entry.at > at for entry in acts)


def _decided(programme: Programme, slot: str, situation: Situation) -> Decision | None:
    """None where a rule raises."""
    try:
        return decide(programme.places[slot], situation, programme)
    except Exception:  # noqa: BLE001 - as live: what a broken rule does is told, not raised
        return None


def _is_same(logged: Opportunity, exposed: frozenset[tuple[str, str]], decision: Decision | None) -> bool:
    if decision is None:
        return logged.outcome == "error"
    return logged.outcome == decision.outcome and exposed <= _exposed_by(decision)


def _exposed_by(decision: Decision) -> frozenset[tuple[str, str]]:
    return frozenset((each.rule, each.arm) for each in decision.exposures if each.slot == decision.slot)


def _said(outcome: str, exposed: frozenset[tuple[str, str]]) -> str:
    """`shown by Category returner`."""
    acting = sorted(rule for rule, arm in exposed if arm != CONTROL)
    compared = sorted(rule for rule, arm in exposed if arm == CONTROL)
    by = f" by {acting[-1]}" if acting and outcome in ("shown", "hidden") else ""
    control = f", control of {', '.join(compared)}" if compared else ""
    return f"{outcome}{by}{control}"


def _reads_products(situation: Situation, decision: Decision | None) -> bool:
    """The decision looked at lists of products, or at what is known of one."""
    steps = decision.steps if decision is not None else ()
    return (
        bool(situation.lists)
        or any(reading.source == "catalogue" for reading in situation.readings.values())
        or any(verdict == "no value" and find_wish(detail) is not None for _, verdict, detail in steps)
    )
