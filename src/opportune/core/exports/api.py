"""Shops' REST APIs: where lists begin, who may read them, which page is next, and what their objects mean."""

from __future__ import annotations

import base64
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from opportune.core.exports.base import Kind
from opportune.core.feeds.offer import Offer, price_of
from opportune.core.history.values import to_text
from opportune.core.shops import Told, Webhook
from opportune.core.shops.base import part, parts, text
from opportune.core.shops.shopify import Shopify
from opportune.core.shops.woocommerce import WooCommerce

Object = Mapping[str, Any]
SHOPIFY_VERSION = "2025-01"
_NEXT = re.compile(r"<([^>]+)>;\s*rel=\"?next\"?", re.IGNORECASE)


class Api(ABC):
    """One platform's. Lists are asked for oldest first."""

    platform: ClassVar[str]
    label: ClassVar[str]
    known_by: ClassVar[str]
    """How its tokens begin."""

    @abstractmethod
    def first(self, kind: Kind) -> str:
        """Path and query of the first page."""

    @abstractmethod
    def headers(self, token: str) -> Mapping[str, str]: ...

    @abstractmethod
    def objects(self, kind: Kind, answer: object) -> list[Object]: ...

    @abstractmethod
    def tell(self, kind: Kind, found: Object, prefix: str = "") -> Told: ...

    @abstractmethod
    def offer(self, found: Object) -> Offer: ...

    def next_page(self, url: str, headers: Mapping[str, str]) -> str:  # noqa: ARG002 - some count their pages
        """The whole address of the page after this one; empty when it was the last."""
        found = _NEXT.search(headers.get("link", ""))
        return found[1] if found is not None else ""


class ShopifyApi(Api):
    platform: ClassVar[str] = "shopify"
    label: ClassVar[str] = "Shopify"
    known_by: ClassVar[str] = "shp"
    lists: ClassVar[Mapping[Kind, str]] = {
        "orders": "orders.json?status=any&limit=250&order=created_at+asc",
        "customers": "customers.json?limit=250",
        "products": "products.json?limit=250",
    }

    def first(self, kind: Kind) -> str:
        return f"/admin/api/{SHOPIFY_VERSION}/{self.lists[kind]}"

    def headers(self, token: str) -> Mapping[str, str]:
        return {"X-Shopify-Access-Token": token}

    def objects(self, kind: Kind, answer: object) -> list[Object]:
        return parts(answer, kind) if isinstance(answer, dict) else []

    def tell(self, kind: Kind, found: Object, prefix: str = "") -> Told:
        topic = "orders/create" if kind == "orders" else "customers/update"
        return Shopify().tell(Webhook(topic=topic, body=found, delivery=_delivery(found), prefix=prefix))

    def offer(self, found: Object) -> Offer:
        variants = parts(found, "variants")
        cheapest = min(variants, key=lambda each: _price(each, "price"), default={})
        before, now = _price(cheapest, "compare_at_price"), _price(cheapest, "price")
        price = {"price": text(cheapest, "price")}
        if before > now:
            price = {"price": text(cheapest, "compare_at_price"), "sale_price": text(cheapest, "price")}
        endless = [each for each in variants if _is_endless(each)]
        left = sum(max(_whole(each.get("inventory_quantity")), 0) for each in variants)
        is_sold = text(found, "status") in ("", "active")
        return {
            "id": text(found, "id"),
            "title": text(found, "title"),
            "link": f"/products/{text(found, 'handle')}" if text(found, "handle") else "",
            "image_link": _long(part(found, "image"), "src"),
            **price,
            "product_type": text(found, "product_type"),
            "brand": text(found, "vendor"),
            "availability": "in stock" if is_sold and (endless or left) else "out of stock",
            **({} if endless else {"quantity": str(left)}),
            "codes": _lines(code for each in variants for code in (text(each, "sku"), text(each, "id")))
            + f"\n{text(found, 'handle')}",
        }


class WooCommerceApi(Api):
    platform: ClassVar[str] = "woocommerce"
    label: ClassVar[str] = "WooCommerce"
    known_by: ClassVar[str] = "ck_"
    lists: ClassVar[Mapping[Kind, str]] = {
        "orders": "orders?per_page=100&page=1&orderby=date&order=asc",
        "customers": "customers?per_page=100&page=1&orderby=id&order=asc&role=all",
        "products": "products?per_page=100&page=1&orderby=id&order=asc",
    }

    def first(self, kind: Kind) -> str:
        return f"/wp-json/wc/v3/{self.lists[kind]}"

    def headers(self, token: str) -> Mapping[str, str]:
        return {"Authorization": f"Basic {base64.b64encode(token.encode()).decode()}"}

    def objects(self, kind: Kind, answer: object) -> list[Object]:  # noqa: ARG002 - its lists have no name
        return [each for each in answer if isinstance(each, dict)] if isinstance(answer, list) else []

    def next_page(self, url: str, headers: Mapping[str, str]) -> str:
        """By its number: proxies in front of WordPress lose the link, or write it with another scheme."""
        parts_ = urlsplit(url)
        query = dict(parse_qsl(parts_.query))
        page, pages = _whole(query.get("page", "1")), _whole(headers.get("x-wp-totalpages", "0"))
        if page >= pages:
            return ""
        return urlunsplit(parts_._replace(query=urlencode({**query, "page": page + 1})))

    def tell(self, kind: Kind, found: Object, prefix: str = "") -> Told:
        topic = "order.updated" if kind == "orders" else "customer.created"
        return WooCommerce().tell(Webhook(topic=topic, body=found, delivery=_delivery(found), prefix=prefix))

    def offer(self, found: Object) -> Offer:
        images, categories = parts(found, "images"), parts(found, "categories")
        price, regular = text(found, "price"), text(found, "regular_price")
        is_sold = text(found, "status") in ("", "publish")
        stock = text(found, "stock_quantity")
        variations = found.get("variations")
        return {
            "id": text(found, "id"),
            "title": text(found, "name"),
            "link": _long(found, "permalink"),
            "image_link": _long(images[0], "src") if images else "",
            "price": regular or price,
            "sale_price": text(found, "sale_price"),
            "product_type": text(categories[0], "name") if categories else "",
            "availability": "in stock"
            if is_sold and text(found, "stock_status") != "outofstock"
            else "out of stock",
            **({"quantity": stock} if stock else {}),
            "rating": text(found, "average_rating") if _whole(found.get("rating_count")) else "",
            "ratings": text(found, "rating_count"),
            "codes": _lines(
                [text(found, "sku"), *(str(each) for each in variations)]
                if isinstance(variations, list)
                else [text(found, "sku")]
            ),
        }


APIS: tuple[Api, ...] = (ShopifyApi(), WooCommerceApi())


def api_of(url: str, token: str, platform: str = "") -> Api | None:
    """By name, else by what the token or the address looks like."""
    host = urlsplit(url).hostname or ""
    for api in APIS:
        if platform:
            if api.platform == platform:
                return api
        elif token.startswith(api.known_by) or (
            host.endswith(".myshopify.com") and api.platform == "shopify"
        ):
            return api
    return None


def _delivery(found: Object) -> str:
    """The same while the object is."""
    changed = text(
        found, "updated_at", "date_modified_gmt", "date_modified", "created_at", "date_created_gmt"
    )
    return f"api-{text(found, 'id')}-{changed}"


def _is_endless(variant: Object) -> bool:
    return not variant.get("inventory_management") or text(variant, "inventory_policy") == "continue"


def _price(variant: Object, name: str) -> float:
    read = price_of(text(variant, name))
    return float(read[0]) if read is not None else 0.0


def _whole(value: object) -> int:
    try:
        return int(str(value))
    except ValueError:
        return 0


def _long(found: Object, name: str) -> str:
    return to_text(found.get(name), 2_000) or ""


def _lines(codes: Sequence[str] | Any) -> str:
    return "\n".join(code for code in codes if code)
