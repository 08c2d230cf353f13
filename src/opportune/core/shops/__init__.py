"""Shops whose signed webhooks are understood: one file each, listed here."""

from __future__ import annotations

from opportune.core.shops.base import Shop, Told, Webhook
from opportune.core.shops.shopify import Shopify
from opportune.core.shops.woocommerce import WooCommerce

SHOPS: tuple[Shop, ...] = (Shopify(), WooCommerce())

__all__ = ["SHOPS", "Shop", "Told", "Webhook", "find_shop"]


def find_shop(platform: str) -> Shop | None:
    return next((shop for shop in SHOPS if shop.platform == platform), None)
