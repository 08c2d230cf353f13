"""The shop's events in Segment's spec: plain dictionaries, as any Segment library would send them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from opportune.demo.catalogue import CURRENCY, PRODUCTS, Product
from opportune.demo.guest import Guest


def track(guest: Guest, event: str, properties: Mapping[str, Any], url: str = "") -> dict[str, Any]:
    """Something this visitor did, now."""
    return {**_message(guest, url), "type": "track", "event": event, "properties": dict(properties)}


def identify(guest: Guest, traits: Mapping[str, Any]) -> dict[str, Any]:
    """Who this device belongs to; joins its history to the customer's."""
    return {**_message(guest, ""), "type": "identify", "traits": dict(traits)}


def product_facts(product: Product, quantity: int = 1) -> dict[str, Any]:
    """A product as Segment's e-commerce spec writes it; prices in euros."""
    return {
        "product_id": product.id,
        "name": product.name,
        "category": product.category,
        "price": product.price / 100,
        "quantity": quantity,
        "currency": CURRENCY,
        "url": product.url,
    }


def cart_facts(cart: Mapping[str, int]) -> dict[str, Any]:
    """A cart or an order: its products and what they cost together."""
    lines = [(PRODUCTS[product], count) for product, count in cart.items()]
    total = sum(product.price * count for product, count in lines) / 100
    products = [product_facts(product, count) for product, count in lines]
    return {"total": total, "value": total, "currency": CURRENCY, "products": products}


def _message(guest: Guest, url: str) -> dict[str, Any]:
    context: dict[str, Any] = {"library": {"name": "tarn-and-thistle", "version": "1"}}
    if url:
        context["page"] = {"url": url}
    message = {
        "messageId": uuid4().hex,
        "anonymousId": guest.device,
        "timestamp": datetime.now(UTC).isoformat(),
        "context": context,
    }
    return {**message, "userId": guest.customer} if guest.customer else message
