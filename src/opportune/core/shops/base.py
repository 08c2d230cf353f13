"""What a shop's webhook says, in Segment's spec; who signed it was checked before.

Ids are chosen so that browser, pixel, data layer, webhook and import name the same things: an order by the one id
all of them can know, a customer by the shop's own number (a guest by their e-mail address), a visitor by the id that
travelled with the cart. A shop's prefix stands before its numbers where two shops count alike.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar, Literal

import msgspec

from opportune.core.history.values import to_decimal, to_text

MOST_LINES = 100
"""Lines of an order that are kept, so that an event stays small."""
MAX_TEXT = 200
LONGEST_LINK = 2_000
VISITOR_NAMES = ("o_id", "_o_id", "__o_id", "opportune_id", "_opportune_id")
"""What the visitor's id may be called on a cart or an order."""

Object = Mapping[str, Any]
Message = dict[str, Any]
NOTHING: Object = {}


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """One delivery. `delivery` is the same when it is sent again; `prefix` is the source's."""

    topic: str
    body: Object
    delivery: str = ""
    prefix: str = ""
    is_test: bool = False


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """Messages to take in, or why there are none. `of_order`: they are about whoever placed that order."""

    messages: tuple[Message, ...] = ()
    ignored: str = ""
    of_order: str = ""


class Privacy(msgspec.Struct, frozen=True, kw_only=True):
    """What a platform asks on behalf of a customer, or of a shop that is leaving."""

    kind: Literal["erase", "export", "shop"]
    topic: str
    customer: str = ""
    """The customer's number, without the source's prefix."""
    address: str = ""
    shop: str = ""


class Shop(ABC):
    """A platform's webhooks: the headers they come with, and what each topic means."""

    platform: ClassVar[str]
    label: ClassVar[str]
    signature_header: ClassVar[bytes]
    topic_header: ClassVar[bytes]
    delivery_headers: ClassVar[tuple[bytes, ...]]
    """The first of these that is there tells deliveries apart."""
    test_header: ClassVar[bytes] = b""
    topics: ClassVar[tuple[str, ...]]
    """Those that say something here; to any other the answer is yes, and it is counted."""
    product_topics: ClassVar[tuple[str, ...]]
    """Those about the catalogue."""
    gone_topics: ClassVar[tuple[str, ...]]
    """Of these, those that say that a product is sold no more."""

    @abstractmethod
    def tell(self, webhook: Webhook) -> Told:
        """Never raises, whatever the body is."""

    def ask(self, _webhook: Webhook) -> Privacy | None:
        """What the platform asks about somebody's data; None where it asks nothing."""
        return None

    def is_greeting(self, _body: bytes) -> bool:
        """Whether this is the platform's unsigned knock at the door when a webhook is saved."""
        return False

    def unknown(self, topic: str) -> Told:
        return Told(ignored=f"nothing is read from the topic {topic[:MAX_TEXT] or '(none)'}")


class Buyer(msgspec.Struct, frozen=True, kw_only=True):
    """Whom a webhook is about: the customer's id, the visitor's, either, or neither."""

    user_id: str = ""
    visitor: str = ""

    def __bool__(self) -> bool:
        return bool(self.user_id or self.visitor)

    @property
    def ids(self) -> Message:
        ids = {"userId": self.user_id, "anonymousId": self.visitor}
        return {name: value for name, value in ids.items() if value}


def said(fields: Mapping[str, object]) -> Message:
    """Those that have a value."""
    return {name: value for name, value in fields.items() if value not in (None, "", [], {})}


def text(body: Object, *names: str) -> str:
    """The first of these that is text or a number."""
    for name in names:
        found = (to_text(body.get(name), MAX_TEXT) or "").strip()
        if found:
            return found
    return ""


def link(body: Object, name: str) -> str:
    """An address, whole."""
    return (to_text(body.get(name), LONGEST_LINK) or "").strip()


def part(body: Object, name: str) -> Object:
    found = body.get(name)
    return found if isinstance(found, dict) else NOTHING


def parts(body: Object, name: str) -> list[Object]:
    found = body.get(name)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def amount(body: Object, *names: str) -> Decimal | None:
    """The first of these that is a number, also written as text."""
    return next((found for name in names if (found := to_decimal(body.get(name))) is not None), None)


def number(value: Decimal | None) -> float | None:
    return float(value) if value is not None else None


def with_prefix(prefix: str, identifier: str) -> str:
    return f"{prefix}{identifier}" if identifier else ""


def visitor_of(pairs: Sequence[Object], name: str, value: str) -> str:
    """The visitor's id among a cart's attributes or an order's meta data."""
    found = {text(pair, name): text(pair, value) for pair in pairs}
    return next((found[each] for each in VISITOR_NAMES if found.get(each)), "")


def identify(buyer: Buyer, traits: Mapping[str, object], message_id: str, at: str) -> Iterator[Message]:
    """Their details, once there is a customer they belong to."""
    kept = said(traits)
    if buyer.user_id and kept:
        yield said({"type": "identify", "messageId": message_id, "timestamp": at, "traits": kept}) | buyer.ids


def join(user_id: str, email: str, message_id: str, at: str) -> Iterator[Message]:
    """What was known by the e-mail address alone (a guest's orders, an import) is this customer's."""
    if user_id and email and user_id != email:
        yield said(
            {
                "type": "alias",
                "messageId": message_id,
                "timestamp": at,
                "userId": user_id,
                "previousId": email,
            }
        )


def track(event: str, message_id: str, at: str, properties: Mapping[str, object]) -> Message:
    return said({"type": "track", "event": event, "messageId": message_id, "timestamp": at}) | {
        "properties": said(properties)
    }
