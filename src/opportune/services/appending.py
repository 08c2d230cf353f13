"""Appending: the writes of one capture request inside the store's transaction, and what became of each event.

Duplicates, machines, versions of one order, links between devices and users, traits, places seen on screen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from opportune.core.history.event import MACHINE, SetAside, Unfit, from_body
from opportune.core.history.facts import facts_of, value_of
from opportune.core.history.key import business_key_of, key_of
from opportune.core.history.link import LinkChanges, links_after, links_after_alias, owner_of
from opportune.core.moment import DAY
from opportune.services.house import House
from opportune.services.people.dropping import Late
from opportune.services.preparing import Ready, hash_of, plan_of, source_text
from opportune.services.tokens import SHOWN, Token, exposures_of
from opportune.storage.base import BusinessKey, EventRow, Span, Transaction

MACHINE_EVENTS_A_DAY = 2_000
"""A key with more events a day than this is a machine: set aside, listed, out of analysis."""
BESIDE = " @beside"
"""Behind a business key's value: the version of a browser that came after a verified one."""
NARROW_MS = DAY
"""One look-up for duplicates serves a key's events that lie no further apart."""

State = Literal["accepted", "duplicate", "set aside", "erased"]

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """What became of one message; `seq` is the stored event's, 0 when none was stored."""

    state: State
    reason: str = ""
    key: int = 0
    seq: int = 0
    replaces: bool = False
    """It is a better version of an event stored before."""


class CaptureResult(msgspec.Struct, frozen=True):
    """What became of each message, in their order."""

    outcomes: tuple[Outcome, ...]

    @property
    def accepted(self) -> int:
        return self._count("accepted")

    @property
    def duplicate(self) -> int:
        return self._count("duplicate")

    @property
    def set_aside(self) -> int:
        return self._count("set aside")

    @property
    def erased(self) -> int:
        """How many came late about somebody who was erased, and were dropped."""
        return self._count("erased")

    @property
    def first_reason(self) -> str:
        """Why the first one was set aside; empty when none was."""
        return next((outcome.reason for outcome in self.outcomes if outcome.state == "set aside"), "")

    def _count(self, state: State) -> int:
        return sum(outcome.state == state for outcome in self.outcomes)


class Appending:
    """The writes of one request, inside the store's transaction."""

    def __init__(self, house: House, transaction: Transaction, prepared: Sequence[Ready | SetAside]) -> None:
        self.house = house
        self.transaction = transaction
        self.prepared = prepared
        self.put_keys: set[int] = set()
        self.spans = _spans(ready.row for ready in prepared if isinstance(ready, Ready))
        self.known: dict[tuple[int, int], set[int]] = {}
        self.counts: Counter[tuple[int, int]] = Counter()
        self.aside: list[SetAside] = []

    def run(self) -> CaptureResult:
        self._look_up()
        self.late = Late(self.house.secret, self.transaction, self.prepared)
        outcomes = tuple(self._one(ready) for ready in self.prepared)
        if self.aside:
            self.transaction.set_aside(self.aside)
        return CaptureResult(outcomes)

    def _one(self, ready: Ready | SetAside) -> Outcome:
        if (erasure := self.late.find(ready)) is not None:
            self.transaction.count_dropped(erasure)
            self.transaction.let_go(keys_about([ready]))
            return Outcome("erased")
        if isinstance(ready, SetAside):
            self.aside.append(ready)
            return Outcome("set aside", ready.reason)
        row = ready.row
        place = self._place_of(row)
        if row.message in self.known[place]:
            return Outcome("duplicate", key=row.key)
        if self.counts[place] >= MACHINE_EVENTS_A_DAY and self._is_machine(row):
            return self._aside(
                ready, Unfit(MACHINE, f"more than {MACHINE_EVENTS_A_DAY} events in a day: a machine")
            )
        try:
            self._put_key(ready)
        except ValueError:
            return self._aside(ready, Unfit("key_taken", "another id has the same key; choose another id"))
        self.known[place].add(row.message)
        self.counts[place] += 1
        outcome = self._append_version(ready) if ready.business_key else self._append(ready, row)
        if ready.traits:
            self._put_traits(ready)
        if ready.token is not None and not self._is_of_erased(ready.token):
            self._expose(ready, ready.token)
        return outcome

    def _aside(self, ready: Ready, unfit: Unfit) -> Outcome:
        self.aside.append(
            SetAside(
                reason=unfit.reason,
                code=unfit.code,
                raw=ready.row.body,
                message_id=ready.event.message_id,
                name=ready.row.name,
                source=source_text(ready.event, is_secret=ready.is_secret),
                received_at=ready.event.received_at,
            )
        )
        return Outcome("set aside", unfit.reason, ready.row.key)

    def _look_up(self) -> None:
        """Messages known of each key a day around; one look-up for events that lie close together."""
        rows = [ready.row for ready in self.prepared if isinstance(ready, Ready)]
        around = {self._place_of(row): self._around(row) for row in rows}
        found = self.transaction.find_recent(list(around.values()))
        for place, recent in zip(around, found, strict=True):
            self.known[place] = set(recent.messages)
            self.counts[place] = recent.count

    def _place_of(self, row: EventRow) -> tuple[int, int]:
        first, last = self.spans[row.key]
        return (row.key, 0) if last - first <= NARROW_MS else (row.key, row.occurred_at // DAY)

    def _around(self, row: EventRow) -> Span:
        first, last = self.spans[row.key]
        if last - first > NARROW_MS:
            first = row.occurred_at // DAY * DAY
            last = first + DAY - 1
        return row.key, first - DAY, last + DAY + 1

    def _is_machine(self, row: EventRow) -> bool:
        [day] = self.transaction.find_recent([(row.key, row.occurred_at - DAY, row.occurred_at + 1)])
        return day.count >= MACHINE_EVENTS_A_DAY

    def _put_key(self, ready: Ready) -> None:
        key, event = ready.row.key, ready.event
        if key not in self.put_keys:
            self.transaction.put_key(key, event.namespace, event.id)
            self.put_keys.add(key)
        if ready.device is not None and ready.device not in self.put_keys:
            self.transaction.put_key(ready.device, "anonymous", event.anonymous_id or "")
            self.put_keys.add(ready.device)

    def _append(self, ready: Ready, row: EventRow) -> Outcome:
        seq = self.transaction.append_event(row)
        event = ready.event
        if event.user_id is not None:
            if ready.device is not None:
                self._link_device(ready.device, row.key, seq, is_identify=event.type == "identify")
            if event.type == "alias" and ready.is_verified and event.previous_id:
                self._alias(event.previous_id, row.key, seq)
        return Outcome("accepted", key=row.key, seq=seq)

    def _append_version(self, ready: Ready) -> Outcome:
        """Versions of one event: a verified source's values win, the earliest time stands.

        The first version is known by its business key alone. Nobody vouches for one from a browser, so a
        stranger's guess of an order number must not swallow somebody else's order: theirs is known under
        their own key too, until a verified version settles it.
        """
        row, value = ready.row, ready.business_key
        known = self.transaction.find_business_key(row.name, value)
        if known is None:
            return self._put_version(ready, row, value)
        is_theirs = self._is_same_person(known.key, ready)
        if known.is_verified or (is_theirs and not ready.is_verified):
            if is_theirs and row.occurred_at < known.occurred_at:
                self._move(known, row.occurred_at)
            if known.is_verified and not ready.is_verified:
                self._keep_beside(row, value)
            return Outcome("duplicate", key=row.key)
        own = [
            version
            for key in (row.key, ready.device)
            if key is not None
            and (version := self.transaction.find_business_key(row.name, _own(value, key))) is not None
        ]
        if not ready.is_verified:
            return (
                Outcome("duplicate", key=row.key)
                if own
                else self._put_version(ready, row, _own(value, row.key))
            )
        for version in (known, *own):
            self.transaction.supersede_event(version)
        earliest = min(row.occurred_at, *(version.occurred_at for version in (known, *own)))
        better = self._put_version(ready, msgspec.structs.replace(row, occurred_at=earliest), value)
        return msgspec.structs.replace(better, replaces=True)

    def _keep_beside(self, row: EventRow, value: str) -> None:
        """A browser told of what a verified source had told of before: kept as replaced, once, and never read.

        So it can be said of how many orders the browsers tell.
        """
        beside = f"{value}{BESIDE}"
        if self.transaction.find_business_key(row.name, beside) is not None:
            return
        version = BusinessKey(
            event=row.name,
            value=beside,
            key=row.key,
            event_class=row.event_class,
            occurred_at=row.occurred_at,
            seq=self.transaction.append_event(row),
            is_verified=False,
        )
        self.transaction.supersede_event(version)
        self.transaction.put_business_key(version)

    def _is_same_person(self, key: int, ready: Ready) -> bool:
        if key in (ready.row.key, ready.device):
            return True
        links = self.transaction.list_links
        return owner_of(key, links(key)) == owner_of(ready.row.key, links(ready.row.key))

    def _move(self, known: BusinessKey, occurred_at: int) -> None:
        """The stored version keeps its values and gets the earlier time."""
        row = self._stored_row(known)
        if row is None:
            return
        self.transaction.supersede_event(known)
        seq = self.transaction.append_event(msgspec.structs.replace(row, occurred_at=occurred_at))
        self.transaction.put_business_key(msgspec.structs.replace(known, occurred_at=occurred_at, seq=seq))

    def _stored_row(self, known: BusinessKey) -> EventRow | None:
        """The row of a stored version, made again from its body."""
        found = self.transaction.find_stored(known)
        if found is None:
            return None
        event = from_body(known.event, _decode(found.body), found.occurred_at)
        facts = facts_of(plan_of(self.house), event)
        return EventRow(
            key=known.key,
            event_class=known.event_class,
            occurred_at=found.occurred_at,
            name=known.event,
            source=found.source,
            message=hash_of(event.message_id),
            facts=_encode(facts),
            body=found.body,
            value=value_of(facts),
        )

    def _put_version(self, ready: Ready, row: EventRow, value: str) -> Outcome:
        outcome = self._append(ready, row)
        self.transaction.put_business_key(
            BusinessKey(
                event=row.name,
                value=value,
                key=row.key,
                event_class=row.event_class,
                occurred_at=row.occurred_at,
                seq=outcome.seq,
                is_verified=ready.is_verified,
            )
        )
        return outcome

    def _link_device(self, device: int, user: int, seq: int, *, is_identify: bool) -> None:
        transaction = self.transaction
        person = owner_of(user, transaction.list_links(user))
        links = transaction.list_links(device)
        self._apply(links_after(device, links, person, seq, is_identify=is_identify))

    def _alias(self, previous_id: str, user: int, seq: int) -> None:
        """The previous id may be a user's or a device's; whichever has a past is joined."""
        transaction = self.transaction
        device = key_of("anonymous", previous_id)
        [past] = transaction.find_recent([(device, 0, 2**62)])
        if past.count:
            self._link_device(device, user, seq, is_identify=True)
        previous = key_of("user", previous_id)
        if previous == user:
            return
        person = owner_of(user, transaction.list_links(user))
        former = owner_of(previous, transaction.list_links(previous))
        self._apply(links_after_alias(transaction.list_person_links(former), former, person, seq))

    def _apply(self, changes: LinkChanges) -> None:
        for link in changes.closed:
            self.transaction.close_link(link, changes.seq)
        for link in changes.added:
            self.transaction.add_link(link)

    def _put_traits(self, ready: Ready) -> None:
        unsubscribed = self.late.find_unsubscribed(ready)
        if unsubscribed:
            self.transaction.put_traits(ready.row.key, unsubscribed)
        self.transaction.put_traits(ready.row.key, ready.traits)

    def _is_of_erased(self, token: Token) -> bool:
        """What was decided for somebody before they were erased is not recorded after it."""
        return self.late.is_erased((token.unit, *token.units), token.at)

    def _expose(self, ready: Ready, token: Token) -> None:
        """An exposure given ahead is recorded now, at the latest; `Slot Viewed` also says that it was on screen.

        Nothing was seen before it was decided, whatever the sender's clock says.
        """
        at = max(ready.row.occurred_at, token.at)
        exposures = exposures_of(token, at)
        if token.assignments:
            self.transaction.add_assignments(token.unit, token.assignments)
        self.transaction.add_exposures(exposures)
        if ready.row.name == SHOWN:
            for exposure in exposures:
                self.transaction.mark_shown(exposure, at)


def keys_about(prepared: Iterable[Ready | SetAside]) -> set[int]:
    """The keys that appending these reads and changes, an order's own among them."""
    keys: set[int] = set()
    for ready in prepared:
        if not isinstance(ready, Ready):
            continue
        event = ready.event
        keys.add(ready.row.key)
        if ready.device is not None:
            keys.add(ready.device)
        if ready.business_key:
            keys.add(business_key_of(ready.row.name, ready.business_key))
        if event.type == "alias" and event.previous_id:
            keys |= {key_of("anonymous", event.previous_id), key_of("user", event.previous_id)}
        if ready.token is not None:
            keys.update(ready.token.units, (ready.token.unit,))
    return keys


def _own(value: str, key: int) -> str:
    return f"{value} @{key}"


def _spans(rows: Iterable[EventRow]) -> dict[int, tuple[int, int]]:
    """By key: its earliest and latest moment in this request."""
    spans: dict[int, tuple[int, int]] = {}
    for row in rows:
        first, last = spans.get(row.key, (row.occurred_at, row.occurred_at))
        spans[row.key] = (min(first, row.occurred_at), max(last, row.occurred_at))
    return spans
