"""Deciding for a request: one read, a situation, a decision for each slot, and what is handed to the writer.

The visitor never sees a fault: what fails, or takes longer than the deadline, is normal content with
reason ERROR, and counted. Recording is the last act and nobody waits for it.
"""

from __future__ import annotations

from asyncio import wait_for
from collections.abc import Iterator, Sequence
from time import perf_counter

import msgspec

from opportune.core.decision import Decision, decide, fault, note_shown, survey
from opportune.core.explanation import Explanation, WhyNot, explain
from opportune.core.finding import Finding
from opportune.core.history.key import key_of
from opportune.core.history.timeline import Timeline, TimelineEvent
from opportune.core.history.visit import current_visit
from opportune.core.placement import OnPage
from opportune.core.programme import Programme
from opportune.core.receipt import Receipt, receipt_of
from opportune.core.recommending.shelf import Shelf
from opportune.core.situation import NO_SHELF, Context, Situation, Unit, Visit
from opportune.services.guard.watching import notice_answers, notice_failure
from opportune.services.house import House
from opportune.services.noticing import notice_past
from opportune.services.passing import NOTHING, Passing, after
from opportune.services.placing import assume_pages, place
from opportune.services.recording import may_record, record, to_keep, units_of
from opportune.services.tokens import Token, sign
from opportune.storage.base import Recollection


class Question(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Who asks for which slots. `user_id` is only ever a proven one; `slots` None means all.

    `is_ahead`: the answer may be used later or not at all, so it is an opportunity, not an exposure.
    """

    user_id: str | None = None
    anonymous_id: str | None = None
    slots: tuple[str, ...] | None = None
    context: Context = Context()
    is_ahead: bool = False
    is_for_page: bool = False
    """The page script asks: each decision comes with where and how it is put into the page."""
    wants_receipts: bool = False
    own_since: int | None = None
    """The first `seq` of events that came with this very request: they alone make nobody known."""
    passing: Passing = NOTHING
    """What this visit did where nobody may keep it: it counts for this answer and leaves nothing behind."""
    started: float | None = None
    """`time.perf_counter()` when the request came in, for the deadline; None: now."""


class Answered(msgspec.Struct, frozen=True, gc=False):
    """One slot's decision with its token; its receipt, and the same in words, when they were asked for."""

    decision: Decision
    token: str
    receipt: Receipt | None = None
    why: Explanation | None = None
    on_page: OnPage | None = None


class Answer(msgspec.Struct, frozen=True, gc=False):
    """All decisions of a request. `is_personal` is false when no rule acts in any of these slots."""

    revision: str
    seq: int
    decisions: tuple[Answered, ...]
    is_personal: bool = True


NOBODY = Recollection(
    seq=0, person=0, keys=(), events={}, traits={}, assignments={}, exposures=(), opportunities=()
)
UNKNOWN_SLOT = "FLAG_NOT_FOUND"
FAILED = "GENERAL"


async def decide_slots(house: House, question: Question) -> Answer:
    """Answers every slot asked for; never raises for anything a rule, the store or the clock does wrong.

    Waits only where the store is behind a network, and never longer than the deadline.
    """
    started = question.started if question.started is not None else perf_counter()
    programme, now, keys = house.programme, house.clock(), keys_of(question)
    try:
        past = house.storage.remember(keys, now=now) if keys else NOBODY
        if not isinstance(past, Recollection):
            past = await wait_for(past, started + house.deadline_seconds - perf_counter())
        if programme.waiting:
            notice_past(house, past)
            programme = house.programme
        latest = house.visits.get(keys[0]) if keys else None
        situation = situate(programme, question, keys, past, now=now, latest=latest, shelf=house.shelf)
    except TimeoutError:
        count_fallback(house, "deadline")
    except Exception:  # noqa: BLE001 - a store that cannot be read must not take the page down
        count_fallback(house, "store")
    else:
        return _decide(house, programme, question, situation, started)
    return _faulted(programme, _names(programme, question), question, now=now)


def _names(programme: Programme, question: Question) -> tuple[str, ...]:
    return question.slots if question.slots is not None else tuple(programme.places)


def _decide(
    house: House, programme: Programme, question: Question, situation: Situation, started: float
) -> Answer:
    names = _names(programme, question)
    assumed = assume_pages(programme, names, situation) if question.is_for_page else {}
    decisions = []
    for name in names:
        its = assumed.get(name, situation)
        decisions.append(_decide_one(house, programme, name, its))
        if its.lists:
            note_shown(decisions[-1], its)
    if perf_counter() - started > house.deadline_seconds:
        count_fallback(house, "deadline")
        return _faulted(programme, names, question, now=situation.now)
    if not situation.context.is_preview:
        notice_answers(house, programme, decisions)
    is_recorded = may_record(situation, programme)
    if not is_recorded:
        decisions = [msgspec.structs.replace(each, exposures=(), assignments=()) for each in decisions]
    answers = tuple(
        _answer_one(house, question, decision, assumed.get(decision.slot, situation), programme)
        for decision in decisions
    )
    if is_recorded:
        record(house, situation, programme, decisions, is_ahead=question.is_ahead, assumed=assumed)
    return Answer(
        programme.revision,
        situation.seq,
        answers,
        any(known.is_personalized for name in names if (known := programme.places.get(name)) is not None),
    )


def recollect(house: House, question: Question, programme: Programme) -> Situation:
    """The situation of a request: who it is, what is remembered of them, and which visit this is."""
    now = house.clock()
    keys = keys_of(question)
    past = house.storage.recall(keys, now=now) if keys else NOBODY
    latest = house.visits.get(keys[0]) if keys else None
    return situate(programme, question, keys, past, now=now, latest=latest, shelf=house.shelf)


def keys_of(question: Question) -> tuple[int, ...]:
    """The device's key first, then the proven user's."""
    keys = []
    if question.anonymous_id:
        keys.append(key_of("anonymous", question.anonymous_id))
    if question.user_id:
        keys.append(key_of("user", question.user_id))
    return tuple(keys)


def situate(
    programme: Programme,
    question: Question,
    keys: Sequence[int],
    past: Recollection,
    *,
    now: int,
    latest: tuple[int, int] | None = None,
    shelf: Shelf = NO_SHELF,
) -> Situation:
    """Puts a request and what is remembered together; nothing is worked out before it is asked for.

    `latest` is a visit (id, last asked at) of the device that may not be in the store yet.
    """
    unit_id, context = question.anonymous_id or question.user_id, question.context
    if not programme.previewers.isdisjoint(past.keys):
        context = msgspec.structs.replace(context, is_preview=True)
    visit: Visit | None = None
    opportunities: frozenset[str] = frozenset()
    passing = after(question.passing, past.seq) if question.passing.events else ()
    if keys or passing:
        recorded = [(session, at) for session, _, at in past.opportunities]
        if latest is not None:
            recorded.insert(0, latest)
        own = _device_events(past, keys[0]) if keys else ()
        visit = current_visit(Timeline.merged([own, passing]).events if passing else own, now, recorded)
        opportunities = frozenset(slot for session, slot, _ in past.opportunities if session == visit.id)
    return Situation(
        now=now,
        readers=programme.readers,
        timeline=Timeline.merged([events for events in (*past.events.values(), passing) if events] or [()]),
        context=context,
        traits={**past.traits, **question.passing.traits} if question.passing.traits else past.traits,
        visit=visit,
        unit=Unit(keys[0], unit_id) if keys and unit_id else None,
        user=question.user_id or "",
        assignments=past.assignments,
        exposures=past.exposures,
        opportunities=opportunities,
        seq=past.seq,
        zone=programme.playbook.vocabulary.zone,
        catalogue=shelf.catalogue,
        shelf=shelf,
        team=programme.playbook.team,
        is_known=question.user_id is not None or _is_known(past, question.own_since),
    )


def _is_known(past: Recollection, own_since: int | None) -> bool:
    """Whether anything is remembered from before this request."""
    if own_since is None or past.exposures or past.opportunities:
        return past.is_known
    return any(event.seq < own_since for events in past.events.values() for event in events)


def _device_events(past: Recollection, device: int) -> Sequence[TimelineEvent]:
    """The device's events, with those it sent in a known user's name, which stand under the user's key."""
    own, named = past.events.get(device, ()), past.events.get(past.person, ())
    if past.person == device or not named:
        return own
    return Timeline.merged([own, named]).events if own else named


def explain_decision(
    decision: Decision, situation: Situation, programme: Programme
) -> tuple[Receipt, Explanation]:
    """The decision's receipt, and its words with the why-nots of every other rule in that slot."""
    receipt = receipt_of(decision, situation, programme)
    if decision.error_code == UNKNOWN_SLOT:
        headline = f"there is no place “{decision.slot}” in the published rules"
        return receipt, Explanation(slot=decision.slot, headline=headline)
    place = programme.places.get(decision.slot)
    if place is None or decision.outcome in ("off", "bot", "error"):
        return receipt, explain(receipt, programme.playbook)
    surveyed = survey(place, situation, programme, decision)
    whole = receipt_of(surveyed, situation, programme)
    findings = {**whole.findings, **_near_misses(surveyed, situation, programme)}
    found = explain(msgspec.structs.replace(whole, findings=findings), programme.playbook)
    asleep = tuple(asleep_in(decision.slot, programme))
    return receipt, msgspec.structs.replace(found, why_not=found.why_not + asleep)


def _near_misses(decision: Decision, situation: Situation, programme: Programme) -> dict[str, Finding]:
    """What each rule that did not match found in all its parts: deciding stops at the first that settles it."""
    rules, vocabulary = programme.playbook.rules, programme.playbook.vocabulary
    return {
        name: rules[name].when.compile_whole(vocabulary)(situation)
        for name, verdict, _ in decision.steps
        if verdict == "no match" and name in rules
    }


def asleep_in(slot: str, programme: Programme) -> Iterator[WhyNot]:
    """Rules written for this slot that do not act at all now: drafts, paused, waiting for their events."""
    waiting = {found.rule: found.events for found in programme.waiting}
    for rule in programme.playbook.rules.values():
        if slot not in rule.slots():
            continue
        state = programme.run_states.get(rule.name)
        if rule.name in waiting:
            events = ", ".join(waiting[rule.name])
            yield WhyNot(rule=rule.name, words=f"it waits for events never seen so far: {events}")
        elif state is not None and state.state not in ("live", "share", "preview"):
            yield WhyNot(rule=rule.name, words=f"it is not switched on ({state.state})")


def count_fallback(house: House, cause: str) -> None:
    """One more decision that fell back to normal content."""
    house.fallbacks[cause] = house.fallbacks.get(cause, 0) + 1


def _decide_one(house: House, programme: Programme, name: str, situation: Situation) -> Decision:
    place = programme.places.get(name)
    if place is None:
        return fault(None, name, situation, UNKNOWN_SLOT)
    try:
        return decide(place, situation, programme)
    except Exception:  # noqa: BLE001 - one broken rule must not take the page down
        count_fallback(house, "rule")
        if not situation.context.is_preview:
            notice_failure(house, programme, place, situation)
        return fault(place, name, situation, FAILED)


def _answer_one(
    house: House, question: Question, decision: Decision, situation: Situation, programme: Programme
) -> Answered:
    token = _token(house, decision, situation, programme)
    if not (question.wants_receipts or question.is_for_page):
        return Answered(decision, token)
    receipt, why = (
        explain_decision(decision, situation, programme) if question.wants_receipts else (None, None)
    )
    placed = place(decision, situation, programme) if question.is_for_page else None
    return Answered(decision, token, receipt, why, placed)


def _faulted(programme: Programme, names: Sequence[str], question: Question, *, now: int) -> Answer:
    situation = Situation(now=now, readers=programme.readers, context=question.context)
    decisions = (
        fault(
            programme.places.get(name), name, situation, FAILED if name in programme.places else UNKNOWN_SLOT
        )
        for name in names
    )
    return Answer(programme.revision, 0, tuple(Answered(decision, "") for decision in decisions))


def _token(house: House, decision: Decision, situation: Situation, programme: Programme) -> str:
    if decision.outcome == "error":
        return ""
    unit = situation.unit
    units = units_of(decision, situation, programme)
    return sign(
        house.secret,
        Token(
            decision.slot,
            situation.now,
            situation.seq,
            programme.revision,
            unit.key if unit is not None else 0,
            situation.visit.id if situation.visit is not None else 0,
            decision.variant,
            decision.exposures,
            units,
            to_keep(decision, unit),
        ),
    )
