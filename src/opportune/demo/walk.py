"""A walk of one made-up visitor through the shop: a page after the other, and what each says, as Segment messages."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any

from opportune.demo.catalogue import CURRENCY, Product

SITE = "https://shop.tarn-and-thistle.example"
SECOND = 1_000
ADDING = 0.09
"""How many of the products they look at go into the cart, where nothing moves them."""

Message = dict[str, Any]
Said = tuple[int, Message]
"""A message and its moment."""


@dataclass(slots=True)
class Person:
    """One made-up visitor, as the shop would come to know them.

    What they do comes from dice of their own, so that nobody's day depends on what others were shown.
    """

    device: str
    agent: str
    taste: str
    random: Random = field(default_factory=Random)
    other_device: str = ""
    other_agent: str = ""
    user: str = ""
    is_subscribed: bool = False
    cart: list[Product] = field(default_factory=list)
    orders: list[tuple[str, list[Product]]] = field(default_factory=list)


@dataclass(slots=True)
class Walk:
    """One visit being written: where its clock stands and what it has said so far."""

    person: Person
    device: str
    agent: str
    at: int
    referrer: str
    campaign: dict[str, str]
    is_other: bool = False
    """On the second device."""
    adding: float = ADDING
    path: str = "/"
    pages: int = 0
    said: list[Said] = field(default_factory=list)

    def take_said(self) -> list[Said]:
        """What was said since this was asked last."""
        said, self.said = self.said, []
        return said

    def wait(self, seconds: int) -> None:
        self.at += seconds * SECOND

    def open(self, path: str, page_type: str, **about: str) -> None:
        """A page, as the page script reports it."""
        is_first = not self.pages
        self.pages += 1
        address = SITE + path
        if is_first and self.campaign:
            tags = "&".join(
                f"utm_{'campaign' if name == 'name' else name}={value}"
                for name, value in self.campaign.items()
            )
            address += f"?{tags}"
        referrer = self.referrer if is_first else SITE + self.path
        self.path = path
        page = {"url": address, "path": path.split("?", 1)[0], "referrer": referrer}
        message = self._message("page", page)
        message["properties"] = {**page, "page_type": page_type, **about}
        if is_first and self.campaign:
            message["context"]["campaign"] = self.campaign
        self.said.append((self.at, message))

    def look_at(self, product: Product) -> None:
        self.open(product.url, "product", category=product.category, product_id=product.id)
        self.say("Product Viewed", facts_of(product))

    def say(self, event: str, properties: dict[str, Any]) -> None:
        self.at += 40
        message = self._message("track", {"path": self.path.split("?")[0], "url": SITE + self.path})
        message["event"] = event
        message["properties"] = properties
        self.said.append((self.at, message))

    def identify(self, **traits: Any) -> None:
        self.at += 40
        message = self._message("identify", {"path": self.path.split("?")[0], "url": SITE + self.path})
        user = self.person.user
        message["userId"] = user
        message["traits"] = {"email": f"{user}@post.example", **traits}
        self.said.append((self.at, message))

    def _message(self, kind: str, page: dict[str, str]) -> Message:
        return {
            "type": kind,
            "messageId": f"past-{self.device}-{self.at}-{len(self.said)}",
            "anonymousId": self.device,
            "timestamp": _iso(self.at),
            "context": {"page": page, "userAgent": self.agent, "library": {"name": "o.js", "version": "1"}},
        }


def facts_of(product: Product) -> dict[str, Any]:
    return {
        "product_id": product.id,
        "name": product.name,
        "category": product.category,
        "price": product.price / 100,
        "currency": CURRENCY,
    }


def cart_of(products: list[Product]) -> dict[str, Any]:
    total = sum(product.price for product in products) / 100
    lines = [{**facts_of(product), "quantity": 1} for product in products]
    return {"total": total, "value": total, "currency": CURRENCY, "products": lines}


def _iso(at: int) -> str:
    return datetime.fromtimestamp(at / SECOND, UTC).isoformat(timespec="milliseconds")
