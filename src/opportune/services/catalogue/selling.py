"""Counting what was sold in the last seven days and not given back, in the background and in small steps."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from opportune.core.catalogue import Catalogue, Sales
from opportune.core.history.values import find_values, to_number, to_text
from opportune.core.moment import DAY, MINUTE
from opportune.services.catalogue.cataloguing import SALES, refresh_catalogue
from opportune.services.house import House
from opportune.services.preparing import plan_of
from opportune.storage.base import StoredEvent

ORDER = "Order Completed"
REFUND = "Order Refunded"
CANCELLATION = "Order Cancelled"
WINDOW_MS = 7 * DAY
EVERY_MS = 10 * MINUTE
STEP = 200
MOST_ORDERS = 100_000
"""Of a week; a shop that has more hears of the newest."""
MOST_PRODUCTS = 5_000
SMALLEST_SUM = 0.01
MOST_PIECES = 1_000
"""Of one line of one order: nobody's order is larger, whoever sent it."""

Properties = Mapping[str, Any]

_decode = msgspec.json.Decoder().decode


def is_due(house: House) -> bool:
    """Whether the last count is old enough, and there is anything to be sold."""
    return bool(len(house.catalogue)) and house.clock() - house.catalogue.sales.counted_at >= EVERY_MS


def count_sales(house: House, *, may_go_on: Callable[[], bool] = lambda: True) -> bool:
    """Counts the week anew when the last count is old enough; whether it did."""
    if not is_due(house):
        return False
    now = house.clock()
    returns: defaultdict[str, _Return] = defaultdict(_Return)
    for event in (CANCELLATION, REFUND):
        for page in _pages(house, event, now):
            for back in map(_properties_of, page):
                returns[to_text(back.get("order_id"), 200) or ""].add(
                    back, house.catalogue, is_whole=event == CANCELLATION
                )
            if not may_go_on():
                return False
    pieces: Counter[str] = Counter()
    for page in _pages(house, ORDER, now):
        for order in map(_properties_of, page):
            returned = returns.get(to_text(order.get("order_id"), 200) or "-")
            sold = _lines(order, house.catalogue)
            pieces.update(sold if returned is None else returned.left_of(order, sold))
        if not may_go_on():
            return False
    counted = {product: count for product, count in pieces.most_common(MOST_PRODUCTS) if count > 0}
    text = msgspec.json.encode(Sales(now, counted)).decode()
    house.storage.write(lambda transaction: transaction.put_setting(SALES, text)).result()
    refresh_catalogue(house)
    return True


class _Return:
    """What came back of one order: lines that a refund names, or all of it."""

    def __init__(self) -> None:
        self._pieces: Counter[str] = Counter()
        self._worth = 0.0
        self._is_whole = False

    def add(self, back: Properties, catalogue: Catalogue, *, is_whole: bool) -> None:
        """A refund that names neither lines nor a sum is one of everything, as Segment has it."""
        lines = _lines(back, catalogue)
        worth = _worth(back)
        self._pieces.update(lines)
        self._worth += worth or 0.0
        self._is_whole = self._is_whole or is_whole or not (lines or worth)

    def left_of(self, order: Properties, sold: Counter[str]) -> Counter[str]:
        """A sum without lines tells of no product, unless it is the whole order's."""
        worth = _worth(order)
        if self._is_whole or (worth and self._worth >= worth - SMALLEST_SUM / 2):
            return Counter()
        return sold - self._pieces


def _pages(house: House, event: str, now: int) -> Iterator[list[StoredEvent]]:
    for name in plan_of(house).names_of(event):
        after, seen = (now - WINDOW_MS, -1), 0
        while seen < MOST_ORDERS:
            page = house.storage.list_key_events(name, after=after, until_at=now, limit=STEP)
            if not page:
                break
            yield page
            seen += len(page)
            after = (page[-1].occurred_at, page[-1].seq)


def _properties_of(event: StoredEvent) -> Properties:
    body: Any = _decode(event.body)
    properties = body.get("properties") if isinstance(body, dict) else None
    return properties if isinstance(properties, dict) else {}


def _worth(properties: Properties) -> float | None:
    """Of goods; what has no such sum, of everything."""
    revenue = to_number(properties.get("revenue"))
    return to_number(properties.get("total")) if revenue is None else revenue


def _lines(properties: Properties, catalogue: Catalogue) -> Counter[str]:
    """Each product of an order by its id in the catalogue, with its pieces."""
    sums: Counter[str] = Counter()
    for line in find_values(properties, (("products", "*"),)) or [properties]:
        if isinstance(line, dict) and (named := _product_of(line)):
            product = catalogue.find(named)
            quantity = to_number(line.get("quantity"))
            sums[product.id if product is not None else named] += _whole(quantity)
    return sums


def _product_of(line: Properties) -> str:
    return to_text(line.get("product_id"), 120) or to_text(line.get("sku"), 120) or ""


def _whole(quantity: int | float | None) -> int:
    return min(max(int(quantity), 0), MOST_PIECES) if quantity is not None else 1
