"""Retailrocket's open shop data: one row a view, addtocart or transaction of one item."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar

from opportune.cli.clickstreams.base import Clickstream, Message, Row, iso_of, message_id_of
from opportune.cli.clickstreams.shop_rows import shop_message

EVENTS = {"view": "Product Viewed", "addtocart": "Product Added", "transaction": "Order Completed"}


class Retailrocket(Clickstream):
    """Its files are in no order, so they are sorted by time first. Each bought item is an order."""

    name: ClassVar[str] = "retailrocket"
    says: ClassVar[str] = "timestamp (ms), visitorid, event, itemid, transactionid"
    columns: ClassVar[tuple[str, ...]] = ("timestamp", "visitorid", "event", "itemid")

    def read(self, path: Path, mapping: Mapping[str, str]) -> Iterator[Message]:
        yield from sorted(super().read(path, mapping), key=lambda message: str(message["timestamp"]))

    def message_of(self, row: Row, mapping: Mapping[str, str]) -> Message:
        transaction = row.get("transactionid", "")
        return shop_message(
            message_id=message_id_of(tuple(row.values())),
            event=EVENTS.get(row["event"], row["event"]),
            visitor=row.get(mapping.get("anonymousId", "visitorid"), ""),
            at=iso_of(row["timestamp"]),
            order_id=f"{transaction}-{row['itemid']}",
            product={"product_id": row["itemid"]},
        )
