"""Watching: what becomes of rules' answers, counted without any id, so that trouble is seen by whoever guards.

Counts wait in memory and are added to the store every few seconds, by each process; what a crash loses is a few.
Which rule it is about is said by the seed of its run: a rule that is started anew begins at nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from opportune.core.decision import Decision
from opportune.core.experiments.watched import (
    AHEAD,
    AHEAD_CONTROL,
    APPLIED,
    APPLIED_CONTROL,
    ASKED,
    CLICKED,
    DISMISSED,
    FAILED,
    GIVEN,
    HAPPENED,
    NO_VALUE,
    REACHED,
    SET_ASIDE,
    SHOWN,
    TROUBLE,
)
from opportune.core.history.event import SetAside
from opportune.core.history.timeline import FactValue
from opportune.core.moment import HOUR
from opportune.core.programme import Acting, Content, Place, Programme
from opportune.core.rule import CONTROL
from opportune.core.situation import Situation
from opportune.core.slot import UnfilledError
from opportune.errors import OpportuneError
from opportune.services.appending import CaptureResult
from opportune.services.house import House
from opportune.services.preparing import Ready
from opportune.storage.base import RuleCount

OF_RULES = frozenset({"rule", "hide"})
APPLIED_EVENT, SHOWN_EVENT = "Slot Applied", "Slot Viewed"
BY_VISITOR = {"Slot Dismissed": DISMISSED, "Slot Clicked": CLICKED}
"""Events of a place that name the rule."""
NOT_PUT = ("part not found", "refused", "rewritten")
"""What a page calls it where a place lacks room for its content, the browser refuses it, or the shop undoes it."""
OF_PLAN = frozenset({"missing_property", "wrong_type", "undeclared"})
"""Why an event is set aside that does not carry what the plan says."""


def notice_answers(house: House, programme: Programme, decisions: Iterable[Decision]) -> None:
    """Counts what rules gave, and where their content had no value to be filled with."""
    for decision in decisions:
        if decision.rule:
            house.watched.append((_seed(programme, decision.rule), decision.slot, GIVEN, 0))
        for rule, verdict, _ in decision.steps:
            if verdict == "no value":
                house.watched.append((_seed(programme, rule), decision.slot, NO_VALUE, 0))


def notice_failure(house: House, programme: Programme, place: Place, situation: Situation) -> None:
    """Counts a decision that raised, for the rule whose condition or content raises; nobody's is not counted."""
    listed = [each for _, by_value in place.index for found in by_value.values() for each in found]
    for showing in (*place.showings, *listed):
        if _raises(showing.acting, situation, showing.content):
            house.watched.append((_seed(programme, showing.acting.rule), place.slot.name, FAILED, 0))
            return
    for hiding in (*place.normal.always_hidings, *place.normal.hidings):
        if _raises(hiding.acting, situation):
            house.watched.append((_seed(programme, hiding.acting.rule), place.slot.name, FAILED, 0))
            return


def _raises(acting: Acting, situation: Situation, content: Content | None = None) -> bool:
    bare = msgspec.structs.replace(situation, findings={}, readings={})
    try:
        if acting.check(bare).held and content is not None:
            content.fill(bare)
        if acting.not_if is not None:
            acting.not_if(bare)
    except UnfilledError:
        return False
    except Exception:  # noqa: BLE001 - which one it is is what was asked
        return True
    return False


def notice_asked(house: House, slots: Iterable[Decision]) -> None:
    """Counts places that were asked for the first time in a visit."""
    house.watched.extend(("", decision.slot, ASKED, 0) for decision in slots)


def notice_exposure(
    house: House, programme: Programme, rule: str, slot: str, arm: str, *, is_ahead: bool
) -> None:
    """Counts that a rule reached a visit, and what was given ahead."""
    seed = _seed(programme, rule)
    house.watched.append((seed, slot, REACHED, 0))
    if is_ahead:
        house.watched.append((seed, slot, AHEAD_CONTROL if arm == CONTROL else AHEAD, 0))


def notice_events(house: House, prepared: Sequence[Ready | SetAside], result: CaptureResult) -> None:
    """Counts what came in now, by name and what was set aside of it, and what pages told of places."""
    for ready, outcome in zip(prepared, result.outcomes, strict=True):
        if isinstance(ready, Ready) and outcome.seq:
            _notice_stored(house, ready)
        elif isinstance(ready, SetAside) and ready.code in OF_PLAN:
            _notice_name(house, ready.name, SET_ASIDE)


def _notice_stored(house: House, ready: Ready) -> None:
    name, programme = ready.row.name, house.programme
    if abs(house.clock() - ready.row.occurred_at) < HOUR:
        _notice_name(house, name, HAPPENED, ready.row.occurred_at)
    if ready.token is not None and name in (APPLIED_EVENT, SHOWN_EVENT):
        for exposed in ready.token.exposures:
            if exposed.subject in OF_RULES:
                told = _told(name, exposed.arm)
                house.watched.append((_seed(programme, exposed.rule), exposed.slot, told, 0))
    elif name == "Page Trouble":
        facts = _facts.decode(ready.row.facts)
        slot = facts.get("slot")
        if facts.get("what") in NOT_PUT and isinstance(slot, str) and slot in programme.places:
            house.watched.append(("", slot, TROUBLE, 0))
    elif name in BY_VISITOR:
        facts = _facts.decode(ready.row.facts)
        rule, slot = facts.get("rule"), facts.get("slot")
        if isinstance(rule, str) and isinstance(slot, str) and rule in programme.run_states:
            house.watched.append((_seed(programme, rule), slot, BY_VISITOR[name], 0))


def _notice_name(house: House, name: str, what: str, at: int = 0) -> None:
    """Of names the plan knows: others are anybody's words, and there may be any number of them."""
    if name in house.programme.playbook.plan.events:
        house.watched.append(("", name, what, at // HOUR * HOUR))


_facts = msgspec.json.Decoder(dict[str, FactValue])


def _told(name: str, arm: str) -> str:
    if name == SHOWN_EVENT:
        return "" if arm == CONTROL else SHOWN
    return APPLIED_CONTROL if arm == CONTROL else APPLIED


def tally_watched(house: House) -> int:
    """Adds what waits to the store; how much. Raises what writing raises, and then it waits on."""
    taken = [house.watched.popleft() for _ in range(len(house.watched))]
    now = house.clock() // HOUR * HOUR
    counts = [
        RuleCount(hour, rule, slot, what, count)
        for (rule, slot, what, hour), count in Counter(
            (rule, slot, what, hour or now) for rule, slot, what, hour in taken if what
        ).items()
    ]
    if not counts:
        return 0
    try:
        house.storage.write(lambda transaction: transaction.add_rule_counts(counts)).result()
    except OpportuneError:
        house.watched.extendleft(reversed(taken))
        raise
    return len(taken)


def _seed(programme: Programme, rule: str) -> str:
    state = programme.run_states.get(rule)
    return state.seed if state is not None else f"{rule}/1"
