"""The places the shop lets Opportune fill, with what the shop shows by itself.

These defaults are the last safety net: they are what a page shows when no answer came in time.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

DEFAULTS: Mapping[str, Any] = {
    "home-hero": {
        "headline": "Made for the long way round",
        "text": "Clothes and kit for hills, harbours and everything between.",
        "cta": "See what is new",
        "link": "/new",
        "image": "/pictures/hero.svg",
    },
    "home-products": None,
    "goes-well-with": None,
    "offer-bar": None,
    "signup-banner": None,
    "product-offer": None,
    "trust-message": {"headline": "", "text": "Returns are free for 30 days."},
    "cart-upsell": None,
    "free-shipping-threshold": 50,
    "new-checkout": False,
}

TITLES: Mapping[str, str] = {
    "home-hero": "The big picture on the front page",
    "home-products": "Products on the front page",
    "goes-well-with": "What goes well with a product",
    "offer-bar": "The line at the very top",
    "signup-banner": "The invitation to our letter",
    "product-offer": "The discount beside the price",
    "trust-message": "The promise near the button",
    "cart-upsell": "One more thing in the cart",
    "free-shipping-threshold": "From when shipping is free",
    "new-checkout": "The one-page checkout",
}

PLACES: Mapping[str, tuple[str, ...]] = {
    "home": ("home-hero", "home-products", "offer-bar", "signup-banner"),
    "category": ("offer-bar", "signup-banner"),
    "search": ("offer-bar", "signup-banner"),
    "product": ("product-offer", "trust-message", "goes-well-with", "offer-bar", "signup-banner"),
    "cart": ("cart-upsell", "free-shipping-threshold", "trust-message", "offer-bar"),
    "checkout": ("new-checkout", "free-shipping-threshold", "trust-message"),
    "thank-you": ("signup-banner",),
    "help": ("offer-bar", "signup-banner"),
    "shipping": ("free-shipping-threshold", "offer-bar"),
    "returns": ("offer-bar",),
    "account": ("offer-bar",),
    "other": ("offer-bar",),
}
"""By kind of page: the places on it, the most telling one first."""


def defaults_of(page_type: str) -> dict[str, Any]:
    return {slot: DEFAULTS[slot] for slot in PLACES[page_type]}
