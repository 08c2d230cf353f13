"""The shop's catalogue, and what it recommends."""

from __future__ import annotations

from typing import Any

import msgspec

from opportune.core.feeds.taking import Taken
from opportune.core.product import Product
from opportune.errors import NotFoundError
from opportune.process.commands.plain import Result, plain
from opportune.process.feeding import fetch_feed
from opportune.services.catalogue import feeding, recommending
from opportune.services.catalogue.cataloguing import refresh_catalogue
from opportune.services.house import House


def status(house: House) -> Result:
    catalogue = house.catalogue
    return {
        "products": len(catalogue),
        "in_stock": sum(product.in_stock for product in catalogue.list_products()),
        "sources": [plain(state) for state in feeding.list_states(house.storage)],
        "pages": plain(feeding.match_pages(house)),
        "sold_counted_at": catalogue.sales.counted_at,
        "facts_last": house.programme.playbook.team.facts_last,
        "now": house.clock(),
    }


def show(house: House, *, product: str) -> Result:
    refresh_catalogue(house)
    found = house.catalogue.find(product) or house.catalogue.find_on_page(product)
    if found is None:
        raise NotFoundError(what=f"The product {product!r}")
    sold = house.catalogue.sales.pieces.get(found.id, 0)
    known_at = house.catalogue.known_at(found)
    return {**plain(found), "known_at": known_at, "sold_this_week": sold, "now": house.clock()}


def put(house: House, *, products: list[dict[str, Any]]) -> Result:
    return {"changed": feeding.put_page(house, msgspec.convert(products, list[Product]))}


def finish(house: House, *, taken: dict[str, Any], changed: int) -> Result:
    return plain(feeding.finish_feed(house, msgspec.convert(taken, Taken), changed))


def fetch(house: House, *, url: str) -> Result:
    return plain(fetch_feed(house, url))


def rebuild_recommendations(house: House) -> Result:
    return plain(recommending.recount(house))
