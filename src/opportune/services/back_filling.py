"""Back-filling: when a playbook declares what events carry anew, the facts of past events are derived again.

It goes in bounded steps from the newest event backwards, and remembers in the store how far it came, so
that a restart goes on where it stopped. Each step is an operator's turn: a publish meanwhile waits for it,
and what it asks for in addition is not lost.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import msgspec

from opportune.core.history.event import Event, from_body
from opportune.core.history.facts import facts_of
from opportune.core.history.plan import EventPlan, Plan
from opportune.core.history.standard_plan import STANDARD_PLAN
from opportune.core.playbook import Playbook
from opportune.services.house import House
from opportune.storage.base import AuditEntry, EventQuery, StoredEvent, Transaction

BACK_FILL = "back-fill"
BACK_FILLED = "back-fill complete"
STEP = 500


class BackFill(msgspec.Struct, frozen=True, kw_only=True):
    """What is still to be read again: event names, and the `seq` before which the first of them goes on."""

    names: tuple[str, ...]
    before_seq: int | None = None
    done: int = 0
    revision: str = ""

    @property
    def is_complete(self) -> bool:
        return not self.names


def changed_events(before: Plan, after: Plan) -> tuple[str, ...]:
    """Events whose facts come out differently under the second plan, by name."""
    if before.currency != after.currency:
        return tuple(sorted(after.events))
    has_new_rates = before.rates != after.rates
    return tuple(
        sorted(
            name
            for name, event in after.events.items()
            if _carried(before.events.get(name)) != _carried(event) or (has_new_rates and _has_money(event))
        )
    )


def events_read_again(
    before: Playbook | None, after: Playbook, seen: Collection[str] = ()
) -> tuple[str, ...]:
    """By name, what nobody declared last. What came in before any playbook was read by the standard plan."""
    first, then = before.plan if before is not None else STANDARD_PLAN, after.plan
    changed = changed_events(first, then)
    if (first.currency, first.rates) == (then.currency, then.rates):
        return changed
    # An event that nobody declared has its value in money, too.
    return (*changed, *sorted(name for name in seen if then.current_name(name) not in then.events))


def _carried(event: EventPlan | None) -> object:
    return {(each.name, each.type, each.path) for each in event.properties} if event is not None else None


def _has_money(event: EventPlan) -> bool:
    return any(each.type == "money" for each in event.properties)


def plan_back_fill(
    before: Playbook | None,
    after: Playbook,
    pending: BackFill | None = None,
    seen: Collection[str] = (),
) -> dict[str, str]:
    """The setting that a publish writes with the playbook; empty when no fact changes. `seen` is whatever came in.

    What is pending from an earlier publish begins anew with it.
    """
    names = events_read_again(before, after, seen)
    if not names:
        return {}
    changed = [name for current in names for name in after.plan.names_of(current)]
    every = tuple(dict.fromkeys((*changed, *(pending.names if pending is not None else ()))))
    return {BACK_FILL: msgspec.json.encode(BackFill(names=every, revision=after.revision)).decode()}


def find_back_fill(house: House) -> BackFill | None:
    """What is going on, or None."""
    text = house.storage.find_setting(BACK_FILL)
    return msgspec.json.decode(text, type=BackFill) if text else None


def back_fill(house: House, *, step: int = STEP, settle_ms: int = 0) -> BackFill:
    """Reads up to `step` past events again; complete when nothing is left, and then it is noted in the audit.

    There is nothing to do yet for a process that does not run the newest playbook so far, as by an older one
    events would be read as before; nor until `settle_ms` after it was published, while others may still take in
    events by the older one.
    """
    if find_back_fill(house) is None:
        return BackFill(names=())
    with house.changes, house.storage.turn():
        pending, head = find_back_fill(house), house.storage.find_playbook()
        if pending is None or head is None or head.revision != house.programme.revision:
            return BackFill(names=())
        if house.clock() - head.published_at < settle_ms:
            return BackFill(names=())
        return _step(house, pending, step)


def _step(house: House, pending: BackFill, step: int) -> BackFill:
    """Names that never came in are passed over: looking for one goes through the whole log."""
    seen = house.storage.list_seen_events()
    name, *others = [name for name in pending.names if name in seen] or [""]
    before_seq = pending.before_seq if name == pending.names[0] else None
    query = EventQuery(name=name, before_seq=before_seq, limit=step)
    events = house.storage.list_events(query) if name else []
    is_last = len(events) < step
    after = BackFill(
        names=tuple(others) if is_last else (name, *others),
        before_seq=None if is_last else events[-1].seq,
        done=pending.done + len(events),
        revision=pending.revision,
    )
    _write(house, events, after)
    return after


def _write(house: House, events: Sequence[StoredEvent], after: BackFill) -> None:
    plan = house.programme.playbook.plan
    rows = [(event, msgspec.json.encode(facts_of(plan, _read_again(event, plan)))) for event in events]
    audit = AuditEntry(
        at=house.clock(),
        by="",
        act=BACK_FILLED,
        what=after.revision,
        detail=f"{after.done} events read again",
    )

    def put(transaction: Transaction) -> None:
        for event, facts in rows:
            transaction.update_facts(event.seq, event.key, event.occurred_at, facts)
        transaction.put_setting(BACK_FILL, "" if after.is_complete else msgspec.json.encode(after).decode())
        if after.is_complete:
            transaction.add_audit(audit)

    house.storage.write(put).result()


def _read_again(stored: StoredEvent, plan: Plan) -> Event:
    return from_body(plan.current_name(stored.name), msgspec.json.decode(stored.body), stored.occurred_at)
