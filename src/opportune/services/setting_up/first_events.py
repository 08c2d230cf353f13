"""The first event of each kind, with what it said: proof that the shop and we mean the same thing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from opportune.core.content import say_money
from opportune.core.history.values import to_minor_units
from opportune.services.setting_up.looked import ORDER, Looked, Recent
from opportune.services.setting_up.step import Step

GROUP = "First events"
NAMED_BY_PAGE = (
    "Open a product and stay two seconds. Nothing? Then its page names the product neither in a data layer nor for "
    "search engines, and has to say opportune.track('Product Viewed', {product_id: '3', name: 'Trail shoe 3'})."
)


def _product(said: Mapping[str, Any]) -> str:
    return _first(said, "name", "title", "product_id", "sku", "id")


def _query(said: Mapping[str, Any]) -> str:
    query = _first(said, "query", "search", "keyword")
    return f"“{query}”" if query else ""


def _order(said: Mapping[str, Any]) -> str:
    parts = (f"order {_first(said, 'order_id')}", _money(said))
    return ", ".join(part for part in parts if part.strip() not in ("", "order"))


def _money(said: Mapping[str, Any]) -> str:
    """As on a price tag, or as it was told where that is no money."""
    told, currency = _first(said, "total", "revenue", "value"), _first(said, "currency")
    minor = to_minor_units(told, currency) if currency else None
    return say_money(minor, currency) if minor is not None else f"{told} {currency}".strip()


def _first(said: Mapping[str, Any], *names: str) -> str:
    for name in names:
        value = said.get(name)
        if isinstance(value, str | int | float) and not isinstance(value, bool) and str(value):
            return str(value)[:80]
    return ""


KINDS: tuple[tuple[str, str, Callable[[Recent], str], str], ...] = (
    ("Page Viewed", "page view", lambda event: event.path or event.url, "Open any page of the shop."),
    (
        "Product Viewed",
        "product view",
        lambda event: _product(event.properties),
        NAMED_BY_PAGE,
    ),
    (
        "Products Searched",
        "search",
        lambda event: _query(event.properties),
        "Search for something in the shop.",
    ),
    (
        "Product Added",
        "add to cart",
        lambda event: _product(event.properties),
        "Put something into the cart.",
    ),
    (
        ORDER,
        "order",
        lambda event: _order(event.properties),
        "Place a test order; the shop's webhook or its thank-you page tells of it.",
    ),
)


def _first_of(looked: Looked, *, name: str, words: str, content: Callable[[Recent], str], fix: str) -> Step:
    seen, newest = looked.seen_of(name), looked.newest(name)
    title = f"The first {words}"
    if seen is None:
        return Step(
            name=words,
            group=GROUP,
            title=title,
            state="waiting",
            seen=f"Waiting for your first {words}",
            fix=fix,
        )
    first, last, count = seen
    said = content(newest) if newest is not None else ""
    detail = f", {said}" if said else ""
    text = f"Got it, {looked.when(newest.at if newest is not None else last)}{detail}"
    if count > 1:
        text += f" (the last of {count:,}; first {looked.when(first)})"
    return Step(name=words, group=GROUP, title=title, state="done", seen=text)


STEPS = tuple(
    partial(_first_of, name=name, words=words, content=content, fix=fix)
    for name, words, content, fix in KINDS
)
