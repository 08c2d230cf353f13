"""Explaining: why a decision was what it was, again to equal bytes, or derived anew; and why not something else."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import msgspec

from opportune.core.decision import decide
from opportune.core.explanation import Explanation, explain
from opportune.core.history.key import key_of
from opportune.core.history.timeline import TimelineEvent
from opportune.core.playbook_files.form import nearest
from opportune.core.programme import Programme
from opportune.core.receipt import Receipt, context_from, decode, programme_at, receipt_of, replay
from opportune.core.situation import Context, Situation
from opportune.core.slot import slot_id
from opportune.errors import BadRequestError, NotFoundError
from opportune.services.back_filling import BACK_FILLED, find_back_fill
from opportune.services.deciding import NOBODY, Question, explain_decision, keys_of, situate
from opportune.services.house import House
from opportune.services.publishing import playbook_at
from opportune.services.retiring import left_of
from opportune.services.supposing import readings_of
from opportune.services.tokens import Token, open_token
from opportune.storage.base import AuditEntry, Opportunity, Recollection

Origin = Literal["stored", "derived"]
UP_TO = (
    "What is known today of the time up to that moment; rules, traits, links and sides of tests are today's."
)
MOST_ACTS = 1_000
"""How many operators' acts are looked through for one that changed what past events say."""


class Explained(msgspec.Struct, frozen=True, kw_only=True):
    """A past decision: its receipt and words. `derived` ones were worked out again, not kept."""

    origin: Origin
    receipt: Receipt
    why: Explanation
    value: Any = None
    """The content, of a derived decision; a stored one keeps only its hash."""
    notes: tuple[str, ...] = ()


class Again(msgspec.Struct, frozen=True, kw_only=True):
    """A decision made again beside the original. `differences` name fields, then what each said."""

    is_equal: bool
    original: bytes
    again: bytes
    differences: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    """Inputs that cannot be derived any more, and why."""


def explain_token(house: House, text: str) -> Explained:
    """What a decision token stands for.

    Raises BadRequestError for a foreign token, NotFoundError when nothing of it is left.
    """
    token = open_token(house.secret, text)
    if token is None:
        raise BadRequestError(wrong="This is not a decision token of this installation.")
    stored = _stored_receipt(house, token)
    if stored is not None:
        why = explain(stored, playbook_at(house, stored.revision))
        return Explained(origin="stored", receipt=stored, why=why)
    return _derive(house, token)


def replay_token(house: House, text: str) -> Again:
    """Decides again from the receipt's own inputs; equal bytes unless the engine changed."""
    return replay_receipt(house, explain_token(house, text).receipt)


def replay_receipt(house: House, receipt: Receipt) -> Again:
    """The same for a receipt at hand. Raises NotFoundError when its playbook is not kept."""
    original = receipt.to_json()
    again = replay(receipt, playbook_at(house, receipt.revision)).to_json()
    return Again(
        is_equal=original == again, original=original, again=again, differences=_differences(original, again)
    )


def rebuild_token(house: House, text: str) -> Again:
    """Derives the inputs again as of the decision's `seq`, decides, and names what cannot be derived.

    Signals that other places of the same request asked for are left out of the comparison.
    """
    token = open_token(house.secret, text)
    explained = explain_token(house, text)
    original = explained.receipt
    if token is None:
        raise BadRequestError(wrong="This is not a decision token of this installation.")
    playbook = playbook_at(house, original.revision)
    programme = programme_at(original, playbook)
    is_device = bool(original.unit) and token.unit == key_of("anonymous", original.unit)
    question = Question(
        anonymous_id=original.unit if is_device else None,
        user_id=original.user or None,
        context=context_from(original.context),
    )
    keys = keys_of(question)
    past = house.storage.recall(keys, now=original.at, as_of=original.seq) if keys else NOBODY
    situation = situate(
        programme,
        question,
        keys,
        past,
        now=original.at,
        latest=(original.session, original.at),
        shelf=house.shelf,
    )
    decision = decide(programme.places[original.slot], situation, programme)
    again = receipt_of(decision, situation, programme)
    shared = {name: reading for name, reading in original.signals.items() if name in again.signals}
    return Again(
        is_equal=_outcome(original) == _outcome(again),
        original=original.to_json(),
        again=again.to_json(),
        differences=_differences(
            msgspec.structs.replace(original, signals=shared).to_json(), again.to_json()
        ),
        missing=tuple(_missing(house, token, original)),
    )


def _missing(house: House, token: Token, original: Receipt) -> Iterator[str]:
    """What may not be as it was; everything else is read as of the decision's `seq`."""
    if token.unit and house.storage.find_key_id(token.unit) is None:
        yield "the visitor's events: erased, expired or never stored"
    if any(entry.at > original.at for entry in _back_fills(house)) or find_back_fill(house) is not None:
        yield "facts as they were read then: past events were read again since, under a later playbook"
    if any(reading.source == "catalogue" for reading in original.signals.values()):
        yield "the catalogue as it was then: what it says of products today was read instead"
    if original.lists:
        yield "lists of products: what all visitors did, and the catalogue, are today's"
    if left_of(house, original.at):
        yield f"events {left_of(house, original.at)}: they were kept long enough and have left"


def _back_fills(house: House) -> Iterator[AuditEntry]:
    return (entry for entry in house.storage.list_audit(MOST_ACTS) if entry.act == BACK_FILLED)


def explain_person(
    house: House,
    person: str,
    slot: str,
    *,
    at: int | None = None,
    assumed: Mapping[str, object] | None = None,
    context: Context | None = None,
) -> Explained:
    """Why this person sees what they see in a slot now (or saw at a moment), and what would change it.

    `slot` is its name on the wire or on the screen; `assumed` sets signals by name ("cart value" -> 60) before
    anything is read. Raises NotFoundError, BadRequestError.
    """
    programme = house.programme
    place = programme.places.get(slot_id(slot))
    if place is None:
        right = nearest(slot, programme.places)
        raise NotFoundError(what=f"The slot “{slot}”{f' ({right})' if right else ''}")
    situation, notes = _situation_of(house, programme, person, at, context or Context())
    situation.readings.update(readings_of(assumed or {}, programme.playbook, situation.now))
    decision = decide(place, situation, programme)
    receipt, why = explain_decision(decision, situation, programme)
    return Explained(origin="derived", receipt=receipt, why=why, value=decision.value, notes=notes)


def _situation_of(
    house: House, programme: Programme, person: str, at: int | None, context: Context
) -> tuple[Situation, tuple[str, ...]]:
    now = at if at is not None else house.clock()
    for namespace in ("user", "anonymous"):
        question = Question(
            user_id=person if namespace == "user" else None,
            anonymous_id=person if namespace == "anonymous" else None,
            context=context,
        )
        keys = keys_of(question)
        past = house.storage.recall(keys, now=now)
        if past.is_known or len(past.keys) > 1:
            found, notes = (past, ()) if at is None else (up_to(at, past), (UP_TO,))
            return situate(programme, question, keys, found, now=now, shelf=house.shelf), notes
    raise NotFoundError(what=f"A person with the id “{person}”")


def up_to(at: int, past: Recollection) -> Recollection:
    """What of it was there at a moment already."""
    return msgspec.structs.replace(
        past,
        events={key: rows[_until(rows, at) :] for key, rows in past.events.items()},
        exposures=[row for row in past.exposures if row.first_at <= at],
        opportunities=[row for row in past.opportunities if row[2] <= at],
    )


def _until(rows: Sequence[TimelineEvent], at: int) -> int:
    """Where in a history, which begins with the newest, that moment is."""
    return bisect_left(rows, -at, key=lambda event: -event.occurred_at)


def _stored_receipt(house: House, token: Token) -> Receipt | None:
    """The receipt of this very decision: a later one of the same visit, exposed already, has none."""
    units = {token.unit, *token.units}
    for exposure in house.storage.list_exposures(sorted(units), limit=500):
        if exposure.session == token.session and exposure.at == token.at and exposure.receipt:
            receipt = decode(exposure.receipt)
            if (receipt.slot, receipt.at, receipt.seq) == (token.slot, token.at, token.seq):
                return receipt
    return None


def _derive(house: House, token: Token) -> Explained:
    """No receipt was kept (nothing was exposed): derived again from the opportunity, and named so."""
    opportunity = _find_opportunity(house, token)
    playbook = playbook_at(house, token.revision)
    programme = Programme(playbook, house.programme.run_states, house.programme.seen_events)
    identity = house.storage.find_key_id(token.unit)
    question = Question(
        anonymous_id=identity[1] if identity and identity[0] != "user" else None,
        user_id=identity[1] if identity and identity[0] == "user" else None,
        context=context_from(msgspec.json.decode(opportunity.context)) if opportunity else Context(),
    )
    keys = keys_of(question) or ((token.unit,) if token.unit else ())
    if not keys:
        raise NotFoundError(what="What this request without an id was decided on")
    past = house.storage.recall(keys, now=token.at, as_of=token.seq)
    situation = situate(
        programme,
        question,
        keys,
        past,
        now=token.at,
        latest=(token.session, token.at),
        shelf=house.shelf,
    )
    place = programme.places.get(token.slot)
    if place is None:
        raise NotFoundError(what=f"The slot “{token.slot}” in that revision")
    decision = decide(place, situation, programme)
    receipt, why = explain_decision(decision, situation, programme)
    notes = ["No receipt was kept, as nothing new was shown: derived again, with today's launch states."]
    if opportunity is None:
        notes.append("What the page said then was not kept either: derived without it.")
    elif opportunity.at != token.at:
        notes.append("Of the page, what it said when the place was first asked for in this visit is kept.")
    if left_of(house, token.at):
        notes.append(f"Events {left_of(house, token.at)} have left: derived without them.")
    return Explained(origin="derived", receipt=receipt, why=why, value=decision.value, notes=tuple(notes))


def _find_opportunity(house: House, token: Token) -> Opportunity | None:
    found = house.storage.list_opportunities([token.unit], limit=500) if token.unit else []
    return next((row for row in found if row.slot == token.slot and row.session == token.session), None)


def _outcome(receipt: Receipt) -> tuple[str, ...]:
    return receipt.outcome, receipt.reason, receipt.variant, receipt.rule, receipt.gate, receipt.content


def _differences(before: bytes, after: bytes) -> tuple[str, ...]:
    old, new = (msgspec.json.decode(data, type=dict[str, msgspec.Raw]) for data in (before, after))
    return tuple(
        f"{name}: {bytes(old.get(name, b'nothing')).decode()} -> {bytes(new.get(name, b'nothing')).decode()}"
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    )
