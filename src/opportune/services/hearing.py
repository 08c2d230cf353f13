"""Hearing a shop: one verified webhook, turned into events and taken in as the shop's own word.

What a shop signs is proven: its customers, its orders' values. A refund that names its order only is about whoever
placed that order; where nobody knows it, the refund is set aside until the order was imported.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future

import msgspec

from opportune.core.history.event import SetAside
from opportune.core.history.key import business_key_of
from opportune.core.shops.base import Message, Shop, Told
from opportune.services.capturing import CaptureResult, CaptureSource, prepare, store
from opportune.services.connecting import Source
from opportune.services.house import House
from opportune.services.preparing import Ready
from opportune.storage.base import BusinessKey, Transaction

ORDER = "Order Completed"


class Heard(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What became of a webhook; `ignored` says why nothing was taken from it."""

    success: bool = True
    accepted: int = 0
    duplicate: int = 0
    set_aside: int = 0
    ignored: str = ""


def find_owner(house: House, order: str) -> Message:
    """The id of whoever placed an order, as a message names it; empty where nobody knows. Waits for the store."""
    known = house.storage.write(_find(order), {business_key_of(ORDER, order)}).result()
    owner = house.storage.find_key_id(known.key) if known is not None else None
    if owner is None:
        return {}
    namespace, identifier = owner
    return {"anonymousId" if namespace == "anonymous" else "userId": identifier}


def hear(house: House, source: Source, shop: Shop, told: Told, owner: Message) -> Future[CaptureResult]:
    """Takes in what a webhook told; the future resolves after the durable commit. Raises nothing."""
    context = {"library": {"name": f"{shop.platform}-webhook"}}
    capture_source = CaptureSource(is_secret=True, name=source.name, kind="shop", context=context)
    prepared = prepare(house, capture_source, [{**message, **owner} for message in told.messages])
    return store(house, [_explained(each, told) for each in prepared])


def heard(result: CaptureResult) -> Heard:
    return Heard(accepted=result.accepted, duplicate=result.duplicate, set_aside=result.set_aside)


def _find(order: str) -> Callable[[Transaction], BusinessKey | None]:
    return lambda transaction: transaction.find_business_key(ORDER, order)


def _explained(prepared: Ready | SetAside, told: Told) -> Ready | SetAside:
    """Why a refund without an owner waits, in words that say what to do."""
    if not (isinstance(prepared, SetAside) and told.of_order and prepared.code == "no_id"):
        return prepared
    reason = f"the order {told.of_order} of this refund is not known here; replay it after an import"
    return msgspec.structs.replace(prepared, reason=reason)
