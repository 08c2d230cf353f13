"""A tag manager's data layer, in our words: GA4's e-commerce events and Universal Analytics' before them.

The page script passes on what a shop says there as `data_layer/view_item` and so on, with the fields it said; here
it becomes Segment's events and properties. What has no counterpart is nobody's business and left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeGuard

Fields = Mapping[str, Any]

PREFIX = "data_layer/"
MOST_ITEMS = 50
MOST_EACH = 20

EVENTS: Mapping[str, str] = {
    "view_item": "Product Viewed",
    "select_item": "Product Clicked",
    "view_item_list": "Product List Viewed",
    "add_to_cart": "Product Added",
    "remove_from_cart": "Product Removed",
    "add_to_wishlist": "Product Added to Wishlist",
    "view_cart": "Cart Viewed",
    "begin_checkout": "Checkout Started",
    "add_shipping_info": "Checkout Step Completed",
    "add_payment_info": "Payment Info Entered",
    "purchase": "Order Completed",
    "refund": "Order Refunded",
    "search": "Products Searched",
    "view_search_results": "Products Searched",
    "sign_up": "Signed Up",
    "login": "Signed In",
    "generate_lead": "Lead Generated",
}
"""GA4's name, and ours."""
FORMER: Mapping[str, str] = {
    "detail": "view_item",
    "click": "select_item",
    "impressions": "view_item_list",
    "add": "add_to_cart",
    "remove": "remove_from_cart",
    "checkout": "begin_checkout",
    "purchase": "purchase",
    "refund": "refund",
}
"""What Universal Analytics called it, and GA4's name."""
FIRST_ONLY = frozenset({"view_item", "select_item"})
EACH = FIRST_ONLY | {"add_to_cart", "remove_from_cart", "add_to_wishlist"}
"""Said of one product at a time; the others tell of all of them together."""

FIELDS: Mapping[str, str] = {
    "transaction_id": "order_id",
    "value": "value",
    "currency": "currency",
    "coupon": "coupon",
    "tax": "tax",
    "shipping": "shipping",
    "search_term": "query",
    "item_list_id": "list_id",
    "method": "method",
    "payment_type": "payment_method",
    "shipping_tier": "shipping_method",
    "lead_source": "lead_source",
}
ITEM_FIELDS: Mapping[str, tuple[str, ...]] = {
    "product_id": ("item_id", "id", "item_name", "name"),
    "name": ("item_name", "name"),
    "category": ("item_category", "category"),
    "brand": ("item_brand", "brand"),
    "variant": ("item_variant", "variant"),
    "price": ("price",),
    "quantity": ("quantity",),
    "coupon": ("coupon",),
}
"""Our property of a product, and the names it has there, the better first."""


def is_data_layer(message: object) -> TypeGuard[Fields]:
    """Whether it is something a page's data layer said, as the page script passes it on."""
    event = message.get("event") if isinstance(message, Mapping) else None
    return isinstance(event, str) and event.startswith(PREFIX)


def from_data_layer(message: Fields) -> list[dict[str, Any]]:
    """The same as messages in Segment's spec: none where it has no counterpart, several for several products."""
    said = message.get("properties")
    found: list[tuple[str, dict[str, Any]]] = []
    if isinstance(said, Mapping):
        for event, given in _steps(str(message["event"]).removeprefix(PREFIX), said):
            found += [(EVENTS[event], properties) for properties in _properties(event, given)]
    own_id = message.get("messageId")
    return [
        {
            **message,
            "event": name,
            "properties": properties,
            **({"messageId": f"{own_id}/{place}"} if own_id and place else {}),
        }
        for place, (name, properties) in enumerate(found)
    ]


def _steps(event: str, said: Fields) -> Iterator[tuple[str, Fields]]:
    """GA4's event with its fields, or what Universal Analytics said, put as GA4 would."""
    former = [kind for kind in FORMER if isinstance(said.get(kind), Mapping | list)]
    if not former and event in EVENTS:
        yield event, said
    for kind in former:
        told = said[kind]
        field = told.get("actionField") if isinstance(told, Mapping) else None
        field = field if isinstance(field, Mapping) else {}
        if kind == "checkout" and str(field.get("step", 1)) != "1":
            continue
        items = told.get("products") if isinstance(told, Mapping) else told
        yield (
            FORMER[kind],
            {
                **field,
                "transaction_id": field.get("id"),
                "value": field.get("revenue"),
                "currency": said.get("currencyCode"),
                "items": items,
            },
        )


def _properties(event: str, given: Fields) -> Iterator[dict[str, Any]]:
    """What each of the messages says."""
    items = given.get("items")
    products = [_product(item) for item in _some(items, MOST_ITEMS) if isinstance(item, Mapping)]
    common = {ours: given[theirs] for theirs, ours in FIELDS.items() if given.get(theirs) is not None}
    if event in EACH:
        alone = {} if len(products) > 1 else common
        for product in products[: 1 if event in FIRST_ONLY else MOST_EACH]:
            yield {**alone, **({"currency": common["currency"]} if "currency" in common else {}), **product}
        return
    if products:
        common["products"] = products
        categories = {product.get("category") for product in products}
        if len(categories) == 1 and None not in categories:
            common["category"] = products[0]["category"]
        lists = (item.get("item_list_id") for item in _some(items, 1) if isinstance(item, Mapping))
        if (list_id := next(lists, None)) is not None:
            common.setdefault("list_id", list_id)
    yield common


def _product(item: Fields) -> dict[str, Any]:
    found = {}
    for ours, theirs in ITEM_FIELDS.items():
        value = next((item[name] for name in theirs if item.get(name) not in (None, "")), None)
        if value is not None:
            found[ours] = value
    return found


def _some(items: object, most: int) -> Sequence[Any]:
    return items[:most] if isinstance(items, list) else ()
