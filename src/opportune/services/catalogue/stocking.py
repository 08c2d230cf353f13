"""Stocking: one product that a shop's webhook told of, put into the catalogue beside what feeds say of it.

A webhook knows name, prices, stock and pictures. What it does not know (margin, ratings, the whole path of categories)
stays as a feed or an import said it.
"""

from __future__ import annotations

import msgspec

from opportune.core.exports.api import APIS
from opportune.core.feeds.offer import read_offer
from opportune.core.history.event import Unfit
from opportune.core.product import Product
from opportune.core.shops.base import Shop, Webhook, text
from opportune.services.catalogue.feeding import currency_of, put_page
from opportune.services.hearing import Heard
from opportune.services.house import House


def hear_product(house: House, shop: Shop, webhook: Webhook) -> Heard:
    """Takes a product in, or out of stock when it is gone. Waits for the store."""
    identifier = text(webhook.body, "id")
    known = next(iter(house.storage.find_products([identifier])), None) if identifier else None
    if webhook.topic in shop.gone_topics:
        return _gone(house, known)
    api = next(api for api in APIS if api.platform == shop.platform)
    product = read_offer(
        api.offer(webhook.body), currency=currency_of(house), source=shop.platform, at=house.clock()
    )
    if isinstance(product, Unfit):
        return Heard(ignored=product.reason)
    changed = put_page(house, [_beside(product, known)])
    return Heard(accepted=changed, duplicate=1 - changed)


def _gone(house: House, known: Product | None) -> Heard:
    if known is None:
        return Heard(ignored="the product is not in the catalogue")
    gone = msgspec.structs.replace(known, in_stock=False, stock=None, updated_at=house.clock())
    changed = put_page(house, [gone])
    return Heard(accepted=changed, duplicate=1 - changed)


def _beside(product: Product, known: Product | None) -> Product:
    if known is None:
        return product
    return msgspec.structs.replace(
        product,
        category_path=known.category_path or product.category_path,
        margin=known.margin if known.current_price == product.current_price else product.margin,
        rating=known.rating if product.rating is None else product.rating,
        ratings=known.ratings if product.ratings is None else product.ratings,
        codes=tuple(dict.fromkeys((*product.codes, *known.codes))),
        source=known.source or product.source,
    )
