"""Recording: which opportunities, exposures and assignments of a request are new, and handing them to the writer.

Nothing is recorded for previewers, requests without an id, or visitors who did not let us measure;
machines leave an opportunity and no exposure. A device key nobody has seen before is held back until
it is seen again, so that bots without cookies never become visitors.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future
from functools import partial
from itertools import islice
from typing import Any, TypeVar

import msgspec

from opportune.core.allocation import bucket_of, coverage_seed
from opportune.core.decision import Decision, Exposed
from opportune.core.moment import MINUTE
from opportune.core.programme import Programme
from opportune.core.receipt import context_facts, receipt_of
from opportune.core.situation import Assignment, Situation, Unit
from opportune.core.visitor.consent import MEASURE, answer_of
from opportune.services.guard.watching import OF_RULES, notice_asked, notice_exposure
from opportune.services.house import Held, House
from opportune.services.people.dropping import was_erased
from opportune.storage.base import Exposure, Opportunity, Transaction

HELD_MS = 30 * MINUTE
HELD_KEYS = 4_000
VISITS = 10_000
REMEMBERED = 50_000
_context_encoder = msgspec.json.Encoder(order="sorted", enc_hook=str)

NAMES_USER = "names_user"
"""In what an opportunity keeps of its request: a proven user was named beside the device."""

Mark = tuple[object, ...]
"""One thing handed to the writer, by what makes it unique."""

K = TypeVar("K")
V = TypeVar("V")


class Record(msgspec.Struct, frozen=True):
    """What one request adds. Receipts are written out by the writer, after the answer has left."""

    situation: Situation
    programme: Programme
    decisions: Sequence[Decision]
    exposures: list[tuple[Decision, Exposed, int]]
    """(decision, exposed, unit)"""
    slots: list[Decision]
    """Decisions whose slot was asked for the first time in this visit."""
    secret: bytes = b""
    assumed: Mapping[str, Situation] = {}
    """By place that was decided as if the visitor were on its own page already: that situation."""

    @property
    def about(self) -> frozenset[int]:
        """The keys of the visitor and of every unit exposed."""
        own = self.situation.unit
        units = [unit for _, _, unit in self.exposures]
        return frozenset(units if own is None else [own.key, *units])

    def __call__(self, transaction: Transaction) -> None:
        """The job for the writer. Whoever was erased meanwhile leaves nothing behind."""
        if was_erased(transaction, self.secret, self.about, self.situation.now):
            transaction.let_go(self.about)
            return
        transaction.add_opportunities(self._opportunities())
        if self.exposures:
            self._assign(transaction)
            transaction.add_exposures(self._exposures())

    def _opportunities(self) -> Iterator[Opportunity]:
        unit, visit = self.situation.unit, self.situation.visit
        if unit is None or visit is None or not self.slots:
            return
        contexts: dict[int, bytes] = {}
        for decision in self.slots:
            its = self.assumed.get(decision.slot, self.situation)
            context = contexts.get(id(its))
            if context is None:
                context = contexts[id(its)] = _context_encoder.encode(said_by(its))
            yield Opportunity(
                key=unit.key,
                slot=decision.slot,
                session=visit.id,
                seq=self.situation.seq,
                at=self.situation.now,
                outcome=decision.outcome,
                context=context,
                revision=self.programme.revision,
            )

    def _assign(self, transaction: Transaction) -> None:
        unit = self.situation.unit
        found = {given.experiment: given for decision in self.decisions for given in to_keep(decision, unit)}
        if unit is not None and found:
            transaction.add_assignments(unit.key, found.values())

    def _exposures(self) -> Iterator[Exposure]:
        receipts: dict[str, bytes] = {}
        visit = self.situation.visit
        for decision, exposed, unit in self.exposures:
            if decision.slot not in receipts:
                its = self.assumed.get(decision.slot, self.situation)
                receipts[decision.slot] = receipt_of(decision, its, self.programme).to_json()
            yield Exposure(
                subject=exposed.subject,
                unit=unit,
                slot=exposed.slot,
                rule=exposed.rule,
                rule_hash=exposed.rule_hash,
                arm=exposed.arm,
                session=visit.id if visit is not None else 0,
                at=self.situation.now,
                receipt=receipts[decision.slot],
            )


def said_by(situation: Situation) -> dict[str, Any]:
    """What the request said, and whether it was in the name of a proven user, whose id is not kept with it."""
    said = context_facts(situation.context)
    return {**said, NAMES_USER: True} if situation.user else said


def record(
    house: House,
    situation: Situation,
    programme: Programme,
    decisions: Sequence[Decision],
    *,
    is_ahead: bool,
    assumed: Mapping[str, Situation] | None = None,
) -> None:
    """Hands what is new to the writer, or holds it back; waits for nothing. See `may_record`.

    `assumed`: by place that was decided as if the visitor looked at another page, that situation.
    """
    unit, visit = situation.unit, situation.visit
    if unit is None or visit is None:
        return
    remember(house.visits, unit.key, (visit.id, situation.now), VISITS)
    marks: list[Mark] = []
    slots = [
        decision
        for decision in decisions
        if decision.slot not in situation.opportunities
        and decision.slot in programme.places
        and is_new(house, ("asked", unit.key, decision.slot, visit.id), marks)
    ]
    notice_asked(house, slots)
    _notice_reached(house, situation, programme, decisions, is_ahead=is_ahead)
    exposures = [] if is_ahead else _new_exposures(house, situation, programme, decisions, marks)
    was_held = release(house, unit.key)
    if not slots and not exposures:
        return
    job = Record(situation, programme, decisions, exposures, slots, house.secret, assumed or {})
    held = Held(situation.now, job, job.about, tuple(marks))
    if was_held or situation.is_known:
        _write(house, held)
    else:
        _hold(house, held, unit.key)


def may_record(situation: Situation, programme: Programme) -> bool:
    """Whether this request may leave a trace: no previewer, and measuring was not refused."""
    if situation.context.is_preview:
        return False
    answer = answer_of(situation, MEASURE, programme.consent_events)
    return not programme.team.needs_consent if answer is None else answer


def to_keep(decision: Decision, unit: Unit | None) -> tuple[Assignment, ...]:
    """A decision's new assignments, with what holds for the person's other devices too."""
    if unit is None or not decision.assignments:
        return ()
    return tuple(
        msgspec.structs.replace(given, place_in_share=bucket_of(coverage_seed(given.experiment), unit.id))
        for given in decision.assignments
    )


def units_of(decision: Decision, situation: Situation, programme: Programme) -> tuple[int, ...]:
    """The unit of each exposure: that of an assignment kept from before, else this visitor's key."""
    unit = situation.unit
    if unit is None:
        return ()
    if not situation.assignments:
        return (unit.key,) * len(decision.exposures)
    units = []
    for exposed in decision.exposures:
        state = programme.run_states.get(exposed.rule)
        seed = state.seed if state is not None else programme.team.holdout_seed
        kept = situation.assignments.get(seed)
        units.append(kept.unit if kept is not None else unit.key)
    return tuple(units)


def remember(memory: OrderedDict[K, V], key: K, value: V, limit: int) -> None:
    """Puts something into a bounded memory; what was not put for longest goes."""
    memory[key] = value
    memory.move_to_end(key)
    if len(memory) > limit:
        memory.popitem(last=False)


def is_new(house: House, what: Mark, marks: list[Mark]) -> bool:
    """Whether this was not handed to the writer lately; the store's unique keys judge in the end."""
    if what in house.recorded:
        return False
    remember(house.recorded, what, None, REMEMBERED)
    marks.append(what)
    return True


def release(house: House, key: int) -> bool:
    """The key was seen again: what was held back of it is recorded. Whether there was anything."""
    held = house.held.pop(key, None)
    if held is None:
        return False
    _write(house, held)
    return True


def _notice_reached(
    house: House,
    situation: Situation,
    programme: Programme,
    decisions: Sequence[Decision],
    *,
    is_ahead: bool,
) -> None:
    """Counts once in a visit what a rule's arms were given in a place, whether or not it is applied later."""
    unit, visit = situation.unit, situation.visit
    if unit is None or visit is None:
        return
    for decision in decisions:
        for exposed in decision.exposures:
            mark = ("reached", unit.key, exposed.slot, exposed.rule, visit.id)
            if exposed.subject in OF_RULES and is_new(house, mark, []):
                notice_exposure(house, programme, exposed.rule, exposed.slot, exposed.arm, is_ahead=is_ahead)


def _new_exposures(
    house: House,
    situation: Situation,
    programme: Programme,
    decisions: Sequence[Decision],
    marks: list[Mark],
) -> list[tuple[Decision, Exposed, int]]:
    visit = situation.visit
    session = visit.id if visit is not None else 0
    known: set[tuple[str, str, str, str, str]] | None = None
    found = []
    for decision in decisions:
        if not decision.exposures:
            continue
        if known is None:
            known = {
                (past.subject, past.slot, past.rule, past.rule_hash, past.arm)
                for past in situation.exposures
                if past.session == session
            }
        for exposed, unit in zip(decision.exposures, units_of(decision, situation, programme), strict=True):
            mark = (exposed.subject, exposed.slot, exposed.rule, exposed.rule_hash, exposed.arm)
            if mark not in known and is_new(house, (*mark, unit, session), marks):
                found.append((decision, exposed, unit))
    return found


def _write(house: House, held: Held) -> None:
    house.storage.write(held.job, held.about).add_done_callback(partial(_notice, house, held))


def _notice(house: House, held: Held, written: Future[None]) -> None:
    """What the store refused is recorded with the next decision that says it."""
    if written.exception() is not None:
        _forget(house, held)


def _hold(house: House, held: Held, key: int) -> None:
    """Keeps it for half an hour, unless too many other keys push it out before.

    Other processes on the store are told, so that they record from the next question on; what this one keeps is
    then found there already, or is let go.
    """
    house.held[key] = held
    if house.storage.is_shared:
        house.storage.write(lambda transaction: transaction.meet(key, held.since_at))
    for oldest, waiting in tuple(islice(house.held.items(), 2)):
        if waiting.since_at > held.since_at - HELD_MS and len(house.held) <= HELD_KEYS:
            return
        if house.held.pop(oldest, None) is not None:
            _forget(house, waiting)


def forget(house: House, keys: Collection[int]) -> None:
    """Nothing in this process's memory is about these keys any more."""
    for key in keys:
        house.held.pop(key, None)
        house.visits.pop(key, None)
    house.recorded.clear()  # what is handed over twice by that, the store's unique keys judge


def _forget(house: House, held: Held) -> None:
    for mark in held.marks:
        house.recorded.pop(mark, None)
