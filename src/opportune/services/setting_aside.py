"""Events set aside: replayed after the plan or the sender was mended, corrected by hand, or given up on.

Listing them is `reading.py`. A replay trusts an event as it was trusted when it came, and dates it by then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from opportune.core.history.event import SetAside, SourceKind, message_id_of
from opportune.errors import NotFoundError
from opportune.services.capturing import CaptureResult, CaptureSource, prepare, store
from opportune.services.house import House
from opportune.services.preparing import PROVEN, TRUSTED
from opportune.storage.base import StoredSetAside, Transaction

REPLAYED, DROPPED = "replayed", "dropped"
KINDS: tuple[SourceKind, ...] = ("browser", "app", "server", "shop", "import")


class ReplayResult(msgspec.Struct, frozen=True, kw_only=True):
    """What became of them; `reasons` says by number why some stay set aside."""

    accepted: int
    duplicate: int
    set_aside: int
    reasons: Mapping[int, str]
    erased: int = 0
    """Dropped for good, as they are about somebody who was erased since."""


class _StillUnfitError(Exception):
    """Raised inside the transaction so that it leaves no trace."""


def replay(house: House, ids: Sequence[int], fix: Mapping[str, object] | None = None) -> ReplayResult:
    """Takes them in again. `fix` is merged into each message first (JSON merge patch: null removes).

    One that still cannot be taken stays as it was. Raises NotFoundError for a number that is not open.
    """
    counts = {"accepted": 0, "duplicate": 0, "erased": 0}
    reasons: dict[int, str] = {}
    for row in [get_open(house, identifier) for identifier in ids]:
        state, reason = _replay_one(house, row, fix)
        if reason:
            reasons[row.id] = reason
        else:
            counts[state] += 1
    return ReplayResult(**counts, set_aside=len(reasons), reasons=reasons)


def drop(house: House, ids: Iterable[int]) -> int:
    """Gives up on them; they stay listed as dropped. Raises NotFoundError for a number that is not open."""
    rows = [get_open(house, identifier) for identifier in ids]

    def job(transaction: Transaction) -> None:
        for row in rows:
            transaction.close_set_aside(row.id, DROPPED)

    house.storage.write(job).result()
    return len(rows)


def get_open(house: House, identifier: int) -> StoredSetAside:
    """The open one of that number. Raises NotFoundError."""
    found = house.storage.list_set_aside(state="open", before_id=identifier + 1, limit=1)
    if not found or found[0].id != identifier:
        raise NotFoundError(what=f"An open set-aside event with the number {identifier}")
    return found[0]


def _replay_one(house: House, row: StoredSetAside, fix: Mapping[str, object] | None) -> tuple[str, str]:
    """State, and why it stays set aside.

    What had no id of its own is known by its number, so that two replays at the same moment take it once.
    """
    message = msgspec.json.decode(row.raw)
    if isinstance(message, Mapping) and not message_id_of(message):
        message = {**message, "messageId": f"set-aside {row.id}"}
    if fix is not None:
        message = merged(message, fix)
    prepared = prepare(house, source_of(row), [message], received_at=row.received_at)
    if isinstance(prepared[0], SetAside):
        return "", prepared[0].reason

    def close(transaction: Transaction, result: CaptureResult) -> None:
        if result.set_aside:
            raise _StillUnfitError(result.first_reason)
        if result.erased:
            transaction.remove_set_aside([row.id])
        else:
            transaction.close_set_aside(row.id, REPLAYED)

    try:
        result = store(house, prepared, close).result()
    except _StillUnfitError as fault:
        return "", str(fault)
    return result.outcomes[0].state, ""


def source_of(row: SetAside) -> CaptureSource:
    """Who sent it, as its source says: `browser`, `server, verified`, `browser, proven user`."""
    kind, *trust = row.source.split(", ")
    return CaptureSource(
        name="replay",
        kind=kind if kind in KINDS else None,
        is_secret=TRUSTED in (kind, *trust),
        is_user_proven=PROVEN in trust,
    )


def merged(value: object, patch: object) -> object:
    """A JSON merge patch (RFC 7386)."""
    if not isinstance(patch, Mapping):
        return patch
    result = dict(value) if isinstance(value, Mapping) else {}
    for name, inner in patch.items():
        if inner is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), inner)
    return result
