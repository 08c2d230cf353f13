"""Counting what was sold in the last seven days, from the orders themselves, in the background and in small steps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from opportune.core.catalogue import Catalogue, Sales
from opportune.core.history.values import find_values, to_number, to_text
from opportune.core.moment import DAY, MINUTE
from opportune.services.cataloguing import SALES, refresh_catalogue
from opportune.services.house import House
from opportune.services.preparing import plan_of
from opportune.storage.base import StoredEvent

ORDER = "Order Completed"
WINDOW_MS = 7 * DAY
EVERY_MS = 10 * MINUTE
STEP = 200
MOST_ORDERS = 100_000
"""Of a week; a shop that has more hears of the newest."""
MOST_PRODUCTS = 5_000
MOST_PIECES = 1_000
"""Of one line of one order: nobody's order is larger, whoever sent it."""

_decode = msgspec.json.Decoder().decode


def is_due(house: House) -> bool:
    """Whether the last count is old enough, and there is anything to be sold."""
    return bool(len(house.catalogue)) and house.clock() - house.catalogue.sales.counted_at >= EVERY_MS


def count_sales(house: House, *, may_go_on: Callable[[], bool] = lambda: True) -> bool:
    """Counts the week anew when the last count is old enough; whether it did."""
    if not is_due(house):
        return False
    now = house.clock()
    pieces: Counter[str] = Counter()
    for page in _pages(house, now):
        for order in page:
            pieces.update(dict(_lines(order, house.catalogue)))
        if not may_go_on():
            return False
    counted = {product: count for product, count in pieces.most_common(MOST_PRODUCTS) if count > 0}
    text = msgspec.json.encode(Sales(now, counted)).decode()
    house.storage.write(lambda transaction: transaction.put_setting(SALES, text)).result()
    refresh_catalogue(house)
    return True


def _pages(house: House, now: int) -> Iterator[list[StoredEvent]]:
    names = plan_of(house).names_of(ORDER)
    for name in names:
        after, seen = (now - WINDOW_MS, -1), 0
        while seen < MOST_ORDERS:
            page = house.storage.list_key_events(name, after=after, until_at=now, limit=STEP)
            if not page:
                break
            yield page
            seen += len(page)
            after = (page[-1].occurred_at, page[-1].seq)


def _lines(order: StoredEvent, catalogue: Catalogue) -> Iterator[tuple[str, int]]:
    """Each product of an order by its id in the catalogue, with its pieces."""
    body: Any = _decode(order.body)
    properties = body.get("properties") if isinstance(body, dict) else None
    if not isinstance(properties, dict):
        return
    sums: Counter[str] = Counter()
    for line in find_values(properties, (("products", "*"),)) or [properties]:
        if isinstance(line, dict) and (named := _product_of(line)):
            product = catalogue.find(named)
            quantity = to_number(line.get("quantity"))
            sums[product.id if product is not None else named] += _whole(quantity)
    yield from sums.items()


def _product_of(line: Mapping[str, object]) -> str:
    return to_text(line.get("product_id"), 120) or to_text(line.get("sku"), 120) or ""


def _whole(quantity: int | float | None) -> int:
    return min(max(int(quantity), 0), MOST_PIECES) if quantity is not None else 1
