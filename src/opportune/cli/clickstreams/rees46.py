"""REES46's open shop data: one row a view, cart, removal or purchase of one product."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from opportune.cli.clickstreams.base import Clickstream, Message, Row, iso_of, message_id_of, number_of
from opportune.cli.clickstreams.shop_rows import shop_message

EVENTS = {
    "view": "Product Viewed",
    "cart": "Product Added",
    "remove_from_cart": "Product Removed",
    "purchase": "Order Completed",
}


class Rees46(Clickstream):
    """The visitor is `user_id`; `--map anonymousId=user_session` takes the session instead."""

    name: ClassVar[str] = "rees46"
    says: ClassVar[str] = (
        "event_time, event_type, product_id, category_id, category_code, brand, price, user_id, user_session"
    )
    columns: ClassVar[tuple[str, ...]] = ("event_time", "event_type", "product_id", "user_id")

    def message_of(self, row: Row, mapping: Mapping[str, str]) -> Message:
        message_id = message_id_of(tuple(row.values()))
        return shop_message(
            message_id=message_id,
            event=EVENTS.get(row["event_type"], row["event_type"]),
            visitor=row.get(mapping.get("anonymousId", "user_id"), ""),
            at=iso_of(row["event_time"]),
            order_id=message_id,
            product={
                "product_id": row["product_id"],
                "category": row.get("category_code") or row.get("category_id"),
                "brand": row.get("brand"),
                "price": number_of(row.get("price", "")),
            },
        )
