"""Dropping: what comes late about somebody who was erased. It is counted and leaves no other trace.

Of an erased person a keyed hash of each id and address is kept, with a date. What happened before that date is
dropped, whichever way it comes: a late batch, an import done again, a webhook, a replay of what was set aside, a
decision that was under way. What happened after it is somebody new.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from opportune.core.history.event import SetAside
from opportune.core.history.key import Namespace, address_key_of, key_of, lane_of, mark_of
from opportune.core.history.values import to_moment
from opportune.core.situation import Trait
from opportune.services.preparing import Ready
from opportune.storage.base import Transaction
from opportune.storage.personal import Erasure

ADDRESS = "email"
"""The trait that holds an e-mail address."""
SUBSCRIBED = "subscribed"
ERASED = "erased"
"""The source of what is known of somebody who was erased: that they had unsubscribed."""
_ADDRESS = re.compile(r"[^@\s]{1,64}@[^@\s]{1,190}")
ID_FIELDS: Mapping[str, tuple[Namespace, ...]] = {
    "userId": ("user", "claim"),
    "anonymousId": ("anonymous",),
    "previousId": ("user", "anonymous"),
}


def marks_of(secret: bytes, keys: Iterable[int]) -> dict[int, tuple[int, str]]:
    """By key its lane and mark."""
    return {key: (lane_of(key), mark_of(secret, key)) for key in dict.fromkeys(keys)}


def was_erased(transaction: Transaction, secret: bytes, keys: Iterable[int], at: int) -> bool:
    """Whether one of these keys was erased at that moment or later."""
    if at > transaction.newest_erasure_at:
        return False
    found = transaction.find_erasures(marks_of(secret, keys).values())
    return any(erasure.erased_at >= at for erasure in found.values())


class Late:
    """What of one request comes late. Costs nothing while nobody was ever erased."""

    def __init__(self, secret: bytes, transaction: Transaction, prepared: Sequence[Ready | SetAside]) -> None:
        self._by_key: dict[int, Erasure] = {}
        newest = transaction.newest_erasure_at
        if not newest:
            return
        marks = marks_of(secret, _keys_of(prepared, newest))
        found = transaction.find_erasures(marks.values())
        self._by_key = {key: found[mark] for key, (_, mark) in marks.items() if mark in found}

    def find(self, prepared: Ready | SetAside) -> Erasure | None:
        """Whose erasure it comes after."""
        if not self._by_key:
            return None
        if isinstance(prepared, SetAside):
            sent = read_sent(prepared.raw)
            return self._newest(keys_named(sent), _moment_of(sent, prepared.received_at))
        return self._newest(_keys(prepared), prepared.row.occurred_at)

    def is_erased(self, keys: Iterable[int], at: int) -> bool:
        return bool(self._by_key) and self._newest(keys, at) is not None

    def find_unsubscribed(self, ready: Ready) -> dict[str, Trait]:
        """Whoever unsubscribed before they were erased still has when they are known again."""
        if not self._by_key or not ready.traits:
            return {}
        known = [self._by_key[key] for key in _keys(ready) if key in self._by_key]
        at = max((erasure.erased_at for erasure in known if erasure.is_unsubscribed), default=None)
        return {} if at is None else {SUBSCRIBED: Trait(value=False, source=ERASED, at=at)}

    def _newest(self, keys: Iterable[int], at: int) -> Erasure | None:
        known = [self._by_key[key] for key in keys if key in self._by_key]
        return next((erasure for erasure in known if erasure.erased_at >= at), None)


def _keys_of(prepared: Sequence[Ready | SetAside], newest: int) -> Iterator[int]:
    """Those that might have been erased since what is said of them."""
    for each in prepared:
        if isinstance(each, SetAside):
            yield from keys_named(read_sent(each.raw))
            continue
        if each.row.occurred_at <= newest or each.traits:
            yield from _keys(each)
        if each.token is not None and each.token.at <= newest:
            yield from (each.token.unit, *each.token.units)


def _keys(ready: Ready) -> Iterator[int]:
    yield ready.row.key
    address = ready.traits.get(ADDRESS)
    if address is not None and isinstance(address.value, str):
        yield address_key_of(address.value)


def read_sent(raw: bytes) -> Any:
    """What was set aside, as far as it is JSON; else its text."""
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return raw.decode("utf-8", "replace")


def keys_named(sent: object) -> Iterator[int]:
    """The keys that a message as it was sent may be about."""
    if not isinstance(sent, Mapping):
        return
    for field, spaces in ID_FIELDS.items():
        value = sent.get(field)
        if isinstance(value, str | int) and not isinstance(value, bool):
            yield from (key_of(space, str(value)) for space in spaces)
    for address in addresses_in(sent):
        yield address_key_of(address)


def addresses_in(sent: object) -> Iterator[str]:
    """Every e-mail address in a message, wherever it stands: a shop has it elsewhere than an identify call."""
    waiting = [sent]
    while waiting:
        value = waiting.pop()
        if isinstance(value, Mapping):
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
        elif isinstance(value, str) and _ADDRESS.fullmatch(value.strip()):
            yield value


def _moment_of(sent: object, received_at: int) -> int:
    """When it happened, so far as it says so."""
    if not isinstance(sent, Mapping):
        return received_at
    stamp = sent.get("timestamp")
    at = to_moment(stamp if stamp is not None else sent.get("originalTimestamp"))
    return received_at if at is None else at
