"""Importing: history in bulk, oldest first, in bounded steps. It triggers nothing, shows nothing, tests nothing.

Messages are in Segment's spec and trusted as an operator's own: their user ids are proven and their times
stand. Running it again is safe: a message is taken once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from hashlib import sha256

import msgspec

from opportune.core.exports.base import SUM_OF_REFUNDS
from opportune.core.history.event import MAX_BATCH_EVENTS
from opportune.core.history.key import business_key_of
from opportune.core.history.plan import Plan
from opportune.core.history.values import to_moment
from opportune.services.capturing import CaptureResult, CaptureSource, capture
from opportune.services.house import House
from opportune.storage.base import EventQuery, StoredEvent

STEP = 1_000
MOST_REFUNDS = 200
"""Of one person."""
ORDER, REFUND = "Order Completed", "Order Refunded"
HISTORY = CaptureSource(name="import", is_secret=True, kind="import")


class ImportResult(msgspec.Struct, frozen=True):
    """What became of the messages; `reasons` counts why some were set aside."""

    accepted: int = 0
    duplicate: int = 0
    set_aside: int = 0
    reasons: Mapping[str, int] = {}
    erased: int = 0
    """Dropped, as they are about somebody who was erased since."""
    uncounted: Mapping[str, int] = {}
    """By currency: orders among all these whose money no report adds up."""


def import_messages(
    house: House,
    messages: Sequence[Mapping[str, object]],
    progress: Callable[[int], None] | None = None,
    *,
    step: int = STEP,
) -> ImportResult:
    """Takes messages into the history and waits for the commits; `progress` is told how many are done.

    Raises StorageFullError or StorageBusyError; what was committed before stays.
    """
    fresh = _without_known_refunds(house, _with_product_ids(house, messages))
    ascending = sorted(fresh, key=_moment_of)
    count = _Count()
    step = min(step, MAX_BATCH_EVENTS)
    writing: Future[CaptureResult] | None = None
    for start in range(0, len(ascending), step):
        # The next step is prepared while the one before is written; no more than that is in memory.
        prepared = capture(house, HISTORY, ascending[start : start + step])
        if writing is not None:
            count.add(writing.result())
            _tell(progress, start)
        writing = prepared
    if writing is not None:
        count.add(writing.result())
        _tell(progress, len(ascending))
    return count.to_result(_uncounted(house.programme.playbook.plan, ascending))


def _uncounted(plan: Plan, messages: Sequence[object]) -> Mapping[str, int]:
    found = Counter[str]()
    for message in messages:
        properties = message.get("properties") if isinstance(message, Mapping) else None
        if (
            not isinstance(message, Mapping)
            or message.get("event") != ORDER
            or not isinstance(properties, Mapping)
        ):
            continue
        currency = str(properties.get("currency") or "")
        if not plan.counts_money_in(currency, _moment_of(message)):
            found[currency.upper()] += 1
    return dict(found)


def mark_of(name: str) -> str:
    """The setting that says how far an import over a shop's API has come."""
    return f"import {sha256(name.encode()).hexdigest()[:16]}"


def put_mark(house: House, name: str, mark: str) -> None:
    """Empty text: it is whole."""
    house.storage.write(lambda transaction: transaction.put_setting(mark_of(name), mark)).result()


def _without_known_refunds(
    house: House, messages: Sequence[Mapping[str, object]]
) -> Sequence[Mapping[str, object]]:
    """An export has the sum of an order's refunds: where a webhook told them one by one, they count already."""
    summed = {order for message in messages if (order := _refunded_in_export(message))}
    if not summed:
        return messages
    known = _list_refunded(house, summed)
    return [message for message in messages if _refunded_in_export(message) not in known]


def _refunded_in_export(message: Mapping[str, object]) -> str:
    """The order that an export says was refunded; empty for any other message."""
    properties = message.get("properties") if isinstance(message, Mapping) else None
    if not isinstance(properties, Mapping) or message.get("event") != REFUND:
        return ""
    is_summed = str(properties.get("refund_id", "")).endswith(SUM_OF_REFUNDS)
    return str(properties.get("order_id", "")) if is_summed else ""


def _list_refunded(house: House, orders: set[str]) -> set[str]:
    """Those of these orders of which a refund is known that no export told."""
    found = house.storage.write(
        lambda transaction: [transaction.find_business_key(ORDER, order) for order in sorted(orders)],
        about=[business_key_of(ORDER, order) for order in orders],
    ).result()
    refunded = set()
    for known in found:
        if known is None:
            continue
        _, keys = house.storage.list_person_keys(known.key)
        told = house.storage.list_events(EventQuery(name=REFUND, keys=(known.key, *keys), limit=MOST_REFUNDS))
        if any(_is_told_alone(event, known.value) for event in told):
            refunded.add(known.value)
    return refunded


def _is_told_alone(refund: StoredEvent, order: str) -> bool:
    properties = msgspec.json.decode(refund.body).get("properties")
    if not isinstance(properties, dict):
        return False
    return properties.get("order_id") == order and not str(properties.get("refund_id", "")).endswith(
        SUM_OF_REFUNDS
    )


def _with_product_ids(
    house: House, messages: Sequence[Mapping[str, object]]
) -> Sequence[Mapping[str, object]]:
    """Exports name an order's products by SKU; where the catalogue knows it, by the id that pages use."""
    if not len(house.catalogue):
        return messages
    return [_with_ids(house, message) for message in messages]


def _with_ids(house: House, message: Mapping[str, object]) -> Mapping[str, object]:
    properties = message.get("properties") if isinstance(message, Mapping) else None
    lines = properties.get("products") if isinstance(properties, Mapping) else None
    if not isinstance(properties, Mapping) or not isinstance(lines, list):
        return message
    named = [_named(house, line) for line in lines]
    return {**message, "properties": {**properties, "products": named}}


def _named(house: House, line: object) -> object:
    if not isinstance(line, Mapping) or line.get("product_id") or not isinstance(line.get("sku"), str):
        return line
    product = house.catalogue.find(line["sku"])
    return line if product is None else {**line, "product_id": product.id}


class _Count:
    """Outcomes so far."""

    def __init__(self) -> None:
        self._states = {"accepted": 0, "duplicate": 0, "set aside": 0, "erased": 0}
        self._reasons: dict[str, int] = {}

    def add(self, result: CaptureResult) -> None:
        for outcome in result.outcomes:
            self._states[outcome.state] += 1
            if outcome.state == "set aside":
                self._reasons[outcome.reason] = self._reasons.get(outcome.reason, 0) + 1

    def to_result(self, uncounted: Mapping[str, int]) -> ImportResult:
        states = self._states
        return ImportResult(
            accepted=states["accepted"],
            duplicate=states["duplicate"],
            set_aside=states["set aside"],
            reasons=self._reasons,
            erased=states["erased"],
            uncounted=uncounted,
        )


def _tell(progress: Callable[[int], None] | None, done: int) -> None:
    if progress is not None:
        progress(done)


def _moment_of(message: object) -> int:
    """When it happened, for the order only; what has no time comes last."""
    if not isinstance(message, Mapping):
        return 2**62
    stamp = message.get("timestamp")
    at = to_moment(stamp if stamp is not None else message.get("originalTimestamp"))
    return 2**62 if at is None else at
