"""Separating: undoing a link between a device and a user, or between two users. Nothing is deleted.

The undo is known from its own place in the log on, so what was true before it can still be told.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from opportune.core.history.key import key_of
from opportune.core.history.link import LinkChanges, links_without, links_without_alias, owner_of
from opportune.core.history.plan import TELEMETRY
from opportune.errors import NotFoundError
from opportune.services.house import House
from opportune.services.preparing import hash_of
from opportune.storage.base import AuditEntry, EventRow, Transaction

SEPARATED = "Separated"
SEPARATED_ACT = "separated"


def separate_device(house: House, anonymous_id: str, user_id: str, *, by: str = "") -> None:
    """The device was never this user's: its events go back. Raises NotFoundError when they are not linked."""
    device, user = key_of("anonymous", anonymous_id), key_of("user", user_id)

    def changes(transaction: Transaction, seq: int) -> LinkChanges:
        links = transaction.list_links(device)
        return links_without(device, links, owner_of(user, transaction.list_links(user)), seq)

    _separate(house, (device, user), changes, f"{anonymous_id} and {user_id}", by)


def separate_users(house: House, previous_id: str, user_id: str, *, by: str = "") -> None:
    """Undoes an `alias`. Raises NotFoundError when the two are not joined."""
    previous, user = key_of("user", previous_id), key_of("user", user_id)

    def changes(transaction: Transaction, seq: int) -> LinkChanges:
        joined = next((link for link in transaction.list_links(previous) if link.is_in_force), None)
        if joined is None or joined.person != owner_of(user, transaction.list_links(user)):
            return LinkChanges(seq)
        keys = {
            link.key for person in (previous, joined.person) for link in transaction.list_person_links(person)
        }
        links = [link for key in keys for link in transaction.list_links(key)]
        return links_without_alias(links, previous, joined.person, joined.since_seq, seq)

    _separate(house, (previous, user), changes, f"{previous_id} and {user_id}", by)


def _separate(
    house: House,
    keys: tuple[int, int],
    changes_at: Callable[[Transaction, int], LinkChanges],
    what: str,
    by: str,
) -> None:
    """The event of it stands under the first of the keys."""
    now = house.clock()

    def job(transaction: Transaction) -> None:
        body = msgspec.json.encode({"type": "track", "event": SEPARATED, "messageId": f"separated-{now}"})
        row = EventRow(
            key=keys[0],
            event_class=TELEMETRY,
            occurred_at=now,
            name=SEPARATED,
            source="server",
            message=hash_of(f"separated-{now}"),
            facts=b"{}",
            body=body,
        )
        changes = changes_at(transaction, transaction.append_event(row))
        if not changes:
            raise NotFoundError(what=f"A link between {what}")
        for link in changes.closed:
            transaction.close_link(link, changes.seq)
        for link in changes.added:
            transaction.add_link(link)
        transaction.add_audit(AuditEntry(at=now, by=by, act=SEPARATED_ACT, what=what))

    house.storage.write(job, keys).result()
