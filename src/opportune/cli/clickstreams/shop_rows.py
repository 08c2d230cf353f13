"""What the public shop clickstreams share: a row is one product, viewed, put in the cart, or bought."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opportune.cli.clickstreams.base import LIBRARY, Message, without_empty

ORDER = "Order Completed"


def shop_message(
    *,
    message_id: str,
    event: str,
    visitor: str,
    at: str,
    product: Mapping[str, Any],
    order_id: str = "",
) -> Message:
    """A `track` message; a bought product is an order of its own, as the row names no other."""
    properties = without_empty(product)
    if event == ORDER:
        properties = without_empty(
            {"order_id": order_id, "total": properties.get("price"), "products": [properties]}
        )
    return {
        "type": "track",
        "event": event,
        "messageId": message_id,
        "anonymousId": visitor,
        "timestamp": at,
        "properties": properties,
        "context": LIBRARY,
    }
