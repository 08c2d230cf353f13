"""Requesting: what was asked for about somebody and is not done yet, kept until it is.

An erasure is written down before its first step and leaves with its last, in the same commit, so that one that was
broken off goes on by itself. What only an operator can do (handing out what is kept, closing a shop) waits in the
same list to be seen. A request holds the ids it names; it leaves with the person.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Literal

import msgspec

from opportune.core.history.key import Namespace, address_key_of, key_of, lane_of, mark_of
from opportune.errors import NotFoundError
from opportune.services.house import House
from opportune.storage.base import AuditEntry, Storage, Transaction

REQUEST = "request "
"""What the names of such settings begin with."""
LEASE_MS = 15_000
"""For so long whoever works on a request need not say again that they do."""
ASKED_ACTS = {
    "erase": "erasing a person asked for",
    "export": "a person's data asked for",
    "shop": "erasing a shop asked for",
}
DONE_ACT = "request done"

Kind = Literal["erase", "export", "shop"]


class Wanted(msgspec.Struct, frozen=True):
    """An id, or an e-mail address, as somebody gave it."""

    id: str
    namespace: Namespace | None = None


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """Something asked for. `who` are the ids of one person; of a shop its address."""

    kind: Kind
    who: tuple[Wanted, ...]
    asked_at: int
    by: str = ""
    held_until: int = 0
    """Until then somebody is at it."""


_decoder = msgspec.json.Decoder(Request)


def note(
    house: House, kind: Kind, who: Iterable[Wanted], *, by: str, held_until: int = 0, topic: str = ""
) -> str:
    """Its name. Durable once this returns; asked for again it is the same request."""
    request = Request(kind=kind, who=tuple(who), asked_at=house.clock(), by=by, held_until=held_until)
    name = _name_of(house, request)
    entry = AuditEntry(at=request.asked_at, by=by, act=ASKED_ACTS[kind], what=topic)

    def put(transaction: Transaction) -> None:
        hold(transaction, name, request)
        if topic:
            transaction.add_audit(entry)

    house.storage.write(put).result()
    return name


def hold(transaction: Transaction, name: str, request: Request) -> None:
    transaction.put_setting(name, msgspec.json.encode(request).decode())


def list_requests(storage: Storage) -> dict[str, Request]:
    """By name, the oldest first."""
    kept = storage.list_settings(REQUEST)
    found = {name: _decoder.decode(text) for name, text in kept.items()}
    return dict(sorted(found.items(), key=lambda item: (item[1].asked_at, item[0])))


def list_requests_about(
    storage: Storage, keys: Iterable[int], addresses: Iterable[str]
) -> dict[str, Request]:
    """By name those about somebody with these keys or addresses: once they are erased nothing is left to do."""
    theirs = frozenset((*keys, *map(address_key_of, addresses)))
    return {
        name: request
        for name, request in list_requests(storage).items()
        if request.kind != "shop" and any(not theirs.isdisjoint(_keys_of(each)) for each in request.who)
    }


def finish(house: House, code: str, *, by: str) -> Request:
    """An operator has done it. Raises NotFoundError."""
    name = f"{REQUEST}{code}"
    request = list_requests(house.storage).get(name)
    if request is None:
        raise NotFoundError(what=f"A request {code[:60]!r} (see `opportune person requests`)")
    entry = AuditEntry(at=house.clock(), by=by, act=DONE_ACT, what=ASKED_ACTS[request.kind])
    house.storage.write(partial(_remove, name, entry)).result()
    return request


def _remove(name: str, entry: AuditEntry, transaction: Transaction) -> None:
    transaction.put_setting(name, "")
    transaction.add_audit(entry)


def _name_of(house: House, request: Request) -> str:
    """Without the id in it, as names of settings are printed here and there."""
    key = min(key for each in request.who for key in _keys_of(each))
    return f"{REQUEST}{request.kind}-{lane_of(key)}-{mark_of(house.secret, key)[:12]}"


def _keys_of(wanted: Wanted) -> tuple[int, ...]:
    if wanted.namespace is not None:
        return (key_of(wanted.namespace, wanted.id),)
    spaces: tuple[Namespace, ...] = ("user", "claim", "anonymous")
    return (*(key_of(space, wanted.id) for space in spaces), address_key_of(wanted.id))
